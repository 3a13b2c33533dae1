// The layer: what a model is made of.

public import CairnJSON
public import CairnSystem
public import CairnTensors

/// A part of a model that turns tensors into tensors, and may hold variables.
///
/// A layer is a reference: one layer in two models is one layer, with one set of variables. It is
/// built, and so has its variables, once the shape of its input is known. A class of your own is
/// `final`, keeps a ``LayerState`` as a constant, and is entered in a ``LayerRegistry``; most often
/// it conforms to ``UnaryLayer``.
public protocol Layer: AnyObject, Sendable {
  /// What is the same for every layer of the class: its name in configurations, what it does with
  /// masks.
  static var layerKind: LayerKind { get }

  /// Name, flag and variables.
  var state: LayerState { get }
  /// The layers within this one, in the order of weights. Empty for most.
  var sublayers: [any Layer] { get }
  /// The names under which Keras's files have those layers, or nil for one that they leave out.
  var sublayerNames: [String?] { get }
  /// Keras's `config` of this layer: what another of its kind is made from.
  var settings: JSONObject { get }

  /// The variables for inputs of those shapes, made in `context`.
  func makeVariables(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable]

  /// The shapes of what comes out if inputs of those shapes go in.
  ///
  /// - Throws: `shapeMismatch` if the layer can't take such inputs.
  func outputShapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape]

  /// What comes out if `inputs` go in, as in inference: nothing is dropped, statistics stay.
  func evaluate(
    _ inputs: [Tensor], in context: EvaluationContext
  ) throws(CairnError) -> [Tensor]

  /// Shapes and types of what comes out of a call.
  ///
  /// - Throws: `shapeMismatch`, `unsupportedConfiguration`.
  func outputSpecs(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [TensorSpec]

  /// What comes out of a call with all its arguments, masks among them. Use ``call(_:in:)``, which
  /// also converts floats.
  func evaluate(
    _ arguments: CallArguments<MaskedTensor>, in context: EvaluationContext
  ) throws(CairnError) -> [MaskedTensor]
}

extension Layer {
  /// The class's name in configurations.
  package static var className: String { layerKind.className }
  /// What is the same for every layer of this layer's class. `Self` is not used: it is the class
  /// that conforms to the protocol, for a model its superclass.
  package var kind: LayerKind { (self as? any KerasLayer)?.ownKind ?? type(of: self).layerKind }
  /// None.
  public var sublayers: [any Layer] { [] }
  /// The names of the sublayers.
  public var sublayerNames: [String?] { sublayers.map(\.name) }
  /// The shapes that the layer was built for, or nil if it isn't.
  package var inputShapes: [BatchShape]? {
    guard let keras = self as? any KerasLayer else { return state.inputShapes }
    return keras.builtShapes
  }
  /// Name, flag and type, and the keys that were read when the layer was made.
  public var settings: JSONObject { state.settings }

  /// Under `input_shape` the shape, or the list of shapes, that the layer was built for.
  var shapeBuildConfiguration: JSONObject? {
    guard kind.needsShape, let shapes = inputShapes, let shape = shapes.first
    else { return nil }
    return ["input_shape": shapes.count == 1 ? shape.json : .array(shapes.map(\.json))]
  }

