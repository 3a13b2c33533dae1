// Keras `layers/normalization/batch_normalization.py`; the formula of inference is that of
// `backend/jax/nn.py`, `batch_normalization`, in its order of operations.

import CairnJSON
public import CairnSystem
import CairnTensors

/// Scales and shifts each channel by the statistics that training gathered.
///
/// Input and output: any rank from 1 on, the same. For *n* channels, the variables are `gamma`
/// `(n,)` if it scales, `beta` `(n,)` if it centres, and `moving_mean` and `moving_variance`
/// `(n,)`, which no optimizer changes.
public final class BatchNormalization: FloatLayer, ConfiguredLayer {
  static let kind = LayerKind("BatchNormalization", passesMask: true)

  let core: LayerState
  /// The dimension of the channels; negative ones count from the end.
  package let axis: Int
  /// The share of the old value in each update of the moving statistics in training.
  let momentum: Double
  /// What is added to the variance.
  let epsilon: Double
  /// Whether there is a `beta`.
  let centers: Bool
  /// Whether there is a `gamma`.
  let scales: Bool
  /// What the variables begin with.
  private let initializers:
    (beta: Initializer, gamma: Initializer, mean: Initializer, variance: Initializer)

  /// A layer that normalises along `axis`.
  ///
  /// - Throws: `invalidArgument` for a momentum or an epsilon that is not finite; `invalidName`.
  public convenience init(
    axis: Int = -1, momentum: Double = 0.99, epsilon: Double = 0.001, centers: Bool = true,
    scales: Bool = true, betaInitializer: Initializer = .zeros,
    gammaInitializer: Initializer = .ones, movingMeanInitializer: Initializer = .zeros,
    movingVarianceInitializer: Initializer = .ones, name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: [
        "axis": axis, "momentum": momentum, "epsilon": epsilon, "center": centers,
        "scale": scales, "beta_initializer": betaInitializer,
        "gamma_initializer": gammaInitializer,
        "moving_mean_initializer": movingMeanInitializer,
        "moving_variance_initializer": movingVarianceInitializer,
      ], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    // Keras 2 wrote the axis as a list of one.
    if let list = reader.peek("axis")?.arrayValue, list.count == 1 {
      axis = try reader.optionalIntegers("axis")?.first ?? -1
      reader.record("axis", axis.json)
    } else {
      axis = try reader.integer("axis", in: -Shape.maximumRank...Shape.maximumRank, default: -1)
    }
    momentum = try reader.double("momentum", default: 0.99)
    epsilon = try reader.double("epsilon", default: 0.001)
    // Written as floats however they were read.
    reader.record("momentum", momentum.json)
    reader.record("epsilon", epsilon.json)
    centers = try reader.bool("center", default: true)
    scales = try reader.bool("scale", default: true)
    initializers = (
      beta: try reader.initializer("beta_initializer", default: .zeros),
      gamma: try reader.initializer("gamma_initializer", default: .ones),
      mean: try reader.initializer("moving_mean_initializer", default: .zeros),
      variance: try reader.initializer("moving_variance_initializer", default: .ones)
    )
    _ = reader.preserved([
      "beta_regularizer", "gamma_regularizer", "beta_constraint", "gamma_constraint",
    ])
    _ = try reader.bool("synchronized", default: false)
    guard try !reader.bool("renorm", default: false), reader.take("renorm_clipping") == nil else {
      throw reader.unsupported("renorm", "batch renormalisation is not implemented")
    }
    reader.record("renorm_clipping", .null)
    reader.record("renorm_momentum", try reader.double("renorm_momentum", default: 0.99).json)
    core = try reader.layerState(className: Self.className)
  }

  /// The input's own shape, if it has the axis.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    guard let axis = input.axis(axis) else {
      throw shapeMismatch(expected: "a dimension \(self.axis)", found: input)
    }
    if let built = inputShapes?.first, let channels = state.variable("moving_mean")?.shape[0] {
      guard input.rank == built.rank, input.dimensions[axis] ?? channels == channels else {
        throw shapeMismatch(expected: "\(built)", found: input)
      }
    } else if input.dimensions[axis] == nil {
      throw shapeMismatch(expected: "a dimension \(self.axis) that is known", found: input)
    }
    return input
  }

  /// `gamma`, `beta`, `moving_mean`, `moving_variance`: one value a channel.
  func makeVariables(
    for input: BatchShape, in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] {
    guard let axis = input.axis(axis), let channels = input.dimensions[axis] else {
      throw shapeMismatch(expected: "a dimension \(self.axis) that is known", found: input)
    }
    var rows: [(name: String, Initializer, LayerVariable.Role)] = []
    if scales { rows.append(("gamma", initializers.gamma, .trainable)) }
    if centers { rows.append(("beta", initializers.beta, .trainable)) }
    rows.append(("moving_mean", initializers.mean, .nonTrainable))
    rows.append(("moving_variance", initializers.variance, .nonTrainable))
    var variables: [LayerVariable] = []
    for (name, initializer, role) in rows {
      variables.append(
        try context.makeVariable(
          name, dimensions: [channels], initializer: initializer, role: role,
          dtype: state.dtype.variableDType))
    }
    return variables
  }

  /// The input normalised by the moving statistics.
  func evaluate<Scalar: FloatScalar>(
    _ input: Tensor, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    _ = try outputShape(for: BatchShape(input.shape))
    guard let axis = BatchShape(input.shape).axis(axis), input.elementCount > 0 else {
      return input
    }
    let (factors, offsets) = try factorsAndOffsets(type)
    let inner = input.shape.dimensions[(axis + 1)...].reduce(1, *)
    return try input.scaled(
      by: factors, adding: offsets, inner: inner, threads: context.threads)
  }

  /// For each channel `1/√(variance + ε) · gamma`, and `beta − mean` times that.
  private func factorsAndOffsets<Scalar: FloatScalar>(
    _ type: Scalar.Type
  ) throws(CairnError) -> ([Scalar], [Scalar]) {
    let mean: [Scalar] = try state.weightScalars("moving_mean")
    let variance: [Scalar] = try state.weightScalars("moving_variance")
    let gamma: [Scalar]? = scales ? try state.weightScalars("gamma") : nil
    let beta: [Scalar]? = centers ? try state.weightScalars("beta") : nil
    var factors: [Scalar] = []
    var offsets: [Scalar] = []
    for channel in mean.indices {
      var factor = 1 / (variance[channel] + Scalar(epsilon)).squareRoot()
      if let gamma { factor *= gamma[channel] }
      var offset = -mean[channel] * factor
      if let beta { offset += beta[channel] }
      factors.append(factor)
      offsets.append(offset)
    }
    return (factors, offsets)
  }
}
