// The model: a layer made of layers, which can be saved, copied and summed up.

package import CairnCheckpoints
public import CairnJSON
public import CairnSystem
public import CairnTensors

/// A layer that is made of layers: a ``Sequential`` or a ``Functional``.
///
/// `@unchecked Sendable`, because the compiler can't check a class that has subclasses. What makes
/// it right: every stored property of this class and of its subclasses, which are all in this
/// module, is a constant of a `Sendable` type.
public class Model: KerasLayer, @unchecked Sendable {
  /// The layers convert what they take.
  class var kind: LayerKind { LayerKind("Model", module: "keras", castsFloats: false) }

  /// Name and flag, and the variables of ``metrics``; the others are the layers'.
  public let state: LayerState
  var core: LayerState { state }
  /// How the model is trained.
  let training: Lock<Training>
  let metricList = Lock<[Metric]>([])

  init(state: LayerState, compileConfiguration: JSONValue?) {
    self.state = state
    self.training = Lock(Training(configuration: compileConfiguration ?? .object([:])))
  }

  /// The layers within the model, in the order of weights, input layers included.
  public var sublayers: [any Layer] { [] }
  /// `layers/` and a name made from the class's name. Keras's files have neither operations nor the
  /// input layer of a sequence.
  public var sublayerNames: [String?] {
    var names = LayerNames()
    return sublayers.map { layer in
      guard isListed(layer) else { return nil }
      let name = names.unique(LayerName.automatic(for: layer.kind.exportedName))
      _ = names.insert(name)
      return "layers/" + name
    }
  }
  /// A model that is not built builds itself when it is called.
  var buildsItself: Bool { true }
  /// The shapes that the model was built for, or nil.
  var builtShapes: [BatchShape]? { state.inputShapes }
  /// The keys of Keras's `get_config` for this class.
  var config: JSONObject { state.baseSettings }

  /// The layers within the model, as in Keras's `layers`: without operations and, in a sequence,
  /// without the input layer.
  public var layers: [any Layer] {
    sublayers.filter { isListed($0) }
  }

  /// Whether Keras's `layers` includes a layer of ``sublayers``.
  func isListed(_ layer: any Layer) -> Bool { !(layer is TensorOperation) }

  /// Under `input_shape` the shape that the model was built for.
  var buildConfig: JSONObject? {
    inputShapes?.first.map { ["input_shape": $0.json] }
  }

  /// What comes out if several tensors go in, as in inference.
  ///
  /// - Throws: `countMismatch`, `shapeMismatch`, `dtypeMismatch`, `unsupportedConfiguration`,
  ///   `outOfMemory`.
  public func predict(
    _ inputs: [Tensor], in context: EvaluationContext = EvaluationContext()
  ) throws(CairnError) -> [Tensor] {
    try call(CallArguments(inputs: inputs.map { MaskedTensor($0) }), in: context).map(\.tensor)
  }

  /// The shape of what comes out, once the model is built.
  public var outputShape: BatchShape? {
    guard let inputShapes else { return nil }
    return try? outputShapes(for: inputShapes).first
  }

  /// A model with the same graph, made of the clones that `session` makes of its layers.
  func redrawn(
    in session: CloneSession, from inputs: [SymbolicTensor]?
  ) throws(CairnError) -> Model { throw state.notBuilt() }

  /// Throws `notBuilt`: only subclasses know what a model is made of.
  func prepare(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) {
    throw state.notBuilt()
  }