  /// The shapes among a call's arguments that the layer is built for: those without a name, as a rule.
  func buildShapes(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [BatchShape] {
    try (self as? any KerasLayer)?.shapesToBuild(for: arguments)
      ?? arguments.positional.flatMap(\.tensors).map(\.shape)
  }

  /// The shapes for the arguments without a name, in the layer's compute type.
  public func outputSpecs(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [TensorSpec] { try plainSpecs(for: arguments) }

  func plainSpecs(for arguments: CallArguments<TensorSpec>) throws(CairnError) -> [TensorSpec] {
    let inputs = try plainInputs(arguments)
    let whole = kind.keepsWholeNumbers ? inputs.first?.dtype : nil
    let type = whole.flatMap { $0.isWhole || $0 == .string ? $0 : nil } ?? state.dtype.computeDType
    return try outputShapes(for: inputs.map(\.shape)).map { TensorSpec($0, dtype: type) }
  }

  /// What comes out for the arguments without a name, with the first one's mask if it is passed on.
  public func evaluate(
    _ arguments: CallArguments<MaskedTensor>, in context: EvaluationContext
  ) throws(CairnError) -> [MaskedTensor] { try plainResults(arguments, in: context) }

  func plainResults(
    _ arguments: CallArguments<MaskedTensor>, in context: EvaluationContext
  ) throws(CairnError) -> [MaskedTensor] {
    let inputs = try plainInputs(arguments)
    let outputs = try evaluate(inputs.map(\.tensor), in: context)
    let mask = arguments["mask"]?.tensors.first?.tensor ?? inputs.first?.mask
    return outputs.map { MaskedTensor($0, mask: kind.passesMask ? mask : nil) }
  }

  /// No variables.
  public func makeVariables(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] { [] }

  /// Makes the variables for inputs of those shapes; does nothing if they are there.
  ///
  /// - Throws: `shapeMismatch` if the layer can't take such inputs; `overBudget`, `outOfMemory`.
  package func build(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) {
    guard let keras = self as? any KerasLayer else {
      return try buildOnce(for: inputs, in: &context)
    }
    try keras.prepare(for: inputs, in: &context)
  }

  func buildOnce(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) {
    _ = try outputShapes(for: inputs)
    try state.buildOnce(for: inputs) { () throws(CairnError) in
      try makeVariables(for: inputs, in: &context)
    }
  }

  /// The layer's name: the one it was given, or else the one that the first model it was added to
  /// chose, or else the class's name in snake case.
  public var name: String { state.name }

  /// Whether the variables are there.
  public var isBuilt: Bool { inputShapes != nil }

  /// Whether an optimizer may change the layer's weights.
  ///
  /// As in Keras, setting it sets the flag of all trainable weights and of all sublayers. It does
  /// not change the order of weights.
  public var trainable: Bool {
    get { state.isTrainable }
    set {
      state.setTrainable(newValue)
      for layer in sublayers { layer.trainable = newValue }
    }
  }

  /// Makes the variables for an input of that shape; does nothing if they are there.
  ///
  /// - Parameter seed: What the initial weights are drawn from; the same seed gives the same ones.
  /// - Throws: `shapeMismatch` if the layer can't take such an input; `outOfMemory`.
  public func build(
    inputShape: BatchShape, seed: UInt64 = .random(in: .min ... .max)
  ) throws(CairnError) {
    var context = BuildContext(.seeded(seed))
    try build(for: [inputShape], in: &context)
  }

  /// The layer's configuration in Keras 3's shape: class, module, `config`, and the shape it was
  /// built for.
  package var kerasConfiguration: JSONValue {
    let kind = kind
    var wrapper: JSONObject = [
      "module": .string(kind.module), "class_name": .string(kind.className),
      "config": .object(settings),
      "registered_name": kind.registeredName.map { .string($0) } ?? .null,
    ]
    let keras = self as? any KerasLayer
    if let build = keras.map(\.buildConfig) ?? shapeBuildConfiguration {
      wrapper["build_config"] = .object(build)
    }
    if let compile = keras?.compileConfig { wrapper["compile_config"] = compile }
    return .object(wrapper)
  }
}

/// A layer with one input and one output, as most are.
public protocol UnaryLayer: Layer {
  /// The variables for an input of that shape, made in `context`.
  func makeVariables(
    for input: BatchShape, in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable]
  /// The shape of what comes out if an input of that shape goes in.
  ///
  /// - Throws: `shapeMismatch` if the layer can't take such an input.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape
  /// What comes out if `input` goes in, as in inference.
  func evaluate(_ input: Tensor, in context: EvaluationContext) throws(CairnError) -> Tensor
}

extension UnaryLayer {
  /// No variables.
  public func makeVariables(
    for input: BatchShape, in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] { [] }

  /// The same, for the only element of `inputs`.
  public func makeVariables(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] {
    try makeVariables(for: only(inputs), in: &context)
  }

  /// The same, for the only element of `inputs`.
  public func outputShapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape] {
    [try outputShape(for: only(inputs))]
  }

  /// The same, for the only element of `inputs`.
  public func evaluate(
    _ inputs: [Tensor], in context: EvaluationContext
  ) throws(CairnError) -> [Tensor] {
    [try evaluate(only(inputs), in: context)]
  }
}

extension Layer {
  /// The one element.
  ///
  /// - Throws: `countMismatch`.
  func only<Element>(_ elements: [Element]) throws(CairnError) -> Element {
    guard elements.count == 1, let element = elements.first else {
      throw CairnError(
        .countMismatch, "a layer takes one tensor", at: .init(name: name), expected: "1",
        found: "\(elements.count)")
    }
    return element
  }

  /// The error for an input that the layer can't take.
  func shapeMismatch(expected: String, found: BatchShape) -> CairnError {
    CairnError(
      .shapeMismatch, "the layer cannot take an input of that shape", at: .init(name: name),
      expected: expected, found: "\(found)")
  }

  /// What comes out if `input` goes in, as in inference. A layer that is not built is built for
  /// this shape, with any number of examples.
  ///
  /// - Throws: `shapeMismatch`, `dtypeMismatch`, `unsupportedConfiguration`, `outOfMemory`.
  public func callAsFunction(
    _ input: Tensor, threads: Threads = .all
  ) throws(CairnError) -> Tensor {
    if !isBuilt, (self as? any KerasLayer)?.buildsItself != true {
      try build(inputShape: BatchShape(input.shape).withAnyBatchSize)
    }
    let arguments = CallArguments(inputs: [MaskedTensor(input)])
    return try only(call(arguments, in: EvaluationContext(threads: threads))).tensor
  }
}
