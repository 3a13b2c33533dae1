// Learning rates that change with the step: their settings. Keras
// `optimizers/schedules/learning_rate_schedule.py`.

package import CairnJSON
public import CairnSystem

/// What an optimizer's learning rate is: a number, or a schedule.
public enum LearningRate: Hashable, Sendable, ExpressibleByFloatLiteral {
  /// A number, kept in a variable of the optimizer, which can be set.
  case constant(Double)
  /// A function of the number of steps.
  case schedule(LearningRateSchedule)

  /// A number.
  public init(floatLiteral value: Double) { self = .constant(value) }
}

/// A learning rate that is a function of the number of steps: one of Keras's schedules.
public struct LearningRateSchedule: Hashable, Sendable {
  /// Keras's class: `CosineDecay`.
  package let className: String
  /// The keys of Keras's configuration.
  package let settings: JSONObject
  let curve: Curve

  /// Multiplied by `decayRate` every `decaySteps` steps, gradually or, as a staircase, at once.
  ///
  /// - Throws: `invalidConfiguration` if `decaySteps` is not above 0 or a number is not finite; so do
  ///   the others.
  public static func exponentialDecay(
    initialLearningRate: Double, decaySteps: Double, decayRate: Double, staircase: Bool = false
  ) throws(CairnError) -> LearningRateSchedule {
    try decay("ExponentialDecay", initialLearningRate, decaySteps, decayRate, staircase)
  }

  /// Divided by 1 plus `decayRate` times the number of `decaySteps` that have passed.
  public static func inverseTimeDecay(
    initialLearningRate: Double, decaySteps: Double, decayRate: Double, staircase: Bool = false
  ) throws(CairnError) -> LearningRateSchedule {
    try decay("InverseTimeDecay", initialLearningRate, decaySteps, decayRate, staircase)
  }

  private static func decay(
    _ className: String, _ initial: Double, _ steps: Double, _ rate: Double, _ staircase: Bool
  ) throws(CairnError) -> LearningRateSchedule {
    try LearningRateSchedule(
      making: className,
      [
        "initial_learning_rate": .double(initial), "decay_steps": .double(steps),
        "decay_rate": .double(rate), "staircase": .bool(staircase),
      ])
  }

  /// `values[i]` up to the step `boundaries[i]` and including it; beyond the last, the last value.
  public static func piecewiseConstantDecay(
    boundaries: [Double], values: [Double]
  ) throws(CairnError) -> LearningRateSchedule {
    try LearningRateSchedule(
      making: "PiecewiseConstantDecay",
      [
        "boundaries": .array(boundaries.map { .double($0) }),
        "values": .array(values.map { .double($0) }),
      ])
  }

  /// From the first rate to the last over `decaySteps` steps. After that the rate stays at the last,
  /// or, with `cycle`, the decay is stretched to the next multiple of `decaySteps`, so that the rate
  /// rises and falls again.
  public static func polynomialDecay(
    initialLearningRate: Double, decaySteps: Double, endLearningRate: Double = 0.0001,
    power: Double = 1, cycle: Bool = false
  ) throws(CairnError) -> LearningRateSchedule {
    try LearningRateSchedule(
      making: "PolynomialDecay",
      [
        "initial_learning_rate": .double(initialLearningRate), "decay_steps": .double(decaySteps),
        "end_learning_rate": .double(endLearningRate), "power": .double(power),
        "cycle": .bool(cycle),
      ])
  }

  /// Half a cosine down to the rate times `alpha`. If there is a `warmupTarget`, a straight line up
  /// to it comes first, over `warmupSteps` steps.
  public static func cosineDecay(
    initialLearningRate: Double, decaySteps: Double, alpha: Double = 0,
    warmupTarget: Double? = nil, warmupSteps: Double = 0
  ) throws(CairnError) -> LearningRateSchedule {
    try LearningRateSchedule(
      making: "CosineDecay",
      [
        "initial_learning_rate": .double(initialLearningRate), "decay_steps": .double(decaySteps),
        "alpha": .double(alpha), "warmup_target": warmupTarget.map { .double($0) } ?? .null,
        "warmup_steps": .double(warmupSteps),
      ])
  }

  /// Half a cosine again and again. Each one is `tMul` times as long as the one before and begins
  /// `mMul` times as high.
  public static func cosineDecayRestarts(
    initialLearningRate: Double, firstDecaySteps: Double, tMul: Double = 2, mMul: Double = 1,
    alpha: Double = 0
  ) throws(CairnError) -> LearningRateSchedule {
    try LearningRateSchedule(
      making: "CosineDecayRestarts",
      [
        "initial_learning_rate": .double(initialLearningRate),
        "first_decay_steps": .double(firstDecaySteps), "t_mul": .double(tMul),
        "m_mul": .double(mMul), "alpha": .double(alpha),
      ])
  }

  private init(making className: String, _ settings: JSONObject) throws(CairnError) {
    var reader = try ConfigurationReader(.object(settings), path: className)
    try self.init(className, reading: &reader)
  }

  /// The schedule that Keras's `schedules.serialize` wrote.
  ///
  /// - Throws: `invalidConfiguration`; `unsupportedConfiguration` for a class that is not one of
  ///   these.
  package init(configuration: JSONValue) throws(CairnError) {
    try self.init(configuration: configuration, path: "")
  }

  init(configuration: JSONValue, path: String) throws(CairnError) {
    var wrapper = try ConfigurationReader(configuration, path: path)
    let className = try wrapper.string("class_name")
    try wrapper.expectModule("keras.optimizers.schedules")
    let settings = wrapper.take("config") ?? .object([:])
    try wrapper.finish()
    var reader = try ConfigurationReader(settings, path: wrapper.path(of: "config"))
    do throws(CairnError) {
      try self.init(className, reading: &reader)
    } catch {
      throw error.located(name: wrapper.path(of: "class_name"))
    }
    try reader.finish()
  }

  private init(
    _ className: String, reading reader: inout ConfigurationReader
  ) throws(CairnError) {
    guard let kind = Kind(rawValue: className) else {
      let known = Kind.allCases.map(\.rawValue).joined(separator: ", ")
      throw CairnError(
        .unsupportedConfiguration, "there is no learning-rate schedule ‘\(className)’",
        advice: "Known are \(known)")
    }
    self.className = className
    curve = try Curve(kind, reading: &reader)
    _ = try reader.string("name", default: kind.defaultName)
    settings = reader.recorded
  }

  /// As Keras writes it.
  package var configuration: JSONValue {
    [
      "module": "keras.optimizers.schedules", "class_name": .string(className),
      "config": .object(settings), "registered_name": .null,
    ]
  }

  /// The learning rate of a step, counted from 0; computed in single precision, as in Keras.
  public func learningRate(at step: Int) -> Float { curve.value(at: step) }
}
