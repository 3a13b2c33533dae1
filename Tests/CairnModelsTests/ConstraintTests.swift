// Constraints on weights: which weights they are for, and when they are applied.

import CairnJSON
import CairnModels
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite("Constraints on weights")
struct ConstraintTests {
  /// A layer of Keras's whose constraints are all `NonNeg`, and which of its trainable weights have
  /// one.
  struct Place: Sendable, CustomTestStringConvertible {
    let layer: JSONValue
    let isConstrained: [Bool]

    var testDescription: String { layer["config"]?["name"]?.stringValue ?? "" }

    static let all: [Place] =
      (try? JSONValue(parsing: fixture("keras/optimizers/constraints.json")).arrayValue)?.compactMap
    {
      guard let layer = $0["layer"], let list = $0["constrained"]?.arrayValue else { return nil }
      return Place(layer: layer, isConstrained: list.compactMap(\.boolValue))
    } ?? []
  }

  @Test("All golden layers are there")
  func placesAreThere() { #expect(Place.all.count == 23) }

  @Test("A constraint is for the weights that it is for in Keras", arguments: Place.all)
  func places(_ place: Place) throws {
    let layer = try LayerRegistry.standard.makeLayer(configuration: place.layer)
    let weights = layer.trainableWeights
    #expect(weights.count == place.isConstrained.count)
    for weight in weights {
      try weight.assign(Tensor(repeating: Float(-1), shape: weight.shape))
    }
    let optimizer = try Optimizer(.sgd())
    try optimizer.build(for: layer)
    try optimizer.apply(weights.map { try Tensor(zeros: .float32, shape: $0.shape) })
    for (weight, isConstrained) in zip(weights, place.isConstrained) {
      let values: [Float] = try weight.value.scalars()
      #expect(values.allSatisfy { $0 == (isConstrained ? 0 : -1) }, "\(weight.name)")
    }
  }

  private func model(_ constraint: JSONValue, _ key: String = "kernel_constraint") throws
    -> Sequential
  {
    try Sequential(
      configuration: [
        "class_name": "Sequential",
        "config": [
          "name": "m",
          "layers": [
            ["class_name": "InputLayer", "config": ["batch_shape": [.null, 2]]],
            [
              "class_name": "Dense",
              "config": ["name": "d", "units": 2, key: constraint],
            ],
          ],
        ],
      ])
  }

  @Test("A weight without a gradient stays as it is")
  func withoutGradient() throws {
    let model = try model(["class_name": "NonNeg", "config": [:]])
    try model.setWeights([
      Tensor([-1, 2, -3, 4] as [Float], shape: [2, 2]), Tensor([-1, -2] as [Float]),
    ])
    try model.compile(optimizer: Optimizer(.sgd()))
    let bias = try Tensor([0, 0] as [Float])
    try #require(model.optimizer).apply([nil, bias])
    #expect(try model.weights[0].value.scalars() == [-1, 2, -3, 4] as [Float])
    try #require(model.optimizer).apply([Tensor(zeros: .float32, shape: [2, 2]), bias])
    #expect(try model.weights[0].value.scalars() == [0, 2, 0, 4] as [Float])
    #expect(try model.weights[1].value.scalars() == [-1, -2] as [Float])
  }

  @Test("A constraint that does not fit its weight is refused before there is an optimizer")
  func refusals() throws {
    let cases: [(JSONValue, CairnError.Code)] = [
      (["class_name": "UnitNorm", "config": ["axis": 2]], .invalidConfiguration),
      (["class_name": "MaxNorm", "config": ["axis": "0"]], .invalidConfiguration),
      (["class_name": "MaxNorm", "config": ["max_value": "2"]], .invalidConfiguration),
      (["config": [:]], .invalidConfiguration),
      (["class_name": "MyNorm", "config": [:]], .unsupportedConfiguration),
    ]
    for (constraint, expected) in cases {
      let model = try model(constraint)
      #expect(code { try model.compile(optimizer: Optimizer(.sgd())) } == expected)
      #expect(model.optimizer == nil)
    }
    #expect(code { try model(.null).compile(optimizer: Optimizer(.sgd())) } == nil)
  }
}
