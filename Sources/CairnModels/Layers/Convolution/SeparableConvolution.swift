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
public final class SeparableConvolution<Rank: SpatialRank>: ConvolutionLayer, ConfiguredLayer {
  static var kind: LayerKind { LayerKind("SeparableConv\(Rank.rank)D") }

  let core: LayerState
  /// The number of output channels.
  let filters: Int
  /// The number of depthwise filters of each channel.
  let depthMultiplier: Int
  let window: ConvolutionWindow
  let output: ConvolutionOutput

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
    output = try ConvolutionOutput(reading: &reader, kernels: "depthwise", "pointwise")
    core = try reader.layerState(className: Self.className)
  }

  /// The number of windows in each spatial dimension, and `filters`.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    let channels = try checkChannels(of: input, "depthwise_kernel", axis: Rank.rank)
    _ = try Shape([channels, depthMultiplier])
    return try window.outputShape(for: input, channels: filters, self)
  }

  func weights(channels: Int) -> (kernels: [(name: String, dimensions: [Int])], biases: Int) {
    let ones = [Int](repeating: 1, count: Rank.rank)
    return (
      [
        ("depthwise_kernel", window.kernelSize + [channels, depthMultiplier]),
        ("pointwise_kernel", ones + [channels * depthMultiplier, filters]),
      ], filters
    )
  }

  func convolved(
    _ source: Tensor, adding bias: Tensor?, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let spread = try source.depthwiseConvolved(
      with: state.weight("depthwise_kernel"), adding: nil, over: window, in: context)
    let pointwise = try state.weight("pointwise_kernel")
    let matrix = try pointwise.reshaped(to: Shape(Array(pointwise.shape.dimensions.suffix(2))))
    return try MatrixProduct.product(
      of: spread, matrix, adding: bias,
      shape: context.shape(spread.shape.dimensions.dropLast() + [filters]),
      threads: context.threads)
  }
}
