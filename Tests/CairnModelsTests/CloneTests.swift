// What a clone keeps, and what it has fresh.

import CairnCheckpoints
import CairnJSON
import CairnModels
import CairnSystem
import CairnTensors
import Testing

@Suite("Clones")
struct CloneTests {
  @Test("Same architecture, names and order, nothing shared")
  func isomorphicAndDisjoint() throws {
    let model = try sampleModel()
    let clone = try model.cloned(seed: 4)
    #expect(clone.configuration == model.configuration)
    #expect(clone.places(.fullState).map(\.path) == model.places(.fullState).map(\.path))
    expectDisjoint(model, clone)
  }

  @Test("Initial weights are fresh, and those of a seed are always the same")
  func seeds() throws {
    let model = try sampleModel()
    let (a, b, c) = (
      try model.cloned(seed: 4), try model.cloned(seed: 4), try model.cloned(seed: 5)
    )
    #expect(a.variables.map(\.value) == b.variables.map(\.value))
    #expect(a.weights[0].value != c.weights[0].value)
    #expect(a.weights[0].value != model.weights[0].value)
    #expect(try model.cloned().weights[0].value != model.cloned().weights[0].value)
  }

  @Test("Initial values are the same whoever looks first, and whatever happens to them first")
  func firstLook() async throws {
    func model(seed: UInt64) throws -> Sequential {
      let layer = try Dense(200, kernelInitializer: .glorotUniform(), name: "a")
      return try Sequential([InputLayer(shape: [300]), layer]).cloned(seed: seed)
    }
    let first = try model(seed: 9).weights[0]
    let values = await withTaskGroup(of: Tensor.self) { group in
      for _ in 0..<8 { group.addTask { first.value } }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(values.count == 8 && values.allSatisfy { $0 == values[0] })
    // Drawn as a whole model would draw it, in Glorot's range, each value another.
    #expect(try model(seed: 9).weights[0].value == values[0])
    let limit = Float(6.0 / 500).squareRoot()
    let drawn = try values[0].scalars(of: Float.self)
    #expect(drawn.allSatisfy { abs($0) <= limit } && Set(drawn).count > 50_000)

    let changed = try model(seed: 9).weights[0]
    try changed.assignAdd(Tensor([Float](repeating: 1, count: 60_000), shape: [300, 200]))
    #expect(try changed.value.scalars(of: Float.self) == drawn.map { $0 + 1 })
    let copy = try model(seed: 9).weights[0].deepCopy()
    #expect(copy.value == values[0])
  }

  @Test("Clone and setWeights: equal predictions, then independent")
  func cloneAndSetWeights() throws {
    let model = try sampleModel()
    let clone = try model.cloned()
    try clone.setWeights(model.getWeights())
    let input = try Tensor((0..<12).map { Float($0) - 6 }, shape: [3, 4])
    let expected = try model.predict(input)
    #expect(try clone.predict(input) == expected)
    for variable in clone.weights {
      try variable.assign(Tensor(zeros: .float32, shape: variable.shape))
    }
    #expect(try model.predict(input) == expected)
    #expect(try clone.predict(input) != expected)
  }

  @Test("trainable flags are lost: not here, of layers, models and single variables")
  func flagsSurvive() throws {
    let model = try sampleModel()
    model.layers[0].trainable = false
    let inner = try #require(model.layers[1] as? Sequential)
    (inner.layers[0] as? Dense)?.bias?.trainable = false
    (inner.layers[1] as? BatchNormalization)?.state.variable("moving_mean")?.trainable = true
    let clone = try model.cloned()
    #expect(clone.variables.map(\.trainable) == model.variables.map(\.trainable))
    #expect(clone.configuration == model.configuration)
    func names(_ variables: [Variable]) -> [String] { variables.map(\.name) }
    #expect(names(clone.trainableWeights) == names(model.trainableWeights))
    #expect(clone.configuration["cairn"]?["trainable"]?.arrayValue?.count == 2)
  }

  @Test("A frozen model stays frozen: Keras's from_config forgets it")
  func frozenModel() throws {
    let model = try sampleModel()
    model.trainable = false
    let clone = try model.cloned()
    #expect(!clone.trainable)
    #expect(clone.trainableWeights.isEmpty)
    // Thawing thaws every layer, as in Keras, in both alike.
    model.trainable = true
    clone.trainable = true
    #expect(clone.configuration == model.configuration)
  }

  @Test("A seed that was given is kept; one that was not is fresh")
  func dropoutSeeds() throws {
    let model = try sampleModel()
    func states(_ model: Model) throws -> [[UInt32]] {
      try model.places(.fullState).filter { $0.role == .state }.map {
        try $0.variable.value.scalars()
      }
    }
    let clone = try model.cloned(seed: 1)
    let (own, other) = (try states(model), try states(clone))
    #expect(own.count == 2)
    #expect(own[1] == [77, 0])
    #expect(other[1] == [77, 0])
    #expect(own[0] != other[0])
    #expect(try states(model.cloned(seed: 1)) == other)
  }

  @Test("An unbuilt model's clone is unbuilt, its built layers' clones are built")
  func unbuilt() throws {
    let dense = try Dense(3, name: "built")
    try dense.build(inputShape: [nil, 2])
    let model = try Sequential([dense, Dense(2, name: "unbuilt")], name: "m")
    #expect(!model.isBuilt)
    let clone = try model.cloned()
    #expect(!clone.isBuilt)
    #expect(clone.weights.map(\.shape) == [[2, 3], [3]])
    #expect(clone.configuration == model.configuration)
    try clone.build(inputShape: [nil, 2])
    #expect(clone.weights.count == 4)
    #expect(clone.weights[0].shape == [2, 3])
  }

  @Test("A model built with zeros is the same but for its values")
  func zeros() throws {
    let model = try sampleModel()
    let empty = try Model.make(configuration: model.configuration, initialization: .zeros)
    #expect(empty.configuration == model.configuration)
    for weight in empty.weights { #expect(weight.value.bytes.allSatisfy { $0 == 0 }) }
    try empty.loadWeights(from: ModelTensors(model), scope: .fullState)
    #expect(empty.variables.map(\.value) == model.variables.map(\.value))
    // Layers that are added later have initial weights of their own.
    let last = try Dense(8)
    try (empty as? Sequential)?.add(last)
    #expect(last.kernel?.value.bytes.contains { $0 != 0 } == true)
  }
}

@Suite("A model as a source of tensors")
struct ModelTensorsTests {
  @Test("Names are paths, positions the order of weights, the configuration goes along")
  func entries() throws {
    let model = try sampleModel()
    let tensors = try ModelTensors(model, scope: .fullState)
    #expect(
      try tensors.entries().map(\.name.string) == [
        "sample/first/kernel", "sample/first/bias", "sample/inner/middle/kernel",
        "sample/inner/middle/bias", "sample/inner/normalization/gamma",
        "sample/inner/normalization/beta", "sample/inner/normalization/moving_mean",
        "sample/inner/normalization/moving_variance", "sample/inner/drop/seed_generator_state",
        "sample/dropout/seed_generator_state", "sample/last/kernel",
      ])
    #expect(try tensors.entries().map(\.position) == Array(0..<11))
    #expect(try ModelTensors(model, scope: .weights).count == 9)
    #expect(try tensors.configuration == model.canonicalConfiguration().text)
    for (index, variable) in model.variables.enumerated() {
      #expect(try tensors.tensor(at: index) == variable.value)
      #expect(try tensors.liveIdentity(at: index)?.variable == ObjectIdentifier(variable))
      #expect(
        try tensors.liveIdentity(at: index)?.storage == variable.value.storageIdentity)
    }
  }

