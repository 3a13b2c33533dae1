// Tensors of files that lie in memory, or are mapped, are views of that memory: no copy is made.

import CairnCheckpoints
import CairnForeign
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite struct MemoryTests {
  /// A file of each format whose tensors lie in it as they are, or most of them.
  private static let files = [
    "safetensors/every_dtype.safetensors", "numpy/version_1.npy", "numpy/stored.npz",
    "gguf/version_3.gguf", "torch/every_dtype_archive.pt", "torch/every_dtype_stream.pt",
    "hdf5/types.h5", "hdf5/mixed.keras", "onnx/raw.onnx", "conformance/ok-aligned-4096.cairn",
  ]
  /// Checkpoints of several files.
  private static let groups = [
    "tensorflow/every_dtype.index", "hdf5/sharded.weights.json",
    "sharded/safetensors/model.safetensors.index.json", "gguf_more/split-00001-of-00003.gguf",
  ]

  private func bytes(_ region: ByteRegion) throws -> [UInt8] {
    try region.withBytes(in: 0..<region.count) { $0.array }
  }

  /// How many tensors of `source` lie in memory, or in that of `storage`; each is what reading gives.
  private func placed(_ source: any TensorSource, in storage: Storage? = nil) throws -> Int {
    var count = 0
    for index in 0..<source.count {
      guard let region = try source.memory(at: index), region.count > 0 else { continue }
      var read = [UInt8](repeating: 0xAA, count: region.count)
      var span = read.mutableSpan
      try source.read(at: index, from: 0, into: &span)
      #expect(try bytes(region) == read)
      let tensor = try source.tensor(at: index)
      #expect(tensor.memory.storage === region.storage)
      // A compact dataset of HDF5 lies within its header, which is decoded.
      if storage == nil || region.storage === storage { count += 1 }
    }
    return count
  }

  @Test(arguments: files + groups) func `Tensors of a mapped file are views of it`(file: String)
    throws
  {
    var options = ReadOptions()
    options.access = .mapped
    let checkpoint = try CheckpointFile.open(fixtures + "/" + file, options: options)
    let count = try placed(checkpoint.source)
    #expect(count > 0)
    // A view of all forgets nothing.
    #expect(try placed(Whole(base: checkpoint.source)) == count)
  }

  @Test(arguments: files)
  func `Tensors of a file in memory are parts of that memory`(file: String) throws {
    let path = fixtures + "/" + file
    let held = try FileBytes(path: path)
    let memory = try MemoryBytes(held.withBytes(in: 0..<held.count) { $0.array })
    let checkpoint = try CheckpointFile.open(memory, named: path)
    #expect(try placed(checkpoint.source, in: memory.memory?.storage) > 0)
  }

  /// A source as it is.
  private struct Whole: TensorWrapper {
    let base: any TensorSource
  }
}
