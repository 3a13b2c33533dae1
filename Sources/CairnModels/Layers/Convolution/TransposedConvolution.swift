// Keras `layers/convolutional/base_conv_transpose.py`; the padding is that of
// `backend/common/backend_utils.py`, `_convert_conv_transpose_padding_args_from_keras_to_jax`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// A transposed convolution over one spatial dimension.
public typealias Conv1DTranspose = TransposedConvolution<OneDimensional>
/// A transposed convolution over two spatial dimensions.
public typealias Conv2DTranspose = TransposedConvolution<TwoDimensional>
/// A transposed convolution over three spatial dimensions.
public typealias Conv3DTranspose = TransposedConvolution<ThreeDimensional>

/// The way from the shape of a convolution's output back to the shape of its input: every place
/// adds a window of values to the output.
///
/// Input: as ``Convolution``. Output: `filters` channels. Variables: `kernel`
/// `(window…, filters, c)` and, if it has one, `bias` `(filters,)`.
public final class TransposedConvolution<Rank: SpatialRank>: ConvolutionLayer, ConfiguredLayer {
  static var kind: LayerKind { LayerKind("Conv\(Rank.rank)DTranspose") }

  let core: LayerState
  /// The number of output channels.
  let filters: Int
  let window: ConvolutionWindow
  let output: ConvolutionOutput
  private let outputPadding: [Int]?

  /// A transposed convolution with `filters` output channels.
  ///
  /// - Throws: `invalidArgument` for sizes that Keras refuses; `invalidName`.
  public convenience init(
    _ filters: Int, kernelSize: Extents, strides: Extents = 1, padding: Padding = .valid,
    outputPadding: Extents? = nil, dataFormat: DataFormat = .channelsLast, dilation: Extents = 1,
    activation: ActivationFunction = .linear, usesBias: Bool = true, name: String? = nil,
    trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: [
        "filters": filters, "kernel_size": kernelSize,
        "strides": strides, "padding": padding,
        "output_padding": outputPadding,
        "data_format": dataFormat, "dilation_rate": dilation,
        "activation": activation, "use_bias": usesBias,
      ], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    filters = try reader.integer("filters", in: 1...Shape.dimensionLimit - 1)
    window = try ConvolutionWindow(reading: &reader, rank: Rank.rank)
    outputPadding = try reader.optionalExtents(
      "output_padding", count: Rank.rank, in: 0...ConfigurationReader.greatestExtent)
    // Keras 2 wrote the key, and knew 1 only.
    if reader.has("groups"), try reader.integer("groups", default: 1) != 1 {
      throw reader.unsupported("groups", "groups of a transposed convolution are not implemented")
    }
    reader.forget("groups")
    output = try ConvolutionOutput(reading: &reader, kernels: "kernel")
    core = try reader.layerState(className: Self.className)
  }

  /// Along one dimension: how many places are cut off in front of the sum of all windows, and how
  /// long the rest is.
  private func cut(_ axis: Int, input: Int) -> (front: Int, length: Int) {
    let stride = window.strides[axis]
    let extent = (window.kernelSize[axis] - 1) * window.dilation[axis] + 1
    let (left, right): (Int, Int)
    if window.padding == .valid {
      left = extent - 1
      right = extent - 1 + (outputPadding?[axis] ?? max(extent, stride) - extent)
    } else {
      let total = outputPadding.map { extent + extent % 2 - 2 + $0[axis] } ?? stride + extent - 2
      left = min(total / 2 + total % 2, extent - 1)
      right = total - left
    }
    return (extent - 1 - left, max(input - 1, 0) * stride + left + right - extent + 2)
  }

  /// The lengths that follow from strides and padding, and `filters`.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    _ = try checkChannels(of: input, "kernel", axis: Rank.rank + 1)
    let lengths = window.spatial(input.dimensions)
    var outputs: [Int?] = []
    for axis in 0..<Rank.rank {
      // Lengths and strides are so small that this stays within an Int.
      guard lengths[axis] ?? 0 < ConfigurationReader.greatestExtent else {
        throw shapeMismatch(expected: "dimensions below 2^30", found: input)
      }
      let length = lengths[axis].map { cut(axis, input: $0).length }
      guard length ?? 1 > 0 else {
        throw shapeMismatch(expected: "an output that is not empty", found: input)
      }
      outputs.append(length)
    }
    return try window.shape(input.dimensions[0], outputs, filters)
  }

  func weights(channels: Int) -> (kernels: [(name: String, dimensions: [Int])], biases: Int) {
    ([("kernel", window.kernelSize + [filters, channels])], filters)
  }

  func convolved(
    _ source: Tensor, adding bias: Tensor?, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let lengths = Array(source.shape.dimensions[1...].prefix(Rank.rank))
    let cuts = lengths.indices.map { cut($0, input: lengths[$0]) }
    let output = try context.shape([source.shape[0]] + cuts.map(\.length) + [filters])
    // For each place the windows that reach it: the transpose of the kernel's patches.
    let axes = lengths.indices.map { axis in
      scatter(axis, input: lengths[axis], front: cuts[axis].front, length: cuts[axis].length)
    }
    return try source.scattered(
      by: state.weight("kernel"), adding: bias, along: axes, to: output, in: context)
  }

  /// For each place along a dimension: which tap leads to which place of the output.
  private func scatter(
    _ axis: Int, input: Int, front: Int, length: Int
  ) -> [[(tap: Int, place: Int)]] {
    (0..<input).map { index in
      (0..<window.kernelSize[axis]).compactMap { tap in
        let place = index * window.strides[axis] + tap * window.dilation[axis] - front
        return (0..<length).contains(place) ? (tap, place) : nil
      }
    }
  }
}
