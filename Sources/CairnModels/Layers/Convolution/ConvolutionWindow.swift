// What all convolutions have in common: the window, the format, and the shapes that follow. Keras
// `layers/convolutional/base_conv.py`.

import CairnSystem
import CairnTensors

/// A convolution's window: its size and how it moves.
struct ConvolutionWindow: Hashable, Sendable {
  let rank: Int
  let kernelSize: [Int]
  let strides: [Int]
  let dilation: [Int]
  let padding: Padding
  let dataFormat: DataFormat

  /// A window that moves by one place unless strides are given.
  init(kernelSize: [Int], strides: [Int]? = nil, dilation: [Int]? = nil, padding: Padding) {
    rank = kernelSize.count
    self.kernelSize = kernelSize
    let ones = [Int](repeating: 1, count: kernelSize.count)
    (self.strides, self.dilation) = (strides ?? ones, dilation ?? ones)
    self.padding = padding
    dataFormat = .channelsLast
  }

  /// Reads the keys that all convolutions have.
  init(
    reading reader: inout ConfigurationReader, rank: Int, allowsCausal: Bool = false
  ) throws(CairnError) {
    self.rank = rank
    kernelSize = try reader.extents("kernel_size", count: rank)
    strides = try reader.extents("strides", count: rank, default: 1)
    padding = try reader.choice("padding", default: .valid)
    guard padding != .causal || allowsCausal else {
      throw reader.invalid("padding", expected: "valid or same")
    }
    dataFormat = try reader.dataFormat()
    dilation = try reader.extents("dilation_rate", count: rank, default: 1)
  }

  /// Strides and dilation together are refused by Keras's plain convolutions.
  func checkStrides(_ reader: ConfigurationReader) throws(CairnError) {
    guard strides.allSatisfy({ $0 == 1 }) || dilation.allSatisfy({ $0 == 1 }) else {
      throw reader.invalid("dilation_rate", expected: "1 where strides are above 1")
    }
  }

  /// The index of the channels' dimension.
  var channelAxis: Int { dataFormat == .channelsFirst ? 1 : rank + 1 }

  /// The number of channels of an input.
  ///
  /// - Throws: `shapeMismatch` if it has another rank or its channels are not known.
  func channels(of input: BatchShape, _ layer: any Layer) throws(CairnError) -> Int {
    guard input.rank == rank + 2, let channels = input.dimensions[channelAxis], channels > 0 else {
      throw layer.shapeMismatch(
        expected: "\(rank + 2) dimensions, the channels known (\(dataFormat.rawValue))",
        found: input)
    }
    return channels
  }

  /// The spatial dimensions of a shape in the layer's format.
  func spatial<Element>(_ dimensions: [Element]) -> [Element] {
    Array(dimensions[(dataFormat == .channelsFirst ? 2 : 1)...].prefix(rank))
  }

  /// A shape in the layer's format.
  func shape(_ batch: Int?, _ spatial: [Int?], _ channels: Int) throws(CairnError) -> BatchShape {
    try BatchShape(
      dataFormat == .channelsFirst ? [batch, channels] + spatial : [batch] + spatial + [channels])
  }

  /// The shape that windows over `input` give.
  ///
  /// - Throws: `shapeMismatch` if none fits.
  func outputShape(
    for input: BatchShape, channels: Int, _ layer: any Layer
  ) throws(CairnError) -> BatchShape {
    let lengths = spatial(input.dimensions)
    let counts = (0..<rank).map { axis in
      WindowAxis.count(
        lengths[axis], kernel: kernelSize[axis], stride: strides[axis], dilation: dilation[axis],
        padding: padding)
    }
    guard counts.allSatisfy({ $0.map { $0 > 0 } ?? true }) else {
      throw layer.shapeMismatch(
        expected: "room for a kernel of \(kernelSize), dilated by \(dilation)", found: input)
    }
    return try shape(input.dimensions[0], counts, channels)
  }

  /// The windows over an input with its channels last.
  func windows(over input: Tensor) -> Windows {
    Windows(
      Array(input.shape.dimensions[1...].prefix(rank)), kernel: kernelSize, strides: strides,
      dilation: dilation, padding: padding)
  }
}
