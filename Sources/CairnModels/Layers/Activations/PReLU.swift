// Keras `layers/activations/prelu.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// A slope below zero that is learned, one for each element of an example.
///
/// Variable: `alpha`, an example's shape, 1 along shared axes.
public final class PReLU: FloatLayer, ConfiguredLayer {
  static let kind = LayerKind("PReLU", passesMask: true)

  let core: LayerState
  private let sharedAxes: [Int]
  private let initializer: Initializer

  /// A rectifier with learned slopes.
  ///
  /// - Parameter sharedAxes: The dimensions, counted from 1, that have one slope.
  /// - Throws: `invalidArgument`; `invalidName`.
  public convenience init(
    sharedAxes: [Int]? = nil, alphaInitializer: Initializer = .zeros, name: String? = nil,
    trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: [
        "shared_axes": sharedAxes,
        "alpha_initializer": alphaInitializer,
      ], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    initializer = try reader.initializer("alpha_initializer", default: .zeros)
    sharedAxes = try reader.optionalIntegers("shared_axes") ?? []
    guard sharedAxes.allSatisfy({ (1...Shape.maximumRank).contains($0) }) else {
      throw reader.invalid("shared_axes", expected: "axes, counted from 1")
    }
    _ = reader.preserved(["alpha_regularizer", "alpha_constraint"])
    core = try reader.layerState(className: Self.className)
  }

  private func slopeDimensions(for input: BatchShape) throws(CairnError) -> [Int] {
    var dimensions: [Int] = []
    for axis in 1..<max(input.rank, 1) {
      guard let length = sharedAxes.contains(axis) ? 1 : input.dimensions[axis] else {
        throw shapeMismatch(expected: "known dimensions, but for shared ones", found: input)
      }
      dimensions.append(length)
    }
    guard input.rank > 0, sharedAxes.allSatisfy({ $0 < input.rank }) else {
      throw shapeMismatch(expected: "dimensions for \(sharedAxes)", found: input)
    }
    return dimensions
  }

  /// The input's own shape.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    let dimensions = try slopeDimensions(for: input)
    if let alpha = state.variable("alpha"), alpha.shape.dimensions != dimensions {
      throw shapeMismatch(expected: "examples for slopes of \(alpha.shape)", found: input)
    }
    return input
  }

  /// `alpha`.
  func makeVariables(
    for input: BatchShape, in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] {
    try context.makeWeights(
      [("alpha", slopeDimensions(for: input), initializer)], dtype: state.dtype.variableDType)
  }

  /// x, or the slope times x.
  func evaluate<Scalar: FloatScalar>(
    _ input: Tensor, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    _ = try outputShape(for: BatchShape(input.shape))
    return try FloatArray<Scalar>(input).combined(
      with: FloatArray(state.weight("alpha")), in: context
    ) {
      x, slope in x > 0 ? x : slope * x
    }.tensor()
  }
}
