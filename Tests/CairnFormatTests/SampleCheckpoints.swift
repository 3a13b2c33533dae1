// Checkpoints that the tests of this target share.

import CairnFormat
import CairnSystem
import CairnTensors
import Foundation

/// Numbers that are the same on every run (SplitMix64, Steele et al. 2014).
struct SeededNumbers: RandomNumberGenerator {
  var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

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
    var bytes = [UInt8](repeating: 0, count: count)
    var span = bytes.mutableSpan
    try read(at: 0, into: &span)
    return bytes
  }
}

extension WriteOptions {
  /// The defaults with some of them changed.
  init(_ change: (inout WriteOptions) -> Void) {
    self.init()
    change(&self)
  }
}

/// A folder for a test's files, removed with it.
final class TemporaryFolder {
  let path: String

  init() throws {
    path =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("cairn-test-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { path + "/" + name }

  var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }
}
