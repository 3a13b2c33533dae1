// Operations on integers: computed in 64 bits, then taken modulo the width of the type, as in
// TensorFlow.

import CairnSystem
import CairnTensors

/// Whole numbers in row-major order, and the lengths of the dimensions.
struct WholeArray: Sendable {
  var shape: [Int]
  var values: [Int64]

  /// The elements of a tensor of integers or bools.
  init(_ tensor: Tensor) throws(CairnError) {
    shape = tensor.shape.dimensions
    values = try tensor.cast(to: .int64).scalars()
  }

  init(_ values: [Int64], shape: [Int]) {
    self.shape = shape
    self.values = values
  }

  /// A tensor of those elements, modulo the width of its type.
  func tensor(_ dtype: DType) throws(CairnError) -> Tensor {
    try Tensor(values, shape: Shape(shape)).cast(to: dtype)
  }

  /// A function of each pair of elements, broadcast.
  func combined(
    with other: WholeArray, in context: EvaluationContext,
    _ function: (Int64, Int64) throws(CairnError) -> Int64
  ) throws(CairnError) -> WholeArray {
    let shape = try context.broadcast(shape, other.shape)
    let (a, b) = (RowMajor.places(self.shape, in: shape), RowMajor.places(other.shape, in: shape))
    var result: [Int64] = []
    result.reserveCapacity(a.count)
    for (x, y) in zip(a, b) { result.append(try function(values[x], other.values[y])) }
    return WholeArray(result, shape: shape)
  }
}

extension RowMajor {
  /// For each place of an array of `target`, in order, its place in one of `shape`, which broadcasts to it.
  static func places(_ shape: [Int], in target: [Int]) -> [Int] {
    let own = [Int](repeating: 1, count: target.count - shape.count) + shape
    let strides = strides(own)
    return places(target, strides: own.indices.map { own[$0] == 1 ? 0 : strides[$0] })
  }
}

extension UnaryFunction {
  /// The function's value for a whole number; nil if the value is not a whole number.
  func whole(_ x: Int64) -> Int64? {
    switch self {
    case .negative: 0 &- x
    case .absolute: x < 0 ? 0 &- x : x
    case .square: x &* x
    case .sign: x.signum()
    case .inverse: ~x
    case .clip(let low, let high):
      Double(x) < low ? Int64(exactly: low) : Double(x) > high ? Int64(exactly: high) : x
    case .round, .truncation, .numbers: x
    default: nil
    }
  }
}

extension BinaryFunction {
  /// The function's value for whole numbers.
  ///
  /// - Throws: `dtypeMismatch` if it has none; `invalidArgument` for a division by zero.
  func whole(_ x: Int64, _ y: Int64) throws(CairnError) -> Int64 {
    switch self {
    case .sum: return x &+ y
    case .difference: return x &- y
    case .product: return x &* y
    case .largest: return max(x, y)
    case .smallest: return min(x, y)
    case .floorQuotient, .remainder, .elementary(.fmod):
      guard y != 0 else {
        throw CairnError(.invalidArgument, "an integer is divided by zero", found: "\(x) / 0")
      }
      // Only the least Int64 has a quotient that is not an Int64.
      if y == -1 { return self == .floorQuotient ? 0 &- x : 0 }
      let (quotient, rest) = x.quotientAndRemainder(dividingBy: y)
      let isBelow = rest != 0 && (rest < 0) != (y < 0)
      switch self {
      case .floorQuotient: return isBelow ? quotient - 1 : quotient
      case .remainder: return isBelow ? rest + y : rest
      default: return rest
      }
    case .elementary(.pow):
      guard y >= 0 else {
        throw CairnError(
          .invalidArgument, "an integer has no power of a negative number that is one",
          found: "\(x) ** \(y)")
      }
      var (result, factor, exponent) = (Int64(1), x, y)
      while exponent > 0 {
        if exponent & 1 == 1 { result = result &* factor }
        factor = factor &* factor
        exponent >>= 1
      }
      return result
    case .and: return x & y
    case .or: return x | y
    case .exclusiveOr: return x ^ y
    case .leftShift: return y >= 0 && y < 64 ? x << y : 0
    case .rightShift: return y >= 0 && y < 64 ? x >> y : (x < 0 ? -1 : 0)
    default:
      throw CairnError(
        .dtypeMismatch, "the operation does not compute with integers", found: "\(self)")
    }
  }
}
