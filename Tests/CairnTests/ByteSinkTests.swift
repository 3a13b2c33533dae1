// Files as bytes to anywhere: memory, and places of one's own.

import Cairn
import CairnTestSupport
import Foundation
import Testing

@Suite struct ByteSinkTests {
  /// What an upload would be: it keeps what came, and whether that was all.
  private final class Upload: ByteSink {
    var bytes: [UInt8] = []
    private(set) var commits = 0
    private(set) var discards = 0
    /// After so many bytes the line is cut.
    let capacity: Int

    init(capacity: Int = .max) { self.capacity = capacity }

    func append(_ part: Span<UInt8>) throws(CairnError) {
      guard part.count <= capacity - bytes.count else {
        throw CairnError(.inputOutput, "the line is cut")
      }
      for index in part.indices { bytes.append(part[index]) }
    }
    func commit() throws(CairnError) { commits += 1 }
    func discard() { discards += 1 }
  }

  private let folder: TestFolder
  private let model: Sequential
  init() throws {
    folder = try TestFolder()
    model = try Sequential([InputLayer(shape: [70]), Dense(200), Dense(30)])
  }

  private static let formats: [CheckpointFormat] = [
    .cairn, .safetensors, .npz, .gguf, .keras, .hdf5,
  ]

  @Test(arguments: formats.indices)
  func `The bytes are those of a file`(index: Int) throws {
    let format = Self.formats[index]
    let path = folder.file("x")
    try model.save(to: path, format: format, accepting: .all)
    let file = [UInt8](try Data(contentsOf: URL(filePath: path)))
    let upload = Upload()
    try model.save(to: upload, format: format, accepting: .all)
    #expect(upload.bytes == file)
    #expect((upload.commits, upload.discards) == (1, 0))
    let tensors = try ModelTensors(model)
    var losses = AcceptedLosses.all
    if format.name == "hdf5" { losses.insert(.configuration) }
    let memory = try tensors.encoded(as: format, accepting: losses)
    #expect(memory.array == file && memory.data == Data(file))
    let opened = try CheckpointFile.open(memory)
    #expect(opened.format.name == format.name)
    #expect(try compare(opened, CheckpointFile.open(path)).isSame)
  }

  @Test(arguments: formats.indices)
  func `What fails is discarded, once`(index: Int) throws {
    let upload = Upload(capacity: 20_000)
    let error = #expect(throws: CairnError.self) {
      try model.save(to: upload, format: Self.formats[index], accepting: .all)
    }
    #expect(error?.code == .inputOutput)
    #expect((upload.commits, upload.discards) == (0, 1))
  }

  @Test func `What the format cannot hold is refused before anything is written`() throws {
    let upload = Upload()
    let error = #expect(throws: CairnError.self) {
      try model.save(to: upload, format: .safetensors)
    }
    #expect(error?.code == .cannotHold)
    #expect(upload.bytes.isEmpty && upload.commits == 0)
  }

  @Test func `A format of several files needs a path`() throws {
    let tensors: NamedTensors = ["a": try Tensor([Float(1)])]
    for format in [CheckpointFormat.sharded, .tensorflow] {
      let error = #expect(throws: CairnError.self) { _ = try tensors.encoded(as: format) }
      #expect(error?.code == .invalidArgument)
    }
  }

  @Test func `Memory is bounded, and what was taken of it stays`() throws {
    let tensors: NamedTensors = ["a": try Tensor(zeros: .float32, shape: [1_000])]
    let sink = try MemorySink(limit: 6_000)
    try tensors.write(to: sink, format: .safetensors)
    let first = sink.bytes
    let copy = first.array
    let error = #expect(throws: CairnError.self) {
      try tensors.write(to: sink, format: .safetensors)
    }
    #expect(error?.code == .overBudget)
    #expect(first.array == copy)
  }
}