  @Test("A tied variable is one tensor; its owner is the name lowest by bytes")
  func aliases() throws {
    let first = try Dense(2, usesBias: false, name: "z")
    let second = try Dense(2, usesBias: false, name: "a")
    let model = try Sequential([InputLayer(shape: [2]), first, second], name: "m")
    try second.share("kernel", with: first)
    let entries = try ModelTensors(model).entries()
    #expect(entries.map(\.name) == ["m/z/kernel", "m/a/kernel"])
    #expect(entries.map(\.aliasOf) == ["m/a/kernel", nil])
    let read = try NamedTensors(reading: ModelTensors(model))
    #expect(try read.entries().map(\.aliasOf) == ["m/a/kernel", nil])
  }

  @Test("A snapshot does not see later assignments, and reading it in parts is consistent")
  func snapshot() throws {
    let model = try sampleModel()
    let tensors = try ModelTensors(model)
    let before = model.variables.map(\.value)
    for variable in model.weights {
      try variable.assign(Tensor(zeros: .float32, shape: variable.shape))
    }
    let read = try NamedTensors(reading: tensors)
    for (index, value) in before.enumerated() { #expect(try read.tensor(at: index) == value) }
    var part = [UInt8](repeating: 0, count: 4)
    var span = part.mutableSpan
    try tensors.read(at: 0, from: 8, into: &span)
    #expect(part == Array(before[0].bytes[8..<12]))
  }
}
