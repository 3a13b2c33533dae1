// The rows of Fixtures/keras/layers: a layer's configuration and weights, what it is called with, and
// what Keras makes of that.

import CairnJSON
import CairnModels
import CairnTensors
import Testing

/// One row of Fixtures/keras/layers.
struct LayerRow: Sendable, CustomTestStringConvertible {
  struct Weight: Sendable {
    let path: String
    let isTrainable: Bool
    let value: Tensor
  }

  let name: String
  let configuration: JSONValue
  let weights: [Weight]
  let arguments: CallArguments<MaskedTensor>
  let calls: Int
  let outputs: [MaskedTensor]

  var testDescription: String { name }
  var className: String { String(name.prefix { $0 != "/" }) }

  /// A layer of the row's configuration with the row's weights.
  func layer() throws -> any Layer {
    let layer = try LayerRegistry.standard.makeLayer(
      configuration: configuration, initialization: .zeros)
    try layer.setWeights(weights.map(\.value))
    return layer
  }

  /// The classes that there are rows of.
  static let classes: [String] = (try? index()) ?? []
  /// All rows. A failure to read them shows as a test without cases, which the first test forbids.
  static let all: [LayerRow] = (try? classes.flatMap { try read($0) }) ?? []

  private static func index() throws -> [String] {
    try JSONValue(parsing: fixture("keras/layers/index.json")).arrayValue?
      .compactMap(\.stringValue) ?? []
  }

  static func read(_ className: String) throws -> [LayerRow] {
    let tensors = try SafetensorsFixture("keras/layers/\(className).safetensors")
    let rows = try JSONValue(parsing: fixture("keras/layers/\(className).json")).arrayValue ?? []
    return try rows.map { try LayerRow($0, tensors) }
  }

  private init(_ value: JSONValue, _ tensors: SafetensorsFixture) throws {
    guard let name = value["name"]?.stringValue, let configuration = value["layer"],
      let calls = value["calls"]?.intValue
    else { throw FixtureError("a row") }
    self.name = name
    self.configuration = configuration
    self.calls = calls
    func tensor(_ value: JSONValue, _ key: String = "tensor") throws -> Tensor {
      guard let place = value[key]?.stringValue else { throw FixtureError(name) }
      return try tensors.tensor(place)
    }
    func masked(_ value: JSONValue) throws -> MaskedTensor {
      MaskedTensor(try tensor(value), mask: value["mask"] == nil ? nil : try tensor(value, "mask"))
    }
    func argument(_ value: JSONValue) throws -> CallArgument<MaskedTensor> {
      if let elements = value.arrayValue { return .list(try elements.map { try argument($0) }) }
      if let plain = value["value"] { return .value(plain) }
      return .tensor(try masked(value))
    }
    weights = try (value["weights"]?.arrayValue ?? []).map { weight in
      var stored = try tensor(weight)
      if let dtype = DType(name: weight["dtype"]?.stringValue ?? "") {
        stored = try stored.cast(to: dtype)
      }
      return Weight(
        path: weight["path"]?.stringValue ?? "",
        isTrainable: weight["trainable"]?.boolValue ?? false,
        value: stored)
    }
    arguments = CallArguments(
      try (value["args"]?.arrayValue ?? []).map { try argument($0) },
      named: try (value["kwargs"]?.objectValue ?? [:]).map { ($0.key, try argument($0.value)) })
    outputs = try (value["outputs"]?.arrayValue ?? []).map { output in
      var result = try masked(output)
      if let dtype = DType(name: output["dtype"]?.stringValue ?? "") {
        result.tensor = try result.tensor.cast(to: dtype)
      }
      return result
    }
  }
}
