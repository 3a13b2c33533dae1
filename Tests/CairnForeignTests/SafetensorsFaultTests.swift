// Failures on the way: the target is as it was, and nothing is left beside it.

import CairnCheckpoints
import CairnForeign
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite("Safetensors: failures while writing")
struct SafetensorsFaultTests {
  private let old: [UInt8] = [1, 2, 3]

  private func tensors() throws -> NamedTensors {
    try NamedTensors([("a", Tensor([UInt8](repeating: 9, count: 500)))])
  }

  @Test("Whichever operation fails, the old file or the whole new one is there, and nothing else")
  func everyOperation() throws {
    let expected = try tensors().encoded(as: .safetensors).array
    var operation = 1
    while true {
      let folder = try TestFolder()
      let path = folder.path + "/model.safetensors"
      let before = try AtomicFile(path: path)
      try before.append(old.span)
      try before.commit()
      let files = FaultyFileSystem(
        failing: operation, with: SystemError.noSpace.number, mostAtOnce: 100)
      var options = WriteOptions()
      options.files = files
      var writer = try CheckpointFormat.safetensors.writer(to: path, options: options)
      do {
        try writer.write(try tensors())
        #expect(try contents(of: path) == expected)
        // That the folder cannot be closed is no failure: nothing was written through it.
        #expect(!files.hasFailed || files.failedCall == "close")
        if !files.hasFailed { break }
      } catch let error as CairnError {
        #expect(files.hasFailed && error.code == .noSpace && error.location.file == path)
        let found = try contents(of: path)
        // After the rename only the folder's fsync can fail; the new file is there then.
        #expect(found == old || found == expected)
        #expect(try folder.names() == ["model.safetensors"])
      }
      operation += 1
      try #require(operation < 100)
    }
    // Among them create, mode, writes of 100 bytes at most, fsync, rename, fsync of the folder.
    #expect(operation > 10)
  }

  @Test("A source that fails leaves the old file")
  func failingSource() throws {
    let folder = try TestFolder()
    let path = folder.path + "/model.safetensors"
    var writer = try CheckpointFormat.safetensors.writer(to: path)
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
    var writer = try CheckpointFormat.safetensors.writer(to: path)
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
    var options = WriteOptions()
    options.replacing = false
    options.durability = .none
    var writer = try CheckpointFormat.safetensors.writer(to: path, options: options)
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
      var writer = try CheckpointFormat.safetensors.writer(to: path)
      let error = #expect(throws: CairnError.self) { try writer.write(try tensors()) }
      #expect(error?.code == code)
    }
  }

  @Test("A file can be written onto itself, also while it is mapped")
  func ontoItself() throws {
    let folder = try TestFolder()
    let path = folder.path + "/model.safetensors"
    var writer = try CheckpointFormat.safetensors.writer(to: path)
    try writer.write(try tensors())
    let before = try contents(of: path)
    for access in FileAccess.allCases {
      try writer.write(try SafetensorsFile(path: path, access: access))
      #expect(try contents(of: path) == before)
    }
  }
}