  /// Throws `notBuilt`, as above.
  func shapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape] {
    throw state.notBuilt()
  }

  /// Throws `notBuilt`, as above.
  func results(
    _ inputs: [Tensor], in context: EvaluationContext
  ) throws(CairnError) -> [Tensor] {
    throw state.notBuilt()
  }

  /// As in ``Layer``, for each subclass in its own way.
  func specs(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [TensorSpec] { throw state.notBuilt() }

  /// Throws `notBuilt`, as above.
  func results(
    _ arguments: CallArguments<MaskedTensor>, in context: EvaluationContext
  ) throws(CairnError) -> [MaskedTensor] { throw state.notBuilt() }

  /// The model of a configuration, whatever its class.
  ///
  /// What Keras 3's `to_json()` writes is accepted as it is. Nothing in a configuration is ever
  /// executed: classes come from `registry` alone.
  ///
  /// - Parameters:
  ///   - configuration: ``configuration``, or Keras's.
  ///   - registry: The classes that may be named.
  ///   - initialization: What the weights begin with; `.zeros` if they will be loaded.
  ///   - limits: What the configuration may ask for.
  /// - Throws: `unknownLayerClass`, `unknownActivation`, `unknownInitializer`,
  ///   `invalidConfiguration`, `unsupportedConfiguration`, `duplicateName`, `shapeMismatch`, each
  ///   with the place in the JSON; `overBudget` beyond the limits.
  public static func make(
    configuration: JSONValue, registry: LayerRegistry = .standard,
    initialization: Initialization = .seeded(.random(in: .min ... .max)),
    limits: ModelLimits = ModelLimits()
  ) throws(CairnError) -> Model {
    try make(
      configuration: configuration, registry: registry, initialization: initialization,
      limits: limits, version: nil)
  }

  /// As above, by the rules of the version of Keras that wrote the configuration, unless the
  /// configuration itself says which version that was.
  package static func make(
    configuration: JSONValue, registry: LayerRegistry = .standard,
    initialization: Initialization = .seeded(.random(in: .min ... .max)),
    limits: ModelLimits = ModelLimits(), version: KerasVersion?
  ) throws(CairnError) -> Model {
    let extras = try ModelExtras(of: configuration)
    let noted = configuration["keras_version"]?.stringValue.flatMap { KerasVersion($0) }
    var context = RebuildContext(
      registry: registry, initialization: initialization, limits: limits,
      version: extras.version ?? noted ?? version ?? .newest, sharedLayers: extras.sharedLayers)
    let layer = try BuildBudget.run(for: configuration) { () throws(CairnError) in
      try context.layer(from: configuration, at: "")
    }
    guard let model = layer as? Model else {
      throw CairnError(
        .invalidConfiguration, "the configuration is a layer's, not a model's",
        at: .init(name: "class_name"), found: type(of: layer).className)
    }
    try model.apply(extras)
    return model
  }

  /// A model of the same architecture, configuration, names, flags and ties, with fresh initial
  /// weights; Keras's `clone_model`.
  ///
  /// Nothing is shared with the original. State that is not a weight is fresh too.
  ///
  /// - Parameters:
  ///   - seed: What the initial weights are drawn from; the same seed gives the same ones.
  ///   - registry: The classes of the model's layers, if some are not of this module.
  /// - Throws: `outOfMemory`; `unknownLayerClass` for a class that `registry` lacks.
  public func cloned(
    seed: UInt64 = .random(in: .min ... .max), registry: LayerRegistry = .standard
  ) throws(CairnError) -> Model {
    try Model.make(
      configuration: configuration, registry: registry, initialization: .seeded(seed),
      limits: .trusted)
  }

  /// What comes out if `input` goes in, as in inference. A model that is not built is built for
  /// this shape, with any number of examples.
  ///
  /// - Parameter threads: What large products are spread over; the result does not depend on it.
  /// - Throws: `shapeMismatch`, `dtypeMismatch`, `unsupportedConfiguration`, `outOfMemory`.
  public func predict(_ input: Tensor, threads: Threads = .all) throws(CairnError) -> Tensor {
    try self(input, threads: threads)
  }
}

// MARK: - Configuration

extension Model {
  /// The configuration in Keras 3's shape, and under the key `cairn` what Keras's has no place for:
  /// layers and variables in several places, flags of single variables. Keras's `model_from_json`
  /// reads it; ``Layer/kerasConfiguration`` is without that key.
  ///
  /// Everything that a copy must keep is here but the variables' values.
  public var configuration: JSONValue {
    guard case .object(var object) = kerasConfiguration, let extras = extras.json else {
      return kerasConfiguration
    }
    object[ModelExtras.key] = extras
    return .object(object)
  }

