// Files that are proven before they take their places.

import CairnSystem
import CairnTestSupport
import Foundation
import Testing

@Suite struct StagedFilesTests {
  private let folder: TestFolder
  init() throws { folder = try TestFolder() }

  private func text(_ path: String, _ files: any FileSystem) throws -> String {
    let file = try FileBytes(path: path, files: files)
    return String(decoding: try file.withBytes(in: 0..<file.count) { $0.array }, as: UTF8.self)
  }

  @Test func `A proof sees the new file where the old one still is`() throws {
    let path = folder.file("a")
    try "old".write(toFile: path, atomically: false, encoding: .utf8)
    try folder.link("link", to: "a")
    let link = folder.file("link")
    let seen = Lock<[String]>([])
    let file = try AtomicFile(path: link) { (files) throws(CairnError) in
      for place in [path, link] {
        let new = (try? text(place, files)) ?? "?"
        let old = (try? text(place, SystemFileSystem())) ?? "?"
        seen.withLock { $0 += [new, old] }
      }
    }
    try file.append([UInt8]("new".utf8).span)
    try file.commit()
    #expect(seen.withLock { $0 } == ["new", "old", "new", "old"])
    #expect(try text(path, SystemFileSystem()) == "new")
  }

  @Test func `What a proof refuses never gets into its place`() throws {
    let path = folder.file("a")
    try "old".write(toFile: path, atomically: false, encoding: .utf8)
    let file = try AtomicFile(path: path) { (_) throws(CairnError) in
      throw CairnError(.invalidArgument, "no")
    }
    try file.append([1].span)
    #expect(throws: CairnError.self) { try file.commit() }
    #expect(try text(path, SystemFileSystem()) == "old")
    #expect(try folder.names() == ["a"])
  }
}
