// Keras `layers/normalization/layer_normalization.py`, `rms_normalization.py`; the formulas are those
// of `backend/jax/nn.py`, `layer_normalization`, and `ops/nn.py`, `_rms_normalization`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// Each example shifted and scaled to mean 0 and variance 1 along some dimensions.
///
/// Input and output: any shape, the same. Variables: `gamma` and `beta` (if it scales, if it
/// centres), of the lengths of those dimensions.
public final class LayerNormalization: FloatLayer, ConfiguredLayer {
  static let kind = LayerKind("LayerNormalization", passesMask: true, roundsToInput: true)

  let core: LayerState
  private let axes: [Int]
  private let epsilon: Double
  private let centers: Bool
  private let scales: Bool
  private let initializers: (beta: Initializer, gamma: Initializer)

  /// A layer that normalises along `axes`.
  ///
  /// - Throws: `invalidArgument`; `invalidName`.
  public convenience init(
    axes: [Int] = [-1], epsilon: Double = 0.001, centers: Bool = true, scales: Bool = true,
    name: String? = nil, trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: [
        "axis": axes, "epsilon": epsilon,
        "center": centers, "scale": scales,
      ], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    axes = try reader.axes("axis", default: [-1])
    epsilon = try reader.double("epsilon", default: 0.001)
    centers = try reader.bool("center", default: true)
    scales = try reader.bool("scale", default: true)
    try reader.refuse("rms_scaling", "it is deprecated; use RMSNormalization")
    initializers.beta = try reader.initializer("beta_initializer", default: .zeros)
    initializers.gamma = try reader.initializer("gamma_initializer", default: .ones)
    _ = reader.preserved([
      "beta_regularizer", "gamma_regularizer", "beta_constraint", "gamma_constraint",
    ])
    core = try reader.layerState(className: Self.className)
  }

  /// The input's own shape, if it has the axes.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    try checkNormalized(input, axes: axes, variable: scales ? "gamma" : centers ? "beta" : nil)
    return input
  }

  /// `gamma` and `beta`.
  func makeVariables(
    for input: BatchShape, in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] {
    let lengths = try input.axes(axes, of: self).compactMap { input.dimensions[$0] }
    return try context.makeWeights(
      [
        scales ? ("gamma", lengths, initializers.gamma) : nil,
        centers ? ("beta", lengths, initializers.beta) : nil,
      ], dtype: state.dtype.variableDType)
  }

  /// The normalised input.
  func evaluate<Scalar: FloatScalar>(
    _ input: Tensor, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    _ = try outputShape(for: BatchShape(input.shape))
    let axes = try BatchShape(input.shape).axes(axes, of: self)
    let epsilon = Scalar(epsilon)
    return try FloatArray<Scalar>(input).normalized(
      axes, factors: scales ? state.weightScalars("gamma", rounded: false) : nil,
      offsets: centers ? state.weightScalars("beta", rounded: false) : nil,
      threads: context.threads
    ) { run in
      let (mean, variance) = run.moments()
      return (Scalar(mean), 1 / (Scalar(variance) + epsilon).squareRoot())
    }.tensor()
  }
}

/// Each example divided by its root mean square along some dimensions.
///
/// Input and output: any shape, the same. Variable: `scale`, of the lengths of those dimensions.
public final class RMSNormalization: FloatLayer, ConfiguredLayer {
  static let kind = LayerKind("RMSNormalization")

  let core: LayerState
  private let axes: [Int]
  private let epsilon: Double

  /// A layer that normalises along `axes`.
  ///
  /// - Throws: `invalidArgument`; `invalidName`.
  public convenience init(
    axes: [Int] = [-1], epsilon: Double = 1e-6, name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: ["axis": axes, "epsilon": epsilon], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    axes = try reader.axes("axis", default: [-1])
    epsilon = try reader.double("epsilon", default: 1e-6)
    core = try reader.layerState(className: Self.className)
  }

  /// The input's own shape, if it has the axes.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    try checkNormalized(input, axes: axes, variable: "scale")
    return input
  }

  /// `scale`.
  func makeVariables(
    for input: BatchShape, in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] {
    let lengths = try input.axes(axes, of: self).compactMap { input.dimensions[$0] }
    return try context.makeWeights(
      [("scale", lengths, .ones)], dtype: state.dtype.variableDType)
  }

  /// The normalised input.
  func evaluate<Scalar: FloatScalar>(
    _ input: Tensor, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    _ = try outputShape(for: BatchShape(input.shape))
    let axes = try BatchShape(input.shape).axes(axes, of: self)
    let epsilon = Scalar(epsilon)
    return try FloatArray<Scalar>(input).normalized(
      axes, factors: state.weightScalars("scale"), offsets: nil, threads: context.threads
    ) { run in
      let square = run.reduce(0) { $0 + $1.double * $1.double } / Double(run.count)
      return (0, 1 / (Scalar(square) + epsilon).squareRoot())
    }.tensor()
  }
}

extension FloatArray {
  /// Normalises every run along `axes`, which ascend. An offset is subtracted and the rest is
  /// multiplied by a factor; both follow from the run. Then each element is multiplied by the one
  /// of `factors` at its place, and the one of `offsets` is added.
  func normalized(
    _ axes: [Int], factors: [Scalar]?, offsets: [Scalar]?, threads: Threads,
    _ statistics: @Sendable (ArraySlice<Scalar>) -> (mean: Scalar, factor: Scalar)
  ) throws(CairnError) -> FloatArray {
    try changed(along: axes, threads: threads) { values, run in
      let (mean, factor) = statistics(values[run])
      for (place, index) in run.enumerated() {
        var value = (values[index] - mean) * factor
        if let factors { value *= factors[place] }
        if let offsets { value += offsets[place] }
        values[index] = value
      }
    }
  }
}

extension OneInputLayer {
  /// Checks that an input has the axes, of known lengths, and those of the layer's variable.
  func checkNormalized(
    _ input: BatchShape, axes: [Int], variable: String?
  ) throws(CairnError) {
    let lengths = try input.axes(axes, of: self).map { input.dimensions[$0] }
    guard !lengths.contains(nil) else {
      throw shapeMismatch(expected: "known dimensions \(axes)", found: input)
    }
    if let name = variable, let shape = state.variable(name)?.shape,
      shape.dimensions != lengths.compactMap({ $0 })
    {
      throw shapeMismatch(expected: "\(shape) along \(axes)", found: input)
    }
  }
}
