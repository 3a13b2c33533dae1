// Keras `layers/activations/activation.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// Applies an activation function, element by element (softmax: along the last dimension).
///
/// Input and output: any shape, the same. No variables.
public final class Activation: FloatLayer, ConfiguredLayer {
  static let kind = LayerKind("Activation", passesMask: true, needsShape: false)

  let core: LayerState
  /// The function.
  let activation: OutputActivation

  /// A layer that applies `activation`.
  ///
  /// - Throws: `invalidName`.
  public convenience init(
    _ activation: ActivationFunction, name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: ["activation": activation], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    activation = try reader.activation("activation")
    core = try reader.layerState(className: Self.className)
  }

  /// The input's own shape; for glu the last dimension is half as long. Keras's own
  /// `compute_output_shape` is wrong there.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    guard activation == .function(.glu), let last = input.dimensions.last, let width = last else {
      return input
    }
    return try input.withLast(width / 2)
  }

  /// The function's values.
  func evaluate<Scalar: FloatScalar>(
    _ input: Tensor, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    var output = input
    try activation.apply(to: &output, as: type, threads: context.threads)
    return output
  }
}
