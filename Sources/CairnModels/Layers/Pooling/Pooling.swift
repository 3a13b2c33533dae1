// Keras `layers/pooling/base_pooling.py` and its subclasses.

import CairnJSON
public import CairnSystem
import CairnTensors

/// How a window's values become one, as a type: `MaxPooling2D` is ``Pooling`` by ``MaximumRule``.
public protocol PoolingRule: Sendable {
  /// Whether it is the mean, and not the largest.
  static var takesMean: Bool { get }
}

/// The rules of this module.
protocol OwnPoolingRule: PoolingRule {
  static var ownTakesMean: Bool { get }
}

extension OwnPoolingRule {
  /// Whether it is the mean.
  public static var takesMean: Bool { ownTakesMean }
}

extension PoolingRule {
  /// What is made of the values.
  static var function: PoolingFunction { takesMean ? .average : .maximum }
}

/// The largest value.
public enum MaximumRule: OwnPoolingRule { static let ownTakesMean = false }

/// The mean of the values that lie within the input: padding does not count.
public enum AverageRule: OwnPoolingRule { static let ownTakesMean = true }

/// How a window's values become one, under the beginning of the names of Keras's classes.
enum PoolingFunction: String, Sendable {
  /// The largest value; a NaN stays.
  case maximum = "Max"
  /// The sum divided by the count.
  case average = "Average"

  /// The value that a window begins with.
  func start<Scalar: FloatScalar>(as type: Scalar.Type) -> Scalar {
    self == .maximum ? -.infinity : 0
  }

  /// Gathers as many values as `sums` has elements in `range`.
  @inline(__always)
  func gather<Scalar: FloatScalar>(
    _ values: [Scalar], from start: Int, into sums: inout [Scalar], _ range: Range<Int>
  ) {
    var source = start
    switch self {
    case .maximum:
      for index in range {
        let value = values[source]
        if value > sums[index] || value.isNaN { sums[index] = value }
        source += 1
      }
    case .average:
      for index in range {
        sums[index] += values[source]
        source += 1
      }
    }
  }

  /// Turns the gathered values into results; `count` is how many were gathered.
  func finish<Scalar: FloatScalar>(_ sums: inout [Scalar], _ range: Range<Int>, count: Int) {
    guard self == .average else { return }
    for index in range { sums[index] /= Scalar(count) }
  }
}

/// The largest value of each window of steps.
public typealias MaxPooling1D = Pooling<OneDimensional, MaximumRule>
/// The largest value of each window of places.
public typealias MaxPooling2D = Pooling<TwoDimensional, MaximumRule>
/// The largest value of each window in space.
public typealias MaxPooling3D = Pooling<ThreeDimensional, MaximumRule>
/// The mean of each window of steps.
public typealias AveragePooling1D = Pooling<OneDimensional, AverageRule>
/// The mean of each window of places.
public typealias AveragePooling2D = Pooling<TwoDimensional, AverageRule>
/// The mean of each window in space.
public typealias AveragePooling3D = Pooling<ThreeDimensional, AverageRule>

/// One value for each window and channel.
///
/// Input: `(n, …, c)`, or `(n, c, …)` with channels first. Output: the windows' number in each
/// spatial dimension. No variables.
public final class Pooling<Rank: SpatialRank, Rule: PoolingRule>: OneInputLayer, ConfiguredLayer {
  static var kind: LayerKind {
    LayerKind("\(Rule.function.rawValue)Pooling\(Rank.rank)D", needsShape: false)
  }

  let core: LayerState
  private let size: [Int]
  private let strides: [Int]
  private let padding: Padding
  private let dataFormat: DataFormat

  /// A layer that pools windows of `size`; they follow one another unless `strides` says otherwise.
  ///
  /// - Throws: `invalidArgument` for sizes that Keras refuses; `invalidName`.
  public convenience init(
    _ size: Extents = 2, strides: Extents? = nil, padding: Padding = .valid,
    dataFormat: DataFormat = .channelsLast, name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: [
        "pool_size": size, "strides": strides,
        "padding": padding, "data_format": dataFormat,
      ], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    size = try reader.extents("pool_size", count: Rank.rank, default: 2)
    strides = try reader.optionalExtents("strides", count: Rank.rank) ?? size
    reader.record("strides", .array(strides.map { .integer(Int64($0)) }))
    padding = try reader.choice("padding", default: .valid)
    guard padding != .causal else { throw reader.invalid("padding", expected: "valid or same") }
    dataFormat = try reader.dataFormat()
    core = try reader.layerState(className: Self.className)
  }

  /// The number of windows in each spatial dimension.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    try input.withSpatial(Rank.rank, dataFormat, of: self) { (axis, length) throws(CairnError) in
      let count = WindowAxis.count(
        length, kernel: size[axis], stride: strides[axis], dilation: 1, padding: padding)
      guard count ?? 0 >= 0 else {
        throw shapeMismatch(expected: "room for a window of \(size)", found: input)
      }
      return count
    }
  }

  /// One value for each window and channel.
  func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    try state.check(input)
    let shape = try context.shape(outputShape(for: BatchShape(input.shape)))
    guard shape.elementCount > 0 else { return try Tensor(zeros: input.dtype, shape: shape) }
    let source = try input.withChannelsLast(from: dataFormat)
    var taps = 1
    for axis in 0..<Rank.rank {
      taps = taps.multipliedSaturated(by: min(size[axis], source.shape[axis + 1]))
    }
    try context.take(work: shape.elementCount, max(taps, 1), 4)
    let windows = Windows(
      Array(source.shape.dimensions[1...].prefix(Rank.rank)), kernel: size, strides: strides,
      dilation: [Int](repeating: 1, count: Rank.rank), padding: padding)
    return try Precision(for: source.dtype).run(
      WindowPooling(source: source, function: Rule.function, windows: windows, context: context)
    ).withChannels(in: dataFormat)
  }
}

/// One value for each window and channel of a tensor with its channels last.
private struct WindowPooling: FloatWork {
  let source: Tensor
  let function: PoolingFunction
  let windows: Windows
  let context: EvaluationContext

  func run<Scalar: FloatScalar>(as type: Scalar.Type) throws(CairnError) -> Tensor {
    let channels = source.shape[source.rank - 1]
    let counts = windows.axes.map(\.output).suffix(source.rank - 2)
    let shape = try context.shape([source.shape[0]] + counts + [channels])
    let blocks = MatrixProduct.blocks(
      shape.elementCount / max(channels, 1), work: channels * 16, threads: context.threads)
    return try Tensor(
      shape: shape, rowLength: channels, blocks: blocks, threads: context.threads
    ) { (rows, result: inout MutableSpan<Scalar>) throws(CairnError) in
      try source.withScalars(of: type) { values in
        windows.pool(
          values, channels: channels, takingLargest: function == .maximum, rows: rows,
          into: &result)
      }
    }
  }
}
