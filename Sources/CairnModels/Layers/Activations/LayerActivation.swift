// A layer in the place of an activation function: `Dense(8, activation=LeakyReLU(0.2))`.

import CairnJSON
import CairnSystem
import CairnTensors

/// What a layer without variables computes of each element, or along an axis.
struct LayerActivation: Hashable, Sendable {
  let className: String
  /// The layer's configuration, as it was read.
  let configuration: JSONValue
  private let layer: any OneInputLayer

  /// - Throws: `unsupportedConfiguration` for a layer with variables, or of a class that is no
  ///   activation's.
  init(
    _ configuration: JSONValue, version: KerasVersion, path: String
  ) throws(CairnError) {
    var context = RebuildContext(
      registry: Self.registry, initialization: .zeros, limits: ModelLimits(), version: version)
    guard let name = configuration["class_name"]?.stringValue,
      Self.registry.maker(name) != nil,
      let layer = try context.layer(from: configuration, at: path) as? any OneInputLayer
    else {
      throw CairnError(
        .unsupportedConfiguration, "a layer of that class is no activation here",
        at: .init(name: "\(path).class_name"),
        expected: Self.registry.names.joined(separator: ", "),
        found: configuration["class_name"].map { ConfigurationReader.excerpt($0) })
    }
    className = name
    self.configuration = configuration
    self.layer = layer
  }

  /// The classes that may stand there.
  private static let registry: LayerRegistry = {
    var registry = LayerRegistry()
    registry.register(Activation.self)
    registry.register(ReLU.self)
    registry.register(LeakyReLU.self)
    registry.register(ELU.self)
    registry.register(Softmax.self)
    registry.register(Identity.self)
    return registry
  }()

  static func == (left: Self, right: Self) -> Bool { left.configuration == right.configuration }
  func hash(into hasher: inout Hasher) { hasher.combine(className) }

  func apply(to tensor: Tensor) throws(CairnError) -> Tensor {
    // The layer's own type is that of the layer that it stands in.
    let type = layer.state.evaluationDType
    return try layer.evaluate(tensor.cast(to: type), in: EvaluationContext())
      .cast(to: tensor.dtype)
  }
}

extension ActivationFunction {
  /// What a layer computes that stands in a function's place.
  init(layer value: JSONValue, version: KerasVersion, path: String) throws(CairnError) {
    self.init(layer: try LayerActivation(value, version: version, path: path))
  }
}
