// The models of Fixtures/keras/models, keras/stacks and keras/float64, and what Keras makes of them.

import CairnCheckpoints
internal import CairnForeign
package import CairnJSON
import CairnModelFiles
internal import CairnSystem
package import CairnTensors
internal import CairnTestSupport

/// A model with weights, inputs, and what comes out.
package struct GoldenModel: Sendable, CustomStringConvertible {
  /// The folder that it is of.
  package let folder: String
  package let name: String
  package let configuration: JSONValue
  package let weights: [Tensor]
  /// The weights' paths in Keras.
  package let paths: [String]
  package let inputs: [Tensor]
  package let outputs: [Tensor]
  /// Of stacks: the outputs of the same formulas in float64.
  package let references: [Tensor]
  /// Of stacks: the weights' flags, and the paths of those that are trained, and of those that are not.
  package let trainable: [Bool]
  package let trainablePaths: [String]
  package let nonTrainablePaths: [String]
  /// Of `keras/models`: Keras's summaries, 108 wide, and 100 wide with nested layers and flags.
  package let summaries: [String]

  package var description: String { "\(folder)/\(name)" }

  // A failure to read them shows as tests without cases, which a test of each suite forbids.
  package static let functional: [GoldenModel] = (try? read("models")) ?? []
  package static let stacks: [GoldenModel] = (try? read("stacks")) ?? []
  package static let doubles: [GoldenModel] = (try? read("float64", "tensors")) ?? []

  package static func read(
    _ folder: String, _ name: String = "models"
  ) throws -> [GoldenModel] {
    let path = "\(fixtures)/keras/\(folder)"
    let tensors = try CheckpointFile.open("\(path)/\(name).safetensors").source
    let file = try FileBytes(path: "\(path)/models.json")
    let rows = try JSONValue(parsing: file.withBytes(in: 0..<file.count) { $0.array })
    return try (rows.arrayValue ?? []).map { row in
      func texts(_ key: String) -> [String] {
        (row[key]?.arrayValue ?? []).compactMap(\.stringValue)
      }
      func list(_ key: String) throws -> [Tensor] {
        try texts(key).map { try tensors.tensor(named: TensorName($0)) }
      }
      return GoldenModel(
        folder: folder, name: row["name"]?.stringValue ?? "",
        configuration: row["config"] ?? .null, weights: try list("weights"), paths: texts("paths"),
        inputs: try list("inputs"), outputs: try list("outputs"),
        references: try list("references"),
        trainable: (row["trainable"]?.arrayValue ?? []).compactMap(\.boolValue),
        trainablePaths: texts("trainable_weights"),
        nonTrainablePaths: texts("non_trainable_weights"), summaries: texts("summaries"))
    }
  }

  /// The digit classifier of Fixtures/digits, with the images that training never saw.
  package static func digits() throws -> GoldenModel {
    let path = "\(fixtures)/digits"
    let weights = try CheckpointFile.open("\(path)/weights.safetensors").source
    let images = try CheckpointFile.open("\(path)/images.safetensors").source
    let file = try FileBytes(path: "\(path)/model.json")
    var paths: [String] = []
    if case .string(let order) = weights.metadata["weight_order"] {
      paths = try (JSONValue(parsing: Array(order.utf8)).arrayValue ?? []).compactMap(\.stringValue)
    }
    return GoldenModel(
      folder: "digits", name: "digits",
      configuration: try JSONValue(parsing: file.withBytes(in: 0..<file.count) { $0.array }),
      weights: try paths.map { try weights.tensor(named: TensorName($0)) }, paths: paths,
      inputs: [try images.tensor(named: "images")],
      outputs: [try images.tensor(named: "predictions")], references: [], trainable: [],
      trainablePaths: [], nonTrainablePaths: [], summaries: [])
  }
}
