// What a layer is called with: tensors, lists of them, and plain values, by place and by name; as in
// the `args` and `kwargs` of Keras's nodes.

public import CairnJSON
import CairnSystem

/// One argument of a layer's call.
///
/// `Value` is what stands for a tensor: a ``MaskedTensor`` in evaluation, a ``TensorSpec`` where
/// only shapes are asked for, a ``SymbolicTensor`` in a graph.
public indirect enum CallArgument<Value: Sendable>: Sendable {
  /// A tensor.
  case tensor(Value)
  /// A list of arguments, as the merging layers take.
  case list([CallArgument<Value>])
  /// Anything else: a number, a flag, a shape, null.
  case value(JSONValue)

  /// The tensors in it, from first to last.
  package var tensors: [Value] {
    switch self {
    case .tensor(let tensor): [tensor]
    case .list(let elements): elements.flatMap(\.tensors)
    case .value: []
    }
  }

  /// The same with each tensor replaced.
  func mapTensors<Other: Sendable>(
    _ transform: (Value) throws(CairnError) -> Other
  ) throws(CairnError) -> CallArgument<Other> {
    switch self {
    case .tensor(let tensor): return .tensor(try transform(tensor))
    case .list(let elements):
      var list: [CallArgument<Other>] = []
      for element in elements { list.append(try element.mapTensors(transform)) }
      return .list(list)
    case .value(let value): return .value(value)
    }
  }

  /// The plain value, or nil for tensors.
  var plain: JSONValue? {
    switch self {
    case .tensor: return nil
    case .value(let value): return value
    case .list(let elements):
      let values = elements.compactMap(\.plain)
      return values.count == elements.count ? .array(values) : nil
    }
  }
}

/// All arguments of a layer's call.
public struct CallArguments<Value: Sendable>: Sendable {
  /// The arguments without a name, in order.
  public var positional: [CallArgument<Value>]
  /// The arguments with a name, in order.
  public var named: [(name: String, argument: CallArgument<Value>)]

  /// The given arguments.
  public init(
    _ positional: [CallArgument<Value>],
    named: [(name: String, argument: CallArgument<Value>)] = []
  ) {
    self.positional = positional
    self.named = named
  }

  /// The usual call: one tensor as it is, several as a list.
  package init(inputs: [Value]) {
    positional =
      inputs.count == 1 ? [.tensor(inputs[0])] : [.list(inputs.map { .tensor($0) })]
    named = []
  }

  /// All tensors, those with a name last.
  package var tensors: [Value] {
    positional.flatMap(\.tensors) + named.flatMap(\.argument.tensors)
  }

  /// The argument called `name`, or nil; a `null` counts as none.
  public subscript(name: String) -> CallArgument<Value>? {
    guard let argument = named.first(where: { $0.name == name })?.argument else { return nil }
    if case .value(let value) = argument, value.isNull { return nil }
    return argument
  }

  /// The same with each tensor replaced.
  func mapTensors<Other: Sendable>(
    _ transform: (Value) throws(CairnError) -> Other
  ) throws(CairnError) -> CallArguments<Other> {
    var others = CallArguments<Other>([])
    for argument in positional { others.positional.append(try argument.mapTensors(transform)) }
    for (name, argument) in named {
      others.named.append((name, try argument.mapTensors(transform)))
    }
    return others
  }

  /// The argument at a position, or the one with the name if it was given by name; a `null` counts
  /// as none.
  func argument(_ index: Int, _ name: String) -> CallArgument<Value>? {
    guard index < positional.count else { return self[name] }
    if case .value(let value) = positional[index], value.isNull { return nil }
    return positional[index]
  }
}
