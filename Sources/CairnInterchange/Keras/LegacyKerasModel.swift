// Models of Keras 1 and 2 in the form of Keras 3: their lists of layers, calls, inputs and outputs.
// Keras 2 `engine/network.py`, `engine/sequential.py`; Keras 3 `models/functional.py` reads the same.

import CairnFormat
import CairnJSON
import CairnModels
import CairnSystem

/// Turns the configuration of an older model into that of Keras 3.
enum LegacyKerasModel {
  private static let deepest = 32

  static func model(_ value: JSONValue, at path: String, depth: Int) throws(CairnError) -> JSONValue
  {
    guard let name = value["class_name"]?.stringValue, let config = value["config"] else {
      throw CairnError(
        .invalidConfiguration, "a layer of the configuration has no class or no settings",
        at: .init(name: path.isEmpty ? "class_name" : path))
    }
    guard depth < deepest else {
      throw CairnError(.limitExceeded, "models are nested too deep", at: .init(name: path))
    }
    switch name {
    case "Sequential": return try sequential(config, at: path, depth: depth)
    case "Model", "Functional", "Graph": return try functional(config, at: path, depth: depth)
    default:
      throw CairnError(
        .unsupportedConfiguration, "models of that class are not read from older configurations",
        at: .init(name: path.isEmpty ? "class_name" : path), found: name)
    }
  }

  private static func object(
    _ className: String, module: String = "keras", _ config: JSONObject
  ) -> JSONValue {
    [
      "module": .string(module), "class_name": .string(className), "config": .object(config),
      "registered_name": className == "Functional" ? .string(className) : .null,
    ]
  }

  /// A layer that may be a model.
  private static func layer(
    _ value: JSONValue, at path: String, depth: Int
  ) throws(CairnError) -> JSONValue {
    let name = value["class_name"]?.stringValue ?? ""
    if ["Sequential", "Model", "Functional"].contains(name) {
      return try model(value, at: path, depth: depth + 1)
    }
    if LegacyKerasLayer.isModern(value) { return LegacyKerasLayer.exported(value) }
    return try LegacyKerasLayer.layer(value, at: path)
  }

  private static func sequential(
    _ config: JSONValue, at path: String, depth: Int
  ) throws(CairnError) -> JSONValue {
    guard let elements = config["layers"]?.arrayValue ?? config.arrayValue else {
      throw CairnError(
        .invalidConfiguration, "a sequential model has no list of layers", at: .init(name: path))
    }
    var layers: [JSONValue] = []
    for (number, element) in elements.enumerated() {
      let place = "\(path.isEmpty ? "" : path + ".")config.layers[\(number)]"
      if number == 0, let shape = inputShape(element), element["class_name"] != "InputLayer" {
        let name = element["config"]?["name"]?.stringValue ?? "layer"
        layers.append(
          object(
            "InputLayer", module: "keras.layers",
            ["batch_shape": shape, "dtype": inputDType(element), "name": .string(name + "_input")]))
      }
      layers.append(try layer(element, at: place, depth: depth))
    }
    var settings: JSONObject = [:]
    settings["name"] = config["name"] ?? .string("sequential")
    settings["trainable"] = config["trainable"] ?? .bool(true)
    settings["layers"] = .array(layers)
    return object("Sequential", settings)
  }

  private static func inputDType(_ layer: JSONValue) -> JSONValue {
    let config = layer["config"]
    for key in ["input_dtype", "dtype"] {
      if let name = config?[key]?.stringValue { return .string(name) }
    }
    return "float32"
  }

  /// The shape that an older model's first layer gives for the input.
  private static func inputShape(_ layer: JSONValue) -> JSONValue? {
    let config = layer["config"]
    if let shape = config?["batch_input_shape"], shape.arrayValue != nil { return shape }
    // A model within the model says it in its own first layer.
    let inner = config?["layers"]?.arrayValue ?? config?.arrayValue
    return inner?.first.flatMap { $0["config"]?["batch_input_shape"] }
  }

  private static func functional(
    _ config: JSONValue, at path: String, depth: Int
  ) throws(CairnError) -> JSONValue {
    guard let elements = config["layers"]?.arrayValue else {
      throw CairnError(
        .invalidConfiguration, "a functional model has no list of layers", at: .init(name: path))
    }
    var layers: [JSONValue] = []
    for (number, element) in elements.enumerated() {
      let place = "\(path.isEmpty ? "" : path + ".")config.layers[\(number)]"
      guard case .object(var made) = try layer(element, at: place, depth: depth) else { continue }
      made["name"] = element["name"] ?? element["config"]?["name"]
      var calls: [JSONValue] = []
      for call in element["inbound_nodes"]?.arrayValue ?? [] {
        calls.append(try self.call(call, at: place))
      }
      made["inbound_nodes"] = .array(calls)
      layers.append(.object(made))
    }
    var settings: JSONObject = [:]
    settings["name"] = config["name"] ?? .string("functional")
    settings["trainable"] = config["trainable"] ?? .bool(true)
    settings["layers"] = .array(layers)
    settings["input_layers"] = ends(config["input_layers"])
    settings["output_layers"] = ends(config["output_layers"])
    return object("Functional", module: "keras.src.models.functional", settings)
  }

  /// A single input or output stands for itself, not for a list of one.
  private static func ends(_ value: JSONValue?) -> JSONValue {
    guard let elements = value?.arrayValue, elements.count == 1, elements[0].arrayValue != nil
    else {
      return value ?? .null
    }
    return elements[0]
  }

  /// A call: what it takes, each as layer, call, result and, in Keras 2, further arguments.
  private static func call(_ value: JSONValue, at path: String) throws(CairnError) -> JSONValue {
    if value["args"] != nil { return value }
    guard let elements = value.arrayValue else {
      throw CairnError(
        .invalidConfiguration, "a call of a graph is no list", at: .init(name: path))
    }
    // A tensor alone, in models of one input of later versions of Keras 2.
    let tensors = elements.first?.stringValue == nil ? elements : [value]
    var arguments: [JSONValue] = []
    var named = JSONObject()
    for tensor in tensors {
      guard let parts = tensor.arrayValue, parts.count >= 3 else {
        throw CairnError(
          .invalidConfiguration, "a tensor of a graph names no result", at: .init(name: path),
          found: tensor.description)
      }
      arguments.append([
        "class_name": "__keras_tensor__",
        "config": ["keras_history": .array(Array(parts.prefix(3)))],
      ])
      if parts.count > 3 {
        // `mask: null` and its like say nothing.
        for (key, value) in parts[3].objectValue ?? [:] where !value.isNull { named[key] = value }
      }
    }
    return [
      "args": .array(arguments.count == 1 ? arguments : [.array(arguments)]),
      "kwargs": .object(named),
    ]
  }
}
