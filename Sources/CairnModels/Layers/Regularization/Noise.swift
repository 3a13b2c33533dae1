// Layers that change something in training only. Keras `layers/regularization/spatial_dropout.py`,
// `gaussian_noise.py`, `gaussian_dropout.py`, `alpha_dropout.py`, `activity_regularization.py`.

public import CairnJSON
public import CairnSystem
public import CairnTensors

/// Noise, in training only.
public protocol NoiseRule: Sendable {
  /// The class's name.
  static var name: String { get }
  /// The key of its strength.
  static var strengthKey: String { get }
  /// Whether Keras keeps a `noise_shape`.
  static var hasNoiseShape: Bool { get }
}

/// Normal noise that is added.
public enum GaussianNoiseRule: NoiseRule {
  /// `GaussianNoise`
  public static var name: String { "GaussianNoise" }
  /// `stddev`
  public static var strengthKey: String { "stddev" }
  /// False.
  public static var hasNoiseShape: Bool { false }
}
/// Normal noise that is multiplied.
public enum GaussianDropoutRule: NoiseRule {
  /// `GaussianDropout`
  public static var name: String { "GaussianDropout" }
  /// `rate`
  public static var strengthKey: String { "rate" }
  /// False.
  public static var hasNoiseShape: Bool { false }
}
/// Dropout that keeps mean and variance.
public enum AlphaDropoutRule: NoiseRule {
  /// `AlphaDropout`
  public static var name: String { "AlphaDropout" }
  /// `rate`
  public static var strengthKey: String { "rate" }
  /// True.
  public static var hasNoiseShape: Bool { true }
}

/// Adds normal noise in training; in inference it changes nothing.
public typealias GaussianNoise = NoiseLayer<GaussianNoiseRule>
/// Multiplies by normal noise in training; in inference it changes nothing.
public typealias GaussianDropout = NoiseLayer<GaussianDropoutRule>
/// Drops values but keeps mean and variance in training; in inference it changes nothing.
public typealias AlphaDropout = NoiseLayer<AlphaDropoutRule>

/// A layer that adds noise in training and in inference changes nothing.
///
/// No weights; with a strength above 0 the state of a seed generator, as ``Dropout`` has it.
public final class NoiseLayer<Rule: NoiseRule>: ShapelessLayer {
  /// `GaussianNoise`, `GaussianDropout`, `AlphaDropout`
  public static var className: String { Rule.name }

  /// Name, flag and variables.
  public let state: LayerState
  /// The noise's strength, from 0 to 1.
  public let strength: Double

  /// A layer of that strength.
  ///
  /// - Throws: `invalidConfiguration` unless the strength is from 0 to 1; `invalidName`.
  public convenience init(
    _ strength: Double, seed: UInt32? = nil, name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    var reader = try ConfigurationReader(
      making: Self.className, name: name, trainable: trainable, dtype: dtype,
      [
        Rule.strengthKey: .double(strength),
        "seed": seed.map { .integer(Int64($0)) } ?? .null,
      ])
    var context = BuildContext(.seeded(.random(in: .min ... .max)))
    try self.init(reading: &reader, in: &context)
  }

  init(
    reading reader: inout ConfigurationReader, in context: inout BuildContext
  ) throws(CairnError) {
    strength = try reader.rate(Rule.strengthKey)
    let seed = try reader.generatorSeed(in: &context)
    if Rule.hasNoiseShape { _ = try reader.optionalShape("noise_shape") }
    state = try reader.layerState(className: Self.className)
    if strength > 0 { try state.makeSeedGenerator(seed) }
  }

  /// True.
  public var passesMask: Bool { true }

  /// The input's own shape.
  public func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape { input }

  /// The input itself: this is inference.
  public func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor { input }
}

extension LayerState {
  /// Makes the state of a seed generator, Keras's `seed_generator_state`: the seed and a counter.
  func makeSeedGenerator(_ seed: UInt32) throws(CairnError) {
    try buildOnce(for: []) { () throws(CairnError) in [try LayerVariable.seedGenerator(seed)] }
  }
}

