// Failures on the way: the target is as it was, and nothing is left beside it.

import CairnInterchange
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The file system, with the n-th operation failing that changes something.
private final class FailingFileSystem: FileSystem, @unchecked Sendable {
  private let system = SystemFileSystem()
  private var left: Int
  private let number: Int32
  private(set) var hasFired = false

  init(failing count: Int, with number: Int32) {
    left = count
    self.number = number
  }

  private func step() throws(SystemError) {
    left -= 1
    if left == 0 {
      hasFired = true
      throw SystemError(number)
    }
  }

  func openForReading(_ path: String) throws(SystemError) -> Int32 {
    try system.openForReading(path)
  }
  func create(_ path: String, permissions: UInt32) throws(SystemError) -> Int32 {
    try step()
    return try system.create(path, permissions: permissions)
  }
  func openFolder(_ path: String) throws(SystemError) -> Int32 { try system.openFolder(path) }
  func close(_ descriptor: Int32) throws(SystemError) { try system.close(descriptor) }
  func status(of descriptor: Int32) throws(SystemError) -> FileStatus {
    try system.status(of: descriptor)
  }
  func status(at path: String) throws(SystemError) -> FileStatus { try system.status(at: path) }
  func read(
    _ descriptor: Int32, at offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(SystemError) -> Int { try system.read(descriptor, at: offset, into: &bytes) }
  func write(_ descriptor: Int32, _ bytes: Span<UInt8>) throws(SystemError) -> Int {
    try step()
    // Also a write that takes only a part.
    return try system.write(descriptor, bytes.extracting(0..<min(bytes.count, 100)))
  }
  func synchronize(_ descriptor: Int32) throws(SystemError) {
    try step()
    try system.synchronize(descriptor)
  }
  func setPermissions(_ descriptor: Int32, _ permissions: UInt32) throws(SystemError) {
    try step()
    try system.setPermissions(descriptor, permissions)
  }
  func rename(_ from: String, to: String) throws(SystemError) {
    try step()
    try system.rename(from, to: to)
  }
  func link(_ from: String, to: String) throws(SystemError) { try system.link(from, to: to) }
  func unlink(_ path: String) throws(SystemError) { try system.unlink(path) }
  func readLink(_ path: String) throws(SystemError) -> String { try system.readLink(path) }
  func resolve(_ path: String) throws(SystemError) -> String { try system.resolve(path) }
}

@Suite("Safetensors: failures while writing")
struct SafetensorsFaultTests {
  private let old: [UInt8] = [1, 2, 3]

  private func tensors() throws -> NamedTensors {
    try NamedTensors([("a", Tensor([UInt8](repeating: 9, count: 500)))])
  }

  @Test("Whichever operation fails, the old file or the whole new one is there, and nothing else")
  func everyOperation() throws {
    let expected = try SafetensorsWriter.bytes(of: tensors())
    var operation = 1
    while true {
      let folder = try TestFolder()
      let path = folder.path + "/model.safetensors"
      let before = try AtomicFile(path: path)
      try before.append(old.span)
      try before.commit()
      let files = FailingFileSystem(failing: operation, with: SystemError.noSpace.number)
      var writer = SafetensorsWriter(path: path, files: files)
      do {
        try writer.write(try tensors())
        #expect(!files.hasFired)
        #expect(try contents(of: path) == expected)
        break
      } catch let error as CairnError {
        #expect(files.hasFired && error.code == .noSpace && error.location.file == path)
        let found = try contents(of: path)
        // After the rename only the folder's fsync can fail; the new file is there then.
        #expect(found == old || found == expected)
        #expect(try folder.names() == ["model.safetensors"])
      }
      operation += 1
      try #require(operation < 100)
    }
    // create, mode, writes of 100 bytes at most, fsync, rename, fsync of the folder.
    #expect(operation > 10)
  }

  @Test("A source that fails leaves the old file")
  func failingSource() throws {
    let folder = try TestFolder()
    let path = folder.path + "/model.safetensors"
    var writer = SafetensorsWriter(path: path)
    try writer.write(try tensors())
    let before = try contents(of: path)
    // A file that was cut short after it was opened.
    var cut = PositionedBytes(bytes: before)
    cut.failsFromByte = before.count - 10
    let source = try SafetensorsFile(cut)
    let error = #expect(throws: CairnError.self) { try writer.write(source) }
    #expect(error?.code == .changedWhileReading && error?.location.name == "a")
    #expect(try contents(of: path) == before)
    #expect(try folder.names() == ["model.safetensors"])
  }

  @Test("Stopping by the progress handler leaves the old file")
  func stopped() throws {
    let folder = try TestFolder()
    let path = folder.path + "/model.safetensors"
    var writer = SafetensorsWriter(path: path)
    let error = #expect(throws: CairnError.self) {
      try writer.write(try tensors()) { (_) throws(CairnError) in
        throw CairnError(.interrupted, "stopped")
      }
    }
    #expect(error?.code == .interrupted)
    #expect(try folder.names() == [])
  }

  @Test("A file is not replaced unless it may be")
  func notReplacing() throws {
    let folder = try TestFolder()
    let path = folder.path + "/model.safetensors"
    var options = SafetensorsWriter.Options()
    options.replacing = false
    options.durability = .none
    var writer = SafetensorsWriter(path: path, options: options)
    try writer.write(try tensors())
    let error = #expect(throws: CairnError.self) { try writer.write(try tensors()) }
    #expect(error?.code == .alreadyExists)
  }

  @Test("A target in no folder, and one that is a folder")
  func targets() throws {
    let folder = try TestFolder()
    for (path, code) in [
      (folder.path + "/none/model.safetensors", CairnError.Code.notFound),
      (folder.path, .notARegularFile),
    ] {
      var writer = SafetensorsWriter(path: path)
      let error = #expect(throws: CairnError.self) { try writer.write(try tensors()) }
      #expect(error?.code == code)
    }
  }

  @Test("A file can be written onto itself, also while it is mapped")
  func ontoItself() throws {
    let folder = try TestFolder()
    let path = folder.path + "/model.safetensors"
    var writer = SafetensorsWriter(path: path)
    try writer.write(try tensors())
    let before = try contents(of: path)
    for access in FileBytes.Access.allCases {
      try writer.write(try SafetensorsFile(path: path, access: access))
      #expect(try contents(of: path) == before)
    }
  }
}
