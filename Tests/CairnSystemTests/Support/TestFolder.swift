// A folder of a test's own, and what a test asks of files.

import CairnSystem
import Foundation

/// A new empty folder that is removed with the object.
final class TestFolder {
  let path: String

  init() throws {
    // Without symbolic links, as the library reports paths.
    let base = URL(filePath: NSTemporaryDirectory()).resolvingSymlinksInPath()
    let url = base.appending(path: "cairn-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { path + "/" + name }

  @discardableResult
  func write(_ text: String, to name: String, mode: Int = 0o644) throws -> String {
    let path = file(name)
    try Data(text.utf8).write(to: URL(filePath: path))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    return path
  }

  func link(_ name: String, to target: String) throws {
    try FileManager.default.createSymbolicLink(atPath: file(name), withDestinationPath: target)
  }

  func text(_ name: String) -> String? {
    FileManager.default.contents(atPath: file(name)).map { String(decoding: $0, as: UTF8.self) }
  }

  func mode(_ name: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: file(name))[.posixPermissions] as? Int
  }

  /// The names in the folder, sorted.
  func names(in part: String = "") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: part.isEmpty ? path : file(part)).sorted()
  }
}

/// The code of the error that `body` throws, or nil.
func code(_ body: () throws -> Void) -> CairnError.Code? {
  do {
    try body()
    return nil
  } catch {
    return (error as? CairnError)?.code
  }
}

/// Saves `text` in one piece.
func save(
  _ text: String, to path: String, replacing: Bool = true,
  durability: Durability = .synchronized, files: any FileSystem = SystemFileSystem()
) throws(CairnError) {
  let file = try AtomicFile(path: path, replacing: replacing, durability: durability, files: files)
  let bytes = Array(text.utf8)
  try file.append(bytes.span)
  try file.commit()
}
