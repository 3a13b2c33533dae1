// A training that is interrupted, saved and resumed ends as one that never was, in every bit.

import Cairn
import CairnTestSupport
import Testing

/// An optimizer to train with.
struct TrainedOptimizer: Sendable, CustomTestStringConvertible {
  let testDescription: String
  private let rule: UpdateRule
  private let rate: LearningRate?
  private let options: OptimizerOptions

  init(
    _ name: String, _ rule: UpdateRule, rate: LearningRate? = nil,
    _ change: (inout OptimizerOptions) -> Void = { _ in }
  ) {
    testDescription = name
    self.rule = rule
    self.rate = rate
    var options = OptimizerOptions()
    change(&options)
    self.options = options
  }

  func make() throws -> Optimizer { try Optimizer(rule, learningRate: rate, options: options) }

  static let all: [TrainedOptimizer] = [
    .init("SGD", .sgd()), .init("SGD, momentum", .sgd(momentum: 0.9)),
    .init("SGD, Nesterov", .sgd(momentum: 0.9, nesterov: true)),
    .init("RMSprop", .rmsprop()),
    .init("RMSprop, centered, momentum", .rmsprop(momentum: 0.5, centered: true)),
    .init("Adam", .adam()), .init("Adam, AMSGrad", .adam(amsgrad: true)),
    .init("AdamW", .adamW()), .init("Adagrad", .adagrad()), .init("Adadelta", .adadelta()),
    .init("Adamax", .adamax()), .init("Nadam", .nadam()), .init("Lion", .lion()),
    .init("Adam, a schedule", .adam(), rate: schedule),
    .init("Adam, averages", .adam()) {
      $0.movingAverage = .init(momentum: 0.9, overwriteFrequency: 40)
    },
    .init("Nadam, accumulation", .nadam()) { $0.gradientAccumulationSteps = 5 },
    .init("SGD, everything", .sgd(momentum: 0.5)) {
      $0.weightDecay = 0.01
      $0.clipping = .globalNorm(1)
      $0.lossScaleFactor = 8
      $0.movingAverage = .init()
      $0.gradientAccumulationSteps = 3
    },
  ]

  private static var schedule: LearningRate {
    (try? .cosineDecayRestarts(initialLearningRate: 0.05, firstDecaySteps: 30)).map {
      .schedule($0)
    } ?? 0.001
  }
}

@Suite struct ResumeTests {
  private let steps = 200
  /// Within a cycle of accumulated gradients, and between two overwritings by averages.
  private let interruption = 73

  private func model() throws -> Sequential {
    let model = try Sequential(
      [
        InputLayer(shape: [4]), Dense(5, activation: .tanh, name: "hidden"),
        BatchNormalization(name: "norm"), Dropout(0.3, seed: 11, name: "drop"),
        Dense(4, name: "frozen", trainable: false), Dense(3, name: "head"),
      ], name: "net", seed: 4)
    return model
  }

  /// A training step. Its gradients follow from the weights and from the state of the random layer,
  /// which moves on: a bit that is lost anywhere shows in all that comes after.
  private func step(_ model: Model, _ number: Int) throws {
    let seed = try #require(model.places(.fullState).first { $0.role == .state }).variable
    var state: [UInt32] = try seed.value.scalars()
    var numbers = SeededNumbers(UInt64(state[0]) << 32 | UInt64(state[1]))
    let optimizer = try #require(model.optimizer)
    var gradients: [Tensor?] = []
    for target in optimizer.targets {
      let values: [Float] = try target.value.scalars()
      gradients.append(
        try Tensor(
          values.map { 0.3 * $0 + Float.random(in: -0.5...0.5, using: &numbers) },
          shape: target.shape))
    }
    // Now and then a weight has no gradient.
    if number % 7 == 6 { gradients[number % gradients.count] = nil }
    try optimizer.apply(gradients)
    state[1] &+= 1
    try seed.assign(Tensor(state, shape: seed.shape))
  }

  @Test(arguments: TrainedOptimizer.all)
  func `An interrupted training ends as an uninterrupted one, in every bit`(
    _ trained: TrainedOptimizer
  ) throws {
    let folder = try TestFolder()
    let uninterrupted = try model()
    try uninterrupted.compile(optimizer: trained.make())
    let first = try model()
    try first.compile(optimizer: trained.make())
    for number in 0..<steps {
      try step(uninterrupted, number)
      if number < interruption { try step(first, number) }
    }
    let path = folder.file("half.cairn")
    try first.save(to: path)

    // A model made of the file, optimizer and all; and the state loaded into one made in code.
    let restored = try Model.load(from: path)
    let rebuilt = try Sequential(
      [
        InputLayer(shape: [4]), Dense(5, activation: .tanh, name: "hidden"),
        BatchNormalization(name: "norm"), Dropout(0.3, seed: 5, name: "drop"),
        Dense(4, name: "frozen", trainable: false), Dense(3, name: "head"),
      ], name: "net", seed: 99)
    try rebuilt.compile(optimizer: trained.make())
    try rebuilt.loadWeights(from: Container(path: path), scope: .fullState)
    let copied = try first.deepCopy()
    for resumed in [restored, rebuilt, copied] {
      for number in interruption..<steps { try step(resumed, number) }
    }
    for resumed in [restored, copied] {
      let report = try compare(ModelTensors(uninterrupted), ModelTensors(resumed))
      #expect(report.isSame, "\(report.text)")
    }
    // Only the configuration differs: it has another seed to begin with.
    for (a, b) in try zip(tensors(uninterrupted), tensors(rebuilt)) { #expect(a == b) }
    // The interrupted one has stayed where it was.
    #expect(try !compare(ModelTensors(uninterrupted), ModelTensors(first)).isSame)
    let optimizer = try #require(restored.optimizer)
    #expect(try optimizer.iterations.value.scalar(of: Int32.self) == Int32(steps))
  }

  private func tensors(_ model: Model) throws -> [Tensor] {
    let source = try ModelTensors(model)
    return try source.tensors(at: Array(0..<source.count))
  }

  @Test func `A training that forgets its optimizer's state ends elsewhere`() throws {
    let whole = try model()
    try whole.compile(optimizer: Optimizer(.adam()))
    for number in 0..<interruption { try step(whole, number) }
    let forgetful = try whole.deepCopy()
    try forgetful.compile(optimizer: Optimizer(.adam()))
    try step(whole, interruption)
    try step(forgetful, interruption)
    #expect(whole.getWeights() != forgetful.getWeights())
  }
}
