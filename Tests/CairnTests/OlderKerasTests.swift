// Models of Keras 2.15, against what it computes: Fixtures/keras/older.

import Cairn
import CairnJSON
import CairnTestSupport
import Foundation
import Testing

@Suite struct OlderKerasTests {
  private let folder: TestFolder
  init() throws { folder = try TestFolder() }

  private static let home = "\(fixtures)/keras/older"
  static let models: [String] =
    ((try? FileManager.default.contentsOfDirectory(atPath: home)) ?? [])
    .filter { $0.hasSuffix(".h5") || $0.hasSuffix(".keras") }.sorted()

  private static func arrays(_ model: String, _ kind: String) throws -> [Tensor] {
    let stem = model.prefix { $0 != "." }
    var arrays: [Tensor] = []
    while FileManager.default.fileExists(atPath: "\(home)/\(stem).\(kind)\(arrays.count).npy") {
      arrays.append(
        try CheckpointFile.open("\(home)/\(stem).\(kind)\(arrays.count).npy").source.tensor(at: 0))
    }
    return arrays
  }

  private static func check(_ model: Model, _ name: String) throws {
    let found = try model.predict(arrays(name, "input"))
    let expected = try arrays(name, "output")
    #expect(found.count == expected.count && !found.isEmpty)
    // A step of bfloat16 is 2^-8 of the value.
    let tolerance: Float = name.contains("bfloat16") ? 0.02 : 1e-5
    for (one, other) in zip(found, expected) {
      #expect(one.shape == other.shape)
      let left: [Float] = try one.cast(to: .float32).scalars()
      let right: [Float] = try other.cast(to: .float32).scalars()
      for (a, b) in zip(left, right) { #expect(abs(a - b) <= tolerance) }
    }
  }

  @Test func `Every model is there`() { #expect(Self.models.count == 13) }

  @Test(arguments: models)
  func `A model of Keras 2 computes what it computes there`(name: String) throws {
    try Self.check(Model.load(from: "\(Self.home)/\(name)"), name)
  }

  @Test(arguments: models)
  func `In the form of Keras 3 it computes the same, and nothing else is written`(
    name: String
  ) throws {
    let source = try CheckpointFile.open("\(Self.home)/\(name)").source
    let path = folder.file("again.keras")
    var sink = try CheckpointFormat.keras.writer(to: path, accepting: .all)
    guard name != "hard_sigmoid.keras" else {
      // Keras 3 would compute another function under that name.
      #expect(code { try sink.write(source) } == .cannotHold)
      return
    }
    try sink.write(source)
    try Self.check(Model.load(from: path), name)
    let written = try CheckpointFile.open(path).source
    #expect(written.metadata["keras_version"] == .string("2.15.0"))
  }

  @Test func `A configuration of its own goes with weights alone`() throws {
    let path = "\(Self.home)/siamese.keras"
    let source = try CheckpointFile.open(path).source
    let text = try #require(source.configuration)
    let weights = folder.file("alone.weights.h5")
    var sink = try CheckpointFormat.hdf5.writer(to: weights, accepting: .all)
    try sink.write(source)
    let alone = try CheckpointFile.open(weights).source
    #expect(alone.configuration == nil)
    try Self.check(Model.restored(fromKeras: alone, configuration: text), "siamese.keras")
  }

  @Test func `An operation that is not known is refused by its name`() throws {
    let text = """
      {"class_name": "Functional", "config": {"name": "m", "layers": [
        {"class_name": "InputLayer", "name": "a", "inbound_nodes": [],
         "config": {"batch_input_shape": [null, 2], "dtype": "float32", "name": "a"}},
        {"class_name": "TFOpLambda", "name": "b", "config": {"name": "b", "function": "os.system"},
         "inbound_nodes": [["a", 0, 0, {"name": null}]]}],
       "input_layers": [["a", 0, 0]], "output_layers": [["b", 0, 0]]}}
      """
    let error = #expect(throws: CairnError.self) {
      try Model.configuration(ofKeras: Array(text.utf8))
    }
    #expect(error?.code == .unsupportedConfiguration)
    #expect(error?.found == "\"tf.os.system\"")
  }
}
