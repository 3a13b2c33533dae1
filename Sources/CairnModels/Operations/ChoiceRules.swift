// Operations whose result takes its elements from where other tensors say (where, take, one-hot),
// and operations that leave some out.

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
    let choices = [try arguments.operand(1).operandSpec(), try arguments.operand(2).operandSpec()]
    return TensorSpec(
      try broadcast([arguments.operand(0).strongSpec().shape.dimensions] + choices.map(\.shape)),
      dtype: try Promotion.result(choices.map(\.type)))
  }

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    let shape = try call.shape()
    let count = shape.elementCount
    var parts: [Tensor] = []
    for index in 0..<3 {
      let part = try call.arguments.operand(index).operandTensor(
        index == 0 ? .bool : call.spec.dtype)
      parts.append(try part.broadcast(to: shape, in: call.context).reshaped(to: [count]))
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

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    let padded = try selection.evaluate(call)
    guard let value = call.arguments["constant_values"]?.plain, value.doubleValue != 0 else {
      return padded
    }
    let operand = try call.arguments.operand(0).tensors[0].tensor
    let inside = try SelectionRule.padded(widths, mode: .constant).evaluate(
      CallArguments([.tensor(MaskedTensor(Tensor(repeating: true, shape: operand.shape)))]),
      to: TensorSpec(call.spec.shape, dtype: .bool), in: call.context)
    return try WhereRule().evaluate(
      CallArguments([.tensor(MaskedTensor(inside)), .tensor(MaskedTensor(padded)), .value(value)]),
      to: call.spec, in: call.context)
  }
}

/// Takes the places along a dimension that another tensor gives: rows of a table.
struct TakeRule: OperationRule {
  let axis: Int?

  /// The rule for indices that stand in the configuration.
  private func selection(_ indices: JSONValue) throws(CairnError) -> SelectionRule {
    let list = indices.arrayValue ?? [indices]
    // A bool is an index of Python's too.
    let numbers = list.compactMap { $0.intValue ?? $0.boolValue.map { $0 ? 1 : 0 } }
    guard numbers.count == list.count else {
      throw CairnError(
        .unsupportedConfiguration, "elements are chosen in a way that is not supported",
        expected: "a tensor, an index or a list of indices", found: indices.description)
    }
    return .taken(numbers, shape: indices.arrayValue == nil ? [] : [numbers.count], axis: axis)
  }

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let operand = try arguments.operand(1)
    if let plain = operand.plain, plain.objectValue == nil {
      return try selection(plain).output(of: arguments)
    }
    let indices = try operand.strongSpec()
    let spec = try arguments.operand(0).strongSpec()
    let base = try axis == nil ? BatchShape(spec.shape.flat()) : spec.shape
    let place = try base.places(of: [axis ?? 0])[0]
    let dimensions =
      base.dimensions[..<place] + indices.shape.dimensions + base.dimensions[(place + 1)...]
    return TensorSpec(try BatchShape(Array(dimensions)), dtype: spec.dtype)
  }

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    let operand = try call.arguments.operand(1)
    if let plain = operand.plain, plain.objectValue == nil {
      return try selection(plain).evaluate(call)
    }
    let indices = try operand.strongTensor()
    let numbers = try indices.indices()
    let rule = SelectionRule.taken(numbers, shape: indices.shape.dimensions, axis: axis)
    return try rule.evaluate(
      CallArguments([call.arguments.positional[0]]), to: call.spec, in: call.context)
  }
}

/// Takes along a dimension the places that another tensor of the same rank gives.
struct TakeAlongAxisRule: OperationRule {
  let axis: Int

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let spec = try arguments.operand(0).strongSpec()
    let indices = try arguments.operand(1).strongSpec()
    guard spec.shape.rank == indices.shape.rank else {
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

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    let tensor = try call.tensor(0)
    let places = try call.tensor(1).indices()
    let place = try BatchShape(tensor.shape).places(of: [axis])[0]
    let shape = try call.shape()
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
      let row = number / max(inner * shape[place], 1)
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
    let shape = try arguments.operand(0).strongSpec().shape
    var dimensions = shape.dimensions
    let place = axis < 0 ? axis + shape.rank + 1 : axis
    guard (0...shape.rank).contains(place) else {
      throw CairnError(
        .shapeMismatch, "an operand lacks a dimension", expected: "\(axis)", found: "\(shape)")
    }
    dimensions.insert(count, at: place)
    return TensorSpec(try BatchShape(dimensions), dtype: dtype)
  }

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    let tensor = try call.tensor(0)
    let shape = try call.shape()
    let place = axis < 0 ? axis + tensor.rank + 1 : axis
    let inner = tensor.shape.dimensions[place...].reduce(1, *)
    var values = [Float](repeating: 0, count: shape.elementCount)
    // Keras takes floats for indices too.
    let whole = tensor.dtype.isInteger ? tensor : try tensor.cast(to: .int64)
    for (number, index) in try whole.indices().enumerated() where (0..<count).contains(index) {
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

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    let tensor = try call.arguments.onlyTensor().tensor
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
  /// - Throws: `dtypeMismatch` if they are not integers.
  func indices() throws(CairnError) -> [Int] {
    guard dtype.isInteger, dtype != .uint64 else {
      throw CairnError(
        .dtypeMismatch, "indices are integers", expected: "int32", found: "\(dtype)")
    }
    let values: [Int64] = try cast(to: .int64).scalars()
    return values.map { Int($0) }
  }

  /// Repeated along dimensions of length 1, to a shape that it broadcasts to.
  func broadcast(
    to shape: Shape, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let rule = SelectionRule.broadcast(to: shape.dimensions)
    return try rule.evaluate(
      CallArguments(tensors: self),
      to: TensorSpec(BatchShape(shape), dtype: dtype), in: context)
  }
}
