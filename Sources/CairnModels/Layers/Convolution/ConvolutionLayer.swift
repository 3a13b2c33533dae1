// What convolution layers share besides their window: what is done with the sums.

import CairnJSON
import CairnSystem
import CairnTensors

/// What is applied to a convolution's sums, and the initial values of its variables.
struct ConvolutionOutput: Sendable {
  /// What is applied to the outputs.
  let activation: OutputActivation
  let usesBias: Bool
  /// The initializers of the kernels, in the order in which they are named.
  let kernelInitializers: [Initializer]
  let biasInitializer: Initializer

  /// Reads the keys of a layer with those kernels: `kernel`, or `depthwise` and `pointwise`.
  init(reading reader: inout ConfigurationReader, kernels: String...) throws(CairnError) {
    activation = try reader.activation("activation")
    usesBias = try reader.bool("use_bias", default: true)
    var initializers: [Initializer] = []
    for kernel in kernels {
      initializers.append(
        try reader.initializer("\(kernel)_initializer", default: .glorotUniform()))
    }
    kernelInitializers = initializers
    biasInitializer = try reader.initializer("bias_initializer", default: .zeros)
    let weights = kernels + ["bias"]
    _ = reader.preserved(
      weights.map { "\($0)_regularizer" } + ["activity_regularizer"]
        + weights.map { "\($0)_constraint" })
  }
}

/// A layer that convolves.
protocol ConvolutionLayer: OneInputLayer {
  var window: ConvolutionWindow { get }
  var output: ConvolutionOutput { get }

  /// The shapes of the kernels, for that many channels; and the number of biases.
  func weights(channels: Int) -> (kernels: [(name: String, dimensions: [Int])], biases: Int)
  /// The sums for an input with its channels last; the sums have their channels last too.
  func convolved(
    _ source: Tensor, adding bias: Tensor?, in context: EvaluationContext
  ) throws(CairnError) -> Tensor
}

extension ConvolutionLayer {
  /// The kernels and `bias`.
  func makeVariables(
    for input: BatchShape, in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] {
    let weights = try weights(channels: window.channels(of: input, self))
    var rows: [(name: String, dimensions: [Int], initializer: Initializer)?] = []
    for (kernel, initializer) in zip(weights.kernels, output.kernelInitializers) {
      rows.append((kernel.name, kernel.dimensions, initializer))
    }
    if output.usesBias { rows.append(("bias", [weights.biases], output.biasInitializer)) }
    return try context.makeWeights(rows, dtype: state.dtype.variableDType)
  }

  /// The sums with what is applied to them.
  func evaluate(_ input: Tensor, in context: EvaluationContext) throws(CairnError) -> Tensor {
    try state.check(input)
    _ = try context.shape(outputShape(for: BatchShape(input.shape)))
    let sums = try convolved(
      input.withChannelsLast(from: window.dataFormat),
      adding: output.usesBias ? state.weight("bias") : nil, in: context)
    var result = try sums.withChannels(in: window.dataFormat)
    try Precision(for: result.dtype).run(
      Activated(activation: output.activation, threads: context.threads), on: &result)
    return result
  }

  /// Checks that an input has as many channels as a kernel has along a dimension, if the kernel
  /// exists.
  func checkChannels(
    of input: BatchShape, _ kernel: String, axis: Int
  ) throws(CairnError) -> Int {
    let channels = try window.channels(of: input, self)
    if let kernel = state.variable(kernel), kernel.shape[axis] != channels {
      throw shapeMismatch(expected: "\(kernel.shape[axis]) channels", found: input)
    }
    return channels
  }
}

/// An activation on several threads.
private struct Activated: FloatChange {
  let activation: OutputActivation
  let threads: Threads

  func apply<Scalar: FloatScalar>(
    to tensor: inout Tensor, as type: Scalar.Type
  ) throws(CairnError) { try activation.apply(to: &tensor, as: type, threads: threads) }
}
