// Operations whose result takes its elements from where other tensors say: where, take, one-hot; and
// those that leave some out.

import CairnJSON
import CairnSystem
import CairnTensors

/// The elements of one tensor where a condition holds, of another elsewhere, broadcast.
struct WhereRule: OperationRule {
  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    guard arguments.positional.count == 3 else {
      throw CairnError(
        .unsupportedConfiguration, "where is implemented with both of its choices only",
        expected: "3 operands", found: "\(arguments.positional.count)")
    }
    let dtype = try dtype(arguments.positional.dropFirst().flatMap(\.tensors))
    let floats = try arguments.mapTensors { TensorSpec($0.shape) }
    func broadcast(
      _ one: CallArgument<TensorSpec>, _ other: CallArgument<TensorSpec>
    ) throws(CairnError) -> CallArgument<TensorSpec> {
      .tensor(try BinaryRule(function: .sum).output(of: CallArguments([one, other])))
    }
    let operands = floats.positional
    let shape = try broadcast(operands[0], broadcast(operands[1], operands[2])).tensors[0].shape
    return TensorSpec(shape, dtype: dtype)
  }

  private func dtype(_ choices: [TensorSpec]) throws(CairnError) -> DType {
    guard let first = choices.first?.dtype else {
      throw CairnError(
        .unsupportedConfiguration, "where is implemented with a tensor among its choices only")
    }
    return choices.allSatisfy { $0.dtype == first } ? first : try choices.map(\.dtype).widestFloat()
  }

  func evaluate(
    _ arguments: CallArguments<MaskedTensor>, to spec: TensorSpec, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let shape = try context.shape(spec.shape)
    let count = shape.elementCount
    var parts: [Tensor] = []
    for index in 0..<3 {
      let part: Tensor
      switch try arguments.operand(index) {
      case .tensor(let value): part = value.tensor
      case let other: part = try BinaryRule.numbers(other.plain).tensor()
      }
      parts.append(
        try part.cast(to: index == 0 ? .bool : spec.dtype).broadcast(to: shape, in: context)
          .reshaped(to: [count]))
    }
    let chosen: [Bool] = try parts[0].scalars()
    return try Tensor.concatenated(
      Array(parts.dropFirst()), axis: 0, shape: .vector(Shape([count, 2]).elementCount)
    ).runs(shape: shape, length: 1, sources: chosen.indices.map { chosen[$0] ? $0 : $0 + count })
  }
}

/// Padding with a number.
struct PadRule: OperationRule {
  let widths: [(before: Int, after: Int)]
  let mode: PadMode

  private var selection: SelectionRule { .padded(widths, mode: mode) }

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    if arguments["constant_values"] != nil, mode != .constant {
      throw CairnError(.invalidConfiguration, "only constant padding has a value")
    }
    return try selection.output(of: arguments)
  }

  func evaluate(
    _ arguments: CallArguments<MaskedTensor>, to spec: TensorSpec, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let padded = try selection.evaluate(arguments, to: spec, in: context)
    guard let value = arguments["constant_values"]?.plain, value.doubleValue != 0 else {
      return padded
    }
    let operand = try arguments.operand(0).tensors[0].tensor
    let inside = try SelectionRule.padded(widths, mode: .constant).evaluate(
      CallArguments([.tensor(MaskedTensor(Tensor(repeating: true, shape: operand.shape)))]),
      to: TensorSpec(spec.shape, dtype: .bool), in: context)
    return try WhereRule().evaluate(
      CallArguments([.tensor(MaskedTensor(inside)), .tensor(MaskedTensor(padded)), .value(value)]),
      to: spec, in: context)
  }
}

/// Places along a dimension that another tensor gives: rows of a table.
struct TakeRule: OperationRule {
  let axis: Int?

  /// The rule for indices that stand in the configuration.
  private func selection(_ indices: JSONValue) throws(CairnError) -> SelectionRule {
    let list = indices.arrayValue ?? [indices]
    let numbers = list.compactMap(\.intValue)
    guard numbers.count == list.count else {
      throw CairnError(
        .unsupportedConfiguration, "elements are chosen in a way that is not supported",
        expected: "a tensor, an index or a list of indices", found: indices.description)
    }
    return .taken(numbers, shape: indices.arrayValue == nil ? [] : [numbers.count], axis: axis)
  }

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    guard case .tensor(let indices) = try arguments.operand(1) else {
      return try selection(arguments.operand(1).plain ?? .null).output(of: arguments)
    }
    guard case .tensor(let spec) = try arguments.operand(0) else {
      throw CairnError(.countMismatch, "an operation takes a tensor")
    }
    let base = try axis == nil ? BatchShape(spec.shape.flat()) : spec.shape
    let place = try base.places(of: [axis ?? 0])[0]
    let dimensions =
      base.dimensions[..<place] + indices.shape.dimensions + base.dimensions[(place + 1)...]
    return TensorSpec(try BatchShape(Array(dimensions)), dtype: spec.dtype)
  }

  func evaluate(
    _ arguments: CallArguments<MaskedTensor>, to spec: TensorSpec, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    guard case .tensor(let indices) = try arguments.operand(1) else {
      return try selection(arguments.operand(1).plain ?? .null).evaluate(
        arguments, to: spec, in: context)
    }
    let numbers = try indices.tensor.indices()
    let rule = SelectionRule.taken(numbers, shape: indices.tensor.shape.dimensions, axis: axis)
    return try rule.evaluate(
      CallArguments([arguments.positional[0]]), to: spec, in: context)
  }
}

