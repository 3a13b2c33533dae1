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
public final class DepthwiseConvolution<Rank: SpatialRank>: ConvolutionLayer, ConfiguredLayer {
  static var kind: LayerKind { LayerKind("DepthwiseConv\(Rank.rank)D") }

  let core: LayerState
  /// The number of filters of each channel.
  let depthMultiplier: Int
  let window: ConvolutionWindow
  let output: ConvolutionOutput

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
    output = try ConvolutionOutput(reading: &reader, kernels: "depthwise")
    core = try reader.layerState(className: Self.className)
  }

  /// The number of windows in each spatial dimension, and `c · depthMultiplier`.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    let channels = try checkChannels(of: input, "kernel", axis: Rank.rank)
    let width = try Shape([channels, depthMultiplier]).elementCount
    return try window.outputShape(for: input, channels: width, self)
  }

  func weights(channels: Int) -> (kernels: [(name: String, dimensions: [Int])], biases: Int) {
    (
      [("kernel", window.kernelSize + [channels, depthMultiplier])], channels * depthMultiplier
    )
  }

  func convolved(
    _ source: Tensor, adding bias: Tensor?, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    try source.depthwiseConvolved(
      with: state.weight("kernel"), adding: bias, over: window, in: context)
  }
}
