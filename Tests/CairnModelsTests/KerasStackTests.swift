// Every stack of Fixtures/keras/stacks against what Keras computed, and the digits model.

import CairnCheckpoints
import CairnGoldens
import CairnJSON
import CairnModels
import CairnSystem
import CairnTensors
import Testing

@Suite("Keras's stacks of layers")
struct KerasStackTests {
  /// A model of the row's configuration with the row's weights.
  private func model(_ row: GoldenModel) throws -> Sequential {
    let model = try Sequential(configuration: row.configuration)
    try model.setWeights(row.weights)
    return model
  }

  @Test("All golden stacks are there")
  func stacksAreThere() throws {
    #expect(try GoldenModel.read("stacks").count == 43)
  }

  @Test("A model of Keras's configuration has that configuration", arguments: GoldenModel.stacks)
  func configurationRoundTrips(_ row: GoldenModel) throws {
    let model = try Sequential(configuration: row.configuration)
    #expect(model.configuration == row.configuration)
    let again = try Sequential(configuration: model.configuration)
    #expect(try again.canonicalConfiguration().text == model.canonicalConfiguration().text)
  }

  @Test(
    "Weights come in Keras's order, with Keras's names, shapes and flags",
    arguments: GoldenModel.stacks)
  func weightsAreInOrder(_ row: GoldenModel) throws {
    let model = try Sequential(configuration: row.configuration)
    #expect(
      model.weights.map(\.name) == row.paths.map { String($0.split(separator: "/").last ?? "") })
    #expect(model.weights.map(\.shape) == row.weights.map(\.shape))
    #expect(model.weights.map(\.trainable) == row.trainable)
    let indices = Dictionary(
      uniqueKeysWithValues: model.weights.enumerated().map { (ObjectIdentifier($1), $0) })
    func paths(_ variables: [Variable]) -> [String] {
      variables.compactMap { indices[ObjectIdentifier($0)].map { row.paths[$0] } }
    }
    #expect(paths(model.trainableWeights) == row.trainablePaths)
    #expect(paths(model.nonTrainableWeights) == row.nonTrainablePaths)
  }

  @Test(
    "Paths are Keras's, with the outer model's name always in front", arguments: GoldenModel.stacks)
  func pathsAreKeras(_ row: GoldenModel) throws {
    let model = try Sequential(configuration: row.configuration)
    let paths = model.places(.weights).map { $0.path.joined(separator: "/") }
    #expect(
      paths == row.paths.map { $0.hasPrefix("\(row.name)/") ? $0 : "\(row.name)/\($0)" })
  }

  @Test("getWeights gives back to the bit what setWeights took", arguments: GoldenModel.stacks)
  func weightsRoundTrip(_ row: GoldenModel) throws {
    #expect(try model(row).getWeights() == row.weights)
  }

  @Test("Predictions are Keras's, within 1e-5", arguments: GoldenModel.stacks)
  func predictionsMatch(_ row: GoldenModel) throws {
    let output = try model(row).predict(row.inputs[0])
    #expect(output.shape == row.outputs[0].shape)
    let found: [Float] = try output.scalars()
    let keras: [Float] = try row.outputs[0].scalars()
    let exact: [Double] = try row.references[0].scalars()
    for index in found.indices {
      let tolerance = 1e-5 * abs(exact[index]) + 1e-6
      #expect(abs(Double(found[index]) - Double(keras[index])) <= tolerance)
      #expect(abs(Double(found[index]) - exact[index]) <= tolerance)
    }
  }

  @Test("Predictions do not depend on the number of threads", arguments: GoldenModel.stacks)
  func threadsDoNotMatter(_ row: GoldenModel) throws {
    let model = try model(row)
    #expect(
      try model.predict(row.inputs[0], threads: 1) == model.predict(row.inputs[0], threads: 7))
  }
}

