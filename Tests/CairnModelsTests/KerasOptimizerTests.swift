// Optimizers and schedules against what Keras's leave behind.

import CairnJSON
import CairnModels
import CairnSystem
import CairnTensors
import Testing

@Suite("Keras's optimizers")
struct KerasOptimizerTests {
  private let tensors: SafetensorsFixture

  init() throws { tensors = try SafetensorsFixture("keras/optimizers/tensors.safetensors") }

  /// Every operation is rounded as Keras's is, so most cases agree to the bit; what differs is the
  /// last bit of a power, a root's or a sum's, which a few steps of subtractions can make some ten
  /// times as large.
  private func expect(
    _ found: Tensor, is key: String, tolerance: Double, _ what: String
  ) throws {
    let keras = try tensors.tensor(key)
    #expect(found.dtype == keras.dtype, "\(what)")
    #expect(found.shape == keras.shape, "\(what)")
    guard found != keras else { return }
    let a: [Double] = try found.cast(to: .float64).scalars()
    let b: [Double] = try keras.cast(to: .float64).scalars()
    let scale = b.map(\.magnitude).max() ?? 0
    for (x, y) in zip(a, b) {
      #expect(abs(x - y) <= tolerance * max(abs(y), 0.01 * scale), "\(what): \(x), Keras \(y)")
    }
  }

  @Test("All golden cases are there")
  func casesAreThere() {
    #expect(OptimizerCase.all.count == 69)
    #expect(ScheduleCase.all.count == 16)
    #expect(OptimizerCase.steps == 9)
    #expect(OptimizerCase.after == [1, 4, 9])
  }

  @Test("The same steps leave the same weights and slots", arguments: OptimizerCase.all)
  func stepsAreKeras(_ item: OptimizerCase) throws {
    let tolerance = item.dtype == "float64" ? 1e-14 : 2e-6
    let model = try item.model()
    try model.setWeights(
      (0..<4).map { try tensors.tensor("\(item.dtype)/weight.\($0)") })
    let optimizer = try Optimizer(configuration: item.configuration)
    try optimizer.build(for: model)
    for step in 0..<OptimizerCase.steps {
      let gradients = try (0..<4).map {
        try tensors.tensor("\(item.gradients)/gradient.\(step).\($0)")
      }
      try optimizer.apply(gradients)
      guard OptimizerCase.after.contains(step + 1) else { continue }
      for (index, weight) in model.weights.enumerated() {
        try expect(
          weight.value, is: "\(item.name)/after.\(step + 1).\(index)", tolerance: tolerance,
          "weight \(index) after step \(step + 1)")
      }
    }
    for (index, variable) in optimizer.variables.enumerated() {
      try expect(
        variable.value, is: "\(item.name)/variable.\(index)", tolerance: tolerance, variable.name)
    }
    try optimizer.finalizeVariableValues()
    for (index, weight) in model.weights.enumerated() {
      try expect(
        weight.value, is: "\(item.name)/final.\(index)", tolerance: tolerance,
        "weight \(index) at the end")
    }
  }

  @Test("Variables have Keras's names, in Keras's order", arguments: OptimizerCase.all)
  func namesAreKeras(_ item: OptimizerCase) throws {
    let optimizer = try Optimizer(configuration: item.configuration)
    try optimizer.build(for: item.model())
    // Keras has no name for Nadam's product.
    #expect(
      optimizer.variables.map(\.name) == item.variables.map { $0 == "variable" ? "u_product" : $0 })
  }

  @Test(
    "An optimizer of Keras's configuration has that configuration", arguments: OptimizerCase.all)
  func configurationRoundTrips(_ item: OptimizerCase) throws {
    #expect(try Optimizer(configuration: item.configuration).configuration == item.configuration)
  }

  @Test("Schedules give Keras's learning rates", arguments: ScheduleCase.all)
  func schedulesAreKeras(_ item: ScheduleCase) throws {
    let schedule = try LearningRateSchedule(configuration: item.configuration)
    #expect(schedule.configuration == item.configuration)
    let largest = item.values.max() ?? 0
    #expect(item.values.count == ScheduleCase.steps.count)
    for (step, keras) in zip(ScheduleCase.steps, item.values) {
      let rate = schedule.learningRate(at: step)
      // Near its lowest point a cosine is a difference of two numbers that are almost equal.
      #expect(abs(rate - keras) <= 1e-6 * abs(keras) + 2e-7 * largest, "step \(step)")
    }
  }
}
