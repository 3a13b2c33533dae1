// Variables and layers that stand in several places.

import CairnJSON
import CairnModels
import CairnSystem
import CairnTensors
import Testing

@Suite("Ties")
struct TieTests {
  /// Encoder and decoder in models of their own, their kernels tied.
  private func autoencoder() throws -> Sequential {
    let encoder = try Dense(4, name: "encoder")
    let decoder = try Dense(4, name: "decoder")
    let model = try Sequential(
      [
        InputLayer(shape: [4]), Sequential([encoder], name: "left"),
        Sequential([decoder], name: "right"),
      ], name: "auto", seed: 3)
    try decoder.share("kernel", with: encoder)
    return model
  }

  /// One layer, in an inner model and in the outer one.
  private func shared() throws -> (Sequential, Dense) {
    let head = try Dense(3, name: "head")
    let inner = try Sequential(
      [InputLayer(shape: [3]), Dense(3, name: "own"), head], name: "inner")
    return (try Sequential([InputLayer(shape: [3]), inner, head], name: "outer"), head)
  }

  @Test("A shared variable is one: assigned through one layer, seen through the other")
  func sharedVariableIsOne() throws {
    let a = try Dense(2, name: "a")
    let b = try Dense(2, name: "b")
    let model = try Sequential([InputLayer(shape: [2]), a, b])
    #expect(model.weights.count == 4)
    try b.share("kernel", with: a)
    #expect(model.weights.count == 3)
    #expect(a.kernel === b.kernel)
    try a.kernel?.assign(Tensor(repeating: Float(7), shape: [2, 2]))
    #expect(b.kernel?.value == a.kernel?.value)
    #expect(model.parameterCount == 8)
  }

  @Test("What cannot be one variable is refused, and nothing changes")
  func refusals() throws {
    let a = try Dense(2, name: "a")
    let normalization = try BatchNormalization(name: "n")
    let model = try Sequential([InputLayer(shape: [2]), a, Dense(3, name: "b"), normalization])
    let b = try #require(model.layers[1] as? Dense)
    try expectUnchanged(model, .shapeMismatch) { try b.share("kernel", with: a) }
    try expectUnchanged(model, .noSuchTensor) { try b.share("nothing", with: a) }
    try expectUnchanged(model, .noSuchTensor) { try b.share("kernel", with: a, as: "nothing") }
    try expectUnchanged(model, .invalidArgument) {
      try normalization.share("moving_mean", with: b, as: "bias")
    }
    let half = try Dense(2, dtype: DTypePolicy("float64"))
    var zeros = BuildContext(.zeros)
    try half.build(for: [[nil, 2]], in: &zeros)
    try expectUnchanged(model, .dtypeMismatch) { try a.share("kernel", with: half) }
    try expectUnchanged(model, .notBuilt) { try a.share("kernel", with: Dense(2)) }
  }

  @Test("A variable tied across two layers comes back as two: not from a configuration")
  func tiesAreInTheConfiguration() throws {
    let model = try autoencoder()
    #expect(try model.ties() == [["auto/left/encoder/kernel", "auto/right/decoder/kernel"]])
    let again = try Sequential(configuration: model.configuration)
    #expect(try again.ties() == model.ties())
    #expect(again.weights.count == 3)
    #expect(again.configuration == model.configuration)
  }

  @Test("A variable tied across two layers comes back as two: not from a clone")
  func tiesSurviveCloning() throws {
    let model = try autoencoder()
    let clone = try model.cloned(seed: 11)
    #expect(try clone.ties() == model.ties())
    expectDisjoint(model, clone)
    try clone.setWeights(model.getWeights())
    let input = try Tensor((0..<8).map { Float($0) / 8 }, shape: [2, 4])
    #expect(try clone.predict(input) == model.predict(input))
    let kernel = try #require(clone.weights.first)
    try kernel.assign(Tensor(zeros: .float32, shape: [4, 4]))
    #expect(clone.places(.weights).filter { $0.variable === kernel }.count == 2)
  }

  @Test("A tied variable keeps its flag, whichever of its layers is frozen", arguments: [0, 1, 2])
  func flagsOfTiedVariables(_ frozen: Int) throws {
    let model = try autoencoder()
    if frozen < 2 { model.layers[frozen].trainable = false }
    let clone = try model.cloned()
    #expect(clone.variables.map(\.trainable) == model.variables.map(\.trainable))
    #expect(clone.configuration == model.configuration)
  }

