// A folder of a test's own.

import Foundation

/// A new empty folder that is removed with the object.
package final class TestFolder: Sendable {
  package let path: String

  package init() throws {
    // Without symbolic links, as the library reports paths.
    let base = URL(filePath: NSTemporaryDirectory()).resolvingSymlinksInPath()
    path = base.appending(path: "cairn-tests-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The path of a file in the folder; an absolute one stays what it is.
  package func file(_ name: String) -> String { name.hasPrefix("/") ? name : path + "/" + name }

  /// Everything in the folder or in a part of it, hidden files included, sorted.
  package func names(in part: String = ".") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: file(part)).sorted()
  }

  package func link(_ name: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: file(name), withDestinationPath: target)
  }
}
