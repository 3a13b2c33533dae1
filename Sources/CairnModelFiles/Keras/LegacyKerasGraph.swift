// The calls of an older functional model in the form of Keras 3. Keras 2 `engine/functional.py`
// (`get_network_config`, `reconstruct_from_config`), `engine/node.py` (`serialize`).

import CairnCheckpoints
import CairnJSON
import CairnModels
import CairnSystem

/// The tensors that calls refer to, each by layer, call and result.
///
/// When a model within the model is made, it is called once. Keras 2 counts that call but does not
/// list it; the listed calls are then counted from 1. Keras 3 counts them from 0, except for a
/// functional model that is an output.
struct LegacyKerasGraph {
  private static let recurrent = [
    "LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D",
    "CuDNNLSTM", "CuDNNGRU", "StackedRNNCells",
  ]
  /// What Keras 2 writes instead of a layer's name for a value that is not a tensor of the graph.
  private static let constant = "_CONSTANT_VALUE"

  private struct Layer {
    var isFunctional: Bool
    var isModel: Bool
    /// The number of the first listed call.
    var first = 0
  }
  private var layers: [ByteKey: Layer] = [:]

  /// The graph of a functional model's layers.
  init(_ elements: [JSONValue], of config: JSONValue) {
    for element in elements {
      guard let name = Self.name(of: element) else { continue }
      let kind = element["class_name"]?.stringValue ?? ""
      layers[name] = Layer(
        isFunctional: kind == "Functional" || kind == "Model",
        isModel: LegacyKerasModel.classes.contains(kind))
    }
    var seen: [ByteKey: ClosedRange<Int>] = [:]
    for element in elements { note(element["inbound_nodes"] ?? .null, in: &seen) }
    note(config["output_layers"] ?? .null, in: &seen)
    for element in elements {
      guard let name = Self.name(of: element), layers[name]?.isModel == true else { continue }
      let count = element["inbound_nodes"]?.arrayValue?.count ?? 0
      // The file does not say how calls are counted. A reference to call 0, or to a call behind the
      // last, decides.
      if let range = seen[name], range.lowerBound == 0 { continue }
      if let range = seen[name], range.upperBound >= count {
        layers[name]?.first = 1
      } else {
        layers[name]?.first = Self.countsMaking(element) ? 1 : 0
      }
    }
  }

  private static func name(of element: JSONValue) -> ByteKey? {
    (element["name"]?.stringValue ?? element["config"]?["name"]?.stringValue).map { ByteKey($0) }
  }

  /// Whether a model within the model was made with an input (`_should_skip_first_node`).
  private static func countsMaking(_ element: JSONValue) -> Bool {
    guard element["class_name"] == "Sequential" else { return true }
    let config = element["config"]
    let first = (config?["layers"]?.arrayValue ?? config?.arrayValue)?.first
    return first?["class_name"] == "InputLayer" || first?["config"]?["batch_input_shape"] != nil
  }

  /// A tensor's layer, call and result, and the other arguments of the call.
  private func reference(
    _ value: JSONValue
  ) -> (name: ByteKey, call: Int, result: Int, others: JSONObject?)? {
    guard let parts = value.arrayValue, parts.count == 3 || parts.count == 4,
      let name = parts[0].stringValue, let call = parts[1].intValue,
      let result = parts[2].intValue, layers[ByteKey(name)] != nil
    else { return nil }
    return (ByteKey(name), call, result, parts.count == 4 ? parts[3].objectValue : nil)
  }

  private func note(_ value: JSONValue, in seen: inout [ByteKey: ClosedRange<Int>]) {
    if let found = reference(value) {
      let range = seen[found.name] ?? found.call...found.call
      seen[found.name] =
        min(range.lowerBound, found.call)...max(range.upperBound, found.call)
      for (_, other) in found.others ?? [:] { note(other, in: &seen) }
      return
    }
    for element in value.arrayValue ?? value.objectValue?.map(\.value) ?? [] {
      note(element, in: &seen)
    }
  }

  private func call(
    _ found: (name: ByteKey, call: Int, result: Int, others: JSONObject?), at path: String
  ) throws(CairnError) -> Int {
    guard let call = found.call.subtracting(layers[found.name]?.first ?? 0), call >= 0 else {
      throw CairnError(
        .invalidConfiguration, "a tensor of a graph names a call that there is none of",
        at: .init(name: path), found: "call \(found.call) of ‘\(found.name.text.excerpt)’")
    }
    return call
  }

