// Operations that add up: reductions, products of matrices, einsum.

import CairnJSON
import CairnSystem
import CairnTensors

/// Each run along some dimensions made one value.
struct ReductionRule: OperationRule {
  let axes: [Int]?
  let keepsDimensions: Bool
  let function: RunFunction

  init(axes: [Int]?, keepsDimensions: Bool, function: RunFunction) {
    self.axes = axes
    self.keepsDimensions = keepsDimensions
    self.function = function
  }

  init(
    reading reader: inout ConfigurationReader, _ function: RunFunction
  ) throws(CairnError) {
    if reader.peek("axis") == nil {
      axes = try reader.optionalIntegers("axis")
    } else {
      axes = try reader.axes("axis", default: [])
    }
    keepsDimensions = try reader.bool("keepdims", default: false)
    // What some of the operations have beside; each must say nothing.
    for key in ["initial", "dtype"] where reader.has(key) {
      guard reader.take(key) == nil else {
        throw reader.unsupported(key, "a reduction with that option is not implemented")
      }
      reader.record(key, .null)
    }
    self.function = function
  }

  private func places(_ shape: BatchShape) throws(CairnError) -> [Int] {
    guard let axes else { return Array(0..<shape.rank) }
    let places = axes.compactMap { shape.axis($0) }
    guard places.count == axes.count else {
      throw CairnError(
        .shapeMismatch, "an operand lacks a dimension", expected: "\(axes)", found: "\(shape)")
    }
    return Set(places).sorted()
  }

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let spec = try arguments.onlyTensor()
    let places = try places(spec.shape)
    var dimensions: [Int?] = []
    for (index, length) in spec.shape.dimensions.enumerated() {
      if !places.contains(index) {
        dimensions.append(length)
      } else if keepsDimensions {
        dimensions.append(1)
      }
    }
    return TensorSpec(try BatchShape(dimensions), dtype: try [spec.dtype].widestFloat())
  }

  func evaluate(
    _ arguments: CallArguments<MaskedTensor>, to spec: TensorSpec, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let tensor = try arguments.onlyTensor().tensor
    let places = try places(BatchShape(tensor.shape))
    return switch Precision(for: spec.dtype) {
    case .single: try reduced(tensor, places, as: Float.self).cast(to: spec.dtype)
    case .double: try reduced(tensor, places, as: Double.self)
    }
  }

  private func reduced<Scalar: FloatScalar>(
    _ tensor: Tensor, _ places: [Int], as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    try FloatArray<Scalar>(tensor.cast(to: Scalar.dtype))
      .reduced(places, keepingDimensions: keepsDimensions) { function($0) }.tensor()
  }
}

/// The product of matrices, as NumPy's `matmul`.
struct MatmulRule: OperationRule {
  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    guard case .tensor(let left) = try arguments.operand(0),
      case .tensor(let right) = try arguments.operand(1), left.shape.rank >= 2,
      right.shape.rank >= 2,
      Self.agree(
        left.shape.dimensions[left.shape.rank - 1], right.shape.dimensions[right.shape.rank - 2])
    else {
      throw CairnError(
        .shapeMismatch, "the matrices cannot be multiplied", expected: "(…, n, k) · (…, k, m)")
    }
    let (a, b) = (left.shape.dimensions.dropLast(2), right.shape.dimensions.dropLast(2))
    let rank = max(a.count, b.count)
    var batch: [Int?] = []
    for (x, y) in zip(
      [Int?](repeating: 1, count: rank - a.count) + a,
      [Int?](repeating: 1, count: rank - b.count) + b)
    {
      guard x == 1 || y == 1 || x == nil || y == nil || x == y else {
        throw CairnError(
          .shapeMismatch, "the matrices cannot be broadcast to one another",
          found: "\(left.shape) and \(right.shape)")
      }
      batch.append(x == 1 ? y : y == 1 ? x : x ?? y)
    }
    let shape =
      batch + [
        left.shape.dimensions[left.shape.rank - 2], right.shape.dimensions[right.shape.rank - 1],
      ]
    return TensorSpec(try BatchShape(shape), dtype: try [left.dtype, right.dtype].widestFloat())
  }

  private static func agree(_ one: Int?, _ other: Int?) -> Bool {
    one == nil || other == nil || one == other
  }

  func evaluate(
    _ arguments: CallArguments<MaskedTensor>, to spec: TensorSpec, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let operands = arguments.tensors.map(\.tensor)
    return switch Precision(for: spec.dtype) {
    case .single:
      try product(operands[0], operands[1], in: context, as: Float.self).cast(to: spec.dtype)
    case .double: try product(operands[0], operands[1], in: context, as: Double.self)
    }
  }

  private func product<Scalar: FloatScalar>(
    _ left: Tensor, _ right: Tensor, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    try FloatArray<Scalar>(left.cast(to: Scalar.dtype)).multiplied(
      by: FloatArray(right.cast(to: Scalar.dtype)), in: context
    ).tensor()
  }
}

/// Sums of products over named dimensions, of two operands, by an equation without dots.
struct EinsumRule: OperationRule {
  let equation: EinsumEquation

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    let text = try reader.string("subscripts")
    guard let equation = EinsumEquation(text), equation.ellipsis == .none else {
      throw reader.unsupported(
        "subscripts", "only equations of two operands without dots are implemented")
    }
    self.equation = equation
  }

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    guard case .tensor(let left) = try arguments.operand(0),
      case .tensor(let right) = try arguments.operand(1),
      left.shape.rank == equation.input.count, right.shape.rank == equation.kernel.count
    else {
      throw CairnError(.shapeMismatch, "the operands do not fit the equation")
    }
    var lengths: [Int: Int?] = [:]
    for (name, length) in zip(
      equation.input + equation.kernel, left.shape.dimensions + right.shape.dimensions)
    {
      if let known = lengths[name] ?? nil, let length, known != length {
        throw CairnError(
          .shapeMismatch, "the operands do not fit the equation",
          found: "\(left.shape) and \(right.shape)")
      }
      lengths[name] = .some((lengths[name] ?? nil) ?? length)
    }
    return TensorSpec(
      try BatchShape(equation.output.map { lengths[$0] ?? nil }),
      dtype: try [left.dtype, right.dtype].widestFloat())
  }

  func evaluate(
    _ arguments: CallArguments<MaskedTensor>, to spec: TensorSpec, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let operands = arguments.tensors.map(\.tensor)
    return switch Precision(for: spec.dtype) {
    case .single:
      try sums(operands[0], operands[1], in: context, as: Float.self).cast(to: spec.dtype)
    case .double: try sums(operands[0], operands[1], in: context, as: Double.self)
    }
  }

  private func sums<Scalar: FloatScalar>(
    _ left: Tensor, _ right: Tensor, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    try FloatArray<Scalar>(left.cast(to: Scalar.dtype)).einsum(
      equation.input, FloatArray(right.cast(to: Scalar.dtype)), equation.kernel,
      to: equation.output, in: context
    ).tensor()
  }
}
