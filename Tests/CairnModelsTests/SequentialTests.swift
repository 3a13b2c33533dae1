// Building sequential models, naming their layers, freezing them.

import CairnModels
import CairnSystem
import CairnTensors
import Testing

@Suite("Sequential models")
struct SequentialTests {
  @Test("Layers without a name are named after their class, in each model from the start")
  func naming() throws {
    for _ in 0..<2 {
      let model = try Sequential([
        InputLayer(shape: [4]), Dense(3), BatchNormalization(), Dense(2), Sequential([Dense(2)]),
        Sequential([Dense(2)]), Dense(2, name: "dense_2"), Dense(2), Activation(.relu), Flatten(),
        Dropout(0.5),
      ])
      #expect(model.name == "sequential")
      #expect(model.sublayers.first?.name == "input_layer")
      #expect(
        model.layers.map(\.name) == [
          "dense", "batch_normalization", "dense_1", "sequential", "sequential_1", "dense_2",
          "dense_3", "activation", "flatten", "dropout",
        ])
    }
  }

  @Test("Two layers of one name, or one layer twice, are refused")
  func duplicates() throws {
    expectError(.duplicateName) {
      _ = try Sequential([Dense(2, name: "a"), Dense(2, name: "a")])
    }
    let layer = try Dense(2)
    expectError(.duplicateName) { _ = try Sequential([layer, layer]) }
    #expect(!layer.state.isNamed)
    let model = try Sequential([layer])
    expectError(.duplicateName) { try model.add(layer) }
    expectError(.duplicateName) { try model.add(Dense(1, name: "dense")) }
    #expect(model.layers.count == 1)
  }

  @Test("Names are told apart by bytes, not by canonical equivalence")
  func namesAreBytes() throws {
    let model = try Sequential([
      InputLayer(shape: [1]), Dense(1, name: "\u{E9}"), Dense(1, name: "e\u{301}"),
    ])
    #expect(try ModelTensors(model).count == 4)
    #expect(try model.cloned().places(.weights).count == 4)
  }

  @Test(
    "Names that cannot be part of a path are refused",
    arguments: [
      "", "a/b", "a\n", String(repeating: "x", count: 256),
    ])
  func names(_ name: String) {
    expectError(.invalidName) { _ = try Dense(1, name: name) }
    expectError(.invalidName) { _ = try Sequential(name: name) }
  }

  @Test("A model is built when its input shape is known, and no earlier")
  func building() throws {
    let late = try Sequential([Dense(3), Dense(2)])
    #expect(!late.isBuilt && late.weights.isEmpty && late.outputShape == nil)
    try late.build(inputShape: [nil, 4])
    #expect(late.weights.map(\.shape) == [[4, 3], [3], [3, 2], [2]])
    #expect(late.outputShape == [nil, 2])
    #expect(late.sublayers.count == 3 && late.layers.count == 2)

    let early = try Sequential([InputLayer(shape: [4])])
    #expect(!early.isBuilt)
    try early.add(Dense(3))
    #expect(early.isBuilt && early.weights.count == 2)

    let called = try Sequential([Dense(3)])
    let output = try called.predict(Tensor(zeros: .float32, shape: [5, 2]))
    #expect(output.shape == [5, 3])
    #expect(called.inputShapes == [[nil, 2]])

    let inner = try Sequential([InputLayer(shape: [2]), Dense(3)])
    let outer = try Sequential([inner, Dense(1)])
    #expect(outer.isBuilt && outer.outputShape == [nil, 1])
  }

  @Test("The same seed gives the same weights, whether built at once or bit by bit")
  func seeds() throws {
    let input = try InputLayer(shape: [4])
    let all = try Sequential([input, Dense(3), Dense(2)], seed: 6)
    let steps = try Sequential(seed: 6)
    try steps.add(InputLayer(shape: [4]))
    try steps.add(Dense(3))
    try steps.add(Dense(2))
    let late = try Sequential([Dense(3), Dense(2)], seed: 6)
    _ = try late.predict(Tensor(zeros: .float32, shape: [1, 4]))
    #expect(all.getWeights() == steps.getWeights())
    #expect(all.getWeights() == late.getWeights())
    #expect(all.weights[0].value != all.weights[2].value)
  }

  @Test("A layer that does not fit is refused, and the model stays as it was")
  func addingIsTransactional() throws {
    let model = try Sequential([InputLayer(shape: [4]), Dense(3)], name: "m")
    let misfit = try Sequential([InputLayer(shape: [5]), Dense(2)])
    let before = model.configuration
    expectError(.shapeMismatch) { try model.add(misfit) }
    expectError(.invalidArgument) { try model.add(InputLayer(shape: [3])) }
    expectError(.shapeMismatch) { try model.add(BatchNormalization(axis: 2)) }
    #expect(model.configuration == before)
    #expect(misfit.name == "sequential" && !misfit.state.isNamed)
    try model.add(Dense(2))
    #expect(model.outputShape == [nil, 2])
  }

  @Test("Nothing is built if one of the layers does not fit")
  func buildingIsTransactional() throws {
    let first = try Dense(3)
    let model = try Sequential([first, Sequential([InputLayer(shape: [9]), Dense(2)])])
    expectError(.shapeMismatch) { try model.build(inputShape: [nil, 4]) }
    #expect(!first.isBuilt && !model.isBuilt && model.sublayers.count == 2)
  }

  @Test("The last layer can be taken away")
  func popping() throws {
    let model = try Sequential([InputLayer(shape: [4]), Dense(3), Dense(2)])
    let last = try model.pop()
    #expect(last.name == "dense_1")
    #expect(model.outputShape == [nil, 3] && model.weights.count == 2)
    try model.add(Dense(5))
    #expect(model.outputShape == [nil, 5] && model.layers.last?.name == "dense_1")
    try model.pop()
    try model.pop()
    #expect(!model.isBuilt)
    try model.pop()
    expectError(.invalidArgument) { try model.pop() }
  }

  @Test("A model cannot hold itself, at any depth")
  func cycles() throws {
    let outer = try Sequential(name: "outer")
    let middle = try Sequential(name: "middle")
    let inner = try Sequential(name: "inner")
    try outer.add(middle)
    try middle.add(inner)
    expectError(.invalidArgument) { try inner.add(outer) }
    expectError(.invalidArgument) { try inner.add(inner) }
    #expect(inner.sublayers.isEmpty)
  }

  @Test("Threads that call an unbuilt model build it once")
  func concurrentBuild() throws {
    for round in 0..<20 {
      let model = try Sequential([Dense(3), BatchNormalization()], seed: UInt64(round))
      let input = try Tensor(repeating: Float(1), shape: [2, 4])
      try inParallel(8, threads: 8) { (_) throws(CairnError) in _ = try model.predict(input) }
      #expect(model.weights.count == 6)
    }
  }

  @Test("Threads that add models to one another never make a cycle")
  func concurrentCycle() throws {
    for _ in 0..<50 {
      let models = [try Sequential(name: "a"), try Sequential(name: "b")]
      try? inParallel(2, threads: 2) { (index) throws(CairnError) in
        try models[index].add(models[1 - index])
      }
      #expect(models[0].sublayers.count + models[1].sublayers.count == 1)
    }
  }

  @Test("Inputs of another number type are converted, as Keras does")
  func convertedInputs() throws {
    let model = try Sequential([InputLayer(shape: [4], name: "in"), Dense(3)])
    let input = try Tensor([1, -2, 3, 0.1] as [Float], shape: [1, 4])
    let expected = try model.predict(input)
    #expect(try model.predict(input.cast(to: .float64)) == expected)
  }

  @Test("Inputs of another shape or type are refused with both")
  func wrongInputs() throws {
    let model = try Sequential([InputLayer(shape: [4], name: "in"), Dense(3)])
    let error = expectError(.shapeMismatch) {
      _ = try model.predict(Tensor(zeros: .float32, shape: [2, 5]))
    }
    #expect(error?.expected == "(None, 4)" && error?.found == "(2, 5)")
    expectError(.shapeMismatch) { _ = try model.predict(Tensor(zeros: .float32, shape: [4])) }
    expectError(.dtypeMismatch) { _ = try model.predict(Tensor(zeros: .string, shape: [2, 4])) }
    expectError(.notBuilt) { _ = try Sequential().predict(Tensor(zeros: .float32, shape: [1])) }
  }

  @Test("An empty batch gives an empty result")
  func emptyBatch() throws {
    let model = try sampleModel()
    #expect(try model.predict(Tensor(zeros: .float32, shape: [0, 4])).shape == [0, 3])
    let flat = try Sequential([Flatten(dataFormat: .channelsFirst), BatchNormalization()])
    #expect(try flat.predict(Tensor(zeros: .float32, shape: [0, 2, 3])).shape == [0, 6])
  }
}

