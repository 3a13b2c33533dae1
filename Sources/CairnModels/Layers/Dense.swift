// Keras `layers/core/dense.py`.

import CairnJSON
public import CairnSystem
package import CairnTensors

/// A fully connected layer: `activation(input · kernel + bias)`, over the last dimension.
///
/// Input: rank 2 and more, `(…, n)`. Output: `(…, units)`. Variables: `kernel` `(n, units)` and, if
/// it has one, `bias` `(units,)`.
public final class Dense: FloatLayer, ConfiguredLayer {
  static let kind = LayerKind("Dense", passesMask: true)

  let core: LayerState
  private let quantized: QuantizedLayer?
  /// The number of outputs.
  package let units: Int
  /// What is applied to the outputs.
  let activation: OutputActivation
  /// Whether there is a bias.
  let usesBias: Bool
  private let initializers: (kernel: Initializer, bias: Initializer)

  /// A layer of `units` outputs.
  ///
  /// - Throws: `invalidArgument` unless `units` is in 1..<2^48; `invalidName`.
  public convenience init(
    _ units: Int, activation: ActivationFunction = .linear, usesBias: Bool = true,
    kernelInitializer: Initializer = .glorotUniform(), biasInitializer: Initializer = .zeros,
    name: String? = nil, trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: [
        "units": units, "activation": activation, "use_bias": usesBias,
        "kernel_initializer": kernelInitializer, "bias_initializer": biasInitializer,
      ], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    units = try reader.integer("units", in: 1...Shape.dimensionLimit - 1)
    activation = try reader.activation("activation")
    usesBias = try reader.bool("use_bias", default: true)
    initializers.kernel = try reader.initializer("kernel_initializer", default: .glorotUniform())
    initializers.bias = try reader.initializer("bias_initializer", default: .zeros)
    _ = reader.preserved([
      "kernel_regularizer", "bias_regularizer", "kernel_constraint", "bias_constraint",
    ])
    (core, quantized) = try reader.quantizedLayerState(className: Self.className)
  }

  /// The matrix, once the layer is built.
  package var kernel: Variable? { state.variable("kernel") }
  /// The bias, once the layer is built and if it has one.
  package var bias: Variable? { state.variable("bias") }

  /// `(…, units)` for `(…, n)`.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    guard input.rank >= 2, let inputs = input.dimensions.last else {
      throw shapeMismatch(expected: "at least two dimensions", found: input)
    }
    if let rows = kernel?.shape.dimensions.first {
      guard inputs ?? rows == rows else {
        throw shapeMismatch(expected: "a last dimension of \(rows)", found: input)
      }
    } else if inputs == nil {
      throw shapeMismatch(expected: "a last dimension that is known", found: input)
    }
    return try input.withLast(units)
  }

  /// `kernel` `(n, units)` and `bias` `(units,)`.
  func makeVariables(
    for input: BatchShape, in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] {
    guard let last = input.dimensions.last, let inputs = last else {
      throw shapeMismatch(expected: "a last dimension that is known", found: input)
    }
    if let quantized {
      return try quantized.makeKernel(
        [inputs, units], scale: [units], table: (inputs, units), initializer: initializers.kernel,
        dtype: state.dtype.variableDType, in: &context)
        + context.makeWeights(
          [usesBias ? ("bias", [units], initializers.bias) : nil], dtype: state.dtype.variableDType)
    }
    return try context.makeWeights(
      [
        ("kernel", [inputs, units], initializers.kernel),
        usesBias ? ("bias", [units], initializers.bias) : nil,
      ], dtype: state.dtype.variableDType)
  }

  /// `activation(input · kernel + bias)`.
  func evaluate<Scalar: FloatScalar>(
    _ input: Tensor, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    let shape = try outputShape(for: BatchShape(input.shape))
    if let quantized { return try product(quantized, of: input, in: context, as: type) }
    let kernel = try state.weight("kernel")
    try context.take(work: context.shape(shape).elementCount, kernel.shape[0])
    let bias = usesBias ? try state.weight("bias") : nil
    var output = try MatrixProduct.product(
      of: input, kernel, adding: bias,
      shape: Shape(shape.dimensions.map { $0 ?? 0 }), threads: context.threads)
    try activation.apply(to: &output, as: type, threads: context.threads)
    return output
  }

  /// As above, with weights in few bits.
  private func product<Scalar: FloatScalar>(
    _ quantized: QuantizedLayer, of input: Tensor, in context: EvaluationContext,
    as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    let (last, outer) = (input.rank - 1, Array(0..<input.rank - 1))
    var result = try quantized.product(
      FloatArray<Scalar>(input), outer + [last], kernel: [last, input.rank],
      dimensions: [input.shape[last], units], to: outer + [input.rank], of: state, in: context)
    if usesBias {
      result = try result.combined(
        with: FloatArray(quantized.bias(of: state)), in: context, +)
    }
    var output = try result.tensor()
    try activation.apply(to: &output, as: type, threads: context.threads)
    return output
  }
}
