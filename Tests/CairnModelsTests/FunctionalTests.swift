// Functional models: those of Fixtures/keras/models against Keras, and graphs drawn in Swift.

import CairnGoldens
import CairnJSON
import CairnModels
import CairnSystem
import CairnTensors
import Testing

@Suite("Functional models")
struct FunctionalTests {
  @Test("All golden models are there")
  func modelsAreThere() throws {
    #expect(try GoldenModel.read("models").count == 7)
    #expect(try GoldenModel.read("float64", "tensors").count == 2)
  }

  @Test(
    "A model of Keras's configuration has that configuration",
    arguments: GoldenModel.functional + GoldenModel.doubles)
  func configurationRoundTrips(_ row: GoldenModel) throws {
    let model = try Model.make(configuration: row.configuration, initialization: .zeros)
    #expect(model.kerasConfiguration == row.configuration)
  }

  @Test(
    "Weights come in Keras's order, and outputs are Keras's",
    arguments: GoldenModel.functional + GoldenModel.doubles)
  func outputsMatch(_ row: GoldenModel) throws {
    let model = try Model.make(configuration: row.configuration, initialization: .zeros)
    #expect(model.weights.map(\.shape) == row.weights.map(\.shape))
    try model.setWeights(row.weights)
    let found = try model.predict(row.inputs)
    #expect(found.map(\.shape) == row.outputs.map(\.shape))
    #expect(found.map(\.dtype) == row.outputs.map(\.dtype))
    for (mine, keras) in zip(found, row.outputs) {
      let a: [Double] = try mine.cast(to: .float64).scalars()
      let b: [Double] = try keras.cast(to: .float64).scalars()
      let scale = b.map { abs($0) }.max() ?? 0
      // What came through a layer in float32 is no better than that.
      let isDouble = row.name == "whole"
      for (x, y) in zip(a, b) { #expect(abs(x - y) <= (isDouble ? 1e-12 : 2e-5) * scale) }
    }
  }

  @Test(
    "The summary is Keras's to the character, connections too", arguments: GoldenModel.functional)
  func summaries(_ row: GoldenModel) throws {
    let model = try Model.make(configuration: row.configuration, initialization: .zeros)
    #expect(
      [
        model.summary(lineLength: 108),
        model.summary(lineLength: 100, expandsNested: true, showsTrainable: true),
      ] == row.summaries)
  }

  @Test(
    "A clone has the same configuration and nothing in common", arguments: GoldenModel.functional)
  func clones(_ row: GoldenModel) throws {
    let model = try Model.make(configuration: row.configuration, initialization: .zeros)
    let clone = try model.cloned(seed: 1)
    #expect(clone.kerasConfiguration == model.kerasConfiguration)
    expectDisjoint(model, clone)
  }

  @Test("A graph drawn here: a layer called twice has one set of variables")
  func sharedLayer() throws {
    let left = try Input(shape: [3], name: "left")
    let right = try Input(shape: [3], name: "right")
    let dense = try Dense(2, name: "shared")
    let sum = try dense(left) + dense(right) * 2
    let model = try Functional(inputs: [left, right], outputs: [sum], name: "m", seed: 1)
    #expect(model.weights.count == 2)
    try model.setWeights([
      Tensor([1, 0, 0, 1, 1, 1] as [Float], shape: [3, 2]), Tensor([1, 2] as [Float]),
    ])
    let output = try model.predict([
      Tensor([1, 2, 3] as [Float], shape: [1, 3]), Tensor([0, 1, 0] as [Float], shape: [1, 3]),
    ])
    // (1 + 3 + 1, 2 + 3 + 2) + 2 · (0 + 1, 1 + 2)
    #expect(try output.map { try $0.scalars() } == [[7, 13]] as [[Float]])
    let again = try Model.make(configuration: model.configuration)
    #expect(again.configuration == model.configuration)
  }

  @Test("Graphs that cannot be models are refused")
  func refusals() throws {
    let a = try Input(shape: [3], name: "a")
    let b = try Input(shape: [3], name: "b")
    let sum = try Add(name: "sum")([a, b])
    expectError(.invalidArgument) { _ = try Functional(inputs: [a], outputs: [sum]) }
    expectError(.invalidArgument) { _ = try Functional(inputs: [sum], outputs: [sum]) }
    expectError(.shapeMismatch) { _ = try Add()([a, Input(shape: [4])]) }
    let twice = try Dense(2, name: "same")(Dense(3, name: "same")(a))
    expectError(.duplicateName) { _ = try Functional(inputs: [a], outputs: [twice]) }
    let dense = try Dense(2)
    let widths = try Concatenate()([dense(a), dense(Input(shape: [5], name: "c"))])
    expectError(.invalidArgument) { _ = try Functional(inputs: [a], outputs: [widths]) }
  }
}
