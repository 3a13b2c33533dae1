// The models of Fixtures/keras/models, keras/stacks and keras/float64, and what Keras makes of them.

import CairnJSON
import CairnModels
import CairnTensors
import Testing

/// A model with weights, inputs, and what comes out.
struct ModelRow: Sendable, CustomTestStringConvertible {
  let name: String
  let configuration: JSONValue
  let weights: [Tensor]
  /// The weights' paths in Keras.
  let paths: [String]
  let inputs: [Tensor]
  let outputs: [Tensor]
  /// Of stacks: the outputs of the same formulas in float64.
  let references: [Tensor]
  /// Of stacks: the weights' flags, and the paths of those that are trained, and of those that are not.
  let trainable: [Bool]
  let trainablePaths: [String]
  let nonTrainablePaths: [String]
  /// Of `keras/models`: Keras's summaries, 108 wide, and 100 wide with nested layers and flags.
  let summaries: [String]

  var testDescription: String { name }

  // A failure to read them shows as tests without cases, which a test of each suite forbids.
  static let all: [ModelRow] = (try? read("models")) ?? []
  static let stacks: [ModelRow] = (try? read("stacks")) ?? []
  static let doubles: [ModelRow] = (try? read("float64", "tensors")) ?? []

  static func read(_ folder: String, _ name: String = "models") throws -> [ModelRow] {
    let tensors = try SafetensorsFixture("keras/\(folder)/\(name).safetensors")
    let rows = try JSONValue(parsing: fixture("keras/\(folder)/models.json")).arrayValue ?? []
    return try rows.map { row in
      func texts(_ key: String) -> [String] {
        (row[key]?.arrayValue ?? []).compactMap(\.stringValue)
      }
      func list(_ key: String) throws -> [Tensor] { try texts(key).map { try tensors.tensor($0) } }
      return ModelRow(
        name: row["name"]?.stringValue ?? "", configuration: row["config"] ?? .null,
        weights: try list("weights"), paths: texts("paths"), inputs: try list("inputs"),
        outputs: try list("outputs"), references: try list("references"),
        trainable: (row["trainable"]?.arrayValue ?? []).compactMap(\.boolValue),
        trainablePaths: texts("trainable_weights"),
        nonTrainablePaths: texts("non_trainable_weights"), summaries: texts("summaries"))
    }
  }
}
