// Operations on each element, or each pair of elements.

import CairnJSON
import CairnSystem
import CairnTensors

/// A function of each element.
struct UnaryRule: FloatRule {
  /// What whole numbers become.
  enum Whole: Sendable {
    /// float32, as Keras's `floatx` is.
    case float
    /// float32; int64 becomes float64.
    case wideFloat
    /// They stay what they are.
    case kept
    /// They stay what they are, but bools become int32.
    case keptNumbers
  }

  let function: UnaryFunction
  var whole = Whole.float

  private func result(_ dtype: DType) throws(CairnError) -> DType {
    guard dtype.isWhole else { return try [dtype].widestFloat() }
    switch whole {
    case .float: return .float32
    case .wideFloat: return dtype == .int64 ? .float64 : .float32
    case .kept: return dtype
    case .keptNumbers: return dtype == .bool ? .int32 : dtype
    }
  }

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let spec = try arguments.operand(0).strongSpec()
    return TensorSpec(spec.shape, dtype: try result(spec.dtype))
  }

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    guard call.spec.dtype.isWhole else { return try computed(call) }
    let tensor = try call.tensor(0)
    var array = try WholeArray(tensor)
    for index in array.values.indices {
      guard let value = function.whole(array.values[index]) else {
        throw CairnError(
          .dtypeMismatch, "the operation does not compute with integers",
          found: "\(tensor.dtype)")
      }
      array.values[index] = value
    }
    return try array.tensor(call.spec.dtype)
  }

  func evaluate<Scalar: FloatScalar>(
    _ call: OperationCall, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    try call.tensor(0).cast(to: Scalar.dtype)
      .mapped { (x: Scalar) in function(x) }
  }
}

/// An activation function; softmax and its like along an axis.
struct ActivationRule: FloatRule {
  let function: ActivationFunction
  /// The axis of functions of rows; all elements are one row if the configuration says null.
  var axis: Int?
  var isFlat = false

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let spec = try arguments.operand(0).strongSpec()
    if let axis, spec.shape.axis(axis) == nil {
      throw CairnError(
        .shapeMismatch, "an operand lacks a dimension", expected: "a dimension \(axis)",
        found: "\(spec.shape)")
    }
    // TensorFlow computes these functions of integers too.
    if spec.dtype.isInteger, [.relu, .relu6].contains(function) { return spec }
    return TensorSpec(spec.shape, dtype: try [spec.dtype].widestFloat())
  }

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    guard call.spec.dtype.isWhole else { return try computed(call) }
    var array = try WholeArray(call.tensor(0))
    let most: Int64 = function == .relu6 ? 6 : .max
    array.values = array.values.map { min(max($0, 0), most) }
    return try array.tensor(call.spec.dtype)
  }

  func evaluate<Scalar: FloatScalar>(
    _ call: OperationCall, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    let operand = try call.tensor(0)
    var tensor = try operand.cast(to: Scalar.dtype)
    if isFlat {
      tensor = try tensor.reshaped(to: .vector(tensor.elementCount))
      try function.apply(to: &tensor, as: type)
      return try tensor.reshaped(to: operand.shape)
    }
    let last = tensor.rank - 1
    guard let axis, let place = BatchShape(tensor.shape).axis(axis), place != last else {
      try function.apply(to: &tensor, as: type)
      return tensor
    }
    var order = Array(0..<tensor.rank)
    order.swapAt(place, last)
    tensor = try tensor.transposed(order)
    try function.apply(to: &tensor, as: type)
    return try tensor.transposed(order)
  }
}

/// A function of each pair of elements, broadcast; an operand may be a number or an array of the
/// configuration.
struct BinaryRule: FloatRule {
  /// In which type the two meet.
  enum Meeting: Sendable {
    /// As Python's operators: numbers give way to a tensor's type.
    case plain
    /// The same, and in a float.
    case float
    /// Numbers count as tensors of int32 or float32, and bools as int32.
    case strong
    /// The same, and in a float.
    case strongFloat
    /// The same, and integers become float32, but int64 becomes float64.
    case strongWideFloat
  }