  @Test(
    "A layer shared by an inner and an outer model comes apart or can't be copied: not here")
  func sharedLayerSurvives() throws {
    let (model, head) = try shared()
    #expect(model.weights.count == 4)
    for copy in [try model.cloned(seed: 1), try Sequential(configuration: model.configuration)] {
      #expect(copy.configuration == model.configuration)
      #expect(try copy.ties() == model.ties())
      let inner = try #require(copy.layers[0] as? Sequential)
      #expect(inner.layers[1] === copy.layers[1])
      #expect(copy.layers[1] !== head)
      // One layer, so one flag.
      inner.layers[1].trainable = false
      #expect(copy.trainableWeights.map(\.name) == ["kernel", "bias"])
    }
    #expect(
      try model.ties() == [
        ["outer/inner/head/kernel", "outer/head/kernel"],
        ["outer/inner/head/bias", "outer/head/bias"],
      ])
  }

  @Test("A whole model in two places stays one")
  func sharedModelSurvives() throws {
    let inner = try Sequential([InputLayer(shape: [2]), Dense(2), Dropout(0.5)], name: "inner")
    let wrapper = try Sequential([InputLayer(shape: [2]), inner, Dense(2)], name: "wrapper")
    let model = try Sequential([InputLayer(shape: [2]), wrapper, inner], name: "outer")
    #expect(model.weights.count == 4)
    let copy = try model.cloned(seed: 1)
    let copied = try #require(copy.layers[0] as? Sequential)
    #expect(copied.layers[0] === copy.layers[1])
    #expect(copy.weights.count == 4)
    #expect(copy.configuration == model.configuration)
  }

  @Test("Keras's own part of the configuration has no ties")
  func kerasConfigurationHasNone() throws {
    let model = try autoencoder()
    #expect(model.kerasConfiguration["cairn"] == nil)
    let untied = try Sequential(configuration: model.kerasConfiguration)
    #expect(try untied.ties().isEmpty)
    try untied.tie(model.ties())
    #expect(try untied.ties() == model.ties())
    #expect(untied.configuration == model.configuration)
  }

  @Test("Tying by name is all or nothing")
  func tyingIsTransactional() throws {
    let model = try Sequential(
      [InputLayer(shape: [2]), Dense(2, name: "a"), Dense(2, name: "b"), Dense(3, name: "c")],
      name: "m")
    let good: [TensorName] = ["m/a/kernel", "m/b/kernel"]
    try expectUnchanged(model, .shapeMismatch) {
      try model.tie([good, ["m/a/kernel", "m/c/kernel"]])
    }
    try expectUnchanged(model, .noSuchTensor) { try model.tie([good, ["m/a/kernel", "m/z"]]) }
    try model.tie("m/b/kernel", to: "m/a/kernel")
    #expect(try model.ties() == [good])
    // Already so: nothing to do.
    try model.tie(model.ties())
    #expect(try model.ties() == [good])
  }

  @Test("A tie through a third place holds, whatever the order of the groups")
  func chains() throws {
    let names = ["a", "b", "c", "d"]
    let model = try Sequential(
      [InputLayer(shape: [2])] + names.map { try Dense(2, usesBias: false, name: $0) }, name: "m")
    try model.tie([["m/a/kernel", "m/b/kernel"], ["m/b/kernel", "m/d/kernel"]])
    #expect(try model.ties() == [["m/a/kernel", "m/b/kernel", "m/d/kernel"]])
    #expect(try model.cloned().ties() == model.ties())
  }

  @Test(
    "Extras that do not fit the model are refused",
    arguments: [
      #"{"version": 2}"#, #"{"version": 1, "other": []}"#, #"{"version": 1, "ties": 5}"#,
      #"{"version": 1, "ties": [[["auto", "left"]]]}"#, #"[]"#, #"{}"#,
      #"{"version": 1, "ties": [[["auto", "x", "bias"], ["auto", "left", "encoder", "bias"]]]}"#,
      """
      {"version": 1, "ties": [[["auto", "left", "encoder", "kernel"],
        ["auto", "left", "encoder", "bias"]]]}
      """,
      #"{"version": 1, "trainable": [[["auto", "x", "kernel"], false]]}"#,
      #"{"version": 1, "trainable": [[["auto", "left", "encoder", "kernel"], 1]]}"#,
      #"{"version": 1, "shared_layers": [[["auto", "left"], ["auto", "right"]]]}"#,
      #"{"version": 1, "shared_layers": [[["auto", "x"], ["auto", "y"]]]}"#,
      #"{"version": 1, "shared_layers": [[["auto", "right"], ["auto", "left"]]]}"#,
    ])
  func wrongExtras(_ text: String) throws {
    var object = try #require(autoencoder().configuration.objectValue)
    object["cairn"] = try JSONValue(parsing: text)
    let configuration = JSONValue.object(object)
    #expect(throws: CairnError.self) { try Sequential(configuration: configuration) }
    #expect(throws: CairnError.self) { try Model.make(configuration: configuration) }
  }
}
