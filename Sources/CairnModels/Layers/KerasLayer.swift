// The layers of this module. What is the same for all layers of a class is one value, and the
// requirements of `Layer` are met from it here, once for all classes.

import CairnJSON
import CairnSystem
import CairnTensors

/// What is the same for every layer of a class.
public struct LayerKind: Sendable {
  /// The class's name in configurations: `Dense`.
  public let className: String
  /// The name under which Keras exports the class. Its files use it, and so do the names of layers
  /// that were given none.
  private(set) var exportedName: String
  /// The module in configurations: `keras.layers` for Keras's own.
  let module: String
  /// Keras's `registered_name`, for classes that are not Keras's own: `package>Class`.
  let registeredName: String?
  /// Whether the mask of the first input is the output's too; Keras's `supports_masking`.
  let passesMask: Bool
  /// Whether floats that come in are converted to the layer's compute type; not for models.
  let castsFloats: Bool
  /// Whether integers and bools that come in stay what they are; else they become floats of the
  /// compute type, as they do in Keras where they meet a weight.
  let keepsWholeNumbers: Bool
  /// Whether the input is not converted, and the output is rounded to the input's type before it is
  /// converted to the compute type: Keras's `autocast = False` of layers that compute in float32 or
  /// wider.
  let roundsToInput: Bool
  /// Whether the layer is built for a shape: other classes are built when they are made, and Keras writes
  /// no `build_config` for them.
  let needsShape: Bool
  /// The names of further arguments that a call may have, beside `mask` and `training`.
  let callArguments: [String]

  /// A class of that name, and what is the same for its layers.
  public init(
    _ className: String, module: String = "keras.layers", registeredName: String? = nil,
    passesMask: Bool = false, castsFloats: Bool = true, keepsWholeNumbers: Bool = false,
    roundsToInput: Bool = false,
    needsShape: Bool = true, callArguments: [String] = []
  ) {
    self.className = className
    exportedName = className
    self.module = module
    self.registeredName = registeredName
    self.passesMask = passesMask
    self.castsFloats = castsFloats
    self.keepsWholeNumbers = keepsWholeNumbers
    self.roundsToInput = roundsToInput
    self.needsShape = needsShape
    self.callArguments = callArguments
  }

  /// The same, for a class that Keras exports under a name other than its own.
  func exported(as name: String) -> LayerKind {
    var kind = self
    kind.exportedName = name
    return kind
  }
}

/// A layer of a class of Keras's own.
///
/// Its requirements correspond to the public ones of ``Layer``, but stay within the module.
protocol KerasLayer: Layer {
  /// What is the same for every layer of the class.
  static var kind: LayerKind { get }
  /// The same, but under the layer's own name where one class stands for several, as with
  /// operations.
  var ownKind: LayerKind { get }
  /// Name, flag and variables.
  var core: LayerState { get }
  /// The layers within this one, in the order of weights, and the names that Keras's files have for them.
  var parts: [(name: String, layer: any Layer)] { get }
  /// The shapes that the layer was built for, or nil; empty for a class that needs no shape.
  var builtShapes: [BatchShape]? { get }
  /// Keras's `config`.
  var config: JSONObject { get }
  /// Keras's `build_config`.
  var buildConfig: JSONObject? { get }
  /// Keras's `compile_config`, for a class that is trained as a whole.
  var compileConfig: JSONValue? { get }
  /// Whether the layer is built when it is first called, from a seed of its own.
  var buildsItself: Bool { get }

  func shapesToBuild(for arguments: CallArguments<TensorSpec>) throws(CairnError) -> [BatchShape]
  func prepare(for inputs: [BatchShape], in context: inout BuildContext) throws(CairnError)
  func variables(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable]
  func shapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape]
  func specs(for arguments: CallArguments<TensorSpec>) throws(CairnError) -> [TensorSpec]
  func results(_ inputs: [Tensor], in context: EvaluationContext) throws(CairnError) -> [Tensor]
  func results(
    _ arguments: CallArguments<MaskedTensor>, in context: EvaluationContext
  ) throws(CairnError) -> [MaskedTensor]
}

/// Defaults for what a class leaves out.
extension KerasLayer {
  var ownKind: LayerKind { type(of: self).layerKind }
  var parts: [(name: String, layer: any Layer)] { [] }
  var builtShapes: [BatchShape]? { state.inputShapes ?? (Self.kind.needsShape ? nil : []) }
  var config: JSONObject { state.settings }
  var buildConfig: JSONObject? { shapeBuildConfiguration }
  var compileConfig: JSONValue? { nil }
  var buildsItself: Bool { false }

  func shapesToBuild(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [BatchShape] { arguments.positional.flatMap(\.tensors).map(\.shape) }

  func prepare(for inputs: [BatchShape], in context: inout BuildContext) throws(CairnError) {
    try buildOnce(for: inputs, in: &context)
  }

  func variables(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] { [] }

  func specs(for arguments: CallArguments<TensorSpec>) throws(CairnError) -> [TensorSpec] {
    try plainSpecs(for: arguments)
  }

  func results(
    _ arguments: CallArguments<MaskedTensor>, in context: EvaluationContext
  ) throws(CairnError) -> [MaskedTensor] { try plainResults(arguments, in: context) }
}

/// The requirements of ``Layer``.
extension KerasLayer {
  /// The kind of the class.
  public static var layerKind: LayerKind { kind }
  /// Name, flag and variables.
  public var state: LayerState { core }
  /// The layers within this one.
  public var sublayers: [any Layer] { parts.map(\.layer) }
  /// Their names in Keras's files.
  public var sublayerNames: [String?] { parts.map(\.name) }
  /// The keys of Keras's `get_config` for this class.
  public var settings: JSONObject { config }

