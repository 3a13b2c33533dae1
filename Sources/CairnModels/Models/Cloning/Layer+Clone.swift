// A layer's clone: another of the same configuration. Keras's
// `layer.__class__.from_config(layer.get_config())`.

import CairnJSON
public import CairnSystem
import CairnTensors

extension Layer {
  /// A layer of the same class, configuration and name, without variables until it is built; a model
  /// as ``Model/cloned(seed:registry:)`` makes it.
  ///
  /// It can be put in a different place from the original, also one with other shapes.
  ///
  /// - Parameters:
  ///   - seed: What a random layer's seed is drawn from, unless it was given one.
  ///   - registry: The layer's class, and those within it, if some are not of this module.
  /// - Throws: `unknownLayerClass` for a class that `registry` lacks.
  public func cloned(
    seed: UInt64 = .random(in: .min ... .max), registry: LayerRegistry = .standard
  ) throws(CairnError) -> any Layer {
    if let model = self as? Model { return try model.cloned(seed: seed, registry: registry) }
    return try registry.makeLayer(
      configuration: kerasConfiguration.withoutBuildConfigurations, initialization: .seeded(seed),
      limits: .trusted)
  }
}

extension JSONValue {
  /// The configuration of a layer and of those that it wraps, without the shapes they were built
  /// for.
  fileprivate var withoutBuildConfigurations: JSONValue {
    switch self {
    case .array(let elements):
      return .array(elements.map(\.withoutBuildConfigurations))
    case .object(let object):
      var result = JSONObject()
      for (key, value) in object where key != "build_config" {
        result[key] = value.withoutBuildConfigurations
      }
      return .object(result)
    default: return self
    }
  }
}
