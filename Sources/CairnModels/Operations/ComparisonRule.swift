// Comparisons and logic, which Keras also records where a layer makes a mask (`Embedding` with
// `mask_zero`).

import CairnJSON
import CairnSystem
import CairnTensors

/// A comparison of each pair of elements, broadcast, in the type that both fit; bools come out.
///
/// Numbers of the configuration count as tensors of int32 or float32 first, as in Keras.
struct ComparisonRule: OperationRule {
  /// What is asked of a pair.
  enum Relation: Sendable {
    case equal, notEqual, greater, greaterEqual, less, lessEqual
    case and, or, exclusiveOr
    /// Whether the two differ by at most a part of the second plus a constant.
    case close(relative: Double, absolute: Double, equalNaN: Bool)

    fileprivate func holds<Element: Comparable>(_ x: Element, _ y: Element, zero: Element) -> Bool {
      switch self {
      case .equal: x == y
      case .notEqual: x != y
      case .greater: x > y
      case .greaterEqual: x >= y
      case .less: x < y
      case .lessEqual: x <= y
      case .and: x != zero && y != zero
      case .or: x != zero || y != zero
      case .exclusiveOr: (x != zero) != (y != zero)
      case .close: x == y
      }
    }

    /// Whether operands are first turned into bools, whatever their type.
    fileprivate var isLogic: Bool {
      switch self {
      case .and, .or, .exclusiveOr: true
      default: false
      }
    }
  }

  let relation: Relation

  private func type(_ types: [DType]) throws(CairnError) -> DType {
    relation.isLogic ? .bool : try Promotion.result(types)
  }

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let specs = [try arguments.operand(0).strongSpec(), try arguments.operand(1).strongSpec()]
    _ = try type(specs.map(\.dtype))
    return TensorSpec(try broadcast(specs.map(\.shape.dimensions)), dtype: .bool)
  }

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    let shape = try call.shape()
    var left = try call.tensor(0)
    var right = try call.tensor(1)
    let dtype = try type([left.dtype, right.dtype])
    (left, right) = (try left.cast(to: dtype), try right.cast(to: dtype))
    let a = RowMajor.places(left.shape.dimensions, in: shape.dimensions)
    let b = RowMajor.places(right.shape.dimensions, in: shape.dimensions)
    if dtype.isWhole {
      let (x, y) = (try WholeArray(left).values, try WholeArray(right).values)
      return try Tensor(
        zip(a, b).map { relation.holds(x[$0], y[$1], zero: 0) }, shape: shape)
    }
    let x: [Double] = try left.cast(to: .float64).scalars()
    let y: [Double] = try right.cast(to: .float64).scalars()
    if case .close(let relative, let absolute, let equalNaN) = relation {
      return try Tensor(
        zip(a, b).map { (i, j) in
          abs(x[i] - y[j]) <= absolute + relative * abs(y[j])
            || (equalNaN && x[i].isNaN && y[j].isNaN)
        }, shape: shape)
    }
    return try Tensor(zip(a, b).map { relation.holds(x[$0], y[$1], zero: 0) }, shape: shape)
  }
}
