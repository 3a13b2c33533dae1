// Layers that change something in training only. Keras `layers/regularization/spatial_dropout.py`,
// `gaussian_noise.py`, `gaussian_dropout.py`, `alpha_dropout.py`, `activity_regularization.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// The kinds of noise there are, under the names of Keras's classes.
enum Noise: String {
  /// Normal noise that is added.
  case added = "GaussianNoise"
  /// Normal noise that is multiplied.
  case multiplied = "GaussianDropout"
  /// Dropout that keeps mean and variance.
  case alphaDropout = "AlphaDropout"

  /// The key of its strength.
  var strengthKey: String { self == .added ? "stddev" : "rate" }
}

/// A layer that adds noise in training and in inference changes nothing.
protocol NoiseLayer: PassThroughLayer, SeededLayer {
  /// Which noise.
  static var noise: Noise { get }
  init(_ core: LayerState)
}

extension NoiseLayer {
  static var kind: LayerKind { LayerKind(noise.rawValue, passesMask: true, needsShape: false) }

  init(
    strength: Double, seed: UInt32?, name: String?, trainable: Bool, dtype: DTypePolicy
  ) throws(CairnError) {
    try self.init(
      making: [
        Self.noise.strengthKey: strength,
        "seed": seed,
      ], name: name, trainable: trainable, dtype: dtype)
  }

  init(
    reading reader: inout ConfigurationReader, in context: inout BuildContext
  ) throws(CairnError) {
    let strength = try reader.rate(Self.noise.strengthKey)
    let seed = try reader.generatorSeed(in: &context)
    if Self.noise == .alphaDropout { _ = try reader.optionalShape("noise_shape") }
    let core = try reader.layerState(className: Self.className)
    if strength > 0 { try core.makeSeedGenerator(seed) }
    self.init(core)
  }
}

/// Adds normal noise in training; in inference it changes nothing.
///
/// No weights; with a strength above 0 the state of a seed generator, as ``Dropout`` has it.
public final class GaussianNoise: NoiseLayer {
  static let noise = Noise.added
  let core: LayerState
  init(_ core: LayerState) { self.core = core }

  /// A layer of that strength.
  ///
  /// - Throws: `invalidArgument` unless the strength is from 0 to 1; `invalidName`.
  public convenience init(
    _ strength: Double, seed: UInt32? = nil, name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      strength: strength, seed: seed, name: name, trainable: trainable, dtype: dtype)
  }
}

/// Multiplies by normal noise in training; in inference it changes nothing.
///
/// No weights; with a strength above 0 the state of a seed generator, as ``Dropout`` has it.
public final class GaussianDropout: NoiseLayer {
  static let noise = Noise.multiplied
  let core: LayerState
  init(_ core: LayerState) { self.core = core }

  /// A layer of that strength.
  ///
  /// - Throws: `invalidArgument` unless the strength is from 0 to 1; `invalidName`.
  public convenience init(
    _ strength: Double, seed: UInt32? = nil, name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      strength: strength, seed: seed, name: name, trainable: trainable, dtype: dtype)
  }
}

/// Drops values but keeps mean and variance in training; in inference it changes nothing.
///
/// No weights; with a strength above 0 the state of a seed generator, as ``Dropout`` has it.
public final class AlphaDropout: NoiseLayer {
  static let noise = Noise.alphaDropout
  let core: LayerState
  init(_ core: LayerState) { self.core = core }

  /// A layer of that strength.
  ///
  /// - Throws: `invalidArgument` unless the strength is from 0 to 1; `invalidName`.
  public convenience init(
    _ strength: Double, seed: UInt32? = nil, name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      strength: strength, seed: seed, name: name, trainable: trainable, dtype: dtype)
  }
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
public final class SpatialDropout<Rank: SpatialRank>: PassThroughLayer, SeededLayer {
  static var kind: LayerKind {
    LayerKind("SpatialDropout\(Rank.rank)D", passesMask: true, needsShape: false)
  }

  let core: LayerState
  /// The share that is dropped, from 0 to 1.
  let rate: Double

  /// A layer that drops that share.
  ///
  /// - Throws: `invalidArgument` unless the rate is from 0 to 1; `invalidName`.
  public convenience init(
    _ rate: Double, seed: UInt32? = nil, dataFormat: DataFormat = .channelsLast,
    name: String? = nil, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    var settings: LayerSettings = [
      "rate": rate, "seed": seed,
    ]
    if Rank.rank > 1 { settings["data_format"] = dataFormat }
    try self.init(
      making: settings, name: name, dtype: dtype)
  }

  init(
    reading reader: inout ConfigurationReader, in context: inout BuildContext
  ) throws(CairnError) {
    rate = try reader.rate("rate")
    let seed = try reader.generatorSeed(in: &context)
    if Rank.rank > 1 { _ = try reader.dataFormat() }
    core = try reader.layerState(className: Self.className)
    if rate > 0 { try state.makeSeedGenerator(seed) }
  }

  /// The class's own keys, the name, and the type as a plain name.
  var config: JSONObject {
    var settings = state.settings
    settings["dtype"] = .string(state.dtype.variableDType.name)
    // The flag is added only if it is false: Keras cannot write it, and takes it to be true.
    if trainable { settings["trainable"] = nil }
    return settings
  }

  /// The input's own shape, if it has that many dimensions.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    try input.checkSpatial(Rank.rank, of: self)
    return input
  }
}

/// Adds a penalty for large activations to the loss in training; the input passes unchanged.
public final class ActivityRegularization: PassThroughLayer, ConfiguredLayer {
  static let kind = LayerKind("ActivityRegularization", passesMask: true, needsShape: false)

  let core: LayerState

  /// A layer with those factors for the sum of absolute values and of squares.
  ///
  /// - Throws: `invalidName`.
  public convenience init(
    l1: Double = 0, l2: Double = 0, name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: ["l1": l1, "l2": l2], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    _ = try reader.double("l1", default: 0)
    _ = try reader.double("l2", default: 0)
    core = try reader.layerState(className: Self.className)
  }
}
