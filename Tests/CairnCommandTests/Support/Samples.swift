// Checkpoints to run the command on, the same in every run.

import CairnCheckpoints
import CairnContainer
import CairnForeign
import CairnSystem
import CairnTensors
import CairnTestSupport
import Foundation

enum Samples {
  /// Numbers as trained weights have them: many near zero, few far from it.
  static func weights(_ count: Int, seed: UInt64 = 1) -> [Float] {
    var state = seed
    return (0..<count).map { _ in
      var sum: Float = 0
      for _ in 0..<4 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        sum += Float(state >> 40) / Float(1 << 24) - 0.5
      }
      return sum * 0.05
    }
  }

  static func bytes(_ values: [Float]) -> [UInt8] {
    values.flatMap { value in
      (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
    }
  }

  static func floats(_ shape: Shape, seed: UInt64 = 1) throws -> Tensor {
    try Tensor(
      dtype: .float32, shape: shape, bytes: bytes(weights(shape.elementCount, seed: seed)))
  }

  /// What every format holds; the order of weights is not that of the names.
  static func plain() throws -> NamedTensors {
    var tensors = NamedTensors()
    try tensors.add(floats([48, 64]), named: "dense/kernel")
    try tensors.add(floats([64], seed: 2), named: "dense/bias")
    try tensors.add(
      Tensor(dtype: .bfloat16, shape: [2], bytes: [0x80, 0x3F, 0xC0, 0xBF]), named: "norm/scale")
    try tensors.add(
      Tensor(dtype: .int64, shape: .scalar, bytes: [7, 0, 0, 0, 0, 0, 0, 0]), named: "step")
    try tensors.add(Tensor(dtype: .bool, shape: [3], bytes: [1, 0, 1]), named: "mask")
    try tensors.add(Tensor(dtype: .float16, shape: [0, 3], bytes: []), named: "none")
    tensors.metadata["format"] = .string("pt")
    return tensors
  }

  /// What only a container holds: ties, typed metadata, a configuration, a blob, texts.
  static func rich() throws -> NamedTensors {
    var tensors = try plain()
    try tensors.addAlias("head/kernel", of: "dense/kernel")
    try tensors.add(Tensor(strings: ["one", "", "déjà vu"]), named: "vocabulary")
    tensors.metadata["epoch"] = .int(3)
    tensors.metadata["losses"] = .floats([0.5, .nan, -.infinity])
    tensors.configuration = Array(#"{"class_name":"Dense"}"#.utf8)
    try tensors.addBlob(Blob(name: "generator state", bytes: [1, 2, 3]))
    return tensors
  }

  /// Options whose output holds the bytes of tensors as they are.
  static var raw: WriteOptions {
    var options = WriteOptions()
    options.codec = .raw
    options.durability = .none
    return options
  }
}

extension TestFolder {
  /// Writes `source` as a container.
  @discardableResult
  func writeContainer(
    _ source: any TensorSource, to name: String, options: WriteOptions = Samples.raw
  ) throws -> String {
    try Container.write(source, to: file(name), options: options)
    return name
  }

  /// Writes `source` as safetensors.
  @discardableResult
  func writeSafetensors(_ source: any TensorSource, to name: String) throws -> String {
    try write(source.encoded(as: .safetensors).array, to: name)
  }

  /// Writes a safetensors file of one float32 tensor of zeros that takes no room on the disk.
  func writeSparse(megabytes: Int, to name: String) throws {
    let count = megabytes << 20
    let json = #"{"zeros":{"dtype":"F32","shape":[\#(count / 4)],"data_offsets":[0,\#(count)]}}"#
    let text = json + String(repeating: " ", count: 256 - json.utf8.count)
    try write([0, 1, 0, 0, 0, 0, 0, 0] + Array(text.utf8), to: name)
    let handle = try FileHandle(forUpdating: URL(filePath: file(name)))
    try handle.truncate(atOffset: UInt64(8 + 256 + count))
    try handle.close()
  }

  /// Writes a safetensors file with the given header.
  @discardableResult
  func writeHeader(_ header: String, data: Int = 0, length: Int? = nil, to name: String) throws
    -> String
  {
    let length = length ?? header.utf8.count
    let prefix = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
    return try write(
      prefix + Array(header.utf8) + [UInt8](repeating: 0, count: data), to: name)
  }
}
