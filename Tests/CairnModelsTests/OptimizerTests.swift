// Optimizers: what they refuse, and that a refusal changes nothing.

import CairnJSON
import CairnModels
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite("Optimizers")
struct OptimizerTests {
  private func model() throws -> Sequential {
    try Sequential(
      [InputLayer(shape: [3]), Dense(2, name: "a"), Dense(1, name: "b")], name: "m", seed: 5)
  }

  private func gradients(_ model: Sequential, _ value: Float = 0.5) throws -> [Tensor] {
    try model.trainableWeights.map { try Tensor(repeating: value, shape: $0.shape) }
  }

  @Test("Every rule made in code is what its configuration makes")
  func codeAndConfigurationAgree() throws {
    let rules: [UpdateRule] = [
      .sgd(momentum: 0.5, nesterov: true), .rmsprop(rho: 0.8, momentum: 0.1, centered: true),
      .adam(beta1: 0.7, amsgrad: true), .adamW(beta2: 0.9), .adagrad(initialAccumulatorValue: 0.2),
      .adadelta(rho: 0.9), .adamax(epsilon: 1e-5), .nadam(beta1: 0.8), .lion(beta2: 0.9),
    ]
    var options = OptimizerOptions()
    options.weightDecay = 0.01
    options.clipping = .globalNorm(2)
    options.movingAverage = .init(momentum: 0.5, overwriteFrequency: 7)
    options.lossScaleFactor = 64
    options.gradientAccumulationSteps = 3
    for rule in rules {
      let made = try Optimizer(rule, learningRate: 0.25, options: options, name: "mine")
      let read = try Optimizer(configuration: made.configuration)
      #expect(read.configuration == made.configuration)
      #expect(read.options == options)
      #expect(read.className == rule.className)
      #expect(read.name == "mine")
      #expect(try read.learningRate == 0.25)
      for (key, value) in rule.settings { #expect(made.configuration["config"]?[key] == value) }
    }
  }

  @Test("A class may be named as Keras's compile takes it, with Keras's defaults")
  func namesSuffice() throws {
    let adam = try Optimizer(configuration: "adam")
    #expect(adam.className == "Adam")
    #expect(try adam.learningRate == 0.001)
    #expect(try Optimizer(.sgd()).learningRate == 0.01)
    #expect(try Optimizer(.adamW()).options.weightDecay == 0.004)
  }

  @Test("Other classes, settings out of range and unknown keys are refused by name")
  func refusals() throws {
    func reads(_ className: String, _ config: JSONObject) -> CairnError? {
      do throws(CairnError) {
        _ = try Optimizer(
          configuration: ["class_name": .string(className), "config": .object(config)])
        return nil
      } catch { return error }
    }
    #expect(reads("Adam", [:]) == nil)
    for name in ["Ftrl", "Muon", "Dense"] {
      let error = reads(name, [:])
      #expect(error?.code == .unknownOptimizer)
      #expect(error?.message.contains(name) == true)
    }
    let adam: JSONValue = ["class_name": "Adam", "config": [:]]
    #expect(reads("LossScaleOptimizer", ["inner_optimizer": adam, "dynamic": true]) == nil)
    let scalings: [(JSONObject, CairnError.Code)] = [
      ([:], .invalidConfiguration),
      (["inner_optimizer": adam, "dynamic": false], .invalidConfiguration),
      (["inner_optimizer": adam, "clipnorm": 1.0], .invalidConfiguration),
      (["inner_optimizer": adam, "dynamic_growth_steps": 0], .invalidConfiguration),
      (["inner_optimizer": adam, "initial_scale": 1e39], .invalidConfiguration),
      (["inner_optimizer": ["class_name": "Ftrl"]], .unknownOptimizer),
      (["inner_optimizer": ["class_name": "LossScaleOptimizer"]], .unknownOptimizer),
    ]
    for (config, code) in scalings { #expect(reads("LossScaleOptimizer", config)?.code == code) }
    let invalid: [(String, JSONObject, String)] = [
      ("SGD", ["momentum": 1.5], "config.momentum"), ("Lion", ["beta_1": 0.0], "config.beta_1"),
      ("AdamW", ["weight_decay": .null], "config.weight_decay"),
      ("Adam", ["gradient_accumulation_steps": 1], "config.gradient_accumulation_steps"),
      ("Adam", ["ema_momentum": 2.0], "config.ema_momentum"),
      ("Adam", ["ema_overwrite_frequency": 0], "config.ema_overwrite_frequency"),
      ("Adam", ["clipnorm": 1.0, "clipvalue": 1.0], "config.clipnorm"),
      ("Adam", ["decay": 0.1], "config.decay"), ("Adam", ["name": "a/b"], "config.name"),
      ("Adam", ["learning_rate": "fast"], "config.learning_rate"),
    ]
    for (className, config, place) in invalid {
      let error = reads(className, config)
      #expect(
        error?.code == .invalidConfiguration || error?.code == .invalidName, "\(className) \(place)"
      )
      #expect(
        error?.location.name == place || place == "config.name", "\(String(describing: error))")
    }
  }

