// Clones made layer by layer: what Keras's `clone_model` promises, and what it loses.

import CairnGoldens
import CairnJSON
import CairnModels
import CairnSystem
import CairnTensors
import Testing

@Suite("Clones by a function")
struct CloneFunctionTests {
  /// Two inputs, a shared layer, a nested model, an operation.
  private func graph() throws -> Functional {
    let left = try Input(shape: [3], name: "left")
    let right = try Input(shape: [3], name: "right")
    let shared = try Dense(3, name: "shared")
    let point = try Input(shape: [3], name: "point")
    let inner = try Functional(
      inputs: [point], outputs: [Dense(3, name: "deep")(point)], name: "inner", seed: 2)
    let sum = try shared(left) + inner(shared(right))
    return try Functional(
      inputs: [left, right], outputs: [Dense(2, name: "out")(sum)], name: "graph", seed: 1)
  }

  private func input(_ columns: Int, seed: Int = 0) throws -> Tensor {
    try Tensor((0..<2 * columns).map { Float(($0 + seed) % 7) / 7 }, shape: [2, columns])
  }

  @Test("The function is called once for each layer, never for inputs; names and calls stay")
  func calledOnce() throws {
    let model = try graph()
    var names: [String] = []
    let clone = try model.cloned { (layer) throws(CairnError) in
      names.append(layer.name)
      return try layer.cloned()
    }
    #expect(names.sorted() == ["add", "inner", "out", "shared"])
    #expect(clone.configuration == model.configuration)
    #expect(clone.name == "graph")
    expectDisjoint(model, clone)
    try clone.setWeights(model.getWeights())
    let inputs = [try input(3), try input(3, seed: 2)]
    #expect(try clone.predict(inputs) == model.predict(inputs))
  }

  @Test(
    "Every golden model's clone by a function has its configuration",
    arguments: GoldenModel.functional)
  func goldenModels(_ row: GoldenModel) throws {
    let model = try Model.make(configuration: row.configuration, initialization: .zeros)
    try model.setWeights(row.weights)
    for recursive in [false, true] {
      let clone = try model.cloned(recursive: recursive) { (layer) throws(CairnError) in
        try layer.cloned()
      }
      #expect(clone.configuration == model.configuration)
      expectDisjoint(model, clone)
      try clone.setWeights(model.getWeights())
      #expect(try clone.predict(row.inputs) == model.predict(row.inputs))
    }
  }

  @Test("A layer can become another, and those after it are built for what it gives")
  func replacing() throws {
    let flat = try Sequential(
      [InputLayer(shape: [4]), Dense(4, name: "first"), Dense(2, name: "second")], name: "flat")
    let clone = try flat.cloned { (layer) throws(CairnError) in
      layer.name == "first" ? try Dense(9, name: "first") : try layer.cloned()
    }
    #expect(clone.layers.map(\.name) == ["first", "second"])
    #expect(clone.weights.map(\.shape) == [[4, 9], [9], [9, 2], [2]])
    let model = try sampleModel()
    let inside = try model.cloned(recursive: true) { (layer) throws(CairnError) in
      layer.name == "middle" ? try Dense(6, name: "middle") : try layer.cloned()
    }
    #expect(inside.weights[2].shape == [4, 6])
    #expect(model.weights[2].shape == [4, 5])
  }

  @Test("Recursive or not decides whether models within are taken apart")
  func recursion() throws {
    let model = try graph()
    var names: [String] = []
    let whole: Model.CloneFunction = { (layer) throws(CairnError) in
      names.append(layer.name)
      return try layer.cloned()
    }
    _ = try model.cloned(recursive: true, whole)
    #expect(names.sorted() == ["add", "deep", "out", "shared"])
  }

