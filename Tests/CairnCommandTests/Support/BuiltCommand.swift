// Where the executable is that the tests run.

import Foundation

/// The command as the build has left it.
enum BuiltCommand {
  /// The executable: the one that `CAIRN_COMMAND` names, else the one beside the test bundle, which
  /// is where every build puts it, whatever its scratch path and configuration.
  static let path: String = {
    if let named = ProcessInfo.processInfo.environment["CAIRN_COMMAND"] { return named }
    for bundle in bundles {
      var folder = bundle.deletingLastPathComponent()
      // Beside the bundle on Linux; on macOS the running binary lies within it.
      for _ in 0..<4 {
        let candidate = folder.appending(path: "cairn").path
        if FileManager.default.isExecutableFile(atPath: candidate), !isFolder(candidate) {
          return candidate
        }
        folder = folder.deletingLastPathComponent()
      }
    }
    return "the executable 'cairn' is not beside the tests; name it in CAIRN_COMMAND"
  }()

  private static var bundles: [URL] {
    #if os(Linux)
      let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
      return [URL(filePath: own ?? CommandLine.arguments[0])]
    #else
      return Bundle.allBundles.map(\.bundleURL).filter { $0.pathExtension == "xctest" }
    #endif
  }

  private static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }
}
