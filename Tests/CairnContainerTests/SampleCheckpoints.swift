// Checkpoints that the tests of this target share.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors
import CairnTestSupport

/// Float values with the spread that trained weights have.
func weightLike(_ count: Int, seed: UInt64) -> [Float] {
  var random = SeededNumbers(seed)
  return (0..<count).map { _ in
    let uniform = (0..<6).map { _ in Float.random(in: -1...1, using: &random) }
    return uniform.reduce(0, +) * 0.02
  }
}

/// A checkpoint with everything: several tensors, a tie, metadata of several types, a
/// configuration, a blob.
func sampleCheckpoint(weights count: Int = 300) throws -> NamedTensors {
  var tensors = NamedTensors()
  try tensors.add(Tensor(weightLike(count, seed: 1), shape: [count]), named: "dense/kernel")
  try tensors.add(Tensor([Int64](0..<40), shape: [5, 8]), named: "step")
  try tensors.add(Tensor([true, false, true]), named: "mask")
  try tensors.add(Tensor(strings: ["a", "", "été"]), named: "labels")
  try tensors.add(Tensor(zeros: .float16, shape: [0, 4]), named: "empty")
  try tensors.addAlias("decoder/kernel", of: "dense/kernel")
  tensors.metadata["epoch"] = .int(-7)
  tensors.metadata["rates"] = .floats([0.1, .nan])
  tensors.metadata["who"] = .string("é")
  tensors.configuration = Array(#"{"class_name":"Sequential","config":{"layers":[]}}"#.utf8)
  try tensors.addBlob(Blob(name: "rng", bytes: [0, 255, 7]))
  return tensors
}

extension ByteSource {
  /// All bytes.
  func allBytes() throws -> [UInt8] {
    try withBytes(in: 0..<count) { $0.array }
  }
}

extension WriteOptions {
  /// The defaults with some of them changed.
  init(_ change: (inout WriteOptions) -> Void) {
    self.init()
    change(&self)
  }
}
