// From what a pickle describes to tensors: views of storages, ties, lost sharing.

import CairnFormat
import CairnSystem
import CairnTensors

/// The tensors of a PyTorch checkpoint, being gathered.
struct TorchTable {
  private(set) var table: TensorTable
  /// Tensors that share bytes here and will not once they are copied.
  private(set) var remarks: [String] = []
  private let content: PickleContent
  private let storages: [any ElementBytes]
  private let viewed = ViewedBytes()
  /// The first tensor that is this view.
  private var views: [TorchTensor: Int] = [:]
  /// Of each storage the parts that tensors take, which don't overlap, ascending.
  private var parts: [Int: [(range: Range<Int>, tensor: Int)]] = [:]

  init(_ content: PickleContent, _ storages: [any ElementBytes], path: String?) {
    self.content = content
    self.storages = storages
    table = TensorTable(path: path)
  }

  /// Adds tensor `number` under the name `path`.
  mutating func add(_ path: String, _ number: Int) throws(CairnError) {
    do throws(CairnError) {
      let tensor = content.tensors[number]
      let name = try TensorName(path)
      if let owner = views[tensor] {
        var item = table.items[owner]
        item.name = name
        item.aliasOf = owner
        return try table.add(item)
      }
      let item = try item(name, tensor)
      views[tensor] = table.items.count
      if let other = sharer(tensor) {
        remarks.append(
          "‘\(path)’ shares bytes with ‘\(table.items[other].name)’ in the file, "
            + "and is a tensor of its own here")
      }
      try table.add(item)
    } catch {
      throw error.located(name: path)
    }
  }

  /// A tensor from before that spans some of the bytes that `tensor` spans.
  private mutating func sharer(_ tensor: TorchTensor) -> Int? {
    guard let span = StridedElements.span(tensor.dimensions, tensor.strides), span > 0 else {
      return nil
    }
    let range = tensor.offset..<tensor.offset + span
    var known = parts[tensor.storage] ?? []
    var (low, high) = (0, known.count)
    while low < high {
      let middle = (low + high) / 2
      if known[middle].range.upperBound <= range.lowerBound {
        low = middle + 1
      } else {
        high = middle
      }
    }
    if low < known.count, known[low].range.overlaps(range) { return known[low].tensor }
    // Taken out meanwhile, so that the array is changed in place.
    parts[tensor.storage] = nil
    known.insert((range, table.items.count), at: low)
    parts[tensor.storage] = known
    return nil
  }

  private func item(
    _ name: TensorName, _ tensor: TorchTensor
  ) throws(CairnError) -> TensorTable.Item {
    let storage = content.storages[tensor.storage]
    let named = tensor.dtype.flatMap { TorchDType.dtype(named: $0) }
    guard let dtype = named ?? TorchDType.dtype(ofStorage: storage.type), let bits = dtype.bitWidth,
      bits >= 8
    else {
      throw CairnError(
        .unknownDType, "the element type is not known", found: tensor.dtype ?? storage.type)
    }
    let width = bits / 8
    let shape = try Shape(tensor.dimensions)
    guard let byteCount = dtype.byteCount(elements: shape.elementCount) else {
      throw CairnError(.invalidShape, "the shape has more bytes than can be counted")
    }
    let base = storages[tensor.storage]
    let (first, over) = tensor.offset.multipliedReportingOverflow(by: width)
    guard let span = StridedElements.span(tensor.dimensions, tensor.strides), !over,
      first <= base.count || span == 0, span <= max(0, base.count - first) / width
    else {
      throw CairnError(
        .truncated, "the tensor reaches beyond its storage", expected: "within \(base.count) bytes",
        found: "offset \(tensor.offset), shape \(shape), strides \(tensor.strides)",
        advice: "The file is damaged or hostile")
    }
    // An empty tensor may begin anywhere.
    let start = span == 0 ? 0 : first
    let part = PartOfElements(base: base, range: start..<start + span * width)
    let elements: any ElementBytes
    if StridedElements.isRowMajor(tensor.dimensions, tensor.strides) {
      elements = part
    } else {
      elements = try StridedElements(
        part, width: width, dimensions: tensor.dimensions, strides: tensor.strides,
        viewed: viewed, key: table.items.count)
    }
    return TensorTable.Item(
      name: name, dtype: dtype, shape: shape, elements: elements,
      codec: elements is StridedElements ? "strided" : "raw",
      storedByteCount: min(byteCount, part.count))
  }
}
