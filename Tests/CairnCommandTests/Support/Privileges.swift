// What the machine lets a test do; what it does not is skipped, with the reason.

import CairnTestSupport
import Foundation

enum Privileges {
  /// Whether the command can be run as somebody whom permissions bind. They do not bind root, who
  /// has to become somebody else for it.
  static let bindsToPermissions: Bool = {
    guard let copy = try? CommandForEveryone() else { return false }
    return succeeds(loweringWords + [copy.path, "--version"])
  }()

  /// The words in front of a command that run it so.
  static let loweringWords =
    geteuid() == 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"] : []

  /// The words in front of a command that may mount a file system of its own; nil if none can.
  static let mountingWords: [String]? = {
    for words in [["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]] {
      let probe = ["sh", "-c", "mount -t tmpfs -o size=64k none /mnt"]
      if succeeds(words + probe) { return words }
    }
    return nil
  }()

  /// A copy of the command where everybody may run it.
  struct CommandForEveryone {
    private let folder: TestFolder
    var path: String { folder.file("cairn") }

    init() throws {
      folder = try TestFolder()
      try folder.setMode(".", 0o755)
      try FileManager.default.copyItem(atPath: BuiltCommand.path, toPath: folder.file("cairn"))
    }
  }

  private static func succeeds(_ command: [String]) -> Bool {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = command
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }
}
