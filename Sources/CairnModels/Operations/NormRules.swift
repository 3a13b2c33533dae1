// Norms of vectors and matrices. Keras `ops/linalg.py`, `Norm`.

import CairnJSON
import CairnSystem
import CairnTensors

/// A norm whose kind depends on the number of the operand's dimensions, unless axes are given.
struct NormRule: OperationRule {
  let vector: ReductionRule?
  let matrix: MatrixNorm?

  private func rule(_ rank: Int) throws(CairnError) -> any OperationRule {
    if let vector, matrix == nil || rank == 1, vector.dimensions.axes?.count == 1 || rank == 1 {
      return vector
    }
    if let matrix, vector == nil || rank == 2 { return matrix }
    throw CairnError(
      .unsupportedConfiguration, "a norm of that order is not implemented for so many dimensions",
      found: "\(rank) dimensions")
  }

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    try rule(arguments.operand(0).strongSpec().shape.rank).output(of: arguments)
  }

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    let rank = try call.tensor(0).rank
    return try rule(rank).evaluate(call)
  }
}

/// The largest, or the smallest, sum of magnitudes of a row or a column.
struct MatrixNorm: OperationRule {
  private let axes: [Int]?
  private let keepsDimensions: Bool
  private let order: Double

  /// - Parameter order: 1 and −1 for columns, the infinities for rows.
  init(reading reader: inout ConfigurationReader, order: Double) throws(CairnError) {
    axes = reader.peek("axis") == nil ? nil : try reader.axes("axis", default: [])
    keepsDimensions = try reader.bool("keepdims", default: false)
    self.order = order
  }

  private func reduction(_ axes: [Int]) -> ReductionRule {
    ReductionRule(axes: axes, keepsDimensions: keepsDimensions, function: .length)
  }

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    try reduction(axes ?? [0, 1]).output(of: arguments)
  }

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    let tensor = try call.tensor(0)
    let shape = BatchShape(tensor.shape)
    let places = try shape.places(of: axes ?? [0, 1])
    guard places.count == 2, places[0] != places[1] else {
      throw CairnError(.shapeMismatch, "a matrix has two dimensions", found: "\(shape)")
    }
    let sums = abs(order) == 1 ? places[0] : places[1]
    let rest = abs(order) == 1 ? places[1] : places[0]
    var array = try FloatArray<Double>(tensor.cast(to: .float64))
      .reduced([sums], keepingDimensions: true) { run in run.reduce(0) { $0 + abs($1) } }
    array = array.reduced([rest], keepingDimensions: true) { run in
      order > 0 ? run.max() ?? 0 : run.min() ?? 0
    }
    return try array.tensor().cast(to: call.spec.dtype).reshaped(to: call.shape())
  }
}

/// Rolls all elements as one dimension; the shape stays the same.
struct FlatRollRule: OperationRule {
  let shift: Int

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    try arguments.operand(0).strongSpec()
  }

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    let tensor = try call.tensor(0)
    let count = tensor.elementCount
    guard count > 0 else { return tensor }
    let sources = (0..<count).map { ($0 - shift % count + count) % count }
    return try tensor.runs(shape: tensor.shape, length: 1, sources: sources)
  }
}