/// Along a dimension the places that another tensor of as many dimensions gives.
struct TakeAlongAxisRule: OperationRule {
  let axis: Int

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    guard case .tensor(let spec) = try arguments.operand(0),
      case .tensor(let indices) = try arguments.operand(1), spec.shape.rank == indices.shape.rank
    else {
      throw CairnError(.shapeMismatch, "elements are taken by a tensor of as many dimensions")
    }
    let place = try spec.shape.places(of: [axis])[0]
    for (index, (x, y)) in zip(spec.shape.dimensions, indices.shape.dimensions).enumerated()
    where index != place {
      guard x == nil || y == nil || x == y else {
        throw CairnError(
          .shapeMismatch, "elements are taken by a tensor whose other dimensions are the same",
          expected: "\(spec.shape)", found: "\(indices.shape)")
      }
    }
    return TensorSpec(indices.shape, dtype: spec.dtype)
  }

  func evaluate(
    _ arguments: CallArguments<MaskedTensor>, to spec: TensorSpec, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let operands = arguments.tensors.map(\.tensor)
    let (tensor, places) = (operands[0], try operands[1].indices())
    let place = try BatchShape(tensor.shape).places(of: [axis])[0]
    let shape = try context.shape(spec.shape)
    for index in shape.dimensions.indices where index != place {
      guard shape[index] == tensor.shape[index] else {
        throw CairnError(
          .shapeMismatch, "elements are taken by a tensor whose other dimensions are the same",
          expected: "\(tensor.shape)", found: "\(shape)")
      }
    }
    let length = tensor.shape[place]
    let inner = shape.dimensions[(place + 1)...].reduce(1, *)
    var sources: [Int] = []
    for (number, index) in places.enumerated() {
      guard index >= -length, index < length else {
        throw CairnError(
          .shapeMismatch, "an index is outside its dimension", expected: "\(length) places",
          found: "\(index)")
      }
      let row = number / (inner * max(shape[place], 1))
      let step = index < 0 ? index + length : index
      sources.append((row * length + step) * inner + number % inner)
    }
    return try tensor.runs(shape: shape, length: 1, sources: sources)
  }
}

/// For each index a run of zeros with a one in its place; all zeros for one that is outside.
struct OneHotRule: OperationRule {
  let count: Int
  let axis: Int
  let dtype: DType

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let shape = try arguments.onlyTensor().shape
    var dimensions = shape.dimensions
    let place = axis < 0 ? axis + shape.rank + 1 : axis
    guard (0...shape.rank).contains(place) else {
      throw CairnError(
        .shapeMismatch, "an operand lacks a dimension", expected: "\(axis)", found: "\(shape)")
    }
    dimensions.insert(count, at: place)
    return TensorSpec(try BatchShape(dimensions), dtype: dtype)
  }

  func evaluate(
    _ arguments: CallArguments<MaskedTensor>, to spec: TensorSpec, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let tensor = try arguments.onlyTensor().tensor
    let shape = try context.shape(spec.shape)
    let place = axis < 0 ? axis + tensor.rank + 1 : axis
    let inner = tensor.shape.dimensions[place...].reduce(1, *)
    var values = [Float](repeating: 0, count: shape.elementCount)
    for (number, index) in try tensor.indices().enumerated() where (0..<count).contains(index) {
      values[(number / max(inner, 1) * count + index) * inner + number % max(inner, 1)] = 1
    }
    return try Tensor(values, shape: shape).cast(to: dtype)
  }
}

/// Zeros on one side of a diagonal of the last two dimensions.
struct TriangleRule: OperationRule {
  let offset: Int
  let keepsLower: Bool

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let spec = try arguments.onlyTensor()
    guard spec.shape.rank >= 2 else {
      throw CairnError(.shapeMismatch, "an operand is no matrix", found: "\(spec.shape)")
    }
    return spec
  }

  func evaluate(
    _ arguments: CallArguments<MaskedTensor>, to spec: TensorSpec, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let tensor = try arguments.onlyTensor().tensor
    let (rows, columns) = (tensor.shape[tensor.rank - 2], tensor.shape[tensor.rank - 1])
    let sources = (0..<tensor.elementCount).map { index in
      let distance = index % columns - index / columns % rows - offset
      return (keepsLower ? distance <= 0 : distance >= 0) ? index : -1
    }
    return try tensor.runs(shape: tensor.shape, length: 1, sources: sources)
  }
}

extension Tensor {
  /// The elements as indices.
  ///
  /// - Throws: `dtypeMismatch` if they are no integers.
  fileprivate func indices() throws(CairnError) -> [Int] {
    guard dtype.isInteger, dtype != .uint64 else {
      throw CairnError(
        .dtypeMismatch, "indices are integers", expected: "int32", found: "\(dtype)")
    }
    let values: [Int64] = try cast(to: .int64).scalars()
    return values.map { Int($0) }
  }

  /// Repeated along dimensions of length 1, to a shape that it broadcasts to.
  fileprivate func broadcast(
    to shape: Shape, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let rule = SelectionRule.broadcast(to: shape.dimensions)
    return try rule.evaluate(
      CallArguments([.tensor(MaskedTensor(self))]),
      to: TensorSpec(BatchShape(shape), dtype: dtype), in: context)
  }
}
