// Keras `layers/pooling/base_global_pooling.py` and its subclasses.

import CairnJSON
public import CairnSystem
import CairnTensors

/// The largest value of all steps.
public typealias GlobalMaxPooling1D = GlobalPooling<OneDimensional, MaximumRule>
/// The largest value of all places.
public typealias GlobalMaxPooling2D = GlobalPooling<TwoDimensional, MaximumRule>
/// The largest value in space.
public typealias GlobalMaxPooling3D = GlobalPooling<ThreeDimensional, MaximumRule>
/// The mean of all steps; with a mask, of those that count.
public typealias GlobalAveragePooling1D = GlobalPooling<OneDimensional, AverageRule>
/// The mean of all places.
public typealias GlobalAveragePooling2D = GlobalPooling<TwoDimensional, AverageRule>
/// The mean in space.
public typealias GlobalAveragePooling3D = GlobalPooling<ThreeDimensional, AverageRule>

/// One value for each channel.
///
/// Input: `(n, …, c)`, or `(n, c, …)` with channels first. Output: `(n, c)`, or with the spatial
/// dimensions kept at length 1. No variables.
public final class GlobalPooling<Rank: SpatialRank, Rule: PoolingRule>: OneInputLayer,
  ConfiguredLayer
{
  static var kind: LayerKind {
    LayerKind("Global\(Rule.function.rawValue)Pooling\(Rank.rank)D", needsShape: false)
  }

  let core: LayerState
  private let dataFormat: DataFormat
  private let keepsDimensions: Bool

  /// A layer that pools all places.
  ///
  /// - Throws: `invalidName`.
  public convenience init(
    dataFormat: DataFormat = .channelsLast, keepsDimensions: Bool = false, name: String? = nil,
    trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: ["data_format": dataFormat, "keepdims": keepsDimensions], name: name,
      trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    dataFormat = try reader.dataFormat()
    keepsDimensions = try reader.bool("keepdims", default: false)
    core = try reader.layerState(className: Self.className)
  }

  /// `(n, c)`.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    try input.checkSpatial(Rank.rank, of: self)
    let channels = input.dimensions[dataFormat == .channelsFirst ? 1 : Rank.rank + 1]
    let ones = keepsDimensions ? [Int?](repeating: 1, count: Rank.rank) : []
    return try BatchShape(
      [input.dimensions[0]] + (dataFormat == .channelsFirst ? [channels] + ones : ones + [channels])
    )
  }

  /// One value for each channel.
  func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor { try pooled(input, counting: nil, in: context) }

  /// As for the input alone, but the mean of steps counts those that the mask has.
  func results(
    _ arguments: CallArguments<MaskedTensor>, in context: EvaluationContext
  ) throws(CairnError) -> [MaskedTensor] {
    let input = try only(plainInputs(arguments))
    let takesMask = Rank.rank == 1 && Rule.self == AverageRule.self
    let mask = arguments["mask"]?.tensors.first?.tensor ?? input.mask
    return [MaskedTensor(try pooled(input.tensor, counting: takesMask ? mask : nil, in: context))]
  }

  private func pooled(
    _ input: Tensor, counting mask: Tensor?, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    try state.check(input)
    let shape = try Shape(outputShape(for: BatchShape(input.shape)).dimensions.map { $0 ?? 0 })
    guard shape.elementCount > 0 else { return try Tensor(zeros: input.dtype, shape: shape) }
    let source = try input.withChannelsLast(from: dataFormat)
    let (examples, channels) = (source.shape[0], source.shape[source.rank - 1])
    let places = source.elementCount / examples / channels
    let counts = try mask?.stepMask(examples: examples, steps: places, of: name)
    return try Precision(for: source.dtype).run(
      WholePooling(
        source: source, function: Rule.function, counts: counts, shape: shape, context: context))
  }
}

/// One value for each example and channel of a tensor with its channels last, of the places that count.
private struct WholePooling: FloatWork {
  let source: Tensor
  let function: PoolingFunction
  let counts: [Bool]?
  let shape: Shape
  let context: EvaluationContext

  func run<Scalar: FloatScalar>(as type: Scalar.Type) throws(CairnError) -> Tensor {
    let (examples, channels) = (source.shape[0], source.shape[source.rank - 1])
    let places = source.elementCount / examples / channels
    guard counts != nil else {
      // One window over all places.
      let windows = Windows(
        [places], kernel: [places], strides: [1], dilation: [1], padding: .valid)
      return try Tensor(
        shape: shape, rowLength: channels, blocks: (0..<examples).map { $0..<$0 + 1 },
        threads: source.elementCount < 1 << 18 ? 1 : context.threads
      ) { (rows, result: inout MutableSpan<Scalar>) throws(CairnError) in
        try source.withScalars(of: type) { values in
          windows.pool(
            values, channels: channels, takingLargest: function == .maximum, rows: rows,
            into: &result)
        }
      }
    }
    let values: [Scalar] = try source.scalars()
    var result = [Scalar](repeating: function.start(as: type), count: examples * channels)
    for example in 0..<examples {
      let own = example * channels..<(example + 1) * channels
      var count = 0
      for place in 0..<places where counts?[example * places + place] ?? true {
        count += 1
        function.gather(values, from: (example * places + place) * channels, into: &result, own)
      }
      function.finish(&result, own, count: count)
    }
    return try Tensor(result, shape: shape)
  }
}

extension Tensor {
  /// A mask of steps as an array, `examples × steps`.
  ///
  /// - Throws: `shapeMismatch` if it has another shape; `dtypeMismatch` unless it holds bools.
  func stepMask(examples: Int, steps: Int, of layer: String) throws(CairnError) -> [Bool] {
    guard shape.dimensions == [examples, steps] else {
      throw CairnError(
        .shapeMismatch, "a mask has not one value a step", at: .init(name: layer),
        expected: "(\(examples), \(steps))", found: "\(shape)")
    }
    return try (dtype == .bool ? self : cast(to: .bool)).scalars()
  }
}
