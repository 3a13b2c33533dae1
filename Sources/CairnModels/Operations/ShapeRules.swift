// Operations that move elements, and change none.

import CairnJSON
import CairnSystem
import CairnTensors

/// The same elements in another shape.
struct ReshapeRule: OperationRule {
  let target: [Int]

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let spec = try arguments.onlyTensor()
    let known = spec.shape.dimensions.compactMap { $0 }
    let rest = try Shape(target.filter { $0 != -1 }).elementCount
    var dimensions: [Int?] = target
    if let free = target.firstIndex(of: -1) {
      dimensions[free] = nil
      if known.count == spec.shape.rank {
        let count = try Shape(known).elementCount
        guard rest > 0, count % rest == 0 else { throw Self.mismatch(spec.shape, target) }
        dimensions[free] = count / rest
      }
    } else if known.count == spec.shape.rank, try Shape(known).elementCount != rest {
      throw Self.mismatch(spec.shape, target)
    }
    return TensorSpec(try BatchShape(dimensions), dtype: spec.dtype)
  }

  private static func mismatch(_ shape: BatchShape, _ target: [Int]) -> CairnError {
    CairnError(
      .shapeMismatch, "an operand cannot take the shape \(target)", found: "\(shape)")
  }

  func evaluate(
    _ arguments: CallArguments<MaskedTensor>, to spec: TensorSpec, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    try arguments.onlyTensor().tensor.reshaped(to: context.shape(spec.shape))
  }
}

/// A dimension of length 1 more, or less: the elements stay in their order.
struct DimensionRule: OperationRule {
  enum Change: Sendable { case insert, remove }
  let change: Change
  /// Nil where all dimensions of length 1 go.
  let axes: [Int]?

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let spec = try arguments.onlyTensor()
    var dimensions = spec.shape.dimensions
    switch change {
    case .insert:
      let rank = dimensions.count + (axes ?? []).count
      let places = (axes ?? []).map { $0 < 0 ? $0 + rank : $0 }
      guard places.allSatisfy({ (0..<rank).contains($0) }), Set(places).count == places.count
      else { throw Self.mismatch(spec.shape, axes) }
      for place in places.sorted() { dimensions.insert(1, at: place) }
    case .remove:
      let chosen = axes ?? dimensions.indices.filter { dimensions[$0] == 1 }
      let places = chosen.compactMap { spec.shape.axis($0) }
      guard places.count == chosen.count, places.allSatisfy({ dimensions[$0] == 1 }) else {
        throw Self.mismatch(spec.shape, axes)
      }
      for place in Set(places).sorted(by: >) { dimensions.remove(at: place) }
    }
    return TensorSpec(try BatchShape(dimensions), dtype: spec.dtype)
  }

  private static func mismatch(_ shape: BatchShape, _ axes: [Int]?) -> CairnError {
    CairnError(
      .shapeMismatch, "an operand lacks a dimension, or it is not of length 1",
      expected: "\(axes ?? [])", found: "\(shape)")
  }

  func evaluate(
    _ arguments: CallArguments<MaskedTensor>, to spec: TensorSpec, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    try arguments.onlyTensor().tensor.reshaped(to: context.shape(spec.shape))
  }
}

/// The dimensions in another order; without one, turned round.
struct TransposeRule: OperationRule {
  enum Order: Sendable { case all([Int]?), swapped(Int, Int), moved([Int], [Int]) }
  let order: Order

  private func permutation(_ shape: BatchShape) throws(CairnError) -> [Int] {
    var permutation = Array(0..<shape.rank)
    switch order {
    case .all(nil): return permutation.reversed()
    case .all(let axes?):
      let places = axes.compactMap { shape.axis($0) }
      if places.sorted() == permutation { return places }
    case .moved(let sources, let targets):
      let (from, to) = (try shape.places(of: sources), try shape.places(of: targets))
      guard Set(from).count == from.count, Set(to).count == to.count else { break }
      var rest = permutation.filter { !from.contains($0) }
      for (target, source) in zip(to, from).sorted(by: { $0.0 < $1.0 }) {
        rest.insert(source, at: target)
      }
      return rest
    case .swapped(let one, let other):
      if let a = shape.axis(one), let b = shape.axis(other) {
        permutation.swapAt(a, b)
        return permutation
      }
    }
    throw CairnError(
      .shapeMismatch, "an operand has other dimensions than are to be ordered", found: "\(shape)")
  }

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let spec = try arguments.onlyTensor()
    let dimensions = try permutation(spec.shape).map { spec.shape.dimensions[$0] }
    return TensorSpec(try BatchShape(dimensions), dtype: spec.dtype)
  }

  func evaluate(
    _ arguments: CallArguments<MaskedTensor>, to spec: TensorSpec, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let tensor = try arguments.onlyTensor().tensor
    return try tensor.transposed(permutation(BatchShape(tensor.shape)))
  }
}

/// Tensors side by side along a dimension, or along a new one.
struct JoinRule: OperationRule {
  let axis: Int
  let isNew: Bool