extension LayerVariable {
  /// The state of a seed generator.
  static func seedGenerator(_ seed: UInt32) throws(CairnError) -> LayerVariable {
    let name = "seed_generator_state"
    let value = try Tensor([seed, 0] as [UInt32])
    return LayerVariable(Variable(value, name: name, trainable: false), name: name, role: .state)
  }
}

/// Drops whole channels of steps in training; in inference it changes nothing.
public typealias SpatialDropout1D = SpatialDropout<OneDimensional>
/// Drops whole channels of pictures in training; in inference it changes nothing.
public typealias SpatialDropout2D = SpatialDropout<TwoDimensional>
/// Drops whole channels of volumes in training; in inference it changes nothing.
public typealias SpatialDropout3D = SpatialDropout<ThreeDimensional>

/// Drops whole channels in training; in inference it changes nothing.
///
/// No weights; with a rate above 0 the state of a seed generator, as ``Dropout`` has it. Keras's
/// configuration of this class has no `trainable`, and its dtype is a plain name.
public final class SpatialDropout<Rank: SpatialRank>: ShapelessLayer {
  /// `SpatialDropout1D`, `SpatialDropout2D`, `SpatialDropout3D`
  public static var className: String { "SpatialDropout\(Rank.rank)D" }

  /// Name, flag and variables.
  public let state: LayerState
  /// The share that is dropped, from 0 to 1.
  public let rate: Double

  /// A layer that drops that share.
  ///
  /// - Throws: `invalidConfiguration` unless the rate is from 0 to 1; `invalidName`.
  public convenience init(
    _ rate: Double, seed: UInt32? = nil, dataFormat: DataFormat = .channelsLast,
    name: String? = nil, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    var settings: JSONObject = [
      "rate": .double(rate), "seed": seed.map { .integer(Int64($0)) } ?? .null,
    ]
    if Rank.rank > 1 { settings["data_format"] = .string(dataFormat.rawValue) }
    var reader = try ConfigurationReader(
      making: Self.className, name: name, dtype: dtype, settings)
    var context = BuildContext(.seeded(.random(in: .min ... .max)))
    try self.init(reading: &reader, in: &context)
  }

  init(
    reading reader: inout ConfigurationReader, in context: inout BuildContext
  ) throws(CairnError) {
    rate = try reader.rate("rate")
    let seed = try reader.generatorSeed(in: &context)
    if Rank.rank > 1 { _ = try reader.dataFormat() }
    state = try reader.layerState(className: Self.className)
    if rate > 0 { try state.makeSeedGenerator(seed) }
  }

  /// True.
  public var passesMask: Bool { true }

  /// The class's own keys, the name, and the type as a plain name.
  public var settings: JSONObject {
    var settings = state.settings
    settings["dtype"] = .string(state.dtype.variableDType.name)
    // Only what Keras cannot say is added: it takes the flag to be true.
    if trainable { settings["trainable"] = nil }
    return settings
  }

  /// The input's own shape, if it has that many dimensions.
  public func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    guard input.rank == Rank.rank + 2 else {
      throw shapeMismatch(expected: "\(Rank.rank + 2) dimensions", found: input)
    }
    return input
  }

  /// The input itself: this is inference.
  public func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor { input }
}

/// Adds a penalty for large activations to the loss in training; the input passes unchanged.
public final class ActivityRegularization: ShapelessLayer {
  /// `ActivityRegularization`
  public static let className = "ActivityRegularization"

  /// Name, flag and variables.
  public let state: LayerState

  /// A layer with those factors for the sum of absolute values and of squares.
  ///
  /// - Throws: `invalidName`.
  public convenience init(
    l1: Double = 0, l2: Double = 0, name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    var reader = try ConfigurationReader(
      making: Self.className, name: name, trainable: trainable, dtype: dtype,
      ["l1": .double(l1), "l2": .double(l2)])
    try self.init(reading: &reader)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    _ = try reader.double("l1", default: 0)
    _ = try reader.double("l2", default: 0)
    state = try reader.layerState(className: Self.className)
  }

  /// True.
  public var passesMask: Bool { true }

  /// The input's own shape.
  public func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape { input }

  /// The input itself.
  public func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor { input }
}