  @Test("Schedules that make no sense are refused")
  func scheduleRefusals() {
    #expect(
      code {
        _ = try LearningRateSchedule.exponentialDecay(
          initialLearningRate: 0.1, decaySteps: 0, decayRate: 1)
      } == .invalidConfiguration)
    #expect(
      code {
        _ = try LearningRateSchedule.piecewiseConstantDecay(boundaries: [1, 2], values: [1, 2])
      } == .invalidConfiguration)
    #expect(
      code {
        _ = try LearningRateSchedule.piecewiseConstantDecay(boundaries: [2, 1], values: [1, 2, 3])
      } == .invalidConfiguration)
    #expect(
      code { _ = try LearningRateSchedule(configuration: ["class_name": "Warmup"]) }
        == .unsupportedConfiguration)
  }

  @Test("Gradients that do not fit are refused, and nothing has changed")
  func gradientsMustFit() throws {
    let model = try model()
    let optimizer = try Optimizer(.adam(), learningRate: 0.1)
    #expect(code { try optimizer.apply(gradients(model)) } == .notBuilt)
    try optimizer.build(for: model)
    try optimizer.apply(gradients(model))
    let before = (model.getWeights(), optimizer.variables.map(\.value))
    let good = try gradients(model)
    #expect(code { try optimizer.apply(Array(good.dropLast())) } == .countMismatch)
    #expect(code { try optimizer.apply([nil, nil, nil, nil]) } == .countMismatch)
    var wrong: [Tensor?] = good
    wrong[2] = try Tensor([Float](repeating: 0, count: 3))
    #expect(code { try optimizer.apply(wrong) } == .shapeMismatch)
    wrong[2] = try good[2].cast(to: .float64)
    #expect(code { try optimizer.apply(wrong) } == .dtypeMismatch)
    #expect(model.getWeights() == before.0)
    #expect(optimizer.variables.map(\.value) == before.1)
  }

  @Test("A weight without a gradient stays as it is, and so do its slots")
  func missingGradients() throws {
    let model = try model()
    let optimizer = try Optimizer(.adam(), learningRate: 0.1)
    try optimizer.build(for: model)
    let before = model.getWeights()
    var some: [Tensor?] = try gradients(model)
    some[1] = nil
    try optimizer.apply(some)
    let after = model.getWeights()
    #expect(before[1] == after[1])
    #expect(before[0] != after[0])
    // Iteration, learning rate, then momentum and velocity of each weight.
    #expect(try optimizer.variables[4].value == Tensor(zeros: .float32, shape: before[1].shape))
    #expect(try optimizer.iterations.value.scalar(of: Int32.self) == 1)
  }

  @Test("The learning rate can be set unless it follows a schedule")
  func learningRates() throws {
    let constant = try Optimizer(.sgd(), learningRate: 0.5)
    try constant.setLearningRate(0.25)
    #expect(try constant.learningRate == 0.25)
    #expect(constant.configuration["config"]?["learning_rate"] == .double(0.25))
    #expect(code { try constant.setLearningRate(.nan) } == .invalidArgument)
    let scheduled = try Optimizer(
      .sgd(),
      learningRate: .schedule(
        .inverseTimeDecay(initialLearningRate: 1, decaySteps: 1, decayRate: 1)))
    #expect(code { try scheduled.setLearningRate(0.25) } == .invalidArgument)
    let model = try model()
    try scheduled.build(for: model)
    #expect(try scheduled.learningRate == 1)
    try scheduled.apply(gradients(model))
    #expect(try scheduled.learningRate == 0.5)
  }

  @Test("One wrong value anywhere gives an error or an optimizer, never a trap")
  func hostileSettings() throws {
    let values: [JSONValue] = [
      .null, true, -1, 0, 1, .integer(.max), .integer(.min), 1e300, -1e300, 1e-300, 0.5, "x", [],
      [1, 2], [:], ["class_name": "CosineDecay", "config": ["initial_learning_rate": 1e38]],
    ]
    let schedules = ScheduleCase.all.map(\.configuration)
    let rules: [UpdateRule] = [
      .sgd(), .rmsprop(), .adam(), .adamW(), .adagrad(), .adadelta(), .adamax(), .nadam(), .lion(),
    ]
    var made = 0
    for rule in rules {
      guard case .object(let config) = try Optimizer(rule).configuration["config"] else { continue }
      for (key, _) in config {
        for value in values {
          var wrong = config
          wrong[key] = value
          if try works(["class_name": .string(rule.className), "config": .object(wrong)]) {
            made += 1
          }
        }
      }
    }
    for schedule in schedules {
      guard case .object(let config) = schedule["config"], let name = schedule["class_name"] else {
        continue
      }
      for (key, _) in config {
        for value in values {
          var wrong = config
          wrong[key] = value
          let rate: JSONValue = ["class_name": name, "config": .object(wrong)]
          if try works(["class_name": "SGD", "config": ["learning_rate": rate]]) { made += 1 }
        }
      }
    }
    #expect(made > 500)
  }

  /// Whether an optimizer can be made of that; if so, it can take steps and be written.
  private func works(_ configuration: JSONValue) throws -> Bool {
    let optimizer: Optimizer
    do throws(CairnError) {
      optimizer = try Optimizer(configuration: configuration)
    } catch { return false }
    let model = try model()
    try optimizer.build(for: model)
    for count in [0, 1_000_000, Int32.max - 1] as [Int32] {
      try optimizer.iterations.assign(Tensor(scalar: count))
      try optimizer.apply(gradients(model))
    }
    _ = try optimizer.configuration.utf8(.canonical)
    return true
  }

  @Test("A learning rate that is not finite does not keep a model from being written")
  func brokenRates() throws {
    let model = try model()
    try model.compile(optimizer: Optimizer(.sgd(), learningRate: 0.5))
    for rate in [Float.nan, .infinity] {
      try model.optimizer?.variables[1].assign(Tensor(scalar: rate))
      _ = try model.canonicalConfiguration().text
      #expect(model.compileConfiguration["optimizer"]?["config"]?["learning_rate"] == 0.5)
    }
    #expect(code { try model.optimizer?.setLearningRate(1e300) } == .invalidArgument)
    #expect(code { _ = try Optimizer(.sgd(), learningRate: 1e300) } == .invalidConfiguration)
  }

  @Test("Frozen weights get no slots")
  func frozenWeights() throws {
    let model = try model()
    model.layers[0].trainable = false
    let optimizer = try Optimizer(.lion())
    try optimizer.build(for: model)
    #expect(
      optimizer.variables.map(\.name).suffix(2) == ["m_b_kernel_momentum", "m_b_bias_momentum"])
    #expect(optimizer.variables.count == 4)
  }

  @Test("Steps that an int32 cannot count are refused")
  func countersEnd() throws {
    let model = try model()
    let optimizer = try Optimizer(.sgd())
    try optimizer.build(for: model)
    let before = model.getWeights()
    for count in [Int32.max, -1] {
      try optimizer.iterations.assign(Tensor(scalar: count))
      #expect(code { try optimizer.apply(gradients(model)) } == .invalidArgument)
    }
    #expect(model.getWeights() == before)
  }

  @Test("A model with constraints that are not Keras's is refused, and says on which weight")
  func constraints() throws {
    let plain = try model().configuration
    guard case .object(var layer) = plain["config"]?["layers"]?.arrayValue?[1],
      case .object(var config) = layer["config"]
    else { throw FixtureError("layers") }
    config["kernel_constraint"] = ["class_name": "Odd", "config": [:]]
    layer["config"] = .object(config)
    let model = try Sequential(
      configuration: [
        "class_name": "Sequential",
        "config": [
          "name": "m",
          "layers": [
            ["class_name": "InputLayer", "config": ["batch_shape": [.null, 3]]], .object(layer),
          ],
        ],
      ])
    #expect(code { try model.compile(optimizer: Optimizer(.sgd())) } == .unsupportedConfiguration)
    #expect(model.optimizer == nil)
  }

  @Test("A compiled model keeps its optimizer's configuration as it is now, and Keras's other keys")
  func compileConfiguration() throws {
    let model = try model()
    try model.compile(
      optimizer: Optimizer(.sgd(), learningRate: 0.5), configuration: ["loss": "mse"])
    try model.optimizer?.setLearningRate(0.125)
    let compiled = model.compileConfiguration
    #expect(compiled["loss"] == "mse")
    #expect(compiled["optimizer"]?["config"]?["learning_rate"] == 0.125)
    try model.compile(optimizer: Optimizer(.adam()))
    #expect(model.compileConfiguration["loss"] == "mse")
    #expect(model.compileConfiguration["optimizer"]?["class_name"] == "Adam")
    let other = try self.model()
    let error = code { try other.compile(optimizer: #require(model.optimizer)) }
    #expect(error == .optimizerMismatch)
    #expect(other.optimizer == nil)
  }
}
