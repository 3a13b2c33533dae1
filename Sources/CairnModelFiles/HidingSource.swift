// A source without some of its tensors.

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// Shows all tensors of a source except those of some names.
struct HidingSource: TensorWrapper {
  let base: any TensorSource
  /// The indices in `base` of the tensors that are shown, ascending.
  private var indices: [Int] = []

  init(_ base: any TensorSource, names: Set<TensorName>) throws(CairnError) {
    self.base = base
    for index in 0..<base.count where try !names.contains(base.entry(at: index).name) {
      indices.append(index)
    }
  }

  var count: Int { indices.count }

  func origin(of index: Int) throws(CairnError) -> TensorOrigin? {
    try checkIndex(index)
    return TensorOrigin(base, indices[index])
  }

  func entry(at index: Int) throws(CairnError) -> TensorEntry {
    try checkIndex(index)
    return try base.entry(at: indices[index])
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
