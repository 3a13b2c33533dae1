// Containers written and read back through the public API.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors
import Testing

@Suite struct RoundTripTests {
  @Test(arguments: WriteOptions.Codec.allCases)
  func `Every dtype comes back with its bits`(codec: WriteOptions.Codec) throws {
    var tensors = NamedTensors()
    var random = SystemRandomNumberGenerator()
    for dtype in DType.allPlain where dtype != .string {
      for (suffix, shape) in [("odd", [3, 7] as Shape), ("empty", [2, 0]), ("scalar", [])] {
        var bytes = [UInt8](
          repeating: 0, count: try #require(dtype.byteCount(elements: shape.elementCount)))
        for index in bytes.indices {
          bytes[index] = dtype == .bool ? 1 : UInt8.random(in: 0...255, using: &random)
        }
        if let bits = dtype.bitWidth, bits < 8, !bytes.isEmpty {
          let used = shape.elementCount * bits % 8
          if used != 0 { bytes[bytes.count - 1] &= UInt8(1 << used - 1) }
        }
        try tensors.add(
          Tensor(dtype: dtype, shape: shape, bytes: bytes), named: TensorName("\(dtype)/\(suffix)"))
      }
    }
    try tensors.add(Tensor(strings: ["a", "", "déjà vu"]), named: "strings")
    try tensors.addAlias("again", of: "strings")
    tensors.metadata["step"] = .int(-3)
    tensors.configuration = Array(#"{"b":1, "a":[1.5,null]}"#.utf8)
    try tensors.addBlob(Blob(name: "rng", bytes: [1, 2, 3]))
    var options = WriteOptions()
    options.codec = codec
    options.log2Alignment = 12
    let memory = try Container.encode(tensors, options: options)
    let container = try Container(memory)
    let summary = try container.verify(.deep)
    #expect(summary.tensorCount == tensors.count)
    for index in 0..<tensors.count {
      let entry = try tensors.entry(at: index)
      let other = try #require(try container.index(of: entry.name))
      #expect(try container.tensor(at: other) == tensors.tensor(at: index))
      #expect(try container.entry(at: other).position == index)
    }
    #expect(container.metadata == tensors.metadata)
    #expect(container.configuration == Array(#"{"a":[1.5,null],"b":1}"#.utf8))
    #expect(try container.blobs == tensors.blobs)
  }
}
