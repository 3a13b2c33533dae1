// Keras `layers/normalization/group_normalization.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// Each example's channels, group by group, shifted and scaled to mean 0 and variance 1.
///
/// Input and output: any rank from 2 on, the same. Variables: `gamma` and `beta` (if it scales, if
/// it centres), one value a channel.
public final class GroupNormalization: FloatLayer, ConfiguredLayer {
  static let kind = LayerKind("GroupNormalization", passesMask: true, roundsToInput: true)

  let core: LayerState
  private let groups: Int
  private let axis: Int
  private let epsilon: Double
  private let centers: Bool
  private let scales: Bool
  private let initializers: (beta: Initializer, gamma: Initializer)

  /// A layer of `groups` groups; -1 makes every channel one.
  ///
  /// - Throws: `invalidArgument`; `invalidName`.
  public convenience init(
    groups: Int = 32, axis: Int = -1, epsilon: Double = 0.001, centers: Bool = true,
    scales: Bool = true, name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: [
        "groups": groups, "axis": axis,
        "epsilon": epsilon, "center": centers, "scale": scales,
      ], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    groups = try reader.integer("groups", in: -1...Shape.dimensionLimit, default: 32)
    guard groups != 0 else { throw reader.invalid("groups", expected: "-1, or 1 and more") }
    axis = try reader.integer("axis", in: -Shape.maximumRank...Shape.maximumRank, default: -1)
    epsilon = try reader.double("epsilon", default: 0.001)
    centers = try reader.bool("center", default: true)
    scales = try reader.bool("scale", default: true)
    initializers.beta = try reader.initializer("beta_initializer", default: .zeros)
    initializers.gamma = try reader.initializer("gamma_initializer", default: .ones)
    _ = reader.preserved([
      "beta_regularizer", "gamma_regularizer", "beta_constraint", "gamma_constraint",
    ])
    core = try reader.layerState(className: Self.className)
  }

  private func channels(of input: BatchShape) throws(CairnError) -> (axis: Int, count: Int) {
    guard let axis = input.axis(axis), axis > 0, let count = input.dimensions[axis], count > 0,
      groups == -1 || count % groups == 0
    else {
      throw shapeMismatch(
        expected: "a dimension \(self.axis) that \(groups) groups divide", found: input)
    }
    return (axis, count)
  }

  /// The input's own shape, if its channels can be grouped.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    _ = try channels(of: input)
    try checkNormalized(input, axes: [axis], variable: scales ? "gamma" : centers ? "beta" : nil)
    return input
  }

  /// `gamma` and `beta`.
  func makeVariables(
    for input: BatchShape, in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] {
    let count = try channels(of: input).count
    return try context.makeWeights(
      [
        scales ? ("gamma", [count], initializers.gamma) : nil,
        centers ? ("beta", [count], initializers.beta) : nil,
      ], dtype: state.dtype.variableDType)
  }

  /// The normalised input.
  func evaluate<Scalar: FloatScalar>(
    _ input: Tensor, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    _ = try outputShape(for: BatchShape(input.shape))
    guard input.elementCount > 0 else { return input }
    let (axis, channels) = try channels(of: BatchShape(input.shape))
    let groupCount = groups == -1 ? channels : groups
    let size = channels / groupCount
    let gamma: [Scalar]? = scales ? try state.weightScalars("gamma", rounded: false) : nil
    let beta: [Scalar]? = centers ? try state.weightScalars("beta", rounded: false) : nil
    // (n, …, c, …) as (n, c, …): a group's elements then lie together.
    let order = [0, axis] + (1..<input.rank).filter { $0 != axis }
    var array = try FloatArray<Scalar>(input).transposed(order)
    let inner = array.shape[2...].reduce(1, *)
    for start in stride(from: 0, to: array.values.count, by: size * inner) {
      let (mean, variance) = array.values[start..<start + size * inner].moments()
      let inverse = 1 / (Scalar(variance) + Scalar(epsilon)).squareRoot()
      let first = start / inner % channels
      for index in 0..<size * inner {
        let channel = first + index / inner
        let factor = inverse * (gamma?[channel] ?? 1)
        let offset = -Scalar(mean) * factor + (beta?[channel] ?? 0)
        array.values[start + index] = array.values[start + index] * factor + offset
      }
    }
    return try array.transposed(RowMajor.inverse(order)).tensor()
  }
}
