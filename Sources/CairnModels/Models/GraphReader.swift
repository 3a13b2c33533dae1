// Functional models from their configuration. Keras `models/functional.py`,
// `functional_from_config`.

import CairnJSON
import CairnSystem
import CairnTensors

/// Draws the graph of a configuration: first the layers, then each call as soon as the results that
/// it takes are there.
struct GraphReader {
  private struct Entry {
    var layer: any Layer
    var calls: [JSONValue]
    var made: [GraphNode]
    var path: String
  }
  /// A result that a call waits for.
  private struct Place: Hashable {
    var layer: Int
    var node: Int
  }

  private var entries: [Entry] = []
  private var indices: [[UInt8]: Int] = [:]

  /// Reads the layers and makes their calls.
  init(
    _ elements: [JSONValue], at path: String, in context: inout RebuildContext
  ) throws(CairnError) {
    for (index, element) in elements.enumerated() {
      try readLayer(element, at: "\(path)[\(index)]", in: &context)
    }
    try makeCalls()
  }

  private mutating func readLayer(
    _ element: JSONValue, at path: String, in context: inout RebuildContext
  ) throws(CairnError) {
    guard var object = element.objectValue, let name = object["name"]?.stringValue else {
      throw CairnError(
        .invalidConfiguration, "a layer of a graph has no name", at: .init(name: path))
    }
    let calls = object["inbound_nodes"]?.arrayValue
    object["name"] = nil
    object["inbound_nodes"] = nil
    let layer = try context.layer(from: .object(object), at: path)
    guard let calls else {
      throw CairnError(
        .invalidConfiguration, "a layer of a graph has no list of calls",
        at: .init(name: "\(path).inbound_nodes"), expected: "an array")
    }
    layer.state.nameIfUnnamed(name)
    guard layer.name.utf8.elementsEqual(name.utf8) else {
      throw CairnError(
        .invalidConfiguration, "a layer has two names", at: .init(name: "\(path).name"),
        expected: layer.name, found: name)
    }
    guard indices.updateValue(entries.count, forKey: Array(name.utf8)) == nil else {
      throw CairnError(
        .duplicateName, "two layers of one model have the same name",
        at: .init(name: "\(path).name"), found: name)
    }
    var made: [GraphNode] = []
    if let input = layer as? InputLayer { made.append(input.symbolicOutput.node) }
    entries.append(Entry(layer: layer, calls: calls, made: made, path: path))
  }

  private mutating func makeCalls() throws(CairnError) {
    var waiting: [Place: [Int]] = [:]
    var ready = Array(entries.indices.reversed())
    // The calls of an input layer are not read: it has none.
    var left = entries.reduce(0) { $0 + ($1.layer is InputLayer ? 0 : $1.calls.count) }
    while let index = ready.popLast() {
      let entry = entries[index]
      guard !(entry.layer is InputLayer) else { continue }
      var next = entry.made.count
      while next < entry.calls.count {
        let path = "\(entry.path).inbound_nodes[\(next)]"
        if let missing = try missingPlace(entry.calls[next], at: path) {
          waiting[missing, default: []].append(index)
          break
        }
        let arguments = try arguments(entry.calls[next], at: path)
        do throws(CairnError) {
          entries[index].made.append(try GraphNode(calling: entry.layer, arguments))
        } catch {
          throw error.location.name == nil ? error.located(name: path) : error
        }
        ready += (waiting.removeValue(forKey: Place(layer: index, node: next)) ?? []).reversed()
        left -= 1
        next += 1
      }
    }
    guard left == 0 else {
      throw CairnError(
        .invalidConfiguration,
        "calls of a graph take results that never come: it has cycles or gaps",
        found: "\(left) calls without what they take")
    }
  }

  // MARK: Arguments

  private func tensorConfiguration(_ value: JSONValue) -> JSONValue? {
    value["class_name"]?.stringValue == "__keras_tensor__" ? value["config"] : nil
  }

  /// Layer, call and result that a tensor of the configuration names.
  private func history(
    _ value: JSONValue, at path: String
  ) throws(CairnError) -> (place: Place, index: Int) {
    try BuildBudget.take()
    guard let parts = value.arrayValue, parts.count == 3, let name = parts[0].stringValue,
      let node = parts[1].intValue, let index = parts[2].intValue, node >= 0, index >= 0,
      let layer = indices[Array(name.utf8)]
    else {
      throw CairnError(
        .invalidConfiguration, "a tensor of a graph names no result", at: .init(name: path),
        expected: "a layer's name, a call and a result", found: value.description)
    }
    return (Place(layer: layer, node: node), index)
  }

