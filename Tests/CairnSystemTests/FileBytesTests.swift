// Files read by position or mapped, and bytes in memory.

import CairnSystem
import CairnTestSupport
import Foundation
import Testing

@Suite struct FileBytesTests {
  let folder: TestFolder

  init() throws { folder = try TestFolder() }

  private static func read(_ source: any ByteSource, _ count: Int, at offset: Int) throws -> String
  {
    var bytes = [UInt8](repeating: 0, count: count)
    var span = bytes.mutableSpan
    try source.read(at: offset, into: &span)
    return String(decoding: bytes, as: UTF8.self)
  }

  private func sources(_ text: String) throws -> [any ByteSource] {
    let path = try folder.write(text, to: "a")
    return [
      try FileBytes(path: path), try FileBytes(path: path, access: .mapped),
      try FileBytes(path: path, files: FaultyFileSystem(mostAtOnce: 3)),
      try MemoryBytes(Array(text.utf8)),
    ]
  }

  @Test func `every source gives the same bytes at the same place`() throws {
    for source in try sources("0123456789") {
      #expect(source.count == 10)
      #expect(try Self.read(source, 10, at: 0) == "0123456789")
      #expect(try Self.read(source, 4, at: 3) == "3456")
      #expect(try Self.read(source, 0, at: 10) == "")
      let part = try source.withBytes(in: 2..<5) { (bytes) throws(CairnError) in bytes.array }
      #expect(part == Array("234".utf8))
    }
  }

  @Test(arguments: [(11, 0), (1, 10), (0, 11), (1, -1), (1, Int.max), (5, Int.min)])
  func `bytes that are not there are refused`(_ count: Int, _ offset: Int) throws {
    for source in try sources("0123456789") {
      #expect(code { _ = try Self.read(source, count, at: offset) } == .changedWhileReading)
    }
  }

  @Test(arguments: [0..<Int.max, 9..<11, -1..<4, 11..<11])
  func `a range outside the bytes is refused before anything is allocated`(
    _ range: Range<Int>
  ) throws {
    for source in try sources("0123456789") {
      #expect(
        code { try source.withBytes(in: range) { (_) throws(CairnError) in } }
          == .changedWhileReading)
    }
  }

  @Test func `an empty file has no bytes`() throws {
    for source in try sources("") {
      #expect(source.count == 0)
      #expect(try Self.read(source, 0, at: 0) == "")
      #expect(code { _ = try Self.read(source, 1, at: 0) } == .changedWhileReading)
    }
  }

  @Test func `a file that was cut short meanwhile is an error, not a signal`() throws {
    let path = try folder.write("0123456789", to: "a")
    let source = try FileBytes(path: path)
    try folder.write("01234", to: "b")
    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.truncate(atOffset: 5)
    var found: CairnError?
    var bytes = [UInt8](repeating: 0, count: 8)
    do throws(CairnError) {
      var span = bytes.mutableSpan
      try source.read(at: 2, into: &span)
    } catch { found = error }
    #expect(found?.code == .changedWhileReading)
    #expect(found?.location.offset == 5)
    #expect(found?.location.file == path)
  }

  @Test(arguments: [FileAccess.positioned, .mapped])
  func `what is no regular file is refused`(_ access: FileAccess) throws {
    #expect(unsafe mkfifo(folder.file("pipe"), 0o600) == 0)
    for (path, expected) in [
      (folder.path, CairnError.Code.notARegularFile), (folder.file("pipe"), .notARegularFile),
      ("/dev/null", .notARegularFile), (folder.file("missing"), .notFound), ("", .invalidArgument),
      (folder.file("a\0b"), .invalidArgument),
    ] {
      let files = FaultyFileSystem()
      #expect(
        code { _ = try FileBytes(path: path, access: access, files: files) } == expected,
        "\(path)")
      #expect(files.openCount == 0)
    }
  }

  @Test func `every failing call is an error and leaks nothing`() throws {
    let path = try folder.write("0123456789", to: "a")
    var call = 1
    while true {
      let files = FaultyFileSystem(failing: call, with: EIO)
      let found = code {
        let source = try FileBytes(path: path, files: files)
        #expect(try Self.read(source, 10, at: 0) == "0123456789")
      }
      #expect(files.openCount == 0)
      guard files.hasFailed else { break }
      // A file that was only read has nothing to lose when it is closed.
      #expect(found == (files.failedCall == "close" ? nil : .inputOutput))
      call += 1
    }
    #expect(call == 5)
  }

  @Test func `a signal that interrupts open or read is no failure`() throws {
    let path = try folder.write("0123456789", to: "a")
    for call in [1, 3, 4] {
      let files = FaultyFileSystem(failing: call, with: EINTR, mostAtOnce: 5)
      let source = try FileBytes(path: path, files: files)
      #expect(try Self.read(source, 10, at: 0) == "0123456789")
      #expect(files.hasFailed)
    }
  }

  @Test func `threads read one file at once`() throws {
    let text = (0..<1_000).map { String(format: "%04d", $0) }.joined()
    for source in try sources(text) {
      DispatchQueue.concurrentPerform(iterations: 64) { index in
        let found = try? Self.read(source, 4, at: 4 * index)
        #expect(found == String(format: "%04d", index))
      }
    }
  }
}