  @Test("The same layers in another model, with a layer put after each: a call function")
  func callFunction() throws {
    let model = try graph()
    let clone = try model.cloned(
      calling: { (layer, arguments) throws(CairnError) in
        let results = try layer(arguments: arguments)
        guard layer is Dense else { return results }
        return [try Dropout(0.5)(results[0])]
      }, { $0 })
    #expect(clone.layers.filter { $0 is Dropout }.count == 3)
    #expect(
      clone.weights.map { ObjectIdentifier($0) } == model.weights.map { ObjectIdentifier($0) })
    let inputs = [try input(3), try input(3, seed: 2)]
    #expect(try clone.predict(inputs) == model.predict(inputs))
    #expect(throws: CairnError.self) {
      try sampleModel().cloned(
        calling: { (layer, arguments) throws(CairnError) in try layer(arguments: arguments) },
        { $0 })
    }
  }

  @Test("Other inputs take the place of the model's own, in order")
  func inputsReplaced() throws {
    let model = try graph()
    let a = try Input(shape: [3], batchSize: 2, name: "a")
    let b = try Input(shape: [3], name: "b")
    let clone = try model.cloned(inputs: [a, b]) { (layer) throws(CairnError) in
      try layer.cloned()
    }
    #expect((clone as? Functional)?.inputs == [a, b])
    #expect(clone.inputShapes?.first == [2, 3])
    expectError(.invalidArgument) { _ = try model.cloned(inputs: [a]) { $0 } }
    let stack = try Sequential([InputLayer(shape: [4], name: "in"), Dense(2, name: "d")])
    let wide = try stack.cloned(inputs: [Input(shape: [7])]) { (layer) throws(CairnError) in
      try layer.cloned()
    }
    #expect(wide.weights[0].shape == [7, 2])
    #expect(wide.sublayers[0].name == "in")
  }

  @Test(
    "A layer of an inner and an outer model stays one, recursive or not", arguments: [false, true])
  func sharedAcrossModels(_ recursive: Bool) throws {
    let head = try Dense(3, name: "head")
    let point = try Input(shape: [3], name: "point")
    let inner = try Functional(inputs: [point], outputs: [head(point)], name: "inner")
    let x = try Input(shape: [3], name: "x")
    let model = try Functional(inputs: [x], outputs: [head(inner(x))], name: "outer", seed: 1)
    #expect(model.weights.count == 2)
    let clone = try model.cloned(recursive: recursive) { (layer) throws(CairnError) in
      try layer.cloned()
    }
    #expect(clone.weights.count == 2)
    #expect(try clone.ties() == model.ties())
    expectDisjoint(model, clone)
    let copy = try model.cloned(copyingWeights: true)
    #expect(try copy.ties() == model.ties())
    #expect(try copy.predict(input(3)) == model.predict(input(3)))
  }

  @Test("Tied variables stay one; where only one of their layers is replaced, that is an error")
  func tiesStay() throws {
    let a = try Dense(4, name: "a")
    let b = try Dense(4, name: "b")
    let model = try Sequential([InputLayer(shape: [4]), a, b], name: "m")
    try b.share("kernel", with: a)
    b.bias?.trainable = false
    let clone = try model.cloned { (layer) throws(CairnError) in try layer.cloned() }
    #expect(try clone.ties() == model.ties())
    #expect(clone.configuration == model.configuration)
    let error = expectError(.invalidArgument) {
      _ = try model.cloned { (layer) throws(CairnError) in
        layer.name == "b" ? try Activation(.relu, name: "b") : try layer.cloned()
      }
    }
    #expect(error?.location.name == "m/b/kernel")
    let neither = try model.cloned { (layer) throws(CairnError) in
      try Activation(.relu, name: layer.name)
    }
    #expect(neither.weights.isEmpty)
  }

  @Test("trainable flags of the model, its layers and what the function sets")
  func flags() throws {
    let model = try graph()
    model.trainable = false
    let clone = try model.cloned { (layer) throws(CairnError) in
      let clone = try layer.cloned()
      if layer.name == "out" { clone.trainable = true }
      return clone
    }
    #expect(!clone.trainable)
    #expect(clone.layers.first { $0.name == "out" }?.trainable == true)
    #expect(clone.layers.first { $0.name == "shared" }?.trainable == false)
    #expect(clone.layers.last?.weights.allSatisfy(\.trainable) == true)
  }

  @Test("Metrics begin at 0 in a clone")
  func metrics() throws {
    let model = try graph()
    let loss = try model.addMetric(name: "loss")
    try loss.update(Tensor([1, 2, 6] as [Float]))
    #expect(try loss.result() == 3)
    #expect(throws: CairnError.self) { try model.addMetric(.sum, name: "loss") }
    for clone in [
      try model.cloned(), try model.cloned { (layer) throws(CairnError) in try layer.cloned() },
    ] {
      #expect(clone.metrics.map(\.name) == ["loss"])
      #expect(try clone.metrics[0].result() == 0)
      #expect(clone.configuration == model.configuration)
    }
    #expect(model.weights.count == 6)
    #expect(model.variables.count == 8)
  }
}
