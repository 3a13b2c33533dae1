// Keras `layers/regularization/dropout.py`, `random/seed_generator.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// Sets a share of its input to zero in training; in inference it changes nothing.
///
/// Input and output: any shape, the same. No weights; but with a rate above 0 it has the state of a
/// seed generator, as in Keras: `seed_generator_state`, uint32 `(2,)`, the seed and a counter. That
/// is part of ``StateScope/fullState``, not of the weights.
public final class Dropout: OneInputLayer {
  static let kind = LayerKind(
    "Dropout", passesMask: true, keepsWholeNumbers: true, needsShape: false)

  let core: LayerState
  /// The share that is dropped, from 0 to 1.
  let rate: Double
  /// The seed that was given.
  let seed: UInt32?
  /// Keras's `noise_shape`, for training.
  private let noiseShape: BatchShape?

  /// A layer that drops that share.
  ///
  /// - Parameter seed: What the generator's state begins with; nil for a random one, as in Keras
  ///   from 1 to 10^9.
  /// - Throws: `invalidArgument` unless `rate` is from 0 to 1; `invalidName`.
  public init(
    _ rate: Double, seed: UInt32? = nil, name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    guard (0...1).contains(rate) else {
      throw CairnError(
        .invalidArgument, "a dropout rate is out of range", expected: "0 to 1", found: "\(rate)")
    }
    self.rate = rate
    self.seed = seed
    noiseShape = nil
    core = try LayerState(
      className: Self.className, name: name, trainable: trainable, dtype: dtype)
    try makeState(seed ?? .random(in: 1...1_000_000_000))
  }

  init(
    reading reader: inout ConfigurationReader, in context: inout RebuildContext
  ) throws(CairnError) {
    rate = try reader.double("rate", default: 0)
    guard (0...1).contains(rate) else {
      throw reader.invalid("rate", expected: "a number from 0 to 1")
    }
    let number = reader.peek("seed") == nil ? nil : try reader.integer("seed", in: 0...0xFFFF_FFFF)
    seed = number.map { UInt32($0) }
    noiseShape = try reader.optionalShape("noise_shape")
    core = try reader.layerState(className: Self.className)
    let drawn = UInt32(context.build.nextSeed() % 1_000_000_000) + 1
    try makeState(seed ?? drawn)
  }

  private func makeState(_ seed: UInt32) throws(CairnError) {
    try state.buildOnce(for: []) { () throws(CairnError) in
      rate > 0 ? [try LayerVariable.seedGenerator(seed)] : []
    }
  }

  /// The keys of Keras's `get_config` for this class.
  var config: JSONObject {
    var settings = state.baseSettings
    settings["rate"] = .double(rate)
    settings["seed"] = seed.map { .integer(Int64($0)) } ?? .null
    settings["noise_shape"] = noiseShape?.json ?? .null
    return settings
  }

  /// The input's own shape.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape { input }

  /// The input itself: this is inference.
  func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor { input }
}
