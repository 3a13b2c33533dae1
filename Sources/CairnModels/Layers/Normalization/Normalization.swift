// Keras `layers/preprocessing/normalization.py`, `rescaling.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// A layer that computes in floats, whatever numbers it is given.
protocol NumberLayer: FloatLayer {}

extension NumberLayer {
  func evaluate(_ input: Tensor, in context: EvaluationContext) throws(CairnError) -> Tensor {
    try computed(
      input.dtype.isPlainFloat ? input : input.cast(to: state.evaluationDType), in: context)
  }
}

/// Each feature minus its mean, divided by its deviation, both known beforehand; or the inverse.
///
/// Variables, unless mean and variance are given: `mean` and `variance`, with the lengths of the
/// dimensions whose places have statistics of their own, and `count` int32. None of them is
/// trainable.
public final class Normalization: NumberLayer, ConfiguredLayer {
  static let kind = LayerKind("Normalization", passesMask: true)

  let core: LayerState
  private let axes: [Int]
  private let statistics: (mean: FloatArray<Double>, variance: FloatArray<Double>)?
  private let inverts: Bool

  /// A layer whose statistics are variables.
  ///
  /// - Parameters:
  ///   - axes: The dimensions whose places have statistics of their own.
  ///   - inverts: Whether the layer undoes the normalisation.
  /// - Throws: `invalidArgument`; `invalidName`.
  public convenience init(
    axes: [Int] = [-1], inverts: Bool = false, name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: ["axis": axes, "invert": inverts], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    if let list = reader.peek("axis")?.arrayValue, list.isEmpty {
      axes = []
      _ = reader.take("axis")
      reader.record("axis", [])
    } else {
      axes = try reader.axes("axis", default: [-1])
      reader.record("axis", .array(axes.map { .integer(Int64($0)) }))
    }
    inverts = try reader.bool("invert", default: false)
    let mean = try reader.numbers("mean")
    let variance = try reader.numbers("variance")
    if let mean, let variance, mean.shape == variance.shape, mean.rank <= axes.count {
      statistics = (mean, variance)
    } else if mean == nil, variance == nil {
      statistics = nil
    } else {
      throw reader.invalid("variance", expected: "numbers of the mean's shape")
    }
    core = try reader.layerState(className: Self.className)
  }

  private func kept(of input: BatchShape) throws(CairnError) -> [Int] {
    try input.axes(axes, of: self)
  }

  /// The input's own shape, if it has the axes.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    try checkNormalized(input, axes: axes, variable: statistics == nil ? "mean" : nil)
    return input
  }

  /// `mean`, `variance` and `count`, or none.
  func makeVariables(
    for input: BatchShape, in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] {
    guard statistics == nil else { return [] }
    let lengths = try kept(of: input).compactMap { input.dimensions[$0] }
    return [
      try context.makeVariable(
        "mean", dimensions: lengths, initializer: .zeros, role: .nonTrainable,
        dtype: state.dtype.variableDType),
      try context.makeVariable(
        "variance", dimensions: lengths, initializer: .ones, role: .nonTrainable,
        dtype: state.dtype.variableDType),
      try context.makeVariable(
        "count", dimensions: [], initializer: .zeros, role: .nonTrainable, dtype: .int32),
    ]
  }

  /// The normalised input, or what it was before.
  func evaluate<Scalar: FloatScalar>(
    _ input: Tensor, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    _ = try outputShape(for: BatchShape(input.shape))
    let kept = try kept(of: BatchShape(input.shape))
    let array = try FloatArray<Scalar>(input)
    let mean = try aligned(own("mean", statistics?.mean), to: array, kept)
    var deviation = try aligned(own("variance", statistics?.variance), to: array, kept)
    deviation.values = deviation.values.map { max($0.squareRoot(), 1e-7) }
    guard inverts else {
      return try array.combined(with: mean, in: context, -)
        .combined(with: deviation, in: context, /).tensor()
    }
    return try array.combined(with: deviation, in: context, *)
      .combined(with: mean, in: context, +).tensor()
  }

  /// The statistics that were given, or else the variable of that name.
  private func own<Scalar: FloatScalar>(
    _ name: String, _ given: FloatArray<Double>?
  ) throws(CairnError) -> FloatArray<Scalar> {
    if let given { return given.converted(to: Scalar.self) }
    return try FloatArray(state.weight(name))
  }

  /// Statistics with length 1 along the dimensions that have none.
  private func aligned<Scalar: FloatScalar>(
    _ statistics: FloatArray<Scalar>, to input: FloatArray<Scalar>, _ kept: [Int]
  ) throws(CairnError) -> FloatArray<Scalar> {
    var shape = [Int](repeating: 1, count: input.rank)
    for (length, axis) in zip(statistics.shape.reversed(), kept.reversed()) { shape[axis] = length }
    guard RowMajor.broadcast(shape, input.shape) == input.shape else {
      throw CairnError(
        .shapeMismatch, "the statistics do not fit the input", at: .init(name: name),
        expected: "\(input.shape)", found: "\(statistics.shape)")
    }
    return FloatArray(statistics.values, shape: shape)
  }
}

extension ConfigurationReader {
  /// A number, or nested lists of numbers of one shape; nil if absent or `null`. Recorded as it is.
  mutating func numbers(_ key: String) throws(CairnError) -> FloatArray<Double>? {
    func array(_ value: JSONValue, depth: Int) -> FloatArray<Double>? {
      if let number = value.doubleValue { return FloatArray([number], shape: []) }
      guard depth < Shape.maximumRank, let elements = value.arrayValue else { return nil }
      let parts = elements.compactMap { array($0, depth: depth + 1) }
      guard parts.count == elements.count, let first = parts.first,
        parts.allSatisfy({ $0.shape == first.shape })
      else { return nil }
      return FloatArray(parts.flatMap(\.values), shape: [parts.count] + first.shape)
    }
    return try read(key, expected: "a number, or lists of numbers of one shape") {
      array($0, depth: 0)
    }
  }
}

/// Its input times a scale plus an offset; both a number, or one for each of the last places. No
/// variables.
public final class Rescaling: NumberLayer, ConfiguredLayer {
  static let kind = LayerKind("Rescaling", passesMask: true)

  let core: LayerState
  private let scale: FloatArray<Double>
  private let offset: FloatArray<Double>

  /// A layer that scales and shifts.
  ///
  /// - Throws: `invalidName`.
  public convenience init(
    _ scale: Double, offset: Double = 0, name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: ["scale": scale, "offset": offset], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    guard let scale = try reader.numbers("scale") else {
      throw reader.invalid("scale", expected: "a number, or a list of them")
    }
    self.scale = scale
    offset = try reader.numbers("offset") ?? FloatArray([0], shape: [])
    if reader.peek("offset") == nil { reader.record("offset", .double(0)) }
    core = try reader.layerState(className: Self.className)
  }

  /// The input's own shape, if scale and offset fit it.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    for array in [scale, offset] {
      let last = input.dimensions.suffix(array.rank)
      guard array.rank <= input.rank,
        zip(array.shape, last).allSatisfy({ $0 == 1 || $1 ?? $0 == $0 })
      else { throw shapeMismatch(expected: "\(array.shape) at the end", found: input) }
    }
    return input
  }

  /// The scaled input.
  func evaluate<Scalar: FloatScalar>(
    _ input: Tensor, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    _ = try outputShape(for: BatchShape(input.shape))
    return try FloatArray<Scalar>(input)
      .combined(with: scale.converted(to: type), in: context, *)
      .combined(with: offset.converted(to: type), in: context, +).tensor()
  }
}