@Suite("The digits model of Keras")
struct DigitsTests {
  private func digits() throws -> (Sequential, SafetensorsFixture) {
    let model = try Sequential(configuration: JSONValue(parsing: fixture("digits/model.json")))
    let weights = try SafetensorsFixture("digits/weights.safetensors")
    var named = NamedTensors()
    let order = try JSONValue(parsing: weights.metadata("weight_order")).arrayValue ?? []
    for path in order.compactMap(\.stringValue) {
      try named.add(weights.tensor(path), named: TensorName(path))
    }
    try model.loadWeights(from: named)
    return (model, try SafetensorsFixture("digits/images.safetensors"))
  }

  @Test("Weights load by Keras's paths, and predictions and accuracy are Keras's")
  func predictionsMatch() throws {
    let (model, images) = try digits()
    let output = try model.predict(images.tensor("images"))
    let found: [Float] = try output.scalars()
    let keras: [Float] = try images.tensor("predictions").scalars()
    let labels: [Int64] = try images.tensor("labels").scalars()
    #expect(found.count == keras.count)
    for (a, b) in zip(found, keras) { #expect(abs(a - b) <= 1e-5 * abs(b) + 1e-6) }
    var correct = 0
    for (row, label) in labels.enumerated() {
      let scores = found[row * 10..<row * 10 + 10]
      if scores.max() == scores[row * 10 + Int(label)] { correct += 1 }
    }
    #expect(try "\(correct)" == images.metadata("correct"))
    #expect(
      try "\(Double(correct) / Double(labels.count))" == images.metadata("accuracy"))
  }

  @Test("The summary is Keras's to the character, at both of its usual widths")
  func summaryIsKeras() throws {
    let (model, _) = try digits()
    #expect(model.summary(lineLength: 76) == narrow)
    #expect(model.summary() == wide)
  }

  private let narrow = """
    Model: "digits"
    ┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
    ┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
    ┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
    │ flatten (Flatten)               │ (None, 64)             │             0 │
    ├─────────────────────────────────┼────────────────────────┼───────────────┤
    │ hidden (Dense)                  │ (None, 64)             │         4,160 │
    ├─────────────────────────────────┼────────────────────────┼───────────────┤
    │ normalization                   │ (None, 64)             │           256 │
    │ (BatchNormalization)            │                        │               │
    ├─────────────────────────────────┼────────────────────────┼───────────────┤
    │ dropout (Dropout)               │ (None, 64)             │             0 │
    ├─────────────────────────────────┼────────────────────────┼───────────────┤
    │ embedding (Dense)               │ (None, 32)             │         2,080 │
    ├─────────────────────────────────┼────────────────────────┼───────────────┤
    │ digit (Dense)                   │ (None, 10)             │           330 │
    └─────────────────────────────────┴────────────────────────┴───────────────┘
     Total params: 6,826 (26.66 KB)
     Trainable params: 6,698 (26.16 KB)
     Non-trainable params: 128 (512.00 B)

    """

  private let wide = """
    Model: "digits"
    ┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━┓
    ┃ Layer (type)                         ┃ Output Shape                ┃         Param # ┃
    ┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━┩
    │ flatten (Flatten)                    │ (None, 64)                  │               0 │
    ├──────────────────────────────────────┼─────────────────────────────┼─────────────────┤
    │ hidden (Dense)                       │ (None, 64)                  │           4,160 │
    ├──────────────────────────────────────┼─────────────────────────────┼─────────────────┤
    │ normalization (BatchNormalization)   │ (None, 64)                  │             256 │
    ├──────────────────────────────────────┼─────────────────────────────┼─────────────────┤
    │ dropout (Dropout)                    │ (None, 64)                  │               0 │
    ├──────────────────────────────────────┼─────────────────────────────┼─────────────────┤
    │ embedding (Dense)                    │ (None, 32)                  │           2,080 │
    ├──────────────────────────────────────┼─────────────────────────────┼─────────────────┤
    │ digit (Dense)                        │ (None, 10)                  │             330 │
    └──────────────────────────────────────┴─────────────────────────────┴─────────────────┘
     Total params: 6,826 (26.66 KB)
     Trainable params: 6,698 (26.16 KB)
     Non-trainable params: 128 (512.00 B)

    """
}
