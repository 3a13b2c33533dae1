// Keras `layers/core/identity.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// Gives what it is given. No variables.
public final class Identity: PassThroughLayer, ConfiguredLayer {
  static let kind = LayerKind(
    "Identity", passesMask: true, keepsWholeNumbers: true, needsShape: false)

  let core: LayerState

  /// A layer that does nothing.
  ///
  /// - Throws: `invalidName`.
  public convenience init(
    name: String? = nil, trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: [:], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    core = try reader.layerState(className: Self.className)
  }
}
