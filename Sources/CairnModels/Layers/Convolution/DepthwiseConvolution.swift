// Keras `layers/convolutional/base_depthwise_conv.py`, `base_separable_conv.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// A depthwise convolution over one spatial dimension.
public typealias DepthwiseConv1D = DepthwiseConvolution<OneDimensional>
/// A depthwise convolution over two spatial dimensions.
public typealias DepthwiseConv2D = DepthwiseConvolution<TwoDimensional>

/// Each channel convolved with filters of its own.
///
/// Input: as ``Convolution``. Output: `c · depthMultiplier` channels. Variables: `kernel`
/// `(window…, c, depthMultiplier)` and, if it has one, `bias`.
public final class DepthwiseConvolution<Rank: SpatialRank>: OneInputLayer, ConfiguredLayer {
  static var kind: LayerKind { LayerKind("DepthwiseConv\(Rank.rank)D") }

  let core: LayerState
  /// The number of filters of each channel.
  let depthMultiplier: Int
  /// What is applied to the outputs.
  let activation: OutputActivation
  private let window: ConvolutionWindow
  private let usesBias: Bool
  private let initializers: (kernel: Initializer, bias: Initializer)

  /// A depthwise convolution.
  ///
  /// - Throws: `invalidArgument` for sizes that Keras refuses; `invalidName`.
  public convenience init(
    kernelSize: Extents, strides: Extents = 1, padding: Padding = .valid, depthMultiplier: Int = 1,
    dataFormat: DataFormat = .channelsLast, dilation: Extents = 1,
    activation: ActivationFunction = .linear, usesBias: Bool = true, name: String? = nil,
    trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: [
        "kernel_size": kernelSize, "strides": strides,
        "padding": padding, "depth_multiplier": depthMultiplier,
        "data_format": dataFormat, "dilation_rate": dilation,
        "activation": activation, "use_bias": usesBias,
      ], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    depthMultiplier = try reader.integer(
      "depth_multiplier", in: 1...ConfigurationReader.greatestExtent, default: 1)
    window = try ConvolutionWindow(reading: &reader, rank: Rank.rank)
    activation = try reader.activation("activation")
    usesBias = try reader.bool("use_bias", default: true)
    initializers.kernel = try reader.initializer("depthwise_initializer", default: .glorotUniform)
    initializers.bias = try reader.initializer("bias_initializer", default: .zeros)
    _ = reader.preserved([
      "depthwise_regularizer", "bias_regularizer", "activity_regularizer", "depthwise_constraint",
      "bias_constraint",
    ])
    core = try reader.layerState(className: Self.className)
  }

  /// The windows' numbers and `c · depthMultiplier`.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    let channels = try window.channels(of: input, self)
    if let kernel = state.variable("kernel"), kernel.shape[Rank.rank] != channels {
      throw shapeMismatch(expected: "\(kernel.shape[Rank.rank]) channels", found: input)
    }
    let width = try Shape([channels, depthMultiplier]).elementCount
    return try window.outputShape(for: input, channels: width, self)
  }

  /// `kernel` and `bias`.
  func makeVariables(
    for input: BatchShape, in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] {
    let channels = try window.channels(of: input, self)
    return try context.makeWeights(
      [
        ("kernel", window.kernelSize + [channels, depthMultiplier], initializers.kernel),
        usesBias ? ("bias", [channels * depthMultiplier], initializers.bias) : nil,
      ], dtype: state.dtype.variableDType)
  }

  /// The convolution.
  func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    try state.check(input)
    _ = try context.shape(outputShape(for: BatchShape(input.shape)))
    var output = try input.withChannelsLast(from: window.dataFormat).depthwiseConvolved(
      with: state.weight("kernel"), adding: usesBias ? state.weight("bias") : nil, over: window,
      in: context)
    output = try output.withChannels(in: window.dataFormat)
    try activation.apply(to: &output)
    return output
  }
}
