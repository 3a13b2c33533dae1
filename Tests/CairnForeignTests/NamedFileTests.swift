// Every failure of a file names the file, also those that are found before any of its bytes is read.

import CairnCheckpoints
import CairnComparison
import CairnContainer
import CairnForeign
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTestSupport
import Foundation
import Testing

@Suite struct NamedFileTests {
  /// A checkpoint of each format.
  private static let files = [
    "conformance/ok-aligned-4096.cairn", "safetensors/every_dtype.safetensors",
    "numpy/version_1.npy", "numpy/stored.npz", "hdf5/types.h5", "hdf5/mixed.keras",
    "hdf5/whole.weights.h5", "gguf/version_3.gguf", "torch/every_dtype_archive.pt",
    "torch/every_dtype_stream.pt", "onnx/raw.onnx",
  ]
  /// Checkpoints of several files, of which any may be named.
  private static let groups = [
    "tensorflow/every_dtype.index", "hdf5/sharded.weights.json",
    "sharded/safetensors/model.safetensors.index.json", "gguf_more/split-00001-of-00003.gguf",
  ]

  /// Holds an error against what is expected of it.
  private func expect(
    _ code: CairnError.Code, naming path: String, ofMany: Bool = false,
    _ body: () throws -> Void, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let error = #expect(throws: CairnError.self, sourceLocation: sourceLocation) { try body() }
    #expect(error?.code == code, sourceLocation: sourceLocation)
    let file = error?.location.file
    #expect(ofMany ? file != nil : file == path, sourceLocation: sourceLocation)
  }

  @Test(arguments: files + groups)
  func `What is asked for and is not there is missed in a file`(name: String) throws {
    let path = fixtures + "/" + name
    let isGroup = Self.groups.contains(name)
    let file = try CheckpointFile.open(path)
    let source = file.source
    let none: TensorName = "there is none"
    expect(.noSuchTensor, naming: path, ofMany: isGroup) { _ = try source.tensor(named: none) }
    expect(.noSuchTensor, naming: path, ofMany: isGroup) { _ = try file.tensor(named: none) }
    expect(.noSuchTensor, naming: path, ofMany: isGroup) {
      _ = try source.tensor(named: none, slice: 0..<1)
    }
    for index in [-1, source.count] {
      expect(.noSuchTensor, naming: path, ofMany: isGroup) { _ = try source.entry(at: index) }
      expect(.noSuchTensor, naming: path, ofMany: isGroup) { _ = try source.tensor(at: index) }
      expect(.noSuchTensor, naming: path, ofMany: isGroup) { _ = try source.tensors(at: [index]) }
    }
  }

  @Test(arguments: files + groups)
  func `What lies outside of a tensor is refused with the file's name`(name: String) throws {
    let path = fixtures + "/" + name
    let isGroup = Self.groups.contains(name)
    let file = try CheckpointFile.open(path)
    let source = file.source
    for (index, entry) in try source.entries().enumerated() {
      expect(.invalidArgument, naming: path, ofMany: isGroup) {
        var byte: [UInt8] = [0]
        var span = byte.mutableSpan
        try source.read(at: index, from: entry.byteCount, into: &span)
      }
      guard let first = entry.shape.dimensions.first, entry.dtype != .string else { continue }
      expect(.invalidArgument, naming: path, ofMany: isGroup) {
        _ = try source.tensor(at: index, slice: 0..<first + 1)
      }
      expect(.invalidArgument, naming: path, ofMany: isGroup) {
        _ = try file.tensor(named: entry.name, slice: 0..<first + 1)
      }
    }
  }

  @Test(arguments: files + groups)
  func `What takes more memory than is allowed is a file's`(name: String) throws {
    let path = fixtures + "/" + name
    let isGroup = Self.groups.contains(name)
    let source = try CheckpointFile.open(path).source
    expect(.overBudget, naming: path, ofMany: isGroup) {
      _ = try NamedTensors(reading: source, budget: 0)
    }
    expect(.overBudget, naming: path, ofMany: isGroup) {
      _ = try NamedTensors(contentsOf: path, budget: 0)
    }
  }

  @Test(arguments: [CheckpointFormat.npz, .npy, .safetensors, .sharded, .gguf, .tensorflow])
  func `What a format has no place for is said with the file that was to be written`(
    format: CheckpointFormat
  ) throws {
    let folder = try TestFolder()
    var tensors = try NamedTensors([("a", Tensor([Float(1)]))])
    tensors.configuration = Array("{}".utf8)
    let path = folder.file("x." + (format.extensions.first ?? ""))
    expect(.cannotHold, naming: path) {
      var sink = try format.writer(to: path)
      try sink.write(tensors)
    }
  }

  @Test func `Of two files that are compared the damaged one is named`() throws {
    let folder = try TestFolder()
    let (good, bad) = (folder.file("good.cairn"), folder.file("bad.cairn"))
    var random = SeededNumbers(1)
    let bytes = (0..<1 << 16).map { _ in UInt8.random(in: 0...255, using: &random) }
    try NamedTensors([("a", Tensor(bytes))]).write(to: good)
    var content = try contents(of: good)
    content[content.count / 2] ^= 1
    try Data(content).write(to: URL(filePath: bad))
    let (left, right) = (try CheckpointFile.open(good), try CheckpointFile.open(bad))
    expect(.checksumMismatch, naming: bad) { _ = try compare(left.source, right.source) }
    expect(.checksumMismatch, naming: bad) { _ = try compare(right.source, left.source) }
  }
}