  /// The configuration that is saved with the weights only: without notes about optimizers.
  var configurationOfWeights: JSONValue {
    var extras = extras
    extras.optimizers = []
    guard case .object(var object) = kerasConfiguration, let json = extras.json else {
      return kerasConfiguration
    }
    object[ModelExtras.key] = json
    return .object(object)
  }

  /// ``configuration`` as text in canonical form: equal models have equal bytes.
  ///
  /// - Parameter scope: Whether it says for which weights optimizers were built. Their settings are
  ///   in Keras's `compile_config` in any case.
  /// - Throws: `invalidConfiguration` for a model nested deeper than JSON may be.
  package func canonicalConfiguration(
    scope: StateScope = .fullState
  ) throws(CairnError) -> ConfigurationText {
    do throws(CairnError) {
      return try ConfigurationText(scope == .fullState ? configuration : configurationOfWeights)
    } catch {
      throw error.located(name: name)
    }
  }

  /// Parses a configuration's text.
  ///
  /// - Throws: `invalidConfiguration` with the byte where the text is wrong.
  public static func parse(configuration text: [UInt8]) throws(CairnError) -> JSONValue {
    try ConfigurationText(parsing: text).value
  }

  private var extras: ModelExtras {
    var extras = ModelExtras()
    extras.sharedLayers = sharedLayers()
    let places = firstPlaces()
    extras.metrics = ownMetrics()
    extras.ties = Self.groups(of: places).map { $0.map(\.path) }
    var seen: Set<ObjectIdentifier> = []
    for place in places where seen.insert(ObjectIdentifier(place.variable)).inserted {
      let expected = place.role == .trainable && place.layer.trainable
      if place.variable.trainable != expected {
        extras.trainable.append(.init(place: place.path, value: place.variable.trainable))
      }
    }
    extras.optimizers = optimizerNotes()
    if state.version.isOfItsOwn { extras.version = state.version }
    return extras
  }

  /// Sets up what the extras say. Layers in several places are there already.
  func apply(_ extras: ModelExtras) throws(CairnError) {
    guard extras != ModelExtras() else { return }
    for metric in extras.metrics {
      guard let model = layer(at: Array(metric.place.dropLast())) as? Model,
        let name = metric.place.last, let kind = Metric.Kind(rawValue: metric.className)
      else {
        throw CairnError(
          .invalidConfiguration, "a metric is given that there is no model for, or no class",
          at: .init(name: metric.place.joined(separator: "/")), found: metric.className)
      }
      try model.addMetric(kind, name: name)
    }
    try tie(places: extras.ties)
    let places = Dictionary(
      places(.fullState).map { ($0.path, $0.variable) }, uniquingKeysWith: { first, _ in first })
    for flag in extras.trainable {
      guard let variable = places[flag.place] else {
        throw CairnError(
          .invalidConfiguration, "a flag is given for a variable that there is none of",
          at: .init(name: flag.place.joined(separator: "/")))
      }
      variable.trainable = flag.value
    }
    for group in extras.sharedLayers {
      let layers = Set(group.map { layer(at: $0).map { ObjectIdentifier($0) } })
      if layers.count == 1, !layers.contains(nil) { continue }
      throw CairnError(
        .invalidConfiguration, "a layer that should stand in several places does not",
        at: .init(name: group.first?.joined(separator: "/")))
    }
  }

  func layer(at path: [String]) -> (any Layer)? {
    var layer: any Layer = self
    guard path.first.map({ $0.utf8.elementsEqual(name.utf8) }) ?? false else { return nil }
    for name in path.dropFirst() {
      guard let next = layer.sublayers.first(where: { $0.name.utf8.elementsEqual(name.utf8) })
      else { return nil }
      layer = next
    }
    return layer
  }
}
