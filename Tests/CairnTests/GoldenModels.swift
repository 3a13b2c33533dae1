// The models of Fixtures/keras/models, keras/stacks and keras/float64 and Fixtures/digits, with Keras's
// weights.

import Cairn
import CairnTestSupport
import Testing

/// A model that Keras has made, and what goes in and comes out there.
struct GoldenModel: Sendable, CustomTestStringConvertible {
  let name: String
  let configuration: JSONValue
  let weights: [Tensor]
  let inputs: [Tensor]

  var testDescription: String { name }

  /// The model with Keras's weights, and other state that no fresh model has.
  func model() throws -> Model {
    let model = try Model.make(configuration: configuration, initialization: .seeded(7))
    try model.setWeights(weights)
    try model.compile(optimizer: Optimizer(.adam()))
    try model.addMetric(name: "loss").update(Tensor([1, 2.5] as [Float]))
    for (index, variable) in model.variables.enumerated() where variable.dtype == .uint32 {
      try variable.assign(
        Tensor([UInt32(index), 3_000_000_000] as [UInt32], shape: variable.shape))
    }
    return model
  }

  /// All models. A failure to read them shows as tests without cases, which a test forbids.
  static let all: [GoldenModel] =
    (try? whole("models", "models") + whole("float64", "tensors") + whole("stacks", "models")
      + digits()) ?? []

  private static func whole(_ folder: String, _ file: String) throws -> [GoldenModel] {
    let path = "\(fixtures)/keras/\(folder)/\(file).safetensors"
    let tensors = try CheckpointFile.open(path).source
    return try rows("keras/\(folder)/models.json").map { row in
      func list(_ key: String) throws -> [Tensor] {
        try (row[key]?.arrayValue ?? []).map { try tensors.tensor(named: name($0)) }
      }
      return GoldenModel(
        name: "\(folder)/\(row["name"]?.stringValue ?? "")", configuration: row["config"] ?? .null,
        weights: try list("weights"), inputs: try list("inputs"))
    }
  }

  private static func digits() throws -> [GoldenModel] {
    let tensors = try CheckpointFile.open(fixtures + "/digits/weights.safetensors").source
    let configuration = try JSONValue(parsing: bytes("digits/model.json"))
    let order = try Model.make(configuration: configuration).places(.weights)
    let images = try CheckpointFile.open(fixtures + "/digits/images.safetensors").source
    return [
      GoldenModel(
        name: "digits", configuration: configuration,
        weights: try order.map { try tensors.tensor(named: $0.name()) },
        inputs: [try images.tensor(named: "images")])
    ]
  }

  private static func name(_ value: JSONValue?) throws -> TensorName {
    try TensorName(value?.stringValue ?? "")
  }

  private static func rows(_ path: String) throws -> [JSONValue] {
    try JSONValue(parsing: bytes(path)).arrayValue ?? []
  }

  private static func bytes(_ path: String) throws -> [UInt8] {
    let file = try FileBytes(path: "\(fixtures)/\(path)")
    return try file.withBytes(in: 0..<file.count) { $0.array }
  }
}
