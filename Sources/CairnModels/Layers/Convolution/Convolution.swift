// Keras `layers/convolutional/base_conv.py`, `conv1d.py`, `conv2d.py`, `conv3d.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// A convolution over one spatial dimension: `(n, steps, c)`.
public typealias Conv1D = Convolution<OneDimensional>
/// A convolution over two spatial dimensions: `(n, height, width, c)`.
public typealias Conv2D = Convolution<TwoDimensional>
/// A convolution over three spatial dimensions: `(n, depth, height, width, c)`.
public typealias Conv3D = Convolution<ThreeDimensional>

/// `activation(input ∗ kernel + bias)`: a window that passes over the spatial dimensions.
///
/// Input: `(n, …, c)`, or `(n, c, …)` with channels first. Output: the windows' number in each
/// spatial dimension, `filters` channels. Variables: `kernel` `(window…, c / groups, filters)` and,
/// if it has one, `bias` `(filters,)`.
public final class Convolution<Rank: SpatialRank>: ConvolutionLayer, ConfiguredLayer {
  static var kind: LayerKind { LayerKind("Conv\(Rank.rank)D") }

  let core: LayerState
  /// The number of output channels.
  let filters: Int
  /// The number of groups that the channels are split into; each is convolved separately.
  let groups: Int
  let window: ConvolutionWindow
  let output: ConvolutionOutput

  /// A convolution with `filters` output channels.
  ///
  /// - Throws: `invalidArgument` for sizes that Keras refuses; `invalidName`.
  public convenience init(
    _ filters: Int, kernelSize: Extents, strides: Extents = 1, padding: Padding = .valid,
    dataFormat: DataFormat = .channelsLast, dilation: Extents = 1, groups: Int = 1,
    activation: ActivationFunction = .linear, usesBias: Bool = true,
    kernelInitializer: Initializer = .glorotUniform(), biasInitializer: Initializer = .zeros,
    name: String? = nil, trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: [
        "filters": filters, "kernel_size": kernelSize,
        "strides": strides, "padding": padding,
        "data_format": dataFormat, "dilation_rate": dilation,
        "groups": groups, "activation": activation,
        "use_bias": usesBias, "kernel_initializer": kernelInitializer,
        "bias_initializer": biasInitializer,
      ], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    filters = try reader.integer("filters", in: 1...Shape.dimensionLimit - 1)
    window = try ConvolutionWindow(
      reading: &reader, rank: Rank.rank, allowsCausal: Rank.rank == 1)
    try window.checkStrides(reader)
    groups = try reader.integer("groups", in: 1...Shape.dimensionLimit - 1, default: 1)
    guard filters % groups == 0 else {
      throw reader.invalid("groups", expected: "a divisor of \(filters) filters")
    }
    output = try ConvolutionOutput(reading: &reader, kernels: "kernel")
    try reader.refuseQuantization()
    core = try reader.layerState(className: Self.className)
  }

  /// The number of windows in each spatial dimension, and `filters`.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    let channels = try window.channels(of: input, self)
    let expected = state.variable("kernel").map { $0.shape[Rank.rank] * groups } ?? channels
    guard channels == expected, channels % groups == 0 else {
      throw shapeMismatch(
        expected: "\(expected) channels, a multiple of \(groups) groups", found: input)
    }
    return try window.outputShape(for: input, channels: filters, self)
  }

  func weights(channels: Int) -> (kernels: [(name: String, dimensions: [Int])], biases: Int) {
    ([("kernel", window.kernelSize + [channels / groups, filters])], filters)
  }

  func convolved(
    _ source: Tensor, adding bias: Tensor?, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    try source.convolved(
      with: state.weight("kernel"), adding: bias, over: window, groups: groups, in: context)
  }
}