  /// The variables for inputs of those shapes.
  public func makeVariables(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] { try variables(for: inputs, in: &context) }

  /// The shapes of what comes out.
  public func outputShapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape] {
    try shapes(for: inputs)
  }

  /// Shapes and types of what comes out.
  public func outputSpecs(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [TensorSpec] { try specs(for: arguments) }

  /// What comes out, as in inference.
  public func evaluate(
    _ inputs: [Tensor], in context: EvaluationContext
  ) throws(CairnError) -> [Tensor] { try results(inputs, in: context) }

  /// What comes out, as in inference.
  public func evaluate(
    _ arguments: CallArguments<MaskedTensor>, in context: EvaluationContext
  ) throws(CairnError) -> [MaskedTensor] { try results(arguments, in: context) }
}

/// A layer of a class of Keras's own with one input and one output.
protocol OneInputLayer: KerasLayer {
  func makeVariables(
    for input: BatchShape, in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable]
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape
  func evaluate(_ input: Tensor, in context: EvaluationContext) throws(CairnError) -> Tensor
}

extension OneInputLayer {
  func makeVariables(
    for input: BatchShape, in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] { [] }

  func variables(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] { try makeVariables(for: only(inputs), in: &context) }

  func shapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape] {
    [try outputShape(for: only(inputs))]
  }

  func results(_ inputs: [Tensor], in context: EvaluationContext) throws(CairnError) -> [Tensor] {
    [try evaluate(only(inputs), in: context)]
  }
}

/// A layer with one input whose output has the input's shape; as a rule it takes any shape.
protocol ShapeKeepingLayer: OneInputLayer {}

extension ShapeKeepingLayer {
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape { input }
}

/// A layer that returns its input unchanged, at least in inference.
protocol PassThroughLayer: ShapeKeepingLayer {}

extension PassThroughLayer {
  func evaluate(_ input: Tensor, in context: EvaluationContext) throws(CairnError) -> Tensor {
    input
  }
}

/// A layer with one input whose output has a type of its own.
protocol TypedLayer: OneInputLayer {
  var outputDType: DType { get }
}

extension TypedLayer {
  func specs(for arguments: CallArguments<TensorSpec>) throws(CairnError) -> [TensorSpec] {
    [TensorSpec(try outputShape(for: only(plainInputs(arguments)).shape), dtype: outputDType)]
  }
}

/// A layer with one input that computes in floats; what it must implement is generic over their
/// type.
protocol FloatLayer: OneInputLayer {
  func evaluate<Scalar: FloatScalar>(
    _ input: Tensor, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> Tensor
}

extension FloatLayer {
  func evaluate(_ input: Tensor, in context: EvaluationContext) throws(CairnError) -> Tensor {
    try computed(input, in: context)
  }

  /// What the layer computes, in the type that it computes in.
  func computed(_ input: Tensor, in context: EvaluationContext) throws(CairnError) -> Tensor {
    try state.precision(of: input).run(LayerWork(layer: self, input: input, context: context))
  }
}

private struct LayerWork<Layer: FloatLayer>: FloatWork {
  let layer: Layer
  let input: Tensor
  let context: EvaluationContext

  func run<Scalar: FloatScalar>(as type: Scalar.Type) throws(CairnError) -> Tensor {
    try layer.evaluate(input, in: context, as: type)
  }
}

/// A layer that looks at more of a call than its tensors. A call with tensors alone is handled like
/// any other call.
protocol CallLayer: KerasLayer {
  /// Whether several tensors are one argument, a list, and not one each.
  static var listsInputs: Bool { get }
}

extension CallLayer {
  static var listsInputs: Bool { true }

  func results(_ inputs: [Tensor], in context: EvaluationContext) throws(CairnError) -> [Tensor] {
    let inputs = inputs.map { MaskedTensor($0) }
    let call =
      Self.listsInputs ? CallArguments(inputs: inputs) : CallArguments(inputs.map { .tensor($0) })
    return try evaluate(call, in: context).map(\.tensor)
  }
}

/// A layer that computes in floats, and looks at more of a call than its tensors.
protocol FloatCallLayer: CallLayer {
  associatedtype Call
  /// Checks the arguments of a call; returns the call, and those of its tensors that are computed
  /// with.
  func opened(
    _ arguments: CallArguments<MaskedTensor>
  ) throws(CairnError) -> (call: Call, operands: [Tensor])
  func evaluate<Scalar: FloatScalar>(
    _ call: Call, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> [MaskedTensor]
}

extension FloatCallLayer {
  func results(
    _ arguments: CallArguments<MaskedTensor>, in context: EvaluationContext
  ) throws(CairnError) -> [MaskedTensor] {
    let (call, operands) = try opened(arguments)
    return try state.precision(of: operands).run(
      CallWork(layer: self, call: call, context: context))
  }
}

private struct CallWork<Layer: FloatCallLayer>: FloatWork {
  let layer: Layer
  let call: Layer.Call
  let context: EvaluationContext

  func run<Scalar: FloatScalar>(as type: Scalar.Type) throws(CairnError) -> [MaskedTensor] {
    try layer.evaluate(call, in: context, as: type)
  }
}

/// The same with one input.
protocol OneInputCallLayer: OneInputLayer, FloatCallLayer {}

extension OneInputCallLayer {
  func evaluate(_ input: Tensor, in context: EvaluationContext) throws(CairnError) -> Tensor {
    try only(evaluate(CallArguments(inputs: [MaskedTensor(input)]), in: context)).tensor
  }

  func results(_ inputs: [Tensor], in context: EvaluationContext) throws(CairnError) -> [Tensor] {
    [try evaluate(only(inputs), in: context)]
  }
}
