// The classes that a configuration may name. No other class is ever made from a configuration.

package import CairnJSON
public import CairnSystem

/// Makers of layers by the name of their class.
///
/// The registry is closed: a configuration that names another class is refused. Add classes of your
/// own to a copy, and pass that.
public struct LayerRegistry: Sendable {
  typealias Maker =
    @Sendable (inout ConfigurationReader, inout RebuildContext) throws(CairnError) -> any Layer

  private var makers: [String: Maker] = [:]

  /// No classes.
  package init() {}

  /// Enters a class under its registered name, or, for Keras's own, its class name; a class that
  /// is there already is replaced.
  ///
  /// - Parameter maker: Makes a layer from its `config`; keys that it does not ask for are refused afterwards.
  public mutating func register<L: Layer>(
    _ type: L.Type,
    _ maker:
      @escaping @Sendable (
        inout ConfigurationReader, inout RebuildContext
      ) throws(CairnError) -> any Layer
  ) {
    register(type, named: type.layerKind.registeredName ?? type.className, maker)
  }

  /// Enters a class under a name.
  mutating func register<L: Layer>(_ type: L.Type, named name: String, _ maker: @escaping Maker) {
    makers[name] = maker
  }

  /// The layer of a configuration, as Keras's `serialize_keras_object` writes it; Keras's
  /// `keras.layers.deserialize`. It is built if the configuration says for which shapes.
  ///
  /// - Parameters and errors: as ``Model/make(configuration:registry:initialization:limits:)``.
  package func makeLayer(
    configuration: JSONValue,
    initialization: Initialization = .seeded(.random(in: .min ... .max)),
    limits: ModelLimits = ModelLimits()
  ) throws(CairnError) -> any Layer {
    var context = RebuildContext(registry: self, initialization: initialization, limits: limits)
    return try BuildBudget.run(for: configuration) { () throws(CairnError) in
      try context.layer(from: configuration, at: "")
    }
  }

  /// The names of the classes, ascending.
  package var names: [String] { makers.keys.sorted() }

  func maker(_ name: String) -> Maker? { makers[name] }
}
