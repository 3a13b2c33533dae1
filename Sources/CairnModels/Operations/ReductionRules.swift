// Operations that add up: reductions, products of matrices, einsum.

import CairnJSON
import CairnSystem
import CairnTensors

/// The dimensions along which runs are reduced to one value.
struct ReducedDimensions: Sendable {
  /// All if nil.
  var axes: [Int]?
  /// Whether they are left with length 1.
  var areKept: Bool

  /// Their places in a shape, ascending.
  func places(in shape: BatchShape) throws(CairnError) -> [Int] {
    guard let axes else { return Array(0..<shape.rank) }
    return Set(try shape.places(of: axes)).sorted()
  }

  /// What is left of a shape.
  func rest(of shape: BatchShape) throws(CairnError) -> BatchShape {
    let places = try places(in: shape)
    var dimensions: [Int?] = []
    for (index, length) in shape.dimensions.enumerated() {
      if !places.contains(index) {
        dimensions.append(length)
      } else if areKept {
        dimensions.append(1)
      }
    }
    return try BatchShape(dimensions)
  }

  /// The tensor with those dimensions behind all others, and the length of a run.
  func runs(of tensor: Tensor) throws(CairnError) -> (tensor: Tensor, length: Int) {
    let places = try places(in: BatchShape(tensor.shape))
    let kept = (0..<tensor.rank).filter { !places.contains($0) }
    return (try tensor.transposed(kept + places), places.reduce(1) { $0 * tensor.shape[$1] })
  }
}

/// Each run along some dimensions reduced to one value.
struct ReductionRule: FloatRule {
  let dimensions: ReducedDimensions
  let function: RunFunction

  init(axes: [Int]?, keepsDimensions: Bool, function: RunFunction) {
    dimensions = ReducedDimensions(axes: axes, areKept: keepsDimensions)
    self.function = function
  }

  init(
    reading reader: inout ConfigurationReader, _ function: RunFunction,
    keepsDimensions: Bool? = nil
  ) throws(CairnError) {
    let axes = try reader.optionalAxes("axis")
    // Not all of them can keep dimensions.
    var keeps = keepsDimensions
    if keeps == nil { keeps = try reader.bool("keepdims", default: false) }
    dimensions = ReducedDimensions(axes: axes, areKept: keeps ?? false)
    // Further options of some of the operations; they must be absent or `null`.
    for key in ["initial", "dtype"] where reader.has(key) {
      guard reader.take(key) == nil else {
        throw reader.unsupported(key, "a reduction with that option is not implemented")
      }
      reader.record(key, .null)
    }
    self.function = function
  }

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let spec = try arguments.operand(0).strongSpec()
    return TensorSpec(try dimensions.rest(of: spec.shape), dtype: try dtype(spec.dtype))
  }

  /// What numbers of that type become: sums of small integers are 32 bits wide, means are floats.
  private func dtype(_ dtype: DType) throws(CairnError) -> DType {
    guard dtype.isWhole else { return try [dtype].widestFloat() }
    switch function {
    case .sum, .product:
      return switch dtype {
      case .bool, .int8, .int16: .int32
      case .uint8, .uint16: .uint32
      default: dtype
      }
    case .largest, .smallest: return dtype
    case .range where dtype != .bool: return dtype
    default: return .float32
    }
  }

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    // Even a reduction of zero elements gives a value for each place.
    let shape = try call.shape()
    guard call.spec.dtype.isWhole else { return try computed(call) }
    let tensor = try call.tensor(0)
    let (runs, length) = try dimensions.runs(of: tensor)
    let array = try WholeArray(runs)
    var values: [Int64] = []
    for index in 0..<shape.elementCount {
      guard let value = function.whole(Array(array.values[index * length..<(index + 1) * length]))
      else {
        throw CairnError(
          .invalidArgument, "there is no largest and no smallest of no elements",
          found: "a shape of \(tensor.shape)")
      }
      values.append(value)
    }
    return try Tensor(values, shape: shape).cast(to: call.spec.dtype)
  }

  func evaluate<Scalar: FloatScalar>(
    _ call: OperationCall, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    let tensor = try call.tensor(0)
    return try FloatArray<Scalar>(tensor.cast(to: Scalar.dtype)).reduced(
      dimensions.places(in: BatchShape(tensor.shape)), keepingDimensions: dimensions.areKept
    ) { function($0) }.tensor()
  }
}

/// The product of matrices, as NumPy's `matmul`.
struct MatmulRule: FloatRule {
  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let left = try arguments.operand(0).strongSpec()
    let right = try arguments.operand(1).strongSpec()
    let (a, b) = (left.shape.dimensions, right.shape.dimensions)
    // A vector is a row on the left, and a column on the right.
    guard let inner = a.last, !b.isEmpty,
      Self.agree(inner, b.count == 1 ? b[0] : b[b.count - 2])
    else {
      throw CairnError(
        .shapeMismatch, "the matrices cannot be multiplied", expected: "(…, n, k) · (…, k, m)",
        found: "\(left.shape) and \(right.shape)")
    }
    var shape = try broadcast([Array(a.dropLast(2)), Array(b.dropLast(2))]).dimensions
    if a.count > 1 { shape.append(a[a.count - 2]) }
    if b.count > 1 { shape.append(b[b.count - 1]) }
    return TensorSpec(try BatchShape(shape), dtype: try Self.dtype(left.dtype, right.dtype))
  }

  /// Products of int8 are added up in int32.
  static func dtype(_ left: DType, _ right: DType) throws(CairnError) -> DType {
    left == .int8 && right == .int8 ? .int32 : try Promotion.result([left, right])
  }

  private static func agree(_ one: Int?, _ other: Int?) -> Bool {
    one == nil || other == nil || one == other
  }

  /// Keras computes with integers in floats too.
  func evaluate<Scalar: FloatScalar>(
    _ call: OperationCall, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    let left = try call.tensor(0)
    let right = try call.tensor(1)
    let shape = try call.shape()
    var a = try FloatArray<Scalar>(left.cast(to: Scalar.dtype))
    var b = try FloatArray<Scalar>(right.cast(to: Scalar.dtype))
    if a.rank == 1 { a.shape.insert(1, at: 0) }
    if b.rank == 1 { b.shape.append(1) }
    return try a.multiplied(by: b, in: call.context).tensor().reshaped(to: shape)
  }
}

/// Sums of products over named dimensions, of two operands, by an equation without dots.
struct EinsumRule: FloatRule {
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
    let left = try arguments.operand(0).strongSpec()
    let right = try arguments.operand(1).strongSpec()
    guard left.shape.rank == equation.input.count, right.shape.rank == equation.kernel.count
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
      dtype: try MatmulRule.dtype(left.dtype, right.dtype))
  }

  func evaluate<Scalar: FloatScalar>(
    _ call: OperationCall, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    let left = try call.tensor(0)
    let right = try call.tensor(1)
    return try FloatArray<Scalar>(left.cast(to: Scalar.dtype)).einsum(
      equation.input, FloatArray(right.cast(to: Scalar.dtype)), equation.kernel,
      to: equation.output, in: call.context
    ).tensor()
  }
}
