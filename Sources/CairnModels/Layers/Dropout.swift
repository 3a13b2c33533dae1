// Keras `layers/regularization/dropout.py`, `random/seed_generator.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// Sets a share of its input to zero in training; in inference it changes nothing.
///
/// Input and output: any shape, the same. No weights; but with a rate above 0 it has the state of a
/// seed generator, as in Keras: `seed_generator_state`, uint32 `(2,)`, the seed and a counter. That
/// is part of ``StateScope/fullState``, not of the weights.
public final class Dropout: PassThroughLayer, SeededLayer {
  static let kind = LayerKind(
    "Dropout", passesMask: true, keepsWholeNumbers: true, needsShape: false)

  let core: LayerState
  /// The share that is dropped, from 0 to 1.
  let rate: Double

  /// A layer that drops that share.
  ///
  /// - Parameter seed: What the generator's state begins with; nil for a random one, as in Keras
  ///   from 1 to 10^9.
  /// - Throws: `invalidArgument` unless `rate` is from 0 to 1; `invalidName`.
  public convenience init(
    _ rate: Double, seed: UInt32? = nil, name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: ["rate": rate, "seed": seed], name: name, trainable: trainable, dtype: dtype)
  }

  init(
    reading reader: inout ConfigurationReader, in context: inout BuildContext
  ) throws(CairnError) {
    rate = try reader.rate("rate")
    // Written as a float however it was read.
    reader.record("rate", rate.json)
    let seed = try reader.optionalInteger("seed", in: 0...0xFFFF_FFFF)
    _ = try reader.optionalShape("noise_shape")
    core = try reader.layerState(className: Self.className)
    let drawn = UInt32(context.nextSeed() % 1_000_000_000) + 1
    if rate > 0 { try state.makeSeedGenerator(seed.map { UInt32($0) } ?? drawn) }
  }
}
