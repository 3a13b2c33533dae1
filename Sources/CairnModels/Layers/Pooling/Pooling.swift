// Keras `layers/pooling/base_pooling.py` and its subclasses.

import CairnJSON
public import CairnSystem
public import CairnTensors

/// How a window's values become one.
public protocol PoolingRule: Sendable {
  /// `Max` or `Average`: the beginning of the classes' names.
  static var name: String { get }
  /// What is begun with.
  static var start: Float { get }
  /// What a value makes of what was gathered.
  static func gather(_ sum: Float, _ value: Float) -> Float
  /// The result, once all values are gathered; `count` of them.
  static func finish(_ sum: Float, count: Int) -> Float
}

/// The largest value; a NaN stays.
public enum MaximumRule: PoolingRule {
  /// `Max`
  public static var name: String { "Max" }
  /// −∞
  public static var start: Float { -.infinity }
  /// The larger of the two, or the NaN.
  public static func gather(_ sum: Float, _ value: Float) -> Float {
    value > sum || value.isNaN ? value : sum
  }
  /// What was gathered.
  public static func finish(_ sum: Float, count: Int) -> Float { sum }
}

/// The mean of the values that lie within the input: padding does not count.
public enum AverageRule: PoolingRule {
  /// `Average`
  public static var name: String { "Average" }
  /// 0
  public static var start: Float { 0 }
  /// The sum.
  public static func gather(_ sum: Float, _ value: Float) -> Float { sum + value }
  /// The sum divided by the count.
  public static func finish(_ sum: Float, count: Int) -> Float { sum / Float(count) }
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
public final class Pooling<Rank: SpatialRank, Rule: PoolingRule>: ShapelessLayer {
  /// `MaxPooling1D` … `AveragePooling3D`
  public static var className: String { "\(Rule.name)Pooling\(Rank.rank)D" }

  /// Name, flag and variables.
  public let state: LayerState
  private let size: [Int]
  private let strides: [Int]
  private let padding: Padding
  private let dataFormat: DataFormat

  /// A layer that pools windows of `size`; they follow one another unless `strides` says otherwise.
  ///
  /// - Throws: `invalidConfiguration` for sizes that Keras refuses; `invalidName`.
  public convenience init(
    _ size: Extents = 2, strides: Extents? = nil, padding: Padding = .valid,
    dataFormat: DataFormat = .channelsLast, name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    var reader = try ConfigurationReader(
      making: Self.className, name: name, trainable: trainable, dtype: dtype,
      [
        "pool_size": size.json, "strides": strides?.json ?? .null,
        "padding": .string(padding.rawValue), "data_format": .string(dataFormat.rawValue),
      ])
    try self.init(reading: &reader)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    size = try reader.extents("pool_size", count: Rank.rank, default: 2)
    strides = try reader.optionalExtents("strides", count: Rank.rank) ?? size
    reader.record("strides", .array(strides.map { .integer(Int64($0)) }))
    padding = try reader.choice("padding", default: .valid)
    guard padding != .causal else { throw reader.invalid("padding", expected: "valid or same") }
    dataFormat = try reader.dataFormat()
    state = try reader.layerState(className: Self.className)
  }

  /// The windows' numbers.
  public func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    guard input.rank == Rank.rank + 2 else {
      throw shapeMismatch(expected: "\(Rank.rank + 2) dimensions", found: input)
    }
    let first = dataFormat == .channelsFirst ? 2 : 1
    var dimensions = input.dimensions
    for axis in 0..<Rank.rank {
      let count = WindowAxis.count(
        dimensions[first + axis], kernel: size[axis], stride: strides[axis], dilation: 1,
        padding: padding)
      guard count ?? 0 >= 0 else {
        throw shapeMismatch(expected: "room for a window of \(size)", found: input)
      }
      dimensions[first + axis] = count
    }
    return try BatchShape(dimensions)
  }

  /// One value for each window and channel.
  public func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    try state.checkFloat32(input)
    let shape = try context.shape(outputShape(for: BatchShape(input.shape)))
    guard shape.elementCount > 0 else { return try Tensor(zeros: .float32, shape: shape) }
    let source = try input.withChannelsLast(from: dataFormat)
    let windows = Windows(
      Array(source.shape.dimensions[1...].prefix(Rank.rank)), kernel: size, strides: strides,
      dilation: [Int](repeating: 1, count: Rank.rank), padding: padding)
    let channels = source.shape[source.rank - 1]
    let values: [Float] = try source.scalars()
    let counts = windows.axes.map(\.output).suffix(Rank.rank)
    let pooled = try Tensor(
      shape: context.shape([source.shape[0]] + counts + [channels]), rowLength: channels,
      work: channels * 16, threads: context.threads
    ) { rows in
      var block = [Float](repeating: Rule.start, count: rows.count * channels)
      var start = 0
      for row in rows {
        let example = row / windows.count * windows.inputCount
        var count = 0
        windows.forEachTap(of: row % windows.count) { _, place in
          let source = (example + place) * channels
          for channel in 0..<channels {
            block[start + channel] = Rule.gather(block[start + channel], values[source + channel])
          }
          count += 1
        }
        for index in start..<start + channels {
          block[index] = Rule.finish(block[index], count: count)
        }
        start += channels
      }
      return block
    }
    return try pooled.withChannels(in: dataFormat)
  }
}
