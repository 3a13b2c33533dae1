// The layers of this module: what holds of all objects of a class is one value, and the requirements of
// `Layer` follow from it here, once for all classes.

import CairnJSON
import CairnSystem
import CairnTensors

/// What holds of every layer of a class.
struct LayerKind: Sendable {
  /// The class's name in configurations: `Dense`.
  let className: String
  /// The module in configurations.
  let module: String
  /// Whether the mask of the first input is the output's too.
  let passesMask: Bool
  /// Whether floats that come in are converted to the layer's compute type.
  let castsFloats: Bool
  /// Whether integers and bools that come in stay what they are.
  let keepsWholeNumbers: Bool
  /// Whether the layer is built for a shape: other classes are built when they are made, and Keras writes
  /// no `build_config` for them.
  let needsShape: Bool
  /// The names of further arguments that a call may have.
  let callArguments: [String]

  init(
    _ className: String, module: String = "keras.layers", passesMask: Bool = false,
    castsFloats: Bool = true, keepsWholeNumbers: Bool = false, needsShape: Bool = true,
    callArguments: [String] = []
  ) {
    self.className = className
    self.module = module
    self.passesMask = passesMask
    self.castsFloats = castsFloats
    self.keepsWholeNumbers = keepsWholeNumbers
    self.needsShape = needsShape
    self.callArguments = callArguments
  }
}

/// A layer of a class of Keras's own.
///
/// Its requirements are what the public ones of ``Layer`` come to for such a class, and stay within the
/// module.
protocol KerasLayer: Layer {
  /// What holds of every layer of the class.
  static var kind: LayerKind { get }
  /// Name, flag and variables.
  var core: LayerState { get }
  /// The layers within this one, in the order of weights, and the names that Keras's files have for them.
  var parts: [(name: String, layer: any Layer)] { get }
  /// Keras's `config`.
  var config: JSONObject { get }
  /// Keras's `build_config`.
  var buildConfig: JSONObject? { get }

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

/// What a class leaves out.
extension KerasLayer {
  var parts: [(name: String, layer: any Layer)] { [] }
  var config: JSONObject { state.settings }
  var buildConfig: JSONObject? { shapeBuildConfiguration }

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

/// What ``Layer`` asks for.
extension KerasLayer {
  public static var className: String { kind.className }
  public static var module: String { kind.module }
  public static var recordsBuildShape: Bool { kind.needsShape }
  public var state: LayerState { core }
  public var sublayers: [any Layer] { parts.map(\.layer) }
  public var sublayerNames: [String?] { parts.map(\.name) }
  public var inputShapes: [BatchShape]? { state.inputShapes ?? (Self.kind.needsShape ? nil : []) }
  public var settings: JSONObject { config }
  public var passesMask: Bool { Self.kind.passesMask }
  public var castsFloats: Bool { Self.kind.castsFloats }
  public var keepsWholeNumbers: Bool { Self.kind.keepsWholeNumbers }
  public var callArgumentNames: [String] { Self.kind.callArguments }
  public var buildConfiguration: JSONObject? { buildConfig }

  public func buildShapes(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [BatchShape] { try shapesToBuild(for: arguments) }

  public func build(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) { try prepare(for: inputs, in: &context) }

  public func makeVariables(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] { try variables(for: inputs, in: &context) }

  public func outputShapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape] {
    try shapes(for: inputs)
  }

  public func outputSpecs(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [TensorSpec] { try specs(for: arguments) }

  public func evaluate(
    _ inputs: [Tensor], in context: EvaluationContext
  ) throws(CairnError) -> [Tensor] { try results(inputs, in: context) }

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

/// A layer with one input that computes in floats: what is asked for is generic over them, and here alone
/// is it decided which they are.
protocol FloatLayer: OneInputLayer {
  func evaluate<Scalar: FloatScalar>(
    _ input: Tensor, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> Tensor
}

extension FloatLayer {
  func evaluate(_ input: Tensor, in context: EvaluationContext) throws(CairnError) -> Tensor {
    switch try state.precision(of: input) {
    case .single: try evaluate(input, in: context, as: Float.self)
    case .double: try evaluate(input, in: context, as: Double.self)
    }
  }
}
