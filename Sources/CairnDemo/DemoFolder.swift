// The folder for the demo's files. It is removed when the demo ends, unless it is to be kept.

import CairnSystem

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

struct DemoFolder {
  let path: String
  private let isKept: Bool
  /// What is to be removed if the process ends before the end of the demo: the program that reads
  /// its output may go away (`cairn demo | head`).
  private static let left = Lock<[String]>([])

  /// The folder at `kept`, made if it is not there; or a folder of its own among the system's
  /// temporary files.
  init(keptAt kept: String?) throws(CairnError) {
    isKept = kept != nil
    // A name of 64 random bits, which must be free: nobody can have prepared a folder of that name.
    let temporary = FileManager.default.temporaryDirectory.path
    path = kept ?? temporary + "/cairn-demo-" + String(UInt64.random(in: .min ... .max), radix: 16)
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: isKept,
        attributes: isKept ? nil : [.posixPermissions: 0o700])
    } catch {
      throw CairnError(
        .inputOutput, "cannot make the folder for the demo's files", at: .init(file: path),
        advice: "Name another with --keep, or set TMPDIR", cause: error)
    }
    if !isKept {
      let path = path
      Self.left.withLock { $0.append(path) }
      _ = atexit { DemoFolder.removeAll() }
    }
  }

  /// The path of a file in the folder.
  func file(_ name: String) -> String { path + "/" + name }

  /// Removes what the demo has made, unless it is to be kept.
  func remove() { Self.removeAll() }

  private static func removeAll() {
    left.withLock { paths in
      // Nothing valuable is in them. If removing fails, temporary files stay, but the demo has not
      // failed.
      for path in paths { try? FileManager.default.removeItem(atPath: path) }
      paths = []
    }
  }
}
