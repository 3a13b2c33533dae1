// A layer used as an activation function: `Dense(8, activation=LeakyReLU(0.2))`.

import CairnJSON
import CairnSystem
import CairnTensors

/// What a layer applies to its output: a function, or a layer without variables, which Keras allows
/// in its place.
enum OutputActivation: Hashable, Sendable, FloatChange {
  case function(ActivationFunction)
  /// Keras 2's function of the name `hard_sigmoid`, which has another slope.
  case steepHardSigmoid
  case layer(LayerActivation)

  /// The function of that name in a configuration of that version of Keras.
  init?(name: String, version: KerasVersion) {
    guard let function = ActivationFunction(name: name) else { return nil }
    self =
      function == .hardSigmoid && version.hasSteepHardSigmoid
      ? .steepHardSigmoid : .function(function)
  }

  /// As it stands in a configuration.
  var json: JSONValue {
    switch self {
    case .function(let function): function.json
    case .steepHardSigmoid: .string("hard_sigmoid")
    case .layer(let layer): layer.configuration
    }
  }

  /// Replaces every element by the function's value.
  ///
  /// - Throws: as ``ActivationFunction/apply(to:)``.
  func apply<Scalar: FloatScalar>(
    to tensor: inout Tensor, as type: Scalar.Type
  ) throws(CairnError) { try apply(to: &tensor, as: type, threads: 1) }

  /// As above, on several threads.
  func apply<Scalar: FloatScalar>(
    to tensor: inout Tensor, as type: Scalar.Type, threads: Threads
  ) throws(CairnError) {
    switch self {
    case .function(let function): try function.apply(to: &tensor, as: type, threads: threads)
    case .steepHardSigmoid:
      try tensor.map(threads: threads) { (x: Scalar) in
        ActivationFunction.clip(0.2 * x + 0.5, 0, 1)
      }
    case .layer(let layer): tensor = try layer.apply(to: tensor)
    }
  }

  /// The function's values, for rows of `width`.
  func values<Scalar: FloatScalar>(
    _ rows: [Scalar], width: Int
  ) throws(CairnError) -> [Scalar] {
    if self == .function(.linear) || rows.isEmpty { return rows }
    var tensor = try Tensor(rows, shape: Shape([rows.count / width, width]))
    try apply(to: &tensor, as: Scalar.self)
    guard tensor.elementCount == rows.count else {
      let name = json.stringValue ?? json["class_name"]?.stringValue ?? "it"
      throw CairnError(
        .shapeMismatch, "\(name) changes the shape, which a cell's activation must not")
    }
    return try tensor.scalars()
  }
}

/// What a layer without variables computes of each element, or along an axis.
struct LayerActivation: Hashable, Sendable {
  let className: String
  /// The layer's configuration, as it was read.
  let configuration: JSONValue
  private let layer: any OneInputLayer

  /// - Throws: `unsupportedConfiguration` for a layer with variables, or of a class that can't be
  ///   used as an activation.
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

  /// The classes that can be used as an activation.
  private static let registry: LayerRegistry = {
    var registry = LayerRegistry()
    registry.enter(Activation.self)
    registry.enter(ReLU.self)
    registry.enter(LeakyReLU.self)
    registry.enter(ELU.self)
    registry.enter(Softmax.self)
    registry.enter(Identity.self)
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