@Suite("Freezing")
struct TrainableTests {
  private func names(_ variables: [Variable]) -> [String] { variables.map(\.name) }

  @Test("The flag is handed down, and the order of weights stays")
  func recursion() throws {
    let model = try sampleModel()
    let order = model.weights.map { ObjectIdentifier($0) }
    model.trainable = false
    #expect(model.layers.allSatisfy { !$0.trainable })
    #expect(model.trainableWeights.isEmpty)
    #expect(model.nonTrainableWeights.map { ObjectIdentifier($0) } == order)
    model.trainable = true
    #expect(model.weights.map { ObjectIdentifier($0) } == order)
    #expect(
      names(model.trainableWeights) == [
        "kernel", "bias", "kernel", "bias", "gamma", "beta", "kernel",
      ])
    #expect(names(model.nonTrainableWeights) == ["moving_mean", "moving_variance"])
  }

  @Test("A layer that is thawed in a frozen model has trainable weights, the model has none")
  func frozenModelWithThawedLayer() throws {
    let model = try sampleModel()
    model.trainable = false
    model.layers[0].trainable = true
    #expect(names(model.layers[0].trainableWeights) == ["kernel", "bias"])
    #expect(model.trainableWeights.isEmpty)
    let clone = try model.cloned()
    #expect(clone.layers[0].trainableWeights.count == 2)
    #expect(clone.trainableWeights.isEmpty)
  }

  @Test("Weights of a frozen layer are born frozen")
  func bornFrozen() throws {
    let layer = try Dense(2, trainable: false)
    try layer.build(inputShape: [nil, 2])
    #expect(layer.kernel?.trainable == false)
    layer.trainable = true
    #expect(layer.kernel?.trainable == true)
  }
}
