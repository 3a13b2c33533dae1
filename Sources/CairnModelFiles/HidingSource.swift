// A source without some of its tensors.

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// Shows all tensors of a source but those of some names.
struct HidingSource: TensorSource {
  private let base: any TensorSource
  /// The indices in `base` of what is shown, ascending.
  private var indices: [Int] = []

  init(_ base: any TensorSource, names: Set<TensorName>) throws(CairnError) {
    self.base = base
    for index in 0..<base.count where try !names.contains(base.entry(at: index).name) {
      indices.append(index)
    }
  }

  var count: Int { indices.count }

  private func original(_ index: Int) throws(CairnError) -> Int {
    try checkIndex(index)
    return indices[index]
  }

  func entry(at index: Int) throws(CairnError) -> TensorEntry {
    try base.entry(at: original(index))
  }

  func read(
    at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    try base.read(at: original(index), from: offset, into: &bytes)
  }

  func tensor(at index: Int) throws(CairnError) -> Tensor {
    try base.tensor(at: original(index))
  }

  func memory(at index: Int) throws(CairnError) -> ByteRegion? {
    try base.memory(at: original(index))
  }

  func keptDigest(at index: Int) throws(CairnError) -> [UInt8]? {
    try base.keptDigest(at: original(index))
  }

  func tensors(at indices: [Int]) throws(CairnError) -> [Tensor] {
    var originals: [Int] = []
    for index in indices { originals.append(try original(index)) }
    return try base.tensors(at: originals)
  }

  func index(of name: TensorName) throws(CairnError) -> Int? {
    guard let found = try base.index(of: name) else { return nil }
    var (low, high) = (0, indices.count)
    while low < high {
      let middle = (low + high) / 2
      if indices[middle] < found { low = middle + 1 } else { high = middle }
    }
    return low < indices.count && indices[low] == found ? low : nil
  }
}
