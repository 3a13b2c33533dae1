// The optimizer: what it is made of, and the variables that it keeps. Keras
// `optimizers/base_optimizer.py`.

package import CairnJSON
public import CairnSystem
public import CairnTensors

/// What changes a model's weights by their gradients, and the state that it keeps to do so.
///
/// ```swift
/// try model.compile(optimizer: Optimizer(.adam(), learningRate: 0.01))
/// try model.optimizer?.apply(gradients)
/// ```
///
/// Rules, slots, their names and their order are Keras's. Cairn computes no gradients: they are
/// given. An optimizer is a reference, as a layer is; ``apply(_:)`` changes all or nothing, and
/// calls from several threads come one after the other.
public final class Optimizer: Sendable {
  /// The name in Keras's configuration: the class's in snake case unless another was given.
  public let name: String
  /// Keras's class: `Adam`.
  package let className: String
  /// What is done around the rule.
  public let options: OptimizerOptions
  /// The schedule of the learning rate, if there is one.
  package let schedule: LearningRateSchedule?
  /// The number of calls of ``apply(_:)``: int32, as with Keras's JAX and Torch backends.
  public let iterations: Variable

  let rule: any ElementRule
  let learningRateVariable: Variable?
  /// The state of the loss's scaling, if it follows the gradients.
  let lossScale: LossScale?
  /// The keys of Keras's configuration except for name and learning rate.
  private let settings: JSONObject
  let slots = Lock<OptimizerSlots?>(nil)

  /// An optimizer that has not seen any weights.
  ///
  /// - Parameters:
  ///   - rule: Which one.
  ///   - learningRate: A number or a schedule; Keras's default for the class if nil.
  ///   - name: The name in Keras's configuration.
  /// - Throws: `invalidConfiguration` for a setting out of its range; `invalidName`.
  public convenience init(
    _ rule: UpdateRule, learningRate: LearningRate? = nil,
    options: OptimizerOptions = OptimizerOptions(), name: String? = nil
  ) throws(CairnError) {
    var settings = JSONObject()
    if let name { settings["name"] = .string(name) }
    switch learningRate {
    case .constant(let rate): settings["learning_rate"] = .double(rate)
    case .schedule(let schedule): settings["learning_rate"] = schedule.configuration
    case nil: break
    }
    for (key, value) in options.settings { settings[key] = value }
    for (key, value) in rule.settings { settings[key] = value }
    try options.lossScaling?.check(at: { "\(LossScaling.className).\($0)" })
    try self.init(
      className: rule.className, settings: .object(settings), path: rule.className,
      settingsPath: rule.className, lossScaling: options.lossScaling)
  }

  /// The optimizer that Keras's `optimizers.serialize` wrote, or, as `compile` takes it, the name
  /// of a class. It has no state yet: that is loaded, or made anew.
  ///
  /// - Throws: `unknownOptimizer` for a class that is not one of Keras's nine common ones;
  ///   `invalidConfiguration`, `unsupportedConfiguration` with the place in the JSON.
  package convenience init(configuration: JSONValue) throws(CairnError) {
    try self.init(configuration: configuration, path: "")
  }

  convenience init(configuration: JSONValue, path: String) throws(CairnError) {
    if let name = configuration.stringValue {
      try self.init(
        className: name, settings: .object([:]), path: path, settingsPath: path, lossScaling: nil)
      return
    }
    var opened = try OptimizerConfiguration(configuration, path: path)
    var scaling: LossScaling?
    if opened.className == LossScaling.className {
      var reader = try ConfigurationReader(opened.settings, path: opened.settingsPath)
      guard let inner = reader.take("inner_optimizer") else {
        throw reader.invalid("inner_optimizer", expected: "an optimizer's configuration")
      }
      scaling = try LossScaling(reading: &reader)
      try reader.finish()
      opened = try OptimizerConfiguration(inner, path: reader.path(of: "inner_optimizer"))
    }
    try self.init(
      className: opened.className, settings: opened.settings, path: opened.path,
      settingsPath: opened.settingsPath, lossScaling: scaling)
  }

