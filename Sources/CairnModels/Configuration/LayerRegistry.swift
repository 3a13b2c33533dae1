// The classes that a configuration may name. Nothing else is ever made from one.

public import CairnSystem

/// Makers of layers by the name of their class.
///
/// The registry is closed: a configuration that names another class is refused. Add classes of your
/// own to a copy, and pass that.
public struct LayerRegistry: Sendable {
  /// Makes a layer from its `config`; keys that it does not ask for are refused afterwards.
  public typealias Maker =
    @Sendable (inout ConfigurationReader, inout RebuildContext) throws(CairnError) -> any Layer

  private var makers: [String: Maker] = [:]

  /// No classes.
  public init() {}

  /// The classes of this module.
  public static let standard: LayerRegistry = {
    var registry = LayerRegistry()
    registry.register(InputLayer.self) { (reader, _) throws(CairnError) in
      try InputLayer(reading: &reader)
    }
    registry.register(Dense.self) { (reader, _) throws(CairnError) in try Dense(reading: &reader) }
    registry.register(Activation.self) { (reader, _) throws(CairnError) in
      try Activation(reading: &reader)
    }
    registry.register(Flatten.self) { (reader, _) throws(CairnError) in
      try Flatten(reading: &reader)
    }
    registry.register(Dropout.self) { (reader, context) throws(CairnError) in
      try Dropout(reading: &reader, in: &context)
    }
    registry.register(BatchNormalization.self) { (reader, _) throws(CairnError) in
      try BatchNormalization(reading: &reader)
    }
    registry.register(Sequential.self) { (reader, context) throws(CairnError) in
      try Sequential(reading: &reader, in: &context)
    }
    return registry
  }()

  /// Enters a class under its registered name, or, for Keras's own, its class name; a class that
  /// is there already is replaced.
  public mutating func register<L: Layer>(_ type: L.Type, _ maker: @escaping Maker) {
    makers[type.registeredName ?? type.className] = maker
  }

  /// The names of the classes, ascending.
  public var names: [String] { makers.keys.sorted() }

  func maker(_ name: String) -> Maker? { makers[name] }
}