  private func place(_ shape: BatchShape) throws(CairnError) -> Int {
    let rank = shape.rank + (isNew ? 1 : 0)
    let place = axis < 0 ? axis + rank : axis
    guard (0..<rank).contains(place) else {
      throw CairnError(
        .shapeMismatch, "an operand lacks a dimension", expected: "\(axis)", found: "\(shape)")
    }
    return place
  }

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let specs = try arguments.operand(0).tensors
    guard let first = specs.first, specs.allSatisfy({ $0.dtype == first.dtype }) else {
      throw CairnError(.dtypeMismatch, "an operation takes tensors of one type")
    }
    let axis = try place(first.shape)
    var result = first.shape.dimensions
    if isNew { result.insert(specs.count, at: axis) }
    for spec in specs.dropFirst() {
      var dimensions = spec.shape.dimensions
      if isNew { dimensions.insert(specs.count, at: axis) }
      guard dimensions.count == result.count else { throw Self.mismatch(first.shape, spec.shape) }
      for index in dimensions.indices {
        if index == axis, !isNew {
          let (x, y) = (result[index], dimensions[index])
          result[index] = x.flatMap { x in y.map { x + $0 } }
        } else if let x = result[index], let y = dimensions[index], x != y {
          throw Self.mismatch(first.shape, spec.shape)
        } else {
          result[index] = result[index] ?? dimensions[index]
        }
      }
    }
    return TensorSpec(try BatchShape(result), dtype: first.dtype)
  }

  private static func mismatch(_ one: BatchShape, _ other: BatchShape) -> CairnError {
    CairnError(
      .shapeMismatch, "tensors cannot stand side by side", expected: "\(one)", found: "\(other)")
  }

  func evaluate(
    _ arguments: CallArguments<MaskedTensor>, to spec: TensorSpec, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let parts = try arguments.operand(0).tensors.map(\.tensor)
    guard let first = parts.first else { throw CairnError(.countMismatch, "there is no tensor") }
    // Along a new dimension the parts' bytes follow one another as along one of length 1.
    return try Tensor.concatenated(
      parts, axis: place(BatchShape(first.shape)), shape: context.shape(spec.shape))
  }
}

/// A part of a tensor: Keras's `x[:, 0]`.
struct ItemRule: OperationRule {
  /// For each dimension of an operand its places, and whether the dimension goes.
  private func places(
    _ shape: BatchShape, _ key: JSONValue
  ) throws(CairnError) -> [(slice: Slice, goes: Bool)] {
    let items = key.arrayValue ?? [key]
    let isEllipsis = { (item: JSONValue) in item["class_name"]?.stringValue == "__ellipsis__" }
    let count = items.filter { !isEllipsis($0) }.count
    guard count <= shape.rank, items.filter(isEllipsis).count <= 1 else { throw Self.invalid(key) }
    let filler = Array(
      repeating: (slice: Slice(), goes: false), count: shape.rank - count)
    var result: [(slice: Slice, goes: Bool)] = []
    var hasEllipsis = false
    for item in items {
      if isEllipsis(item) {
        result += filler
        hasEllipsis = true
      } else if let index = item.intValue {
        result.append((Slice(index: index), true))
      } else if item["class_name"]?.stringValue == "__slice__", let slice = Slice(item["config"]) {
        result.append((slice, false))
      } else {
        throw Self.invalid(key)
      }
    }
    return hasEllipsis ? result : result + filler
  }

  private static func invalid(_ key: JSONValue) -> CairnError {
    CairnError(
      .unsupportedConfiguration, "a part of a tensor is chosen in a way that is not supported",
      expected: "whole numbers, slices and one ellipsis", found: key.description)
  }

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    guard case .tensor(let spec) = try arguments.operand(0) else {
      throw CairnError(.countMismatch, "an operation takes a tensor")
    }
    let key = try arguments.operand(1).plain ?? .null
    var dimensions: [Int?] = []
    for ((slice, goes), length) in try zip(places(spec.shape, key), spec.shape.dimensions) {
      let count = try length.map { (length) throws(CairnError) in
        try slice.places(length).count
      }
      if !goes { dimensions.append(slice.isWhole ? length : count) }
    }
    return TensorSpec(try BatchShape(dimensions), dtype: spec.dtype)
  }

  func evaluate(
    _ arguments: CallArguments<MaskedTensor>, to spec: TensorSpec, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    guard case .tensor(let value) = try arguments.operand(0) else {
      throw CairnError(.countMismatch, "an operation takes a tensor")
    }
    let key = try arguments.operand(1).plain ?? .null
    let shape = BatchShape(value.tensor.shape)
    var chosen: [[Int]] = []
    for ((slice, _), length) in try zip(places(shape, key), value.tensor.shape.dimensions) {
      chosen.append(try slice.places(length))
    }
    return try value.tensor.gathered(chosen, in: context).reshaped(to: context.shape(spec.shape))
  }

  /// Python's `start:stop:step`, or a single index.
  private struct Slice {
    var start: Int?
    var stop: Int?
    var step = 1
    var index: Int?

    init() {}
    init(index: Int) { self.index = index }
    init?(_ config: JSONValue?) {
      guard let config else { return nil }
      for key in ["start", "stop", "step"] {
        guard let value = config[key], value.isNull || value.intValue != nil else { return nil }
      }
      start = config["start"]?.intValue
      stop = config["stop"]?.intValue
      step = config["step"]?.intValue ?? 1
      guard step > 0 else { return nil }
    }

    var isWhole: Bool { start == nil && stop == nil && step == 1 && index == nil }

    func places(_ length: Int) throws(CairnError) -> [Int] {
      if let index {
        guard index >= -length, index < length else {
          throw CairnError(
            .shapeMismatch, "an index is outside its dimension", expected: "\(length) places",
            found: "\(index)")
        }
        return [index < 0 ? index + length : index]
      }
      func bound(_ value: Int?, _ fallback: Int) -> Int {
        guard let value else { return fallback }
        if value >= 0 { return min(value, length) }
        return value < -length ? 0 : value + length
      }
      let (first, last) = (bound(start, 0), bound(stop, length))
      return first < last ? Array(stride(from: first, to: last, by: step)) : []
    }
  }
}
