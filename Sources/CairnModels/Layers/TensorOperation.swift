// Operations on tensors of a graph: what Keras records where a model computes with its tensors
// directly. Keras `ops/operation.py`, `ops/numpy.py`, `ops/nn.py`.

import CairnJSON
import CairnSystem
import CairnTensors

/// An operation without variables, such as `+` or `mean`, as a layer of a graph.
///
/// Made by the operators and methods of ``SymbolicTensor``, or from a configuration. Floats are
/// given in the widest of the operands' types, and computed in float64 if that is it, else in
/// float32.
package final class TensorOperation: CallLayer {
  static let kind = LayerKind(
    "TensorOperation", castsFloats: false, needsShape: false, callArguments: ["constant_values"])

  /// Keras's class of the operation: `Add`.
  let operationName: String
  let core: LayerState
  private let operationModule: String
  private let rule: any MultipleResultRule

  init(
    _ kind: OperationKind, reading reader: inout ConfigurationReader
  ) throws(CairnError) {
    operationName = kind.name
    operationModule = kind.module
    rule = try kind.make(&reader)
    let own = reader.recorded
    let name = try reader.optionalString("name")
    core = try located(at: reader.path(of: "name")) { () throws(CairnError) in
      try LayerState(className: kind.name, name: name, ownSettings: own)
    }
  }

  /// An operation of that name and those options.
  ///
  /// - Throws: `invalidConfiguration` if the options are not the operation's.
  convenience init(
    _ name: String, _ settings: JSONObject = [:]
  ) throws(CairnError) {
    guard let kind = OperationKind.named(name) else {
      throw CairnError(.unknownLayerClass, "there is no operation ‘\(name)’")
    }
    var reader = try ConfigurationReader(.object(settings), path: name)
    try self.init(kind, reading: &reader)
  }

  /// Empty: an operation is built when it is made.
  var builtShapes: [BatchShape]? { [] }

  /// The name, and the operation's own keys.
  var config: JSONObject {
    var settings: JSONObject = ["name": .string(name)]
    for (key, value) in state.ownSettings { settings[key] = value }
    return settings
  }

  /// Keras's module and class of the operation.
  var ownKind: LayerKind {
    LayerKind(
      operationName, module: operationModule, registeredName: operationName, castsFloats: false,
      needsShape: false, callArguments: Self.kind.callArguments)
  }

  /// Makes nothing.
  func prepare(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) {}

  /// The shapes for a call with inputs of those shapes, in float32.
  func shapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape] {
    try outputSpecs(for: CallArguments(inputs.map { .tensor(TensorSpec($0)) })).map(\.shape)
  }

  /// The results' shapes and types.
  func specs(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [TensorSpec] {
    do throws(CairnError) {
      return try rule.outputs(of: arguments)
    } catch {
      throw error.location.name == nil ? error.located(name: name) : error
    }
  }

  /// Each tensor is an operand.
  static var listsInputs: Bool { false }

  /// The results; masks end here, as in Keras.
  func results(
    _ arguments: CallArguments<MaskedTensor>, in context: EvaluationContext
  ) throws(CairnError) -> [MaskedTensor] {
    let specs = try arguments.mapTensors {
      TensorSpec(BatchShape($0.tensor.shape), dtype: $0.tensor.dtype)
    }
    var outputs: [TensorSpec] = []
    for spec in try outputSpecs(for: specs) {
      outputs.append(TensorSpec(BatchShape(try context.shape(spec.shape)), dtype: spec.dtype))
    }
    return try rule.results(arguments, to: outputs, in: context).map { MaskedTensor($0) }
  }
}
