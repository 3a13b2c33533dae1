// What the tests of this target ask of files.

import CairnSystem
import CairnTestSupport
import Foundation

extension TestFolder {
  @discardableResult
  func write(_ text: String, to name: String, mode: Int = 0o644) throws -> String {
    let path = file(name)
    try Data(text.utf8).write(to: URL(filePath: path))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    return path
  }

  func text(_ name: String) -> String? {
    FileManager.default.contents(atPath: file(name)).map { String(decoding: $0, as: UTF8.self) }
  }

  func mode(_ name: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: file(name))[.posixPermissions] as? Int
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
