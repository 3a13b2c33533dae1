// Operations on each element, or each pair of elements.

import CairnJSON
import CairnSystem
import CairnTensors

/// A function of each element.
struct UnaryRule: OperationRule {
  let function: UnaryFunction

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let spec = try arguments.onlyTensor()
    return TensorSpec(spec.shape, dtype: try [spec.dtype].widestFloat())
  }

  func evaluate(
    _ arguments: CallArguments<MaskedTensor>, to spec: TensorSpec, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let tensor = try arguments.onlyTensor().tensor.cast(to: Precision(for: spec.dtype).dtype)
    return try tensor.mapped(function).cast(to: spec.dtype)
  }
}

/// An activation function; softmax and its like along an axis.
struct ActivationRule: OperationRule {
  let function: ActivationFunction
  var axis: Int?

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let spec = try arguments.onlyTensor()
    if let axis, spec.shape.axis(axis) == nil {
      throw CairnError(
        .shapeMismatch, "an operand lacks a dimension", expected: "a dimension \(axis)",
        found: "\(spec.shape)")
    }
    return TensorSpec(spec.shape, dtype: try [spec.dtype].widestFloat())
  }

  func evaluate(
    _ arguments: CallArguments<MaskedTensor>, to spec: TensorSpec, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    var tensor = try arguments.onlyTensor().tensor.cast(to: Precision(for: spec.dtype).dtype)
    let last = tensor.rank - 1
    guard let axis, let place = BatchShape(tensor.shape).axis(axis), place != last else {
      try function.apply(to: &tensor)
      return try tensor.cast(to: spec.dtype)
    }
    var order = Array(0..<tensor.rank)
    order.swapAt(place, last)
    tensor = try tensor.transposed(order)
    try function.apply(to: &tensor)
    return try tensor.transposed(order).cast(to: spec.dtype)
  }
}

/// A function of each pair of elements, broadcast; an operand may be a number.
struct BinaryRule: OperationRule {
  let function: BinaryFunction

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let left = try Self.spec(arguments.operand(0))
    let right = try Self.spec(arguments.operand(1))
    let type = try arguments.tensors.map(\.dtype).widestFloat()
    let rank = max(left.count, right.count)
    let a = [Int?](repeating: 1, count: rank - left.count) + left
    let b = [Int?](repeating: 1, count: rank - right.count) + right
    var shape: [Int?] = []
    for (x, y) in zip(a, b) {
      guard x == 1 || y == 1 || x == nil || y == nil || x == y else {
        throw CairnError(
          .shapeMismatch, "the shapes cannot be broadcast to one another",
          found: "\(left) and \(right)")
      }
      shape.append(x == 1 ? y : y == 1 ? x : x ?? y)
    }
    return TensorSpec(try BatchShape(shape), dtype: type)
  }

  private static func spec(_ argument: CallArgument<TensorSpec>) throws(CairnError) -> [Int?] {
    if case .tensor(let spec) = argument { return spec.shape.dimensions }
    return try numbers(argument.plain).shape
  }

  static func numbers(_ value: JSONValue?) throws(CairnError) -> FloatArray<Double> {
    var reader = try ConfigurationReader(["value": value ?? .null], path: "argument")
    guard let numbers = try reader.numbers("value") else {
      throw reader.invalid("value", expected: "a tensor or numbers")
    }
    return numbers
  }

  func evaluate(
    _ arguments: CallArguments<MaskedTensor>, to spec: TensorSpec, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    switch Precision(for: spec.dtype) {
    case .single: try evaluate(arguments, to: spec, in: context, as: Float.self)
    case .double: try evaluate(arguments, to: spec, in: context, as: Double.self)
    }
  }

  private func evaluate<Scalar: FloatScalar>(
    _ arguments: CallArguments<MaskedTensor>, to spec: TensorSpec, in context: EvaluationContext,
    as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    func array(_ index: Int) throws(CairnError) -> FloatArray<Scalar> {
      let operand = try arguments.operand(index)
      guard case .tensor(let value) = operand else {
        return try Self.numbers(operand.plain).converted(to: type)
      }
      return try FloatArray(value.tensor.cast(to: Scalar.dtype))
    }
    return try array(0).combined(with: array(1), in: context) { function($0, $1) }.tensor()
      .cast(to: spec.dtype)
  }
}

/// Another element type.
struct CastRule: OperationRule {
  let dtype: DType

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    TensorSpec(try arguments.onlyTensor().shape, dtype: dtype)
  }

  func evaluate(
    _ arguments: CallArguments<MaskedTensor>, to spec: TensorSpec, in context: EvaluationContext
  ) throws(CairnError) -> Tensor { try arguments.onlyTensor().tensor.cast(to: dtype) }
}

/// As many elements as the operand has, all the same.
struct FillRule: OperationRule {
  let value: Double
  let dtype: DType?

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let spec = try arguments.onlyTensor()
    return TensorSpec(spec.shape, dtype: dtype ?? spec.dtype)
  }

  func evaluate(
    _ arguments: CallArguments<MaskedTensor>, to spec: TensorSpec, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    try Tensor(repeating: value, shape: context.shape(spec.shape)).cast(to: spec.dtype)
  }
}

/// A property of each element.
struct PredicateRule: OperationRule {
  let function: @Sendable (Double) -> Bool

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    TensorSpec(try arguments.onlyTensor().shape, dtype: .bool)
  }

  func evaluate(
    _ arguments: CallArguments<MaskedTensor>, to spec: TensorSpec, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let tensor = try arguments.onlyTensor().tensor
    let values: [Double] = try tensor.cast(to: .float64).scalars()
    return try Tensor(values.map(function), shape: tensor.shape)
  }
}

/// The operand itself.
struct IdentityRule: OperationRule {
  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    try arguments.onlyTensor()
  }

  func evaluate(
    _ arguments: CallArguments<MaskedTensor>, to spec: TensorSpec, in context: EvaluationContext
  ) throws(CairnError) -> Tensor { try arguments.onlyTensor().tensor }
}