  /// A value that may contain references to tensors, in Keras 3's form.
  private func argument(_ value: JSONValue, at path: String) throws(CairnError) -> JSONValue {
    if let found = reference(value) {
      return [
        "class_name": "__keras_tensor__",
        "config": [
          "keras_history": [
            .string(LegacyKerasModel.name(found.name.text)),
            .integer(Int64(try call(found, at: path))),
            .integer(Int64(found.result)),
          ]
        ],
      ]
    }
    if let parts = value.arrayValue {
      if parts.count >= 3, parts[0].stringValue == Self.constant { return parts[2] }
      var elements: [JSONValue] = []
      for element in parts { elements.append(try argument(element, at: path)) }
      return .array(elements)
    }
    if let object = value.objectValue {
      var made = JSONObject()
      for (key, inner) in object { made[key] = try argument(inner, at: path) }
      return .object(made)
    }
    return value
  }

  /// The arguments of a call other than its tensors. Keras 2 writes them with each tensor.
  private func others(
    in value: JSONValue, at path: String, _ named: inout JSONObject
  ) throws(CairnError) {
    guard let parts = value.arrayValue else {
      for (_, inner) in value.objectValue ?? [:] { try others(in: inner, at: path, &named) }
      return
    }
    let isTensor =
      reference(value) != nil || (parts.count == 4 && parts[0].stringValue == Self.constant)
    guard isTensor else {
      for part in parts { try others(in: part, at: path, &named) }
      return
    }
    guard parts.count == 4 else { return }
    for (key, inner) in parts[3].objectValue ?? [:] where !inner.isNull && named[key] == nil {
      // `mask: null` and similar ones have no meaning.
      named[key] = try argument(inner, at: path)
    }
  }

  /// A call in Keras 3's form.
  func call(
    _ value: JSONValue, of element: JSONValue, at path: String
  ) throws(CairnError) -> JSONValue {
    if value["args"] != nil { return value }
    guard value.arrayValue != nil || value.objectValue != nil else {
      throw CairnError(
        .invalidConfiguration, "a call of a graph is no list", at: .init(name: path))
    }
    var named = JSONObject()
    try others(in: value, at: path, &named)
    let isTensor = value.arrayValue?.first?.stringValue != nil
    var single = value
    if let elements = value.arrayValue, elements.count == 1, !isTensor { single = elements[0] }
    if let parts = value.arrayValue, isTensor, reference(value) == nil,
      parts[0].stringValue != Self.constant
    {
      throw CairnError(
        .invalidConfiguration, "a tensor of a graph names no result", at: .init(name: path),
        found: value.description.excerpt)
    }
    var arguments = try argument(single, at: path)
    let kind = element["class_name"]?.stringValue ?? ""
    // Keras 2 lists the initial states of a recurrent layer behind its input.
    if Self.recurrent.contains(kind), let all = arguments.arrayValue, all.count > 1 {
      arguments = all[0]
      if named["initial_state"] == nil { named["initial_state"] = .array(Array(all.dropFirst())) }
    }
    return ["args": .array([arguments]), "kwargs": .object(named)]
  }

  /// The inputs or outputs in Keras 3's form. A single one is not put into a list.
  func ends(_ value: JSONValue?, at path: String) throws(CairnError) -> JSONValue {
    guard let value else { return .null }
    if let elements = value.arrayValue, elements.count == 1, elements[0].arrayValue != nil {
      return try end(elements[0], at: path)
    }
    return try end(value, at: path)
  }

  private func end(_ value: JSONValue, at path: String) throws(CairnError) -> JSONValue {
    if let found = reference(value) {
      let number = try call(found, at: path)
      let counted = layers[found.name]?.isFunctional == true ? 1 : 0
      guard let sum = number.adding(counted) else { return value }
      return [
        .string(LegacyKerasModel.name(found.name.text)), .integer(Int64(sum)),
        .integer(Int64(found.result)),
      ]
    }
    if let elements = value.arrayValue {
      var made: [JSONValue] = []
      for element in elements { made.append(try end(element, at: path)) }
      return .array(made)
    }
    if let object = value.objectValue {
      var made = JSONObject()
      for (key, inner) in object { made[key] = try end(inner, at: path) }
      return .object(made)
    }
    return value
  }
}
