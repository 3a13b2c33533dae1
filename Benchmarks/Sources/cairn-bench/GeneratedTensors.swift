// Sources whose tensors are made when they are read: many small ones, and more than memory holds.

import Cairn

/// `count` small tensors: four float32 each, named by their number.
struct ManyTensors: TensorSource {
  let count: Int
  private static let byteCount = 16

  func entry(at index: Int) throws(CairnError) -> TensorEntry {
    TensorEntry(
      name: try Self.name(index), dtype: .float32, shape: [4], byteCount: Self.byteCount,
      position: index)
  }

  /// The name of the tensor at `index`. All have one length, so that their order is the numbers'.
  static func name(_ index: Int) throws(CairnError) -> TensorName {
    let digits = String(index)
    return try TensorName(
      "layers." + String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ".scale")
  }

  /// The little-endian float32 of the index, four times.
  func read(
    at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    guard offset >= 0, offset + bytes.count <= Self.byteCount else {
      throw CairnError(.invalidArgument, "bytes outside the tensor were asked for")
    }
    let pattern = Float(index).bitPattern
    for position in 0..<bytes.count {
      bytes[position] = UInt8(truncatingIfNeeded: pattern >> (8 * UInt32((offset + position) % 4)))
    }
  }
}

/// One real tensor under `count` names.
struct RepeatedTensor: TensorSource {
  let count: Int
  private let original: NamedTensors
  private let entry: TensorEntry

  /// The largest tensor of `source`, under so many names that `byteCount` bytes come together.
  init(largestOf source: NamedTensors, byteCount: Int) throws(CairnError) {
    let sizes = try source.entries().map(\.byteCount)
    guard let index = sizes.indices.max(by: { sizes[$0] < sizes[$1] }), sizes[index] > 0 else {
      throw CairnError(.invalidArgument, "the data set has no tensor")
    }
    entry = try source.entry(at: index)
    original = try NamedTensors([(entry.name, source.tensor(at: index))])
    count = (byteCount + entry.byteCount - 1) / entry.byteCount
  }

  func entry(at index: Int) throws(CairnError) -> TensorEntry {
    var entry = entry
    entry.name = try ManyTensors.name(index)
    entry.position = index
    return entry
  }

  func read(
    at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    try original.read(at: 0, from: offset, into: &bytes)
  }
}
