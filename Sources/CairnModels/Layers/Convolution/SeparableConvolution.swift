// Keras `layers/convolutional/base_separable_conv.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// A separable convolution over one spatial dimension.
public typealias SeparableConv1D = SeparableConvolution<OneDimensional>
/// A separable convolution over two spatial dimensions.
public typealias SeparableConv2D = SeparableConvolution<TwoDimensional>

/// A depthwise convolution, and a convolution over single places that mixes its channels.
///
/// Input and output: as ``Convolution``. Variables: `depthwise_kernel` `(window…, c, m)`,
/// `pointwise_kernel` `(1…, c · m, filters)` and, if it has one, `bias` `(filters,)`.
public final class SeparableConvolution<Rank: SpatialRank>: OneInputLayer, ConfiguredLayer {
  static var kind: LayerKind { LayerKind("SeparableConv\(Rank.rank)D") }

  let core: LayerState
  /// The number of output channels.
  let filters: Int
  /// The number of depthwise filters of each channel.
  let depthMultiplier: Int
  /// What is applied to the outputs.
  let activation: OutputActivation
  private let window: ConvolutionWindow
  private let usesBias: Bool
  private let initializers: (depthwise: Initializer, pointwise: Initializer, bias: Initializer)

  /// A separable convolution with `filters` output channels.
  ///
  /// - Throws: `invalidArgument` for sizes that Keras refuses; `invalidName`.
  public convenience init(
    _ filters: Int, kernelSize: Extents, strides: Extents = 1, padding: Padding = .valid,
    dataFormat: DataFormat = .channelsLast, dilation: Extents = 1, depthMultiplier: Int = 1,
    activation: ActivationFunction = .linear, usesBias: Bool = true, name: String? = nil,
    trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: [
        "filters": filters, "kernel_size": kernelSize,
        "strides": strides, "padding": padding,
        "data_format": dataFormat, "dilation_rate": dilation,
        "depth_multiplier": depthMultiplier,
        "activation": activation, "use_bias": usesBias,
      ], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    filters = try reader.integer("filters", in: 1...Shape.dimensionLimit - 1)
    depthMultiplier = try reader.integer(
      "depth_multiplier", in: 1...ConfigurationReader.greatestExtent, default: 1)
    window = try ConvolutionWindow(reading: &reader, rank: Rank.rank)
    activation = try reader.activation("activation")
    usesBias = try reader.bool("use_bias", default: true)
    initializers.depthwise = try reader.initializer(
      "depthwise_initializer", default: .glorotUniform)
    initializers.pointwise = try reader.initializer(
      "pointwise_initializer", default: .glorotUniform)
    initializers.bias = try reader.initializer("bias_initializer", default: .zeros)
    _ = reader.preserved([
      "depthwise_regularizer", "pointwise_regularizer", "bias_regularizer", "activity_regularizer",
      "depthwise_constraint", "pointwise_constraint", "bias_constraint",
    ])
    core = try reader.layerState(className: Self.className)
  }

  /// The windows' numbers and `filters`.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    let channels = try window.channels(of: input, self)
    if let kernel = state.variable("depthwise_kernel"), kernel.shape[Rank.rank] != channels {
      throw shapeMismatch(expected: "\(kernel.shape[Rank.rank]) channels", found: input)
    }
    _ = try Shape([channels, depthMultiplier])
    return try window.outputShape(for: input, channels: filters, self)
  }

  /// `depthwise_kernel`, `pointwise_kernel` and `bias`.
  func makeVariables(
    for input: BatchShape, in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] {
    let channels = try window.channels(of: input, self)
    let ones = [Int](repeating: 1, count: Rank.rank)
    return try context.makeWeights(
      [
        (
          "depthwise_kernel", window.kernelSize + [channels, depthMultiplier],
          initializers.depthwise
        ),
        ("pointwise_kernel", ones + [channels * depthMultiplier, filters], initializers.pointwise),
        usesBias ? ("bias", [filters], initializers.bias) : nil,
      ], dtype: state.dtype.variableDType)
  }

  /// The two convolutions.
  func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    try state.check(input)
    _ = try context.shape(outputShape(for: BatchShape(input.shape)))
    let spread = try input.withChannelsLast(from: window.dataFormat).depthwiseConvolved(
      with: state.weight("depthwise_kernel"), adding: nil, over: window, in: context)
    let pointwise = try state.weight("pointwise_kernel")
    let matrix = try pointwise.reshaped(to: Shape(Array(pointwise.shape.dimensions.suffix(2))))
    var output = try MatrixProduct.product(
      of: spread, matrix, adding: usesBias ? state.weight("bias") : nil,
      shape: context.shape(spread.shape.dimensions.dropLast() + [filters]),
      threads: context.threads)
    output = try output.withChannels(in: window.dataFormat)
    try activation.apply(to: &output)
    return output
  }
}
