// The registry that a configuration is read with unless another is given.

import CairnSystem

extension LayerRegistry {
  /// The classes of this module.
  public static let standard: LayerRegistry = {
    var registry = LayerRegistry.layers
    registry.register(Functional.self) { (reader, context) throws(CairnError) in
      try Functional(reading: &reader, in: &context)
    }
    registry.register(Sequential.self) { (reader, context) throws(CairnError) in
      try Sequential(reading: &reader, in: &context)
    }
    return registry
  }()
}
