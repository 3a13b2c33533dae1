// Operations that add up: reductions, products of matrices, einsum.

import CairnJSON
import CairnSystem
import CairnTensors

/// Each run along some dimensions made one value.
struct ReductionRule: OperationRule {
  let axes: [Int]?
  let keepsDimensions: Bool
  let function: @Sendable ([Float]) -> Float

  init(axes: [Int]?, keepsDimensions: Bool, function: @escaping @Sendable ([Float]) -> Float) {
    self.axes = axes
    self.keepsDimensions = keepsDimensions
    self.function = function
  }

  init(
    reading reader: inout ConfigurationReader, _ function: @escaping @Sendable ([Float]) -> Float
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
    return try FloatArray(tensor.cast(to: .float32))
      .reduced(places, keepingDimensions: keepsDimensions, function).tensor().cast(to: spec.dtype)
  }

  static func mean(_ run: [Float]) -> Float {
    Float(run.reduce(0) { $0 + Double($1) } / Double(run.count))
  }

  static func variance(_ run: [Float]) -> Float {
    let mean = run.reduce(0) { $0 + Double($1) } / Double(run.count)
    let sum = run.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
    return Float(sum / Double(run.count))
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
    return try FloatArray(operands[0].cast(to: .float32)).multiplied(
      by: FloatArray(operands[1].cast(to: .float32)), in: context
    ).tensor().cast(to: spec.dtype)
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
    return try FloatArray(operands[0].cast(to: .float32)).einsum(
      equation.input, FloatArray(operands[1].cast(to: .float32)), equation.kernel,
      to: equation.output, in: context
    ).tensor().cast(to: spec.dtype)
  }
}
