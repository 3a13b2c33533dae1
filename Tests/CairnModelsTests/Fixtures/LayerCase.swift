// The cases of Fixtures/layers: a configuration, weights, an input, and what Keras makes of them.

import CairnJSON
import CairnModels
import CairnTensors
import Testing

/// One case of Fixtures/layers/cases.json.
struct LayerCase: Sendable, CustomTestStringConvertible {
  struct Weight: Sendable {
    let path: String
    let name: String
    let isTrainable: Bool
    let value: Tensor
  }

  let name: String
  let configuration: JSONValue
  let weights: [Weight]
  let trainablePaths: [String]
  let nonTrainablePaths: [String]
  let input: Tensor
  let output: Tensor
  let reference: Tensor

  var testDescription: String { name }

  /// A model of the case's configuration with the case's weights.
  func model() throws -> Sequential {
    let model = try Sequential(configuration: configuration)
    try model.setWeights(weights.map(\.value))
    return model
  }

  /// All cases. A failure to read them shows as a test without cases, which the first test forbids.
  static let all: [LayerCase] = (try? read()) ?? []

  static func read() throws -> [LayerCase] {
    let tensors = try SafetensorsFixture("layers/cases.safetensors")
    let cases = try JSONValue(parsing: fixture("layers/cases.json")).arrayValue ?? []
    return try cases.map { try LayerCase($0, tensors) }
  }

  private init(_ value: JSONValue, _ tensors: SafetensorsFixture) throws {
    func text(_ value: JSONValue, _ key: String) throws -> String {
      guard let text = value[key]?.stringValue else { throw FixtureError(key) }
      return text
    }
    name = try text(value, "name")
    guard let configuration = value["config"] else { throw FixtureError(name) }
    self.configuration = configuration
    weights = try (value["weights"]?.arrayValue ?? []).map { weight in
      Weight(
        path: try text(weight, "path"), name: try text(weight, "name"),
        isTrainable: weight["trainable"]?.boolValue ?? false,
        value: try tensors.tensor(text(weight, "tensor")))
    }
    trainablePaths = (value["trainable_weights"]?.arrayValue ?? []).compactMap(\.stringValue)
    nonTrainablePaths = (value["non_trainable_weights"]?.arrayValue ?? []).compactMap(\.stringValue)
    input = try tensors.tensor(text(value, "input"))
    output = try tensors.tensor(text(value, "output"))
    reference = try tensors.tensor(text(value, "reference"))
  }
}
