// Calling a layer: arguments are checked, floats brought into the layer's type, masks passed on.
// Keras `layers/layer.py`, `__call__`.

import CairnJSON
public import CairnSystem
import CairnTensors

extension Layer {
  /// The tensors of a plain call. Checks that the call has no other argument that matters.
  ///
  /// - Throws: `unsupportedConfiguration` for an argument that the layer does not know.
  func plainInputs<Value>(
    _ arguments: CallArguments<Value>
  ) throws(CairnError) -> [Value] {
    try checkNamed(arguments)
    for argument in arguments.positional {
      if let value = argument.plain, !value.isNull {
        throw unsupportedArgument("a plain value in front", found: value.description)
      }
    }
    return arguments.positional.flatMap(\.tensors)
  }

  /// Checks that every argument with a name is one that the layer knows.
  func checkNamed<Value>(_ arguments: CallArguments<Value>) throws(CairnError) {
    for (name, argument) in arguments.named {
      // Whatever the call said, `predict` says that this is inference.
      if name == "training" { continue }
      if name != "mask", !kind.callArguments.contains(name),
        argument.plain.map({ !$0.isNull }) ?? true
      {
        throw unsupportedArgument(name, found: argument.plain?.description ?? "a tensor")
      }
    }
  }

  private func unsupportedArgument(_ name: String, found: String) -> CairnError {
    CairnError(
      .unsupportedConfiguration, "the layer's call has an argument that is not supported: \(name)",
      at: .init(name: self.name), found: found)
  }

  /// What comes out of a call, as in inference.
  ///
  /// As in Keras, floats are converted to the layer's compute type first, and what the layer
  /// computes is in that type: layers in float64 compute in double precision throughout, where Keras
  /// with JAX takes some steps in float32. Half-precision layers
  /// compute in float32 from inputs and weights in the narrow type and round what comes out.
  ///
  /// - Throws: `shapeMismatch`, `dtypeMismatch`, `unsupportedConfiguration`, `overBudget`,
  ///   `outOfMemory`.
  public func call(
    _ arguments: CallArguments<MaskedTensor>, in context: EvaluationContext = EvaluationContext()
  ) throws(CairnError) -> [MaskedTensor] {
    let context = context.started()
    try context.budget?.take(steps: 50)
    let kind = kind
    guard kind.castsFloats else { return try evaluate(arguments, in: context) }
    let type = state.dtype.computeDType
    var arguments = arguments
    let given = arguments.positional.flatMap(\.tensors).map(\.tensor.dtype)
    let rounded = kind.roundsToInput ? given.first : nil
    if !kind.keepsWholeNumbers, let first = arguments.positional.first {
      // Whole numbers become floats here; in Keras they do where they meet a weight. Masks, which
      // are bools, come later or by name.
      arguments.positional[0] = try first.mapTensors { (input) throws(CairnError) in
        guard input.tensor.dtype.isWhole else { return input }
        return MaskedTensor(try input.tensor.cast(to: state.evaluationDType), mask: input.mask)
      }
    }
    let inputs = try arguments.mapTensors { (input) throws(CairnError) in
      guard input.tensor.dtype.isPlainFloat else { return input }
      var value = rounded == nil ? try input.tensor.cast(to: type) : input.tensor
      value = try value.cast(to: state.evaluationDType)
      return MaskedTensor(value, mask: input.mask)
    }
    var outputs = try evaluate(inputs, in: context)
    // The mean of integers has the type of their quotient.
    if kind.keepsWholeNumbers, !given.isEmpty, given.allSatisfy(\.isWhole) { return outputs }
    for index in outputs.indices where outputs[index].tensor.dtype.isPlainFloat {
      if let rounded { outputs[index].tensor = try outputs[index].tensor.cast(to: rounded) }
      outputs[index].tensor = try outputs[index].tensor.cast(to: type)
    }
    return outputs
  }
}

extension DType {
  /// Whether this is one of the types that layers compute in.
  var isPlainFloat: Bool {
    switch self {
    case .float16, .bfloat16, .float32, .float64: true
    default: false
    }
  }
}
