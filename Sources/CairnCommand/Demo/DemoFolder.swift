// Where the demo's files are made: a folder that goes when the demo ends, unless it is to be kept.

import CairnSystem

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

struct DemoFolder {
  let path: String
  private let isKept: Bool

  /// The folder at `kept`, made if it is not there; or one of its own among the system's temporary
  /// files.
  init(keptAt kept: String?) throws(CairnError) {
    isKept = kept != nil
    // A name of 64 random bits, which must not be taken: nobody can have laid a folder in wait.
    let temporary = FileManager.default.temporaryDirectory.path
    path = kept ?? temporary + "/cairn-demo-" + String(UInt64.random(in: .min ... .max), radix: 16)
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: isKept,
        attributes: isKept ? nil : [.posixPermissions: 0o700])
    } catch {
      throw CairnError(
        .inputOutput, "cannot make the folder for the demo's files: \(error)",
        at: .init(file: path), advice: "Name another with --keep, or set TMPDIR")
    }
  }

  /// The path of a file in the folder.
  func file(_ name: String) -> String { path + "/" + name }

  /// Removes the folder with all in it, unless it is to be kept.
  func remove() {
    if isKept { return }
    // Nothing of worth is in it: a failure leaves temporary files, and is no failure of the demo.
    try? FileManager.default.removeItem(atPath: path)
  }
}