  /// The first result that a call takes and that is not there yet.
  private func missingPlace(_ value: JSONValue, at path: String) throws(CairnError) -> Place? {
    if let config = tensorConfiguration(value) {
      let place = try history(config["keras_history"] ?? .null, at: path).place
      let entry = entries[place.layer]
      guard place.node < max(entry.calls.count, entry.made.count) else {
        throw CairnError(
          .invalidConfiguration, "a tensor of a graph names a call that there is none of",
          at: .init(name: path), found: "call \(place.node) of ‘\(entry.layer.name)’")
      }
      return place.node < entry.made.count ? nil : place
    }
    for element in value.arrayValue ?? value.objectValue?.map(\.value) ?? [] {
      if let missing = try missingPlace(element, at: path) { return missing }
    }
    return nil
  }

  private func tensor(
    _ place: Place, _ index: Int, at path: String
  ) throws(CairnError) -> SymbolicTensor {
    let made = entries[place.layer].made
    guard place.node < made.count, index < made[place.node].outputs.count else {
      throw CairnError(
        .invalidConfiguration, "a tensor of a graph names a result that there is none of",
        at: .init(name: path), found: "result \(index) of ‘\(entries[place.layer].layer.name)’")
    }
    return SymbolicTensor(node: made[place.node], index: index)
  }

  private func argument(
    _ value: JSONValue, at path: String
  ) throws(CairnError) -> CallArgument<SymbolicTensor> {
    if let config = tensorConfiguration(value) {
      let (place, index) = try history(config["keras_history"] ?? .null, at: path)
      return .tensor(try tensor(place, index, at: path))
    }
    guard let elements = value.arrayValue else { return .value(value) }
    var list: [CallArgument<SymbolicTensor>] = []
    for element in elements { list.append(try argument(element, at: path)) }
    return list.contains(where: { !$0.tensors.isEmpty }) ? .list(list) : .value(value)
  }

  private func arguments(
    _ call: JSONValue, at path: String
  ) throws(CairnError) -> CallArguments<SymbolicTensor> {
    var reader = try ConfigurationReader(call, path: path)
    guard let positional = reader.take("args")?.arrayValue else {
      throw reader.invalid("args", expected: "an array")
    }
    var arguments = CallArguments<SymbolicTensor>([])
    for value in positional { arguments.positional.append(try argument(value, at: path)) }
    for (name, value) in reader.take("kwargs")?.objectValue ?? [:] {
      arguments.named.append((name, try argument(value, at: path)))
    }
    try reader.finish()
    return arguments
  }

  // MARK: Inputs and outputs

  /// The tensors of `input_layers` or `output_layers`.
  func structure(
    _ value: JSONValue, at path: String
  ) throws(CairnError) -> TensorStructure<SymbolicTensor> {
    if let object = value.objectValue {
      var members: [(name: String, value: TensorStructure<SymbolicTensor>)] = []
      for (name, value) in object { members.append((name, try structure(value, at: path))) }
      return .named(members.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) })
    }
    guard let elements = value.arrayValue else {
      throw CairnError(
        .invalidConfiguration, "a model's inputs or outputs are not named", at: .init(name: path),
        expected: "a layer's name, a call and a result, or lists of those")
    }
    if elements.count == 3, elements[0].stringValue != nil {
      var (place, index) = try history(value, at: path)
      // Keras counts the calls of functional models from 1 here.
      if entries[place.layer].layer is Functional { place.node -= 1 }
      guard place.node >= 0 else {
        throw CairnError(
          .invalidConfiguration, "a model's calls are counted from 1", at: .init(name: path))
      }
      return .tensor(try tensor(place, index, at: path))
    }
    var list: [TensorStructure<SymbolicTensor>] = []
    for element in elements { list.append(try structure(element, at: path)) }
    return .list(list)
  }
}

extension Functional {
  convenience init(
    reading reader: inout ConfigurationReader, in context: inout RebuildContext
  ) throws(CairnError) {
    let compile = context.compileConfiguration
    let state = try reader.layerState(className: Self.className)
    guard let elements = reader.take("layers")?.arrayValue else {
      throw reader.invalid("layers", expected: "an array of layers")
    }
    let graph = try GraphReader(elements, at: reader.path(of: "layers"), in: &context)
    let inputs = try graph.structure(
      reader.take("input_layers") ?? .null, at: reader.path(of: "input_layers"))
    let outputs = try graph.structure(
      reader.take("output_layers") ?? .null, at: reader.path(of: "output_layers"))
    try self.init(inputs, outputs, state: state, compile: compile, in: &context.build)
  }
}