  let function: BinaryFunction
  var meeting = Meeting.plain

  /// The type of the result, and the one that is computed in.
  private func types(
    _ operands: [(shape: [Int?], type: OperandType, own: DType)]
  ) throws(CairnError) -> DType {
    switch meeting {
    case .plain: return try Promotion.result(operands.map(\.type))
    case .float: return try Promotion.float(operands.map(\.type))
    case .strong:
      let dtype = try Promotion.result(operands.map(\.own))
      return dtype == .bool ? .int32 : dtype
    case .strongFloat: return try Promotion.float(operands.map { .strong($0.own) })
    case .strongWideFloat:
      let dtype = try Promotion.result(operands.map(\.own))
      return dtype == .int64 ? .float64 : dtype.isWhole ? .float32 : dtype
    }
  }

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let operands = [
      try arguments.operand(0).operandSpec(), try arguments.operand(1).operandSpec(),
    ]
    return TensorSpec(try broadcast(operands.map(\.shape)), dtype: try types(operands))
  }

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    guard call.spec.dtype.isWhole else { return try computed(call) }
    let left = try WholeArray(call.arguments.operand(0).operandTensor(call.spec.dtype))
    let right = try WholeArray(call.arguments.operand(1).operandTensor(call.spec.dtype))
    return try left.combined(with: right, in: call.context) { (x, y) throws(CairnError) in
      try function.whole(x, y)
    }.tensor(call.spec.dtype)
  }

  func evaluate<Scalar: FloatScalar>(
    _ call: OperationCall, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    func array(_ index: Int) throws(CairnError) -> FloatArray<Scalar> {
      // A number is rounded to the type that it gives way to.
      let operand = try call.arguments.operand(index).operandTensor(call.spec.dtype)
      return try FloatArray(operand.cast(to: Scalar.dtype))
    }
    return try array(0).combined(with: array(1), in: call.context) { function($0, $1) }.tensor()
  }
}

/// Another element type.
struct CastRule: OperationRule {
  let dtype: DType

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    TensorSpec(try arguments.operand(0).strongSpec().shape, dtype: dtype)
  }

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    try call.arguments.operand(0).operandTensor(dtype)
  }
}

/// As many elements as the operand has, all the same: a number of the settings, or a second operand.
struct FillRule: OperationRule {
  let value: Double?
  let dtype: DType?

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let spec = try arguments.operand(0).strongSpec()
    return TensorSpec(spec.shape, dtype: dtype ?? spec.dtype)
  }

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    let shape = try call.shape()
    if let value { return try Tensor(repeating: value, shape: shape).cast(to: call.spec.dtype) }
    let fill =
      call.arguments["fill_value"]
      ?? (call.arguments.positional.count > 1 ? call.arguments.positional[1] : nil)
    guard let fill else {
      throw CairnError(.countMismatch, "an operation lacks the value to fill with")
    }
    return try fill.operandTensor(call.spec.dtype).broadcast(to: shape, in: call.context)
  }
}

/// A property of each element.
struct PredicateRule: OperationRule {
  let function: @Sendable (Double) -> Bool

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    TensorSpec(try arguments.operand(0).strongSpec().shape, dtype: .bool)
  }

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    let tensor = try call.tensor(0)
    let values: [Double] = try tensor.cast(to: .float64).scalars()
    return try Tensor(values.map(function), shape: tensor.shape)
  }
}

/// The operand itself.
struct IdentityRule: OperationRule {
  var dtype: DType?

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let spec = try arguments.operand(0).strongSpec()
    return TensorSpec(spec.shape, dtype: dtype ?? spec.dtype)
  }

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    try call.tensor(0).cast(to: call.spec.dtype)
  }
}
