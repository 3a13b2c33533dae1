// Arithmetic element by element in the elements' own type: what `assignAdd` and `assignSub` need.

import CairnSystem

/// An operation on two tensors of one type and shape.
enum ElementwiseOperation {
  case add, subtract

  /// The result as a new tensor. Integers wrap; small floats are computed in `Float` and rounded.
  ///
  /// - Throws: `noConversion` for a type without arithmetic here.
  func apply(_ left: Tensor, _ right: Tensor) throws(CairnError) -> Tensor {
    switch left.dtype {
    case .int8: try integers(left, right, Int8.self)
    case .int16: try integers(left, right, Int16.self)
    case .int32: try integers(left, right, Int32.self)
    case .int64: try integers(left, right, Int64.self)
    case .uint8: try integers(left, right, UInt8.self)
    case .uint16: try integers(left, right, UInt16.self)
    case .uint32: try integers(left, right, UInt32.self)
    case .uint64: try integers(left, right, UInt64.self)
    case .float32: try floats(left, right, Float.self)
    case .float64: try floats(left, right, Double.self)
    case .float16, .bfloat16:
      try floats(left.cast(to: .float32), right.cast(to: .float32), Float.self)
        .cast(to: left.dtype)
    default:
      throw CairnError(
        .noConversion, "no arithmetic is defined for \(left.dtype)",
        advice: "Compute in another type and convert with cast(to:)")
    }
  }

  private func integers<T: TensorScalar & FixedWidthInteger>(
    _ left: Tensor, _ right: Tensor, _ type: T.Type
  ) throws(CairnError) -> Tensor {
    try map(left, right, type) { a, b in self == .add ? a &+ b : a &- b }
  }

  private func floats<T: TensorScalar & BinaryFloatingPoint>(
    _ left: Tensor, _ right: Tensor, _ type: T.Type
  ) throws(CairnError) -> Tensor {
    try map(left, right, type) { a, b in self == .add ? a + b : a - b }
  }

  private func map<T: TensorScalar>(
    _ left: Tensor, _ right: Tensor, _ type: T.Type, _ operation: (T, T) -> T
  ) throws(CairnError) -> Tensor {
    var result = try left.copied()
    try result.withMutableScalars(of: type) { (values) throws(CairnError) in
      try right.withScalars(of: type) { other in
        for index in values.indices { values[index] = operation(values[index], other[index]) }
      }
    }
    return result
  }
}
