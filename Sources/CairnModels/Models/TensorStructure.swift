// How a model's inputs and outputs are arranged: one, a list, or by name.

import CairnJSON

/// One tensor, or several in lists or under names; as in Keras's `input_layers` and
/// `output_layers`.
public indirect enum TensorStructure<Value: Sendable>: Sendable {
  /// One.
  case tensor(Value)
  /// Several in order.
  case list([TensorStructure<Value>])
  /// Several under names, in the order of the names, as Keras flattens them.
  case named([(name: String, value: TensorStructure<Value>)])

  /// The tensors in order.
  package var tensors: [Value] {
    switch self {
    case .tensor(let value): [value]
    case .list(let elements): elements.flatMap(\.tensors)
    case .named(let members): members.flatMap(\.value.tensors)
    }
  }

  /// The same arrangement of other tensors, which are taken in order.
  func arranging<Other: Sendable>(
    _ others: inout ArraySlice<Other>
  ) -> TensorStructure<Other>? {
    switch self {
    case .tensor: return others.popFirst().map { .tensor($0) }
    case .list(let elements):
      let list = elements.compactMap { $0.arranging(&others) }
      return list.count == elements.count ? .list(list) : nil
    case .named(let members):
      var named: [(name: String, value: TensorStructure<Other>)] = []
      for (name, value) in members {
        guard let other = value.arranging(&others) else { return nil }
        named.append((name, other))
      }
      return .named(named)
    }
  }

  /// As JSON, each tensor by `json`.
  func json(_ json: (Value) -> JSONValue) -> JSONValue {
    switch self {
    case .tensor(let value): return json(value)
    case .list(let elements): return .array(elements.map { $0.json(json) })
    case .named(let members):
      var object = JSONObject()
      for (name, value) in members { object[name] = value.json(json) }
      return .object(object)
    }
  }
}
