// What an operation on tensors is, as its layer and its configuration have it. Keras
// `ops/operation.py`.

import CairnJSON
import CairnSystem
import CairnTensors

/// What an operation does; it may have several results.
protocol MultipleResultRule: Sendable {
  /// The results' shapes and types.
  func outputs(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> [TensorSpec]
  /// The results, of the shapes and types that are known.
  func results(
    _ arguments: CallArguments<MaskedTensor>, to specs: [TensorSpec],
    in context: EvaluationContext
  ) throws(CairnError) -> [Tensor]
}

/// What an operation with one result does.
protocol OperationRule: MultipleResultRule {
  /// The result's shape and type.
  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec
  /// The result, of the shape and type that are known.
  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor
}

/// What an operation with one result is called with, and what comes out.
struct OperationCall {
  let arguments: CallArguments<MaskedTensor>
  /// The result's shape and type.
  let spec: TensorSpec
  let context: EvaluationContext

  /// The operand at a place as a tensor, where numbers do not give way.
  func tensor(_ index: Int) throws(CairnError) -> Tensor {
    try arguments.operand(index).strongTensor()
  }

  /// The result's shape, if the pass may have tensors that large.
  func shape() throws(CairnError) -> Shape { try context.shape(spec.shape) }
}

extension OperationRule {
  /// The result of another operation that an operation calls.
  func evaluate(
    _ arguments: CallArguments<MaskedTensor>, to spec: TensorSpec, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    try evaluate(OperationCall(arguments: arguments, spec: spec, context: context))
  }

  func outputs(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> [TensorSpec] {
    [try output(of: arguments)]
  }

  func results(
    _ arguments: CallArguments<MaskedTensor>, to specs: [TensorSpec],
    in context: EvaluationContext
  ) throws(CairnError) -> [Tensor] {
    guard let spec = specs.first else { return [] }
    return [try evaluate(arguments, to: spec, in: context)]
  }
}

/// An operation with one result that is computed in floats.
protocol FloatRule: OperationRule {
  func evaluate<Scalar: FloatScalar>(
    _ call: OperationCall, as type: Scalar.Type
  ) throws(CairnError) -> Tensor
}

extension FloatRule {
  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor { try computed(call) }

  /// The result, from the type that it is computed in.
  func computed(_ call: OperationCall) throws(CairnError) -> Tensor {
    try Precision(for: call.spec.dtype).run(RuleWork(rule: self, call: call))
      .cast(to: call.spec.dtype)
  }
}

private struct RuleWork<Rule: FloatRule>: FloatWork {
  let rule: Rule
  let call: OperationCall

  func run<Scalar: FloatScalar>(as type: Scalar.Type) throws(CairnError) -> Tensor {
    try rule.evaluate(call, as: type)
  }
}

/// An operation that a configuration may name.
struct OperationKind: Sendable {
  let module: String
  let name: String
  let make: @Sendable (inout ConfigurationReader) throws(CairnError) -> any MultipleResultRule

  /// The name in a registry: with the module, since some layers have the same names.
  var registryName: String { "\(module).\(name)" }

  static func named(_ name: String) -> OperationKind? { all.first { $0.name == name } }
}

extension CallArguments<MaskedTensor> {
  /// An operation's call with those tensors.
  init(tensors: Tensor...) { self.init(tensors.map { .tensor(MaskedTensor($0)) }) }
}

extension CallArguments {
  /// The operand at a place.
  ///
  /// - Throws: `countMismatch` if there is none.
  func operand(_ index: Int) throws(CairnError) -> CallArgument<Value> {
    guard index < positional.count else {
      throw CairnError(
        .countMismatch, "an operation lacks an operand", expected: "\(index + 1) and more",
        found: "\(positional.count)")
    }
    return positional[index]
  }

  /// The only tensor of an operation of one operand.
  func onlyTensor() throws(CairnError) -> Value {
    guard positional.count == 1, case .tensor(let value) = positional[0] else {
      throw CairnError(
        .countMismatch, "an operation takes one tensor", found: "\(positional.count) arguments")
    }
    return value
  }
}

extension [DType] {
  /// The type in which floats of several types are computed.
  ///
  /// - Throws: `dtypeMismatch` if there is no float among them, or something that is not a number.
  func widestFloat() throws(CairnError) -> DType {
    let floats = filter(\.isPlainFloat)
    guard let first = floats.first, !contains(.string) else {
      throw CairnError(
        .dtypeMismatch, "operations compute with floats only",
        found: map { "\($0)" }.joined(separator: ", "))
    }
    // float16 and bfloat16 meet in float32 (JAX's and Keras's rules of promotion).
    return floats.dropFirst().reduce(first) { wide, type in
      wide == type
        ? wide
        : wide == .float64 || type == .float64 ? .float64 : .float32
    }
  }
}
