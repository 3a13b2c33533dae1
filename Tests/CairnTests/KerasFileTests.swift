// Keras's files: the models in them, what Cairn writes, older configurations, hostile archives.

import Cairn
import CairnJSON
import CairnTestSupport
import Foundation
import Testing

/// The bytes of a file.
private func contents(of path: String) throws -> [UInt8] {
  try Array(Data(contentsOf: URL(fileURLWithPath: path)))
}

@Suite struct KerasFileTests {
  private let folder: TestFolder
  init() throws { folder = try TestFolder() }

  private static let models = ["mixed.keras", "mixed.h5"]

  private static func prediction(of model: Model) throws -> (found: [Float], expected: [Float]) {
    let root = try JSONValue(parsing: contents(of: "\(fixtures)/hdf5/predictions.json"))
    func numbers(_ key: String) throws -> [Float] {
      try #require(root[key]?.arrayValue).compactMap { $0.doubleValue.map { Float($0) } }
    }
    let inputs = try Tensor(numbers("inputs"), shape: [2, 6, 3])
    return (try model.predict(inputs).scalars(), try numbers("outputs"))
  }

  @Test(arguments: models)
  func `A model of Keras's predicts what it predicts there`(file: String) throws {
    let (found, expected) = try Self.prediction(of: Model.load(from: "\(fixtures)/hdf5/\(file)"))
    #expect(found.count == 4 && expected.count == 4)
    for (a, b) in zip(found, expected) { #expect(abs(a - b) < 1e-5) }
  }

  @Test func `Weights alone fill a model of the same layers`() throws {
    let model = try Model.load(from: "\(fixtures)/hdf5/mixed.keras")
    let weights = model.getWeights()
    let fresh = try model.cloned(seed: 3)
    #expect(fresh.getWeights() != weights)
    try fresh.loadKerasWeights(
      from: CheckpointFile.open("\(fixtures)/hdf5/mixed.weights.h5").source)
    #expect(fresh.getWeights() == weights)
  }

  @Test func `Weights that do not fit change nothing`() throws {
    let model = try Sequential([InputLayer(shape: [4]), Dense(3)])
    let before = model.getWeights()
    let source = try CheckpointFile.open("\(fixtures)/hdf5/mixed.weights.h5").source
    #expect(code { try model.loadKerasWeights(from: source) } == .weightMismatch)
    #expect(model.getWeights() == before)
    let weights = folder.file("x.weights.h5")
    try model.save(to: weights)
    #expect(code { _ = try Model.load(from: weights) } == .noConfiguration)
  }

  @Test(arguments: models)
  func `A model saved in Keras's form comes back to the bit, in the same bytes`(
    file: String
  ) throws {
    let model = try Model.load(from: "\(fixtures)/hdf5/\(file)")
    let paths = [folder.file("one.keras"), folder.file("two.keras")]
    for path in paths { try model.save(to: path) }
    #expect(try contents(of: paths[0]) == contents(of: paths[1]))
    let again = try Model.load(from: paths[0])
    #expect(again.getWeights() == model.getWeights())
    #expect(try again.canonicalConfiguration().text == model.canonicalConfiguration().text)
    let source = try CheckpointFile.open(paths[0]).source
    #expect(try compare(ModelTensors(model), source).isSame)
    let report = try compare(ModelTensors(model), ModelTensors(again))
    #expect(report.isSame, "\(report.text)")
    #expect((model.optimizer?.className == "Adam") == file.hasSuffix(".keras"))
  }

  @Test func `A file of Keras's goes through a container and back with everything in it`() throws {
    let source = try CheckpointFile.open("\(fixtures)/hdf5/mixed.keras").source
    let container = folder.file("x.cairn")
    try Container.write(source, to: container)
    let back = folder.file("x.keras")
    var sink = try CheckpointFormat.keras.writer(to: back)
    try sink.write(CheckpointFile.open(container).source)
    #expect(
      try compare(CheckpointFile.open(container).source, CheckpointFile.open(back).source).isSame)
    #expect(source.metadata["keras_version"] == .string("3.15.1"))
    let names = try source.entries().map(\.name)
    #expect(names.contains("optimizer/vars/0") && names.contains("layers/conv1d/vars/0"))
  }

  @Test func `Ties and the state of seeds survive though Keras has no place for them`() throws {
    let model = try Sequential([
      InputLayer(shape: [4]), Dense(4, name: "first"), Dropout(0.5), Dense(4, name: "second"),
    ])
    try model.layers[0].share("kernel", with: model.layers[2], as: "kernel")
    let path = folder.file("tied.keras")
    try model.save(to: path)
    let source = try CheckpointFile.open(path).source
    #expect(try compare(ModelTensors(model), source).isSame)
    let again = try Model.load(from: path)
    #expect(try compare(ModelTensors(model), ModelTensors(again)).isSame)
  }

  private static let dense1 =
    #"{"class_name":"Dense","config":{"name":"d","output_dim":3,"init":"glorot_uniform","activation":"tanh","bias":false,"W_regularizer":null,"b_regularizer":null,"activity_regularizer":null,"W_constraint":null,"b_constraint":null,"input_dim":4,"batch_input_shape":[null,4],"input_dtype":"float32","trainable":true}}"#

  /// A file of weights with a configuration, made as older Keras would: attributes of the root.
  private func legacy(_ config: String) throws -> NamedTensors {
    var source = NamedTensors()
    try source.add(Tensor([Float](repeating: 0.5, count: 12), shape: [4, 3]), named: "d/d_W")
    source.metadata["layer_names"] = .strings(["d"])
    source.metadata["d@weight_names"] = .strings(["d_W"])
    source.configuration = Array(config.utf8)
    return source
  }

