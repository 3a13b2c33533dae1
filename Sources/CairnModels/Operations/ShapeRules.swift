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

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    try call.arguments.onlyTensor().tensor.reshaped(to: call.shape())
  }
}

/// Adds or removes dimensions of length 1: the elements stay in their order.
struct DimensionRule: OperationRule {
  enum Change: Sendable { case insert, remove }
  let change: Change
  /// Nil to remove all dimensions of length 1.
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

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    try call.arguments.onlyTensor().tensor.reshaped(to: call.shape())
  }
}

/// The dimensions in another order; reversed if no order is given.
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

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    let tensor = try call.arguments.onlyTensor().tensor
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
    var specs: [TensorSpec] = []
    for element in try arguments.operand(0).elements { specs.append(try element.strongSpec()) }
    guard let first = specs.first else { throw CairnError(.countMismatch, "there is no tensor") }
    let dtype = try Set(specs.map(\.dtype)).count == 1 ? first.dtype : dtype(arguments)
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
          result[index] = x.flatMap { x in y.map { min(x, Shape.dimensionLimit) + $0 } }
        } else if let x = result[index], let y = dimensions[index], x != y {
          throw Self.mismatch(first.shape, spec.shape)
        } else {
          result[index] = result[index] ?? dimensions[index]
        }
      }
    }
    return TensorSpec(try BatchShape(result), dtype: dtype)
  }

  /// The type that all operands fit.
  private func dtype(_ arguments: CallArguments<TensorSpec>) throws(CairnError) -> DType {
    var types: [OperandType] = []
    for element in try arguments.operand(0).elements {
      let (_, type, own) = try element.operandSpec()
      // Numbers give way where tensors are stacked only.
      types.append(isNew ? type : .strong(own))
    }
    return try Promotion.result(types)
  }

  private static func mismatch(_ one: BatchShape, _ other: BatchShape) -> CairnError {
    CairnError(
      .shapeMismatch, "tensors cannot stand side by side", expected: "\(one)", found: "\(other)")
  }

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    var parts: [Tensor] = []
    for element in try call.arguments.operand(0).elements {
      parts.append(try element.operandTensor(call.spec.dtype))
    }
    guard let first = parts.first else { throw CairnError(.countMismatch, "there is no tensor") }
    // Along a new dimension the parts' bytes follow one another as along one of length 1.
    return try Tensor.concatenated(
      parts, axis: place(BatchShape(first.shape)), shape: call.shape())
  }
}