  private init(
    className: String, settings: JSONValue, path: String, settingsPath: String,
    lossScaling: LossScaling?
  ) throws(CairnError) {
    guard let kind = UpdateRule.named(className) else {
      let known = UpdateRule.all.map { $0.className }.joined(separator: ", ")
      throw CairnError(
        .unknownOptimizer, "there is no optimizer class ‘\(className)’", at: .init(name: path),
        advice: "Known are \(known)")
    }
    var reader = try ConfigurationReader(settings, path: settingsPath)
    self.className = kind.className
    let name = try reader.string("name", default: LayerName.automatic(for: kind.className))
    self.name = name
    try located(at: reader.path(of: "name")) { () throws(CairnError) in
      try LayerName.check(name)
    }
    let rate = try Self.learningRate(&reader, default: kind.defaultLearningRate)
    if case .schedule(let schedule) = rate { self.schedule = schedule } else { schedule = nil }
    // Recorded here to keep its place among the keys.
    reader.record(
      "learning_rate", reader.peek("learning_rate") ?? .double(kind.defaultLearningRate))
    var options = try OptimizerOptions(
      reading: &reader, defaultWeightDecay: kind.defaultWeightDecay)
    rule = try kind.init(reading: &reader)
    try reader.finish()
    var settings = reader.recorded
    if let lossScaling {
      options.lossScaling = lossScaling
      // Keras disables the inner optimizer's own: gradients would be scaled twice.
      options.lossScaleFactor = nil
      settings["loss_scale_factor"] = .null
      lossScale = try LossScale(lossScaling)
    } else {
      lossScale = nil
    }
    self.options = options
    self.settings = settings
    iterations = Variable(try Tensor(scalar: Int32(0)), name: "iteration", trainable: false)
    guard case .constant(let number) = rate else {
      learningRateVariable = nil
      return
    }
    learningRateVariable = Variable(
      try Tensor(scalar: Float(number)), name: "learning_rate", trainable: false)
  }

  private static func learningRate(
    _ reader: inout ConfigurationReader, default fallback: Double
  ) throws(CairnError) -> LearningRate {
    if let value = reader.peek("learning_rate"), value.objectValue != nil {
      _ = reader.take("learning_rate")
      return .schedule(
        try LearningRateSchedule(configuration: value, path: reader.path(of: "learning_rate")))
    }
    let rate = try reader.double("learning_rate", default: fallback)
    guard Float(rate).isFinite else {
      throw reader.invalid("learning_rate", expected: "a number of single precision")
    }
    return .constant(rate)
  }

  /// The learning rate of the next step, in single precision.
  public var learningRate: Float {
    get throws(CairnError) {
      if let schedule { return schedule.learningRate(at: try stepCount) }
      guard let learningRateVariable else { return 0 }
      return try learningRateVariable.value.scalar()
    }
  }

  /// Sets the learning rate.
  ///
  /// - Throws: `invalidArgument` if it follows a schedule, or is not finite.
  public func setLearningRate(_ rate: Double) throws(CairnError) {
    guard let learningRateVariable else {
      throw CairnError(
        .invalidArgument, "the learning rate follows a schedule and cannot be set",
        at: .init(name: name))
    }
    guard Float(rate).isFinite else {
      throw CairnError(
        .invalidArgument, "the learning rate is not finite in single precision",
        at: .init(name: name), found: "\(rate)")
    }
    try learningRateVariable.assign(Tensor(scalar: Float(rate)))
  }

  /// ``iterations`` as a number.
  var stepCount: Int {
    get throws(CairnError) { Int(try iterations.value.scalar(of: Int32.self)) }
  }

  /// As Keras's `optimizers.serialize` writes it, with the current learning rate. If that is a
  /// number that JSON does not have, the rate that the optimizer was made with is written instead.
  package var configuration: JSONValue {
    var config = settings
    if let schedule {
      config["learning_rate"] = schedule.configuration
    } else if let rate = try? learningRate, rate.isFinite {
      config["learning_rate"] = .double(Double(rate))
    }
    let own: JSONValue = [
      "module": "keras.optimizers", "class_name": .string(className), "config": .object(config),
      "registered_name": .null,
    ]
    return options.lossScaling?.configuration(around: own) ?? own
  }

  /// The classes that optimizers' variables are named after.
  static let classNames = UpdateRule.all.map { $0.className } + [LossScaling.className]

  /// What the loss is to be multiplied by before its gradients are computed, if
  /// ``OptimizerOptions/lossScaling`` says so; Keras's `scale_loss`.
  ///
  /// - Throws: `dtypeMismatch` if the variable was given another type.
  public var currentLossScale: Float? {
    get throws(CairnError) { try lossScale?.value }
  }

  /// The variables, in Keras's order: those of a loss's scaling if there is one, iterations, learning
  /// rate unless it follows a schedule, then, once the optimizer is built, those for the weights.
  package var variables: [Variable] { places.map(\.variable) }

  /// Whether the variables for the weights are there.
  package var isBuilt: Bool { slots.withLock { $0 != nil } }

  /// The weights that the optimizer was built for; none before.
  public var targets: [Variable] { slots.withLock { $0?.targets ?? [] } }
}

/// An optimizer's class and settings in a configuration, and where they stand.
private struct OptimizerConfiguration {
  let className: String
  let settings: JSONValue
  let path: String
  let settingsPath: String

  init(_ value: JSONValue, path: String) throws(CairnError) {
    var wrapper = try ConfigurationReader(value, path: path)
    className = try wrapper.string("class_name")
    try wrapper.expectModule("keras.optimizers")
    settings = wrapper.take("config") ?? .object([:])
    // Keras writes it for optimizers that were built.
    _ = wrapper.take("build_config")
    try wrapper.finish()
    self.path = wrapper.path(of: "class_name")
    settingsPath = wrapper.path(of: "config")
  }
}
