// The functional models of Fixtures/keras/models as Keras leaves them: config.json, and weights under
// Keras's variable paths.

import CairnForeign
import CairnJSON
import CairnSystem
import CairnTensors
import CairnTestSupport
import Foundation
import Testing

/// One golden model.
struct KerasModel: Sendable, CustomTestStringConvertible {
  let name: String
  let configuration: JSONValue
  let weights: NamedTensors
  /// Arrays for the inputs, in the model's order.
  let inputs: [Tensor]
  let outputs: [Tensor]

  var testDescription: String { name }

  /// All of them. A failure to read them shows as a test without cases, which a test forbids.
  static let all: [KerasModel] =
    ((try? read()) ?? []) + ((try? read("float64", "tensors")) ?? [])

  /// Those of Fixtures/keras/models, unless another folder of that form is named.
  static func read(
    _ folder: String = "models", _ name: String = "models"
  ) throws -> [KerasModel] {
    let path = fixtures + "/keras/\(folder)"
    let tensors = try CheckpointFile.open("\(path)/\(name).safetensors").source
    let text = try Data(contentsOf: URL(filePath: "\(path)/models.json"))
    return try (JSONValue(parsing: Array(text)).arrayValue ?? []).map { row in
      func list(_ key: String) throws -> [Tensor] {
        try (row[key]?.arrayValue ?? []).map {
          try tensors.tensor(named: TensorName($0.stringValue ?? ""))
        }
      }
      let paths = (row["paths"]?.arrayValue ?? []).compactMap(\.stringValue)
      return KerasModel(
        name: row["name"]?.stringValue ?? "", configuration: row["config"] ?? .null,
        weights: try NamedTensors(
          zip(paths, list("weights")).map { (try TensorName($0), $1) }),
        inputs: try list("inputs"), outputs: try list("outputs"))
    }
  }

  /// The names of the inputs, in the model's order.
  var inputNames: [String] {
    func names(_ value: JSONValue?) -> [String] {
      if let object = value?.objectValue {
        return object.sorted { $0.key < $1.key }.flatMap { names($0.value) }
      }
      guard let elements = value?.arrayValue else { return [] }
      if let name = elements.first?.stringValue { return [name] }
      return elements.flatMap { names($0) }
    }
    return names(configuration["config"]?["input_layers"])
  }

  /// Writes `config.json`, `weights.safetensors` and an `.npy` file for each input.
  func write(to folder: TestFolder) throws {
    try folder.write(configuration.utf8(.compact), to: "config.json")
    try folder.write(SafetensorsWriter.bytes(of: weights), to: "weights.safetensors")
    for (name, tensor) in zip(inputNames, inputs) {
      var sink = try CheckpointFormat.npy.writer(to: folder.file("\(name).npy"), accepting: .names)
      try sink.write(NamedTensors([("x", tensor)])) { (_) throws(CairnError) in }
    }
  }
}
