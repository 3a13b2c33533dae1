// A save leaves the old file or the new one, whole, whatever happens on the way.

import CairnSystem
import CairnTestSupport
import Foundation
import Testing

@Suite struct AtomicFileTests {
  let folder: TestFolder

  init() throws { folder = try TestFolder() }

  // MARK: - What is called

  @Test func `a plain save makes these calls in this order`() throws {
    let files = FaultyFileSystem()
    try save("new", to: folder.file("a"), files: files)
    #expect(
      files.calls == [
        "stat", "readlink", "realpath",  // where to
        "create", "write", "fsync", "close", "rename", "openFolder", "fsync", "close",
      ])
    #expect(folder.text("a") == "new")
    #expect(try folder.names() == ["a"])
    #expect(files.openCount == 0)
  }

  @Test func `a save without durability leaves out the fsyncs, never the rename`() throws {
    let files = FaultyFileSystem()
    try save("new", to: folder.file("a"), durability: .none, files: files)
    #expect(files.calls.suffix(4) == ["create", "write", "close", "rename"])
  }

  @Test func `a save that must not replace links instead of renaming`() throws {
    let files = FaultyFileSystem()
    try save("new", to: folder.file("a"), replacing: false, files: files)
    #expect(
      files.calls.dropFirst(3) == [
        "create", "write", "fsync", "close", "link", "unlink", "openFolder", "fsync", "close",
      ])
    #expect(try folder.names() == ["a"])
  }

  @Test func `a large file that is replaced is held over the rename and let go after it`()
    async throws
  {
    try folder.write("old", to: "a")
    let handle = try FileHandle(forUpdating: URL(filePath: folder.file("a")))
    try handle.truncate(atOffset: UInt64(AtomicFile.largeFile))
    try handle.close()
    let files = FaultyFileSystem()
    try save("new", to: folder.file("a"), durability: .none, files: files)
    let end = ["create", "fstat", "write", "close", "open", "rename"]
    #expect(files.calls.filter { $0 != "fchmod" }.dropFirst(2).prefix(6) == end[...])
    #expect(folder.text("a") == "new")
    // Another thread closes it.
    while files.calls.last != "close" || files.openCount > 0 {
      try await Task.sleep(for: .milliseconds(1))
    }
    #expect(try folder.names() == ["a"])
  }

  @Test func `a large file that cannot be read is replaced all the same`() throws {
    try folder.write("old", to: "a")
    let handle = try FileHandle(forUpdating: URL(filePath: folder.file("a")))
    try handle.truncate(atOffset: UInt64(AtomicFile.largeFile))
    try handle.close()
    let files = FaultyFileSystem(failing: 7, with: EACCES)
    try save("new", to: folder.file("a"), durability: .none, files: files)
    #expect(files.failedCall == "open")
    #expect(folder.text("a") == "new" && files.openCount == 0)
  }

  // MARK: - Faults

  /// Fails the first call, then the second, and so on until a save makes no further call.
  private func failEachCall(
    with number: Int32, old: String?, replacing: Bool = true,
    expecting isExpected: (FaultyFileSystem, CairnError?) -> Bool
  ) throws {
    var call = 1
    while true {
      let folder = try TestFolder()
      if let old { try folder.write(old, to: "a", mode: 0o600) }
      let files = FaultyFileSystem(failing: call, with: number, mostAtOnce: 2)
      var failure: CairnError?
      do throws(CairnError) {
        try save("brand new", to: folder.file("a"), replacing: replacing, files: files)
      } catch { failure = error }
      #expect(files.openCount == 0, "call \(call) leaks a descriptor")
      #expect(try folder.names().allSatisfy { $0 == "a" }, "call \(call) leaves a temporary file")
      let text = folder.text("a")
      #expect(text == old || text == "brand new", "call \(call)")
      if failure == nil { #expect(text == "brand new") }
      #expect(
        isExpected(files, failure), "call \(call), \(files.failedCall ?? "none"): \(failure as Any)"
      )
      guard files.hasFailed else { break }
      call += 1
    }
    #expect(call > 10)
  }

  @Test(arguments: [nil, "old"])
  func `whatever call fails, the file is old or new and nothing is left over`(
    _ old: String?
  ) throws {
    for number in [EIO, ENOSPC, EACCES, EROFS] {
      try failEachCall(with: number, old: old) { files, failure in
        // Closing the folder after it is durable has nothing more to say.
        let isAfterAll =
          files.calls.last == "close" && files.failedCall == "close"
          && files.calls.contains("openFolder")
        return (failure == nil) == (!files.hasFailed || isAfterAll)
      }
    }
  }

  @Test func `whatever call fails when nothing is replaced, nothing is left over`() throws {
    try failEachCall(with: EIO, old: nil, replacing: false) { files, failure in
      !files.hasFailed || failure != nil || ["close", "unlink"].contains(files.failedCall)
    }
  }

  @Test(arguments: [nil, "old"])
  func `a signal that interrupts a call is no failure`(_ old: String?) throws {
    try failEachCall(with: EINTR, old: old) { files, failure in
      // These the system never interrupts.
      let never = ["stat", "fstat", "readlink", "realpath", "chmod", "rename"]
      return failure == nil || never.contains(files.failedCall ?? "")
    }
  }

  @Test func `a folder that cannot be synchronised is no failure where the file system has none`()
    throws
  {
    let files = FaultyFileSystem(failing: 10, with: EINVAL)
    try save("new", to: folder.file("a"), files: files)
    #expect(files.failedCall == "fsync")
    #expect(files.openCount == 0)
  }

  @Test func `after a failed write the file cannot be committed`() throws {
    let path = try folder.write("old", to: "a")
    let files = FaultyFileSystem(failing: 6, with: ENOSPC)
    let file = try AtomicFile(path: path, files: files)
    let bytes = Array("new".utf8)
    #expect(code { try file.append(bytes.span) } == nil)
    #expect(code { try file.append(bytes.span) } == .noSpace)
    #expect(files.failedCall == "write")
    #expect(code { try file.append(bytes.span) } == .invalidArgument)
    #expect(code { try file.commit() } == .invalidArgument)
    #expect(folder.text("a") == "old")
  }

  @Test func `a file that was committed takes nothing more`() throws {
    let file = try AtomicFile(path: folder.file("a"))
    try file.commit()
    #expect(code { try file.append([1].span) } == .invalidArgument)
    #expect(code { try file.commit() } == .invalidArgument)
    #expect(folder.text("a") == "")
  }

  @Test func `a file that is not committed vanishes`() throws {
    try folder.write("old", to: "a")
    do {
      let file = try AtomicFile(path: folder.file("a"))
      try file.append([1, 2, 3].span)
      #expect(try folder.names().count == 2)
      _ = consume file
    }
    #expect(try folder.names() == ["a"])
    #expect(folder.text("a") == "old")
  }

  @Test func `a failed write says where it failed`() throws {
    // stat, readlink, realpath, create, write, write
    let files = FaultyFileSystem(failing: 6, with: ENOSPC, mostAtOnce: 4)
    var found: CairnError?
    do throws(CairnError) {
      try save("0123456789", to: folder.file("a"), files: files)
    } catch { found = error }
    #expect(found?.code == .noSpace)
    #expect(found?.location.offset == 4)
    #expect(found?.location.file == folder.file("a"))
  }

  // MARK: - Room taken ahead

  /// Larger than what room is taken for.
  private static let large = AtomicFile.reservation / 8 + 1

  @Test func `room that was taken ahead and not needed is given back`() throws {
    let files = FaultyFileSystem()
    try save(String(repeating: "x", count: Self.large), to: folder.file("a"), files: files)
    #expect(files.calls.contains("fallocate"))
    var status = stat()
    #expect(unsafe stat(folder.file("a"), &status) == 0)
    #expect(Int(status.st_size) == Self.large)
    // Blocks of 512 bytes; a file system may count some of its own.
    #expect(Int(status.st_blocks) * 512 < Self.large + AtomicFile.reservation / 8)
  }

  @Test(arguments: [ENOTSUP, ENOSPC, EIO])
  func `a file is written where no room can be taken ahead`(_ number: Int32) throws {
    let files = FaultyFileSystem(failing: 5, with: number)
    try save(String(repeating: "x", count: Self.large), to: folder.file("a"), files: files)
    #expect(files.failedCall == "fallocate")
    #expect(folder.text("a")?.utf8.count == Self.large)
  }

  @Test func `room that cannot be given back is a failure, and the old file stays`() throws {
    let path = try folder.write("old", to: "a")
    let calls = FaultyFileSystem()
    try save(String(repeating: "x", count: Self.large), to: folder.file("b"), files: calls)
    let number = try #require(calls.calls.firstIndex(of: "ftruncate"))
    // Calls are counted from 1; as many come before if a file is replaced.
    let files = FaultyFileSystem(failing: number + 1, with: EIO)
    #expect(
      code { try save(String(repeating: "x", count: Self.large), to: path, files: files) }
        == .inputOutput)
    #expect(files.failedCall == "ftruncate")
    #expect(folder.text("a") == "old")
    #expect(try folder.names() == ["a", "b"])
  }

  @Test func `a leftover of another process is stepped over`() throws {
    let files = FaultyFileSystem(failing: 4, with: EEXIST)
    try save("new", to: folder.file("a"), files: files)
    #expect(files.calls.filter { $0 == "create" }.count == 2)
    #expect(folder.text("a") == "new")
  }

  // MARK: - Targets

  @Test(arguments: [0o600, 0o644, 0o640, 0o755, 0o444, 0o666])
  func `an existing file's mode is kept`(_ mode: Int) throws {
    let path = try folder.write("old", to: "a", mode: mode)
    try save("new", to: path)
    #expect(try folder.mode("a") == mode)
    #expect(folder.text("a") == "new")
  }

  @Test func `set-user-ID is not handed on`() throws {
    let path = try folder.write("old", to: "a", mode: 0o4755)
    try save("new", to: path)
    #expect(try folder.mode("a") == 0o755)
  }

  @Test func `a symbolic link is followed and stays a link`() throws {
    try FileManager.default.createDirectory(
      atPath: folder.file("data"), withIntermediateDirectories: false)
    try folder.write("old", to: "data/real")
    try folder.link("inner", to: "data/real")
    try folder.link("outer", to: folder.file("inner"))
    try save("new", to: folder.file("outer"))
    #expect(folder.text("data/real") == "new")
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: folder.file("outer"))
        == folder.file("inner"))
    #expect(try folder.names() == ["data", "inner", "outer"])
    #expect(try folder.names(in: "data") == ["real"])
  }

  @Test(arguments: [true, false])
  func `a symbolic link to nothing is followed and its target made`(_ replacing: Bool) throws {
    try FileManager.default.createDirectory(
      atPath: folder.file("data"), withIntermediateDirectories: false)
    try folder.link("data/inner", to: "../made")
    try folder.link("outer", to: "data/inner")
    try save("new", to: folder.file("outer"), replacing: replacing)
    #expect(folder.text("made") == "new")
    #expect(
      try FileManager.default.destinationOfSymbolicLink(atPath: folder.file("outer"))
        == "data/inner")
    #expect(try folder.names() == ["data", "made", "outer"])
  }

  @Test func `links in a circle are refused`() throws {
    try folder.link("a", to: "b")
    try folder.link("b", to: "a")
    #expect(code { try save("new", to: folder.file("a")) } == .inputOutput)
    #expect(try folder.names() == ["a", "b"])
  }

  @Test(arguments: [
    ("", CairnError.Code.invalidArgument), ("missing/a", .notFound), ("there/a", .notFound),
    ("folder", .notARegularFile), ("folder/", .notARegularFile), ("new/", .notARegularFile),
    ("folder/..", .notARegularFile), (".", .notARegularFile), ("pipe", .notARegularFile),
    ("a\0b", .invalidArgument), ("there/", .notFound), ("missing/..", .notFound),
    (String(repeating: "n", count: 256), .invalidArgument),
  ])
  func `a path that cannot be saved to is refused`(
    _ name: String, _ expected: CairnError.Code
  ) throws {
    try FileManager.default.createDirectory(
      atPath: folder.file("folder"), withIntermediateDirectories: false)
    try folder.write("there", to: "there")
    #expect(unsafe mkfifo(folder.file("pipe"), 0o600) == 0)
    let before = try folder.names()
    #expect(code { try save("new", to: name.isEmpty ? "" : folder.file(name)) } == expected)
    #expect(try folder.names() == before)
    #expect(folder.text("there") == "there")
  }

  @Test(arguments: [
    "a", "x/../a", "x//a", "./a", "é", "e\u{301}", "\u{301}a", String(repeating: "é", count: 127),
    String(repeating: "n", count: 255), " ", "-", ".a", "a\nb",
  ])
  func `a path that can be saved to is`(_ name: String) throws {
    try FileManager.default.createDirectory(
      atPath: folder.file("x"), withIntermediateDirectories: false)
    try save("old", to: folder.file(name))
    #expect(folder.text(name) == "old")
    try save("new", to: folder.file(name))
    #expect(folder.text(name) == "new")
    // The folder, the file (perhaps in the folder), and nothing else.
    #expect(try folder.names().count + folder.names(in: "x").count == 2)
  }

  @Test func `a path without a slash is in the current folder`() throws {
    let name = "cairn-\(UUID().uuidString).tmp"
    defer { try? FileManager.default.removeItem(atPath: name) }
    try save("new", to: name)
    #expect(FileManager.default.contents(atPath: name) == Data("new".utf8))
  }

  @Test func `a file that is not to be replaced is kept`() throws {
    let path = try folder.write("old", to: "a")
    #expect(code { try save("new", to: path, replacing: false) } == .alreadyExists)
    #expect(folder.text("a") == "old")
    #expect(try folder.names() == ["a"])
  }

  @Test func `a file that comes into being during the save is kept if it is not to be replaced`()
    throws
  {
    let file = try AtomicFile(path: folder.file("a"), replacing: false)
    try file.append([1].span)
    try folder.write("another's", to: "a")
    #expect(code { try file.commit() } == .alreadyExists)
    #expect(folder.text("a") == "another's")
    #expect(try folder.names() == ["a"])
  }

  @Test func `of many saves at once that must not replace, one wins`() throws {
    let path = folder.file("a")
    let wins = Lock(0)
    DispatchQueue.concurrentPerform(iterations: 32) { index in
      let found = code { try save("\(index)", to: path, replacing: false, durability: .none) }
      if found == nil { wins.withLock { $0 += 1 } } else { #expect(found == .alreadyExists) }
    }
    #expect(wins.withLock { $0 } == 1)
    #expect(try folder.names() == ["a"])
  }

  @Test func `many saves at once leave one of them whole`() throws {
    let path = folder.file("a")
    DispatchQueue.concurrentPerform(iterations: 64) { index in
      let text = String(repeating: "\(index % 10)", count: 5_000)
      #expect(code { try save(text, to: path, durability: .none) } == nil)
    }
    let text = try #require(folder.text("a"))
    #expect(text.count == 5_000 && Set(text).count == 1)
    #expect(try folder.names() == ["a"])
  }
}
