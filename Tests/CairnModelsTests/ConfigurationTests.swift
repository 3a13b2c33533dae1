// Configurations that are wrong, hostile, old, or of classes of one's own.

import CairnJSON
import CairnModels
import CairnSystem
import CairnTensors
import Testing

@Suite("Configurations that are refused")
struct RefusedConfigurationTests {
  /// A model of one layer, the text of whose `config` is given.
  private func model(_ className: String, _ config: String, shape: String = "[null, 4]") -> String {
    """
    {"class_name": "Sequential", "config": {"name": "m", "layers": [
      {"class_name": "InputLayer", "config": {"name": "in", "batch_shape": \(shape)}},
      {"module": "keras.layers", "class_name": "\(className)", "config": \(config)}]}}
    """
  }

  private func refuse(
    _ text: String, _ code: CairnError.Code, at place: String?,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let value = try JSONValue(parsing: text)
    let error = expectError(code, sourceLocation: sourceLocation) {
      _ = try Model.make(configuration: value)
    }
    if let place { #expect(error?.location.name == place, sourceLocation: sourceLocation) }
    expectError(code, sourceLocation: sourceLocation) {
      _ = try Sequential(configuration: value)
    }
  }

  @Test("An unknown class is named, and the known ones are listed")
  func unknownClass() throws {
    let text = model("Lambda", #"{"name": "l"}"#)
    try refuse(text, .unknownLayerClass, at: "config.layers[1].class_name")
    let error = expectError(.unknownLayerClass) {
      _ = try Model.make(configuration: JSONValue(parsing: text))
    }
    #expect(error?.message.contains("Lambda") == true)
    let names = LayerRegistry.standard.names
    #expect(names.contains("Dense") && names.contains("Conv2D") && names == names.sorted())
    let layers = names.filter { !$0.hasPrefix("keras.src.ops.") }
    #expect(error?.advice == "Known are \(layers.joined(separator: ", "))")
  }

  @Test("A class of another package is not Keras's of the same name")
  func otherPackage() throws {
    for wrapper in [
      #""module": "mine", "class_name": "Dense", "registered_name": "mine>Dense""#,
      #""module": "builtins", "class_name": "Dense", "registered_name": null"#,
    ] {
      let text =
        #"{"class_name": "Sequential", "config": {"layers": [{"# + wrapper
        + #", "config": {"units": 1}}]}}"#
      try refuse(text, .unknownLayerClass, at: "config.layers[0].class_name")
    }
  }

  @Test(
    "Values that a layer cannot have are refused with their place",
    arguments: [
      ("Dense", #"{}"#, "units"), ("Dense", #"{"units": 0}"#, "units"),
      ("Dense", #"{"units": -3}"#, "units"), ("Dense", #"{"units": 2.0}"#, "units"),
      ("Dense", #"{"units": "8"}"#, "units"), ("Dense", #"{"units": true}"#, "units"),
      ("Dense", #"{"units": 99999999999999999}"#, "units"),
      ("Dense", #"{"units": 18446744073709551615}"#, "units"),
      ("Dense", #"{"units": 1, "use_bias": 1}"#, "use_bias"),
      ("Dense", #"{"units": 1, "activation": 5}"#, "activation"),
      ("Dense", #"{"units": 1, "name": 5}"#, "name"),
      ("Dense", #"{"units": 1, "trainable": "yes"}"#, "trainable"),
      ("Dense", #"{"units": 1, "kernel_initializer": []}"#, "kernel_initializer"),
      ("Dense", #"{"units": 1, "surprise": 0}"#, "surprise"),
      ("Dropout", #"{"rate": 1.5}"#, "rate"), ("Dropout", #"{"rate": -0.1}"#, "rate"),
      ("Dropout", #"{"rate": 0.5, "seed": -1}"#, "seed"),
      ("Dropout", #"{"rate": 0.5, "seed": 4294967296}"#, "seed"),
      ("Dropout", #"{"rate": 0.5, "noise_shape": 3}"#, "noise_shape"),
      ("Flatten", #"{"data_format": "sideways"}"#, "data_format"),
      ("BatchNormalization", #"{"axis": 1000}"#, "axis"),
      ("BatchNormalization", #"{"axis": [1, 2]}"#, "axis"),
      ("BatchNormalization", #"{"epsilon": "small"}"#, "epsilon"),
    ])
  func wrongValues(_ className: String, _ config: String, _ key: String) throws {
    try refuse(
      model(className, config), .invalidConfiguration, at: "config.layers[1].config.\(key)")
  }

  @Test(
    "What Keras could do and we cannot is refused, not passed over",
    arguments: [
      ("Dense", #"{"units": 1, "quantization_config": {}}"#, "quantization_config"),
      ("Dense", #"{"units": 1, "dtype": "int3_from_float32"}"#, "dtype"),
      ("BatchNormalization", #"{"renorm": true}"#, "renorm"),
      ("BatchNormalization", #"{"renorm_clipping": {"rmax": 3}}"#, "renorm"),
    ])
  func unsupported(_ className: String, _ config: String, _ key: String) throws {
    try refuse(
      model(className, config), .unsupportedConfiguration, at: "config.layers[1].config.\(key)")
  }

  @Test("Unknown functions are named")
  func unknownFunctions() throws {
    try refuse(
      model("Activation", #"{"activation": "mystery"}"#), .unknownActivation,
      at: "config.layers[1].config.activation")
    try refuse(
      model("Dense", #"{"units": 1, "kernel_initializer": "mystery"}"#), .unknownInitializer,
      at: "config.layers")
  }

  @Test(
    "Shapes that no tensor can have are refused",
    arguments: [
      "[null, -1]", "[null, 281474976710656]", "[1000000000, 1000000000, 1000000000]",
      "[null, 1.5]",
      "[null, [2]]", "5", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]",
    ])
  func wrongShapes(_ shape: String) throws {
    let value = try JSONValue(parsing: model("Dense", #"{"units": 1}"#, shape: shape))
    let error = #expect(throws: CairnError.self) { try Sequential(configuration: value) }
    #expect(error?.location.name == "config.layers[0].config.batch_shape")
  }

  @Test("Layers that do not follow one another are refused")
  func misfits() throws {
    try refuse(
      model("BatchNormalization", #"{"axis": 5}"#), .shapeMismatch, at: nil)
    try refuse(
      model("Dense", #"{"name": "d", "units": 1}"#, shape: "[null, null]"), .shapeMismatch, at: nil)
    try refuse(model("Dense", #"{"name": "in", "units": 1}"#), .duplicateName, at: nil)
    try refuse(model("InputLayer", #"{"batch_shape": [1]}"#), .invalidArgument, at: nil)
  }

  @Test(
    "What is no model is refused",
    arguments: [
      "null", "[]", "{}", #"{"class_name": 5}"#, #"{"class_name": "Sequential"}"#,
      #"{"class_name": "Sequential", "config": {"layers": {}}}"#,
      #"{"class_name": "Sequential", "config": {"layers": [5]}}"#,
      #"{"class_name": "Sequential", "config": {"layers": []}, "more": 1}"#,
      #"{"class_name": "Dense", "config": {"units": 1}}"#,
    ])
  func noModel(_ text: String) throws {
    let value = try JSONValue(parsing: text)
    expectError(.invalidConfiguration) { _ = try Model.make(configuration: value) }
    expectError(.invalidConfiguration) { _ = try Sequential(configuration: value) }
  }

  @Test("A text that is no JSON is refused with its byte")
  func noJSON() {
    let error = expectError(.invalidConfiguration) {
      _ = try Model.parse(configuration: Array("{\"a\": 1,}".utf8))
    }
    #expect(error?.location.offset == 8)
  }
}

@Suite("Limits on configurations")
struct ConfigurationLimitTests {
  private func limits(_ change: (inout ModelLimits) -> Void) -> ModelLimits {
    var limits = ModelLimits()
    change(&limits)
    return limits
  }

  @Test("More parameters than allowed are refused before memory is taken")
  func parameters() throws {
    // 2^46 parameters: 256 TiB.
    let text = """
      {"class_name": "Sequential", "config": {"layers": [
        {"class_name": "InputLayer", "config": {"batch_shape": [null, 8388608]}},
        {"class_name": "Dense", "config": {"units": 8388608}}]}}
      """
    expectError(.overBudget) { _ = try Model.make(configuration: JSONValue(parsing: text)) }
    let model = try sampleModel()
    let count = model.parameterCount
    let configuration = model.configuration
    _ = try Model.make(
      configuration: configuration, limits: limits { $0.maximumParameters = count })
    expectError(.overBudget) {
      _ = try Model.make(
        configuration: configuration, limits: limits { $0.maximumParameters = count - 1 })
    }
  }

  @Test("More layers than allowed are refused")
  func layers() throws {
    let configuration = try sampleModel().configuration
    // The model, three of its own, the inner one, and four in it.
    _ = try Model.make(configuration: configuration, limits: limits { $0.maximumLayers = 10 })
    expectError(.overBudget) {
      _ = try Model.make(configuration: configuration, limits: limits { $0.maximumLayers = 9 })
    }
  }

  @Test("Models are nested as deeply as allowed, and no deeper")
  func nesting() throws {
    func nested(_ depth: Int) -> JSONValue {
      var value: JSONValue = ["class_name": "Sequential", "config": ["name": "m", "layers": []]]
      for _ in 1..<depth {
        value = ["class_name": "Sequential", "config": ["name": "m", "layers": [value]]]
      }
      return value
    }
    let deep = try Model.make(configuration: nested(32))
    _ = try Model.parse(configuration: deep.canonicalConfiguration().text)
    for depth in [33, 100] {
      expectError(.overBudget) { _ = try Model.make(configuration: nested(depth)) }
    }
  }

  @Test("A large flat model is read in linear time")
  func manyLayers() throws {
    let layer: JSONValue = ["class_name": "Activation", "config": ["activation": "relu"]]
    let layers = Array(repeating: layer, count: 5_000)
    let model = try Sequential(
      configuration: [
        "class_name": "Sequential", "config": ["name": "m", "layers": .array(layers)],
      ])
    #expect(model.layers.last?.name == "activation_4999")
  }
}

@Suite("Configurations that are accepted")
struct AcceptedConfigurationTests {
  @Test("Older configurations, without what came later")
  func legacy() throws {
    let text = """
      {"class_name": "Sequential", "keras_version": "2.15.0", "backend": "tensorflow", "config":
        {"name": "old", "layers": [
          {"class_name": "InputLayer", "config": {"batch_input_shape": [null, 4],
            "dtype": "float32", "sparse": false, "ragged": false, "name": "in"}},
          {"class_name": "Dense", "config": {"name": "d", "trainable": true, "dtype": "float32",
            "units": 2, "activation": "swish", "use_bias": true,
            "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": null}},
            "bias_initializer": "zeros", "kernel_regularizer": null}},
          {"class_name": "BatchNormalization", "config": {"name": "b", "axis": [1]}}]}}
      """
    let model = try Sequential(configuration: JSONValue(parsing: text))
    #expect(model.weights.count == 6)
    #expect(model.layers[0].settings["activation"] == "silu")
    #expect((model.layers[1] as? BatchNormalization)?.axis == 1)
  }

  @Test("Regularizers, constraints and compile options are kept as they are")
  func preserved() throws {
    let l2: JSONValue = [
      "module": "keras.regularizers", "class_name": "L2", "config": ["l2": 0.01],
      "registered_name": .null,
    ]
    var configuration = try #require(
      Sequential([InputLayer(shape: [2], name: "in"), Dense(1, name: "d")], name: "m")
        .configuration.objectValue)
    var config = try #require(configuration["config"]?.objectValue)
    var layers = try #require(config["layers"]?.arrayValue)
    var layer = try #require(layers[1].objectValue)
    var settings = try #require(layer["config"]?.objectValue)
    for key in ["kernel_regularizer", "bias_constraint", "activity_regularizer"] {
      settings[key] = l2
    }
    layer["config"] = .object(settings)
    layers[1] = .object(layer)
    config["layers"] = .array(layers)
    configuration["config"] = .object(config)
    configuration["compile_config"] = ["optimizer": "adam", "loss": "mse"]
    let model = try Sequential(configuration: .object(configuration))
    #expect(model.configuration == .object(configuration))
    #expect(try model.cloned().configuration == .object(configuration))
  }

  @Test(
    "Every policy has its variables, and is evaluated in its type",
    arguments: [
      ("float16", DType.float16), ("bfloat16", .bfloat16), ("float64", .float64),
      ("mixed_float16", .float32), ("mixed_bfloat16", .float32),
    ])
  func policies(_ name: String, _ dtype: DType) throws {
    let layer = try Dense(2, name: "d", dtype: DTypePolicy(name))
    let unbuilt = try Sequential([layer], name: "m")
    let model = try Model.make(configuration: unbuilt.configuration, initialization: .zeros)
    var zeros = BuildContext(.zeros)
    try model.build(for: [[nil, 2]], in: &zeros)
    #expect(model.weights.map(\.dtype) == [dtype, dtype])
    #expect(model.layers[0].state.dtype.name == name)
    let again = try Model.make(configuration: model.configuration, initialization: .zeros)
    #expect(again.configuration == model.configuration)
    let input = try Tensor(zeros: model.layers[0].state.dtype.computeDType, shape: [1, 2])
    #expect(try model.predict(input).dtype == model.layers[0].state.dtype.computeDType)
  }

  @Test("A class of one's own, once it is registered")
  func customClass() throws {
    var registry = LayerRegistry.standard
    registry.register(Doubling.self) { (reader, _) throws(CairnError) in
      Doubling(state: try reader.layerState(className: Doubling.layerKind.className))
    }
    let model = try Sequential(
      [InputLayer(shape: [2]), Doubling(state: LayerState(className: "Doubling", name: nil))])
    #expect(model.layers[0].name == "doubling")
    expectError(.unknownLayerClass) { _ = try model.cloned() }
    let clone = try model.cloned(registry: registry)
    #expect(clone.configuration == model.configuration)
    #expect(
      try clone.predict(Tensor([1, 2] as [Float], shape: [1, 2])).scalars() == [2, 4] as [Float])
  }
}

@Suite("Classes of one's own in a graph")
struct CustomGraphTests {
  private func registry() -> LayerRegistry {
    var registry = LayerRegistry.standard
    registry.register(Doubling.self) { (reader, _) throws(CairnError) in
      Doubling(state: try reader.layerState(className: Doubling.layerKind.className))
    }
    return registry
  }

  private func model() throws -> Functional {
    let x = try Input(shape: [2], name: "x")
    let doubling = Doubling(state: try LayerState(className: "Doubling", name: "twice"))
    let once = try doubling(x)
    let sum = try doubling(once) + x
    return try Functional(inputs: [x], outputs: [Dense(1, name: "out")(sum)], name: "m", seed: 1)
  }

  @Test("It has its registered name there, is called twice, and comes back")
  func roundTrip() throws {
    let model = try model()
    let layers = model.configuration["config"]?["layers"]?.arrayValue ?? []
    let own = try #require(layers.first { $0["class_name"]?.stringValue == "Doubling" })
    #expect(own["registered_name"]?.stringValue == "tests>Doubling")
    #expect(own["module"]?.stringValue == "tests")
    #expect(own["inbound_nodes"]?.arrayValue?.count == 2)
    let again = try Model.make(configuration: model.configuration, registry: registry())
    #expect(again.configuration == model.configuration)
    try again.setWeights([
      Tensor([1, 1] as [Float], shape: [2, 1]), Tensor([0] as [Float]),
    ])
    // (4 · 1 + 1) + (4 · 2 + 2)
    let output = try again.predict(Tensor([1, 2] as [Float], shape: [1, 2]))
    #expect(try output.scalars() == [15] as [Float])
  }

  @Test("Without its entry the class is named, and nothing is made; with it clones are")
  func unknownClass() throws {
    let model = try model()
    let error = expectError(.unknownLayerClass) {
      _ = try Model.make(configuration: model.configuration)
    }
    #expect(error?.message.contains("tests>Doubling") == true)
    expectError(.unknownLayerClass) { _ = try model.cloned() }
    expectError(.unknownLayerClass) {
      _ = try model.cloned { (layer) throws(CairnError) in try layer.cloned() }
    }
    let registry = registry()
    for clone in [
      try model.cloned(copyingWeights: true, registry: registry),
      try model.cloned { (layer) throws(CairnError) in try layer.cloned(registry: registry) },
    ] as [Model] {
      #expect(clone.configuration == model.configuration)
      #expect(clone.layers[1] is Doubling && clone.layers[1] !== model.layers[1])
    }
    // Another package's class of Keras's name is not Keras's.
    var text = try String(decoding: model.canonicalConfiguration().text, as: UTF8.self)
    text.replace("tests>Doubling", with: "other>Dense")
    expectError(.unknownLayerClass) {
      _ = try Model.make(configuration: JSONValue(parsing: Array(text.utf8)), registry: registry)
    }
  }
}

/// A layer that is not Keras's.
private final class Doubling: UnaryLayer {
  static let layerKind = LayerKind(
    "Doubling", module: "tests", registeredName: "tests>Doubling")

  let state: LayerState
  init(state: LayerState) { self.state = state }

  var settings: JSONObject { state.baseSettings }
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape { input }
  func evaluate(_ input: Tensor, in context: EvaluationContext) throws(CairnError) -> Tensor {
    var output = input
    try output.withMutableScalars(of: Float.self) { values in
      for index in values.indices { values[index] *= 2 }
    }
    return output
  }
}
