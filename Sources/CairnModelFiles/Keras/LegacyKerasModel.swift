// Models of Keras 1 and 2 in the form of Keras 3: their lists of layers, inputs and outputs.
// Keras 2 `engine/functional.py`, `engine/sequential.py`; Keras 3 `models/functional.py` reads the same.

import CairnCheckpoints
import CairnContainer
import CairnJSON
import CairnModels
import CairnSystem

/// Turns the configuration of an older model, or of a Keras 3 model in HDF5, into that of Keras 3's
/// files.
struct LegacyKerasModel {
  /// Whether the settings are those of Keras 1 or 2. In Keras 3's HDF5 only the modules are
  /// missing.
  let isOld: Bool

  private static let deepest = 32
  static let classes = ["Sequential", "Model", "Functional"]

  /// A layer's name with slashes replaced: in Keras 3 a slash separates the parts of a path.
  static func name(_ text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: "/")) else { return text }
    let bytes = text.utf8.map { $0 == UInt8(ascii: "/") ? UInt8(ascii: ".") : $0 }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The same for a name in a configuration.
  private static func name(_ value: JSONValue) -> JSONValue {
    value.stringValue.map { .string(name($0)) } ?? value
  }

  func model(_ value: JSONValue, at path: String, depth: Int) throws(CairnError) -> JSONValue {
    guard let name = value["class_name"]?.stringValue, let config = value["config"] else {
      throw CairnError(
        .invalidConfiguration, "a layer of the configuration has no class or no settings",
        at: .init(name: path.isEmpty ? "class_name" : path))
    }
    guard depth < Self.deepest else {
      throw CairnError(.limitExceeded, "models are nested too deep", at: .init(name: path))
    }
    var made: JSONValue
    switch name {
    case "Sequential": made = try sequential(config, at: path, depth: depth)
    case "Model", "Functional", "Graph":
      made = try functional(config, at: path, depth: depth)
    default:
      // A class of the user's, which the registry has, or refuses by its name.
      guard value["registered_name"]?.stringValue == nil, value["module"]?.stringValue == nil
      else { return value }
      throw CairnError(
        .unsupportedConfiguration, "models of that class are not read from older configurations",
        at: .init(name: path.isEmpty ? "class_name" : path), found: name)
    }
    // The compilation settings of the outermost model, as far as Keras 3 has them too.
    if depth == 0, !isOld, let compile = value["compile_config"],
      case .object(var object) = made
    {
      object["compile_config"] = compile
      made = .object(object)
    }
    return made
  }

  private func object(
    _ className: String, module: String = "keras", _ config: JSONObject
  ) -> JSONValue {
    [
      "module": .string(module), "class_name": .string(className), "config": .object(config),
      "registered_name": className == "Functional" ? .string(className) : .null,
    ]
  }

  /// A layer that may be a model.
  private func layer(
    _ value: JSONValue, at path: String, depth: Int
  ) throws(CairnError) -> JSONValue {
    let kind = value["class_name"]?.stringValue ?? ""
    if Self.classes.contains(kind) { return try model(value, at: path, depth: depth + 1) }
    if !isOld || LegacyKerasLayer.isModern(value) { return LegacyKerasLayer.exported(value) }
    let made = try LegacyKerasLayer.layer(value, at: path)
    guard case .object(var object) = made, case .object(var config)? = object["config"],
      let name = config["name"]
    else { return made }
    config["name"] = Self.name(name)
    object["config"] = .object(config)
    return .object(object)
  }

  private func sequential(
    _ config: JSONValue, at path: String, depth: Int
  ) throws(CairnError) -> JSONValue {
    guard let elements = config["layers"]?.arrayValue ?? config.arrayValue else {
      throw CairnError(
        .invalidConfiguration, "a sequential model has no list of layers", at: .init(name: path))
    }
    var layers: [JSONValue] = []
    for (number, element) in elements.enumerated() {
      let place = "\(path.isEmpty ? "" : path + ".")config.layers[\(number)]"
      if number == 0, let shape = Self.inputShape(element), element["class_name"] != "InputLayer" {
        let name = element["config"]?["name"]?.stringValue ?? "layer"
        layers.append(
          object(
            "InputLayer", module: "keras.layers",
            [
              "batch_shape": shape, "dtype": Self.inputDType(element),
              "name": .string(Self.name(name) + "_input"),
            ]))
      }
      if LegacyKerasOperation.isOperation(element) {
        throw LegacyKerasOperation.refusal(element, at: place)
      }
      layers.append(try layer(element, at: place, depth: depth))
    }
    var settings: JSONObject = [:]
    settings["name"] = Self.name(config["name"] ?? .string("sequential"))
    settings["trainable"] = config["trainable"] ?? .bool(true)
    if !isOld, let dtype = config["dtype"] { settings["dtype"] = dtype }
    settings["layers"] = .array(layers)
    if layers.first?["class_name"] != "InputLayer", let shape = config["build_input_shape"] {
      settings["build_input_shape"] = shape
    }
    return object("Sequential", settings)
  }

  private static func inputDType(_ layer: JSONValue) -> JSONValue {
    let config = layer["config"]
    if layer["class_name"] == "Embedding" { return "float32" }
    for key in ["input_dtype", "dtype"] {
      if let name = config?[key]?.stringValue { return .string(name) }
    }
    return "float32"
  }

  /// The input shape that the first layer of an older model gives.
  private static func inputShape(_ layer: JSONValue) -> JSONValue? {
    let config = layer["config"]
    if let shape = config?["batch_input_shape"], shape.arrayValue != nil { return shape }
    // For a model within the model, its own first layer gives it.
    let inner = config?["layers"]?.arrayValue ?? config?.arrayValue
    guard let first = inner?.first else { return nil }
    let shape = first["config"]?["batch_input_shape"] ?? first["config"]?["batch_shape"]
    return shape?.arrayValue == nil ? nil : shape
  }

  private func functional(
    _ config: JSONValue, at path: String, depth: Int
  ) throws(CairnError) -> JSONValue {
    guard let elements = config["layers"]?.arrayValue else {
      throw CairnError(
        .invalidConfiguration, "a functional model has no list of layers", at: .init(name: path))
    }
    let graph = LegacyKerasGraph(elements, of: config)
    var layers: [JSONValue] = []
    for (number, element) in elements.enumerated() {
      let place = "\(path.isEmpty ? "" : path + ".")config.layers[\(number)]"
      let name = (element["name"] ?? element["config"]?["name"]).map { Self.name($0) }
      var calls: [JSONValue] = []
      for call in element["inbound_nodes"]?.arrayValue ?? [] {
        calls.append(try graph.call(call, of: element, at: place))
      }
      if LegacyKerasOperation.isOperation(element) {
        layers += try LegacyKerasOperation.layers(
          element, name: name?.stringValue ?? "operation", calls: calls, at: place)
        continue
      }
      guard case .object(var made) = try layer(element, at: place, depth: depth) else { continue }
      made["name"] = name
      made["inbound_nodes"] = .array(calls)
      layers.append(.object(made))
    }
    var settings: JSONObject = [:]
    settings["name"] = Self.name(config["name"] ?? .string("functional"))
    settings["trainable"] = config["trainable"] ?? .bool(true)
    settings["layers"] = .array(layers)
    settings["input_layers"] = try graph.ends(config["input_layers"], at: path)
    settings["output_layers"] = try graph.ends(config["output_layers"], at: path)
    return object("Functional", module: "keras.src.models.functional", settings)
  }
}
