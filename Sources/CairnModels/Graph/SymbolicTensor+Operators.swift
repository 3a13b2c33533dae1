// Operators for tensors of a graph: each operation becomes a layer of the graph.

import CairnJSON
public import CairnSystem

extension SymbolicTensor {
  private static func apply(
    _ name: String, _ operands: [CallArgument<SymbolicTensor>], _ settings: JSONObject = [:]
  ) throws(CairnError) -> SymbolicTensor {
    try TensorOperation(name, settings).callAsFunction(arguments: CallArguments(operands))[0]
  }

  private static func axis(_ axes: [Int]?) -> JSONValue {
    guard let axes else { return .null }
    return axes.count == 1
      ? .integer(Int64(axes[0])) : .array(axes.map { .integer(Int64($0)) })
  }

  /// The sum, element by element, broadcast.
  public static func + (
    left: SymbolicTensor, right: SymbolicTensor
  ) throws(CairnError) -> SymbolicTensor { try apply("Add", [.tensor(left), .tensor(right)]) }

  /// Each element plus a number.
  public static func + (
    left: SymbolicTensor, right: Double
  ) throws(CairnError) -> SymbolicTensor {
    try apply("Add", [.tensor(left), .value(.double(right))])
  }

  /// The difference, element by element, broadcast.
  public static func - (
    left: SymbolicTensor, right: SymbolicTensor
  ) throws(CairnError) -> SymbolicTensor { try apply("Subtract", [.tensor(left), .tensor(right)]) }

  /// A number less each element.
  public static func - (
    left: Double, right: SymbolicTensor
  ) throws(CairnError) -> SymbolicTensor {
    try apply("Subtract", [.value(.double(left)), .tensor(right)])
  }

  /// The product, element by element, broadcast.
  public static func * (
    left: SymbolicTensor, right: SymbolicTensor
  ) throws(CairnError) -> SymbolicTensor { try apply("Multiply", [.tensor(left), .tensor(right)]) }

  /// Each element times a number.
  public static func * (
    left: SymbolicTensor, right: Double
  ) throws(CairnError) -> SymbolicTensor {
    try apply("Multiply", [.tensor(left), .value(.double(right))])
  }

  /// The quotient, element by element, broadcast.
  public static func / (
    left: SymbolicTensor, right: SymbolicTensor
  ) throws(CairnError) -> SymbolicTensor {
    try apply("TrueDivide", [.tensor(left), .tensor(right)])
  }

  /// Each element divided by a number.
  public static func / (
    left: SymbolicTensor, right: Double
  ) throws(CairnError) -> SymbolicTensor {
    try apply("TrueDivide", [.tensor(left), .value(.double(right))])
  }

  /// Each element with the other sign.
  public static prefix func - (
    tensor: SymbolicTensor
  ) throws(CairnError) -> SymbolicTensor { try apply("Negative", [.tensor(tensor)]) }

  /// The product of matrices, as NumPy's `matmul`.
  ///
  /// - Throws: `shapeMismatch` if they don't go together.
  public func matrixProduct(
    with other: SymbolicTensor
  ) throws(CairnError) -> SymbolicTensor {
    try Self.apply("Matmul", [.tensor(self), .tensor(other)])
  }

  /// The same elements in another shape, the first dimension included; one may be -1.
  ///
  /// - Throws: `shapeMismatch`, `invalidConfiguration`.
  public func reshaped(to shape: [Int]) throws(CairnError) -> SymbolicTensor {
    try Self.apply(
      "Reshape", [.tensor(self)], ["newshape": .array(shape.map { .integer(Int64($0)) })])
  }

  /// The dimensions in another order.
  ///
  /// - Throws: `shapeMismatch`.
  public func transposed(_ axes: [Int]) throws(CairnError) -> SymbolicTensor {
    try Self.apply(
      "Transpose", [.tensor(self)], ["axes": .array(axes.map { .integer(Int64($0)) })])
  }

  /// The mean along dimensions; along all if none are given.
  ///
  /// - Throws: `shapeMismatch`.
  public func mean(
    _ axes: [Int]? = nil, keepsDimensions: Bool = false
  ) throws(CairnError) -> SymbolicTensor {
    try Self.apply(
      "Mean", [.tensor(self)], ["axis": Self.axis(axes), "keepdims": .bool(keepsDimensions)])
  }

  /// The sum along dimensions; along all if none are given.
  ///
  /// - Throws: `shapeMismatch`.
  public func sum(
    _ axes: [Int]? = nil, keepsDimensions: Bool = false
  ) throws(CairnError) -> SymbolicTensor {
    try Self.apply(
      "Sum", [.tensor(self)], ["axis": Self.axis(axes), "keepdims": .bool(keepsDimensions)])
  }
}