  @Test(arguments: [
    #"{"class_name":"Sequential","config":[LAYER]}"#,
    #"{"class_name":"Sequential","config":{"name":"s","layers":[LAYER]},"keras_version":"2.1.6"}"#,
    #"{"class_name":"Functional","config":{"name":"f","trainable":true,"layers":[{"module":"keras.layers","class_name":"InputLayer","config":{"batch_input_shape":[null,4],"dtype":"float32","sparse":false,"ragged":false,"name":"i"},"registered_name":null,"name":"i","inbound_nodes":[]},{"module":"keras.layers","class_name":"Dense","config":{"name":"d","trainable":true,"dtype":"float32","units":3,"activation":"tanh","use_bias":false,"kernel_initializer":{"module":"keras.initializers","class_name":"GlorotUniform","config":{"seed":null},"registered_name":null}},"registered_name":null,"build_config":{"input_shape":[null,4]},"name":"d","inbound_nodes":[[["i",0,0,{}]]]}],"input_layers":[["i",0,0]],"output_layers":[["d",0,0]]},"keras_version":"2.13.1","backend":"tensorflow"}"#,
  ])
  func `Old names of settings are understood`(config: String) throws {
    let text = config.replacing("LAYER", with: Self.dense1)
    let model = try Model.restored(fromKeras: legacy(text))
    let dense = try #require(model.layers.first { $0 is Dense } as? Dense)
    #expect(dense.units == 3 && dense.settings["activation"] == "tanh")
    #expect(dense.settings["use_bias"] == false)
    // tanh(4 · 0.5 · 1)
    let found: [Float] = try model.predict(Tensor([1, 1, 1, 1] as [Float], shape: [1, 4])).scalars()
    #expect(found.allSatisfy { abs($0 - 0.964_027_6) < 1e-6 })
  }

  @Test(arguments: [
    (#""bias":false"#, #""bias":false,"novelty":7"#, "invalidConfiguration", "novelty"),
    (#""class_name":"Dense""#, #""class_name":"MaxoutDense""#, "unknownLayerClass", "MaxoutDense"),
  ])
  func `What nobody knows is reported`(
    old: String, new: String, code: String, says: String
  ) throws {
    let text = #"{"class_name":"Sequential","config":[LAYER]}"#
      .replacing("LAYER", with: Self.dense1.replacing(old, with: new))
    let source = try legacy(text)
    do {
      _ = try Model.restored(fromKeras: source)
      Issue.record("the model was built")
    } catch {
      #expect(error.code.name == code && "\(error)".contains(says), "\(error)")
    }
  }

  @Test func `An older hard_sigmoid has its own slope`() throws {
    let text = #"{"class_name":"Sequential","config":[LAYER]}"#
      .replacing("LAYER", with: Self.dense1.replacing("tanh", with: "hard_sigmoid"))
    let model = try Model.restored(fromKeras: legacy(text))
    // 0.2 · (4 · 0.5) + 0.5; Keras 3 has 5 / 6.
    let found: [Float] = try model.predict(Tensor([1, 1, 1, 1] as [Float], shape: [1, 4])).scalars()
    #expect(found.count == 3 && found.allSatisfy { abs($0 - 0.9) < 1e-6 })
  }

  /// Patterns by which configurations have run code or opened files in Keras.
  @Test(arguments: [
    #"{"module":"keras.layers","class_name":"Lambda","config":{"name":"d","function":{"class_name":"__lambda__","config":{"code":"4wEAAAA=","defaults":null,"closure":null}}}}"#,
    #"{"module":"os","class_name":"system","config":{"command":"true"},"registered_name":null}"#,
    #"{"module":"builtins","class_name":"function","config":"eval","registered_name":"function"}"#,
    #"{"module":"keras.models","class_name":"Model","config":{},"registered_name":"evil>Model"}"#,
    #"{"module":"keras.layers","class_name":"StringLookup","config":{"name":"d","vocabulary":"/etc/passwd"}}"#,
    #"{"module":"keras.layers","class_name":"TorchModuleWrapper","config":{"name":"d","module":"gASVAAAAAAA="}}"#,
    #"{"module":"keras.utils","class_name":"get_file","config":{"fname":"x","origin":"http://localhost/x"}}"#,
    #"{"module":"keras.layers","class_name":"Dense","config":{"name":"d","units":3,"activation":{"module":"os","class_name":"function","config":"system","registered_name":"system"}}}"#,
  ])
  func `A configuration that names code or files makes nothing`(layer: String) throws {
    let input =
      #"{"module":"keras.layers","class_name":"InputLayer","config":{"batch_shape":[null,4],"name":"i"}}"#
    let text =
      #"{"module":"keras","class_name":"Sequential","config":{"name":"s","layers":[\#(input),\#(layer)]}}"#
    var source = try legacy(text)
    #expect(throws: CairnError.self) { try Model.restored(fromKeras: source) }
    // As tensors and a text it is read all the same, and the file says what is the matter.
    let path = folder.file("x.keras")
    var sink = try CheckpointFormat.keras.writer(to: path)
    source.configuration = Array(text.utf8)
    #expect(code { try sink.write(source) } != nil)
    var renamed = NamedTensors()
    try renamed.add(Tensor([1] as [Float]), named: "layers/d/vars/0")
    renamed.configuration = source.configuration
    try sink.write(renamed)
    let file = try CheckpointFile.open(path)
    // The class with the path is one that there is: its path is refused when a model is made.
    let remarks = layer.contains("/etc/passwd") ? 0 : 1
    #expect(file.source.count == 1 && file.remarks.count == remarks)
    #expect(file.source.configuration != nil)
    source.configuration = Array(layer.utf8)
    #expect(throws: CairnError.self) { try Model.restored(fromKeras: source) }
  }
}
