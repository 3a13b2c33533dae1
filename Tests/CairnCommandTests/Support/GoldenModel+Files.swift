// The functional models of Fixtures/keras as Keras leaves them: config.json, and weights under Keras's
// variable paths.

import CairnCheckpoints
import CairnForeign
import CairnGoldens
import CairnJSON
import CairnSystem
import CairnTensors
import CairnTestSupport

extension GoldenModel {
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

  /// The weights under their paths.
  func namedWeights() throws -> NamedTensors {
    try NamedTensors(zip(paths, weights).map { (try TensorName($0), $1) })
  }

  /// Writes `config.json`, `weights.safetensors` and an `.npy` file for each input.
  func write(to folder: TestFolder) throws {
    try folder.write(configuration.utf8(.compact), to: "config.json")
    try folder.write(namedWeights().encoded(as: .safetensors).array, to: "weights.safetensors")
    for (name, tensor) in zip(inputNames, inputs) {
      var sink = try CheckpointFormat.npy.writer(to: folder.file("\(name).npy"), accepting: .names)
      try sink.write(NamedTensors([("x", tensor)])) { (_) throws(CairnError) in }
    }
  }
}
