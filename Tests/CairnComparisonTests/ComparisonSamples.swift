// What several suites need: tensors from bits, sources that read lazily and count.

import CairnCheckpoints
import CairnComparison
import CairnSystem
import CairnTensors
import Testing

/// A tensor of the given type with those bit patterns as elements of whole bytes, row-major.
func tensor(
  _ dtype: DType, _ bits: [UInt64], shape: Shape? = nil
) throws -> Tensor {
  let width = try #require(dtype.bitWidth) / 8
  let bytes = bits.flatMap { value in
    (0..<width).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
  }
  return try Tensor(dtype: dtype, shape: shape ?? Shape([bits.count]), bytes: bytes)
}

/// A source that is not live: its tensors are read in windows, and how large these are is kept.
final class LazySource: TensorSource {
  let tensors: NamedTensors
  /// The largest read, and the bytes of all.
  let reads = Lock<(largest: Int, total: Int)>((0, 0))
  /// Reading this tensor fails.
  let broken: TensorName?

  init(_ tensors: NamedTensors, broken: TensorName? = nil) {
    self.tensors = tensors
    self.broken = broken
  }

  var count: Int { tensors.count }
  var attachments: Attachments { tensors.attachments }
  func entry(at index: Int) throws(CairnError) -> TensorEntry { try tensors.entry(at: index) }
  func read(
    at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    let count = bytes.count
    reads.withLock { $0 = (max($0.largest, count), $0.total + count) }
    if try entry(at: index).name == broken {
      throw CairnError(.inputOutput, "broken", at: .init(offset: UInt64(offset)))
    }
    try tensors.read(at: index, from: offset, into: &bytes)
  }
}

/// Variables by name, as a model has them.
struct Variables: VariableSource {
  var items: [(name: TensorName, variable: Variable)]

  init(_ items: [(TensorName, Variable)]) { self.items = items }

  var count: Int { items.count }
  func entry(at index: Int) throws(CairnError) -> TensorEntry {
    let (name, variable) = items[index]
    let owner = items.first { $0.variable === variable }?.name
    return TensorEntry(
      name: name, dtype: variable.dtype, shape: variable.shape,
      byteCount: variable.value.byteCount, position: index, aliasOf: owner == name ? nil : owner)
  }
  func read(
    at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    let wanted = bytes.count
    items[index].variable.value.withBytes { source in
      bytes.copy(source.extracting(offset..<offset + wanted))
    }
  }
  func tensor(at index: Int) throws(CairnError) -> Tensor { items[index].variable.value }
  func identity(at index: Int) throws(CairnError) -> LiveIdentity {
    let variable = items[index].variable
    return LiveIdentity(
      variable: ObjectIdentifier(variable), storage: variable.value.storageIdentity)
  }
  func variable(at index: Int) throws(CairnError) -> Variable? { items[index].variable }
}
