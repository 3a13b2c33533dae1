// From what a pickle describes to tensors: views of storages, ties, lost sharing.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors

/// Collects the tensors of a PyTorch checkpoint.
struct TorchTable {
  private(set) var table: TensorTable
  /// What `verify` reads: tensors whose type does not allow all bit patterns.
  private(set) var checked: [(name: TensorName, elements: any ElementBytes)] = []
  private let content: TorchContent
  private let storages: [any ElementBytes]
  private let viewed = ViewedBytes()
  /// The first tensor with each view.
  private var views: [TorchTensor: Int] = [:]
  /// The bytes that all tensors may still take. They may be more than the file has, because several
  /// tensors view the same bytes or the bytes are deflated.
  private var remaining: Int
  /// The range of a storage that each tensor takes, for ``sharing()``.
  private var spans: [(storage: Int, range: Range<Int>, tensor: Int)] = []

  init(
    _ content: TorchContent, _ storages: [any ElementBytes], path: String?, fileByteCount: Int
  ) {
    self.content = content
    self.storages = storages
    table = TensorTable(path: path)
    remaining = fileByteCount.allowance(times: 16, plus: 64 << 20)
  }

  /// Adds a tensor.
  mutating func add(_ name: TensorName, _ tensor: TorchTensor) throws(CairnError) {
    do throws(CairnError) {
      if let owner = views[tensor] {
        var item = table.items[owner]
        item.name = name
        item.aliasOf = owner
        return try table.add(item)
      }
      let item = try item(name, tensor)
      views[tensor] = table.items.count
      if let span = StridedElements.span(tensor.dimensions, tensor.strides), span > 0 {
        spans.append((tensor.storage, tensor.offset..<tensor.offset + span, table.items.count))
      }
      try table.add(item)
    } catch {
      throw error.located(name: name.string)
    }
  }

  /// Tensors that share bytes here and will not once they are copied.
  func sharing() -> RemarkList {
    let sorted = spans.sorted {
      ($0.storage, $0.range.lowerBound, -$0.range.upperBound, $0.tensor)
        < ($1.storage, $1.range.lowerBound, -$1.range.upperBound, $1.tensor)
    }
    var pairs: [(tensor: Int, other: Int)] = []
    // Of the spans that begin earlier, the one that reaches furthest.
    var furthest: (storage: Int, end: Int, tensor: Int)?
    for span in sorted {
      if let last = furthest, last.storage == span.storage, span.range.lowerBound < last.end {
        pairs.append((max(span.tensor, last.tensor), min(span.tensor, last.tensor)))
        if span.range.upperBound <= last.end { continue }
      }
      furthest = (span.storage, span.range.upperBound, span.tensor)
    }
    var remarks = RemarkList()
    for pair in pairs.sorted(by: { ($0.tensor, $0.other) < ($1.tensor, $1.other) }) {
      remarks.add(
        "‘\(table.items[pair.tensor].name)’ shares bytes with ‘\(table.items[pair.other].name)’ "
          + "in the file, and is a tensor of its own here")
    }
    return remarks
  }

  private mutating func item(
    _ name: TensorName, _ tensor: TorchTensor
  ) throws(CairnError) -> TensorTable.Item {
    let storage = content.storages[tensor.storage]
    guard let type = tensor.dtype ?? TorchDType.dtype(ofStorage: storage.type) else {
      throw CairnError(.unknownDType, "the element type is not known", found: storage.type.excerpt)
    }
    let width = type.width
    var dimensions = tensor.dimensions
    if type.dtype == .float4E2M1FN, let last = dimensions.popLast() {
      dimensions.append(last.multipliedSaturated(by: type.count))
    } else if type.count > 1 {
      dimensions.append(type.count)
    }
    let shape = try Shape(dimensions)
    guard let byteCount = type.dtype.byteCount(elements: shape.elementCount) else {
      throw CairnError(.invalidShape, "the shape has more bytes than can be counted")
    }
    let base = storages[tensor.storage]
    guard let first = tensor.offset.multiplied(by: width),
      let span = StridedElements.span(tensor.dimensions, tensor.strides),
      first <= base.count || span == 0, span <= max(0, base.count - first) / width
    else {
      throw CairnError(
        .truncated, "the tensor reaches beyond its storage", expected: "within \(base.count) bytes",
        found: "offset \(tensor.offset), shape \(shape), strides \(tensor.strides)",
        advice: "The file is damaged, or was not written by PyTorch")
    }
    // An empty tensor may begin anywhere.
    let start = span == 0 ? 0 : first
    let part = PartOfElements(base: base, range: start..<start + span * width)
    var elements: any ElementBytes = part
    if !StridedElements.isRowMajor(tensor.dimensions, tensor.strides) {
      elements = try StridedElements(
        part, width: width, dimensions: tensor.dimensions, strides: tensor.strides,
        viewed: viewed, key: table.items.count)
    }
    if tensor.isConjugated || tensor.isNegated {
      elements = SignedElements(
        base: elements, width: type.numberWidth,
        flipsFirst: tensor.isNegated,
        flipsSecond: type.isComplex ? tensor.isNegated != tensor.isConjugated : tensor.isNegated)
    }
    try check(name, type, tensor, part, byteCount)
    if byteCount > remaining {
      elements = RefusedElements(count: byteCount, kept: part.count)
    } else {
      remaining -= byteCount
    }
    return TensorTable.Item(
      name: name, dtype: type.dtype, shape: shape, elements: elements,
      codec: elements is PartOfElements ? "raw" : "strided",
      storedByteCount: min(byteCount, part.count))
  }

  /// Notes what is to be checked of a tensor: each truth value of its storage once, even if a view
  /// repeats it.
  private mutating func check(
    _ name: TensorName, _ type: TorchDType, _ tensor: TorchTensor, _ part: PartOfElements,
    _ byteCount: Int
  ) throws(CairnError) {
    guard type.dtype == .bool, byteCount > 0 else { return }
    let dimensions = zip(tensor.dimensions, tensor.strides).map { $1 == 0 ? 1 : $0 }
    guard !StridedElements.isRowMajor(dimensions, tensor.strides) else {
      checked.append((name, part))
      return
    }
    let elements = try StridedElements(
      part, width: 1, dimensions: dimensions, strides: tensor.strides, viewed: viewed,
      key: -1 - checked.count)
    checked.append((name, elements))
  }
}

/// Elements that are far more than the file has bytes for. The tensor is listed, but reading it
/// throws.
struct RefusedElements: ElementBytes {
  let count: Int
  /// The bytes of the file that they would be made from.
  let kept: Int

  func read(from offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError) {
    throw CairnError(
      .overBudget, "the tensor's elements are far more than the file holds bytes for",
      expected: "all tensors within 64 MiB and 16 times the file",
      found: "\(count) bytes made from \(kept)",
      advice: "Save the tensor as it was before it was expanded")
  }
}

/// Numbers, some of which have their signs flipped: conjugated and negated views.
struct SignedElements: ElementBytes {
  let base: any ElementBytes
  /// The bytes of one number, at least 2, little-endian.
  let width: Int
  /// Whether the first, third … number's sign is flipped, and whether the second's, fourth's …
  let flipsFirst: Bool
  let flipsSecond: Bool

  var count: Int { base.count }

  func read(from offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError) {
    try base.read(from: offset, into: &bytes)
    // The sign is the highest bit of a number's last byte.
    var place = width - 1 - offset % width
    while place < bytes.count {
      let isSecond = (offset + place) / width % 2 == 1
      if isSecond ? flipsSecond : flipsFirst { bytes[place] ^= 0x80 }
      place += width
    }
  }
}
