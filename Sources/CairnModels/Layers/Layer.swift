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
  /// The class's name in configurations: `Dense`.
  static var className: String { get }
  /// The module in configurations: `keras.layers` for Keras's own.
  static var module: String { get }
  /// Keras's `registered_name`, for classes that are not Keras's own: `package>Class`.
  static var registeredName: String? { get }
  /// How the class is named in configurations; an operation's name is its own.
  var configurationClass: ConfigurationClass { get }
  /// Whether Keras writes a `build_config` for this class: not for those that are built when made.
  static var recordsBuildShape: Bool { get }

  /// Name, flag and variables.
  var state: LayerState { get }
  /// The layers within this one, in the order of weights. Empty for most.
  var sublayers: [any Layer] { get }
  /// The names under which Keras's files have those layers, or nil for one that they leave out.
  var sublayerNames: [String?] { get }
  /// The shapes that the layer was built for, or nil if it isn't.
  var inputShapes: [BatchShape]? { get }
  /// Keras's `config` of this layer: what another of its kind is made from.
  var settings: JSONObject { get }

  /// Makes the variables for inputs of those shapes; does nothing if they are there.
  ///
  /// - Throws: `shapeMismatch` if the layer can't take such inputs; `overBudget`, `outOfMemory`.
  func build(for inputs: [BatchShape], in context: inout BuildContext) throws(CairnError)

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

  /// Whether the mask of the first input is the output's too; Keras's `supports_masking`.
  var passesMask: Bool { get }
  /// Whether floats that come in are converted to the layer's compute type; not for models.
  var castsFloats: Bool { get }
  /// Whether integers and bools that come in stay what they are; else they become floats of the
  /// compute type, as they do in Keras where they meet a weight.
  var keepsWholeNumbers: Bool { get }
  /// The names of further arguments that a call may have, beside `mask` and `training`.
  var callArgumentNames: [String] { get }
  /// The `build_config` that Keras writes for the layer, or nil.
  var buildConfiguration: JSONObject? { get }

  /// The shapes among a call's arguments that the layer is built for.
  func buildShapes(for arguments: CallArguments<TensorSpec>) throws(CairnError) -> [BatchShape]

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
  /// `keras.layers`
  public static var module: String { "keras.layers" }
  /// None: Keras's own classes are registered under no name.
  public static var registeredName: String? { nil }
  /// True.
  public static var recordsBuildShape: Bool { true }
  /// The class's own names.
  public var configurationClass: ConfigurationClass {
    // Not `Self`: that is the class which conforms, a model's superclass.
    let kind = type(of: self)
    return ConfigurationClass(
      module: kind.module, className: kind.className, registeredName: kind.registeredName)
  }
  /// None.
  public var sublayers: [any Layer] { [] }
  /// Their own.
  public var sublayerNames: [String?] { sublayers.map(\.name) }
  /// What the state says.
  public var inputShapes: [BatchShape]? { state.inputShapes }
  /// Name, flag and type, and the keys that were read when the layer was made.
  public var settings: JSONObject { state.settings }
  /// False.
  public var passesMask: Bool { false }
  /// True.
  public var castsFloats: Bool { true }
  /// False.
  public var keepsWholeNumbers: Bool { false }
  /// None.
  public var callArgumentNames: [String] { [] }

  /// Under `input_shape` the shape, or the list of shapes, that the layer was built for.
  public var buildConfiguration: JSONObject? { shapeBuildConfiguration }

  var shapeBuildConfiguration: JSONObject? {
    guard type(of: self).recordsBuildShape, let shapes = inputShapes, let shape = shapes.first
    else { return nil }
    return ["input_shape": shapes.count == 1 ? shape.json : .array(shapes.map(\.json))]
  }

  /// Those of the arguments without a name.
  public func buildShapes(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [BatchShape] { arguments.positional.flatMap(\.tensors).map(\.shape) }

  /// The shapes for the arguments without a name, in the layer's compute type.
  public func outputSpecs(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [TensorSpec] { try plainSpecs(for: arguments) }

  func plainSpecs(for arguments: CallArguments<TensorSpec>) throws(CairnError) -> [TensorSpec] {
    let inputs = try plainInputs(arguments)
    let whole = keepsWholeNumbers ? inputs.first?.dtype : nil
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
    return outputs.map { MaskedTensor($0, mask: passesMask ? mask : nil) }
  }

  /// No variables.
  public func makeVariables(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] { [] }

  /// Checks the shapes and makes the variables once.
  public func build(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) { try buildOnce(for: inputs, in: &context) }

  func buildOnce(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) {
    _ = try outputShapes(for: inputs)
    try state.buildOnce(for: inputs) { () throws(CairnError) in
      try makeVariables(for: inputs, in: &context)
    }
  }

  /// The layer's name: what was given, else what the first model it was added to chose, else the
  /// class's name in snake case.
  public var name: String { state.name }

  /// Whether the variables are there.
  public var isBuilt: Bool { inputShapes != nil }

  /// Whether an optimizer may change the layer's weights.
  ///
  /// As in Keras, setting it sets the flag of all trainable weights and of all sublayers, and
  /// changes the order of nothing.
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
    let kind = configurationClass
    var wrapper: JSONObject = [
      "module": .string(kind.module), "class_name": .string(kind.className),
      "config": .object(settings),
      "registered_name": kind.registeredName.map { .string($0) } ?? .null,
    ]
    if let build = buildConfiguration { wrapper["build_config"] = .object(build) }
    if let model = self as? Model { wrapper["compile_config"] = model.compileConfiguration }
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

  /// As for its only element.
  public func makeVariables(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] {
    try makeVariables(for: only(inputs), in: &context)
  }

  /// As for its only element.
  public func outputShapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape] {
    [try outputShape(for: only(inputs))]
  }

  /// As for its only element.
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
    // A model builds itself, from its own seed.
    if !isBuilt, !(self is Model) {
      try build(inputShape: BatchShape(input.shape).withAnyBatchSize)
    }
    let arguments = CallArguments(inputs: [MaskedTensor(input)])
    return try only(call(arguments, in: EvaluationContext(threads: threads))).tensor
  }
}
