// What all of Keras's optimizers can do besides their own rule. Keras
// `optimizers/base_optimizer.py`.

import CairnJSON
import CairnSystem

/// What is done with gradients and weights around an optimizer's own rule.
public struct OptimizerOptions: Hashable, Sendable {
  /// How gradients are kept small.
  public enum Clipping: Hashable, Sendable {
    /// Each variable's gradient is scaled down to that norm; Keras's `clipnorm`.
    case norm(Double)
    /// Each element is clipped to that magnitude; Keras's `clipvalue`.
    case value(Double)
    /// All gradients together are scaled down to that norm; Keras's `global_clipnorm`.
    case globalNorm(Double)
  }

  /// A moving average of the weights; Keras's `use_ema`.
  public struct MovingAverage: Hashable, Sendable {
    /// How much of the average stays, from 0 to 1.
    public var momentum: Double
    /// After how many updates the weights are replaced by their averages, again and again; never if
    /// nil.
    public var overwriteFrequency: Int?

    /// An average with that momentum.
    public init(momentum: Double = 0.99, overwriteFrequency: Int? = nil) {
      self.momentum = momentum
      self.overwriteFrequency = overwriteFrequency
    }
  }

  /// The part of the weights, times the learning rate, that is subtracted before an update. If nil,
  /// the class's own default (none except for AdamW).
  public var weightDecay: Double?
  /// How gradients are clipped, if at all.
  public var clipping: Clipping?
  /// The average that is kept of the weights, if any.
  public var movingAverage: MovingAverage?
  /// What the loss was multiplied by: gradients are divided by it.
  public var lossScaleFactor: Double?
  /// A factor of the loss that follows the gradients, instead of a fixed one; Keras's
  /// `LossScaleOptimizer`.
  public var lossScaling: LossScaling?
  /// Weights are updated once in this many steps, by the mean of the gradients since the last
  /// update; 2 or more.
  public var gradientAccumulationSteps: Int?

  /// Nothing around the rule.
  public init() {}

  init(
    reading reader: inout ConfigurationReader, defaultWeightDecay: Double?
  ) throws(CairnError) {
    weightDecay = try reader.optionalDouble("weight_decay")
    if weightDecay == nil, defaultWeightDecay != nil {
      guard !reader.has("weight_decay") else {
        throw reader.invalid("weight_decay", expected: "a number")
      }
      weightDecay = defaultWeightDecay
      reader.record("weight_decay", defaultWeightDecay.map { .double($0) } ?? .null)
    }
    clipping = try Self.clipping(&reader)
    let keepsAverage = try reader.bool("use_ema", default: false)
    let momentum = try reader.rate("ema_momentum", default: 0.99)
    let frequency = try reader.optionalInteger("ema_overwrite_frequency", in: 1 ... .max)
    if keepsAverage {
      movingAverage = MovingAverage(momentum: momentum, overwriteFrequency: frequency)
    }
    lossScaleFactor = try reader.optionalDouble("loss_scale_factor")
    gradientAccumulationSteps = try reader.optionalInteger(
      "gradient_accumulation_steps", in: 2 ... .max)
  }

  private static func clipping(
    _ reader: inout ConfigurationReader
  ) throws(CairnError) -> Clipping? {
    let norm = try reader.optionalDouble("clipnorm")
    let global = try reader.optionalDouble("global_clipnorm")
    let value = try reader.optionalDouble("clipvalue")
    guard [norm, global, value].compactMap({ $0 }).count <= 1 else {
      throw reader.invalid(
        "clipnorm", expected: "only one of clipnorm, global_clipnorm and clipvalue")
    }
    // Keras does not clip if the limit is not positive.
    if let norm, norm > 0 { return .norm(norm) }
    if let global, global > 0 { return .globalNorm(global) }
    if let value, value > 0 { return .value(value) }
    return nil
  }

  /// The keys of Keras's configuration.
  var settings: JSONObject {
    var settings = JSONObject()
    if let weightDecay { settings["weight_decay"] = .double(weightDecay) }
    switch clipping {
    case .norm(let norm): settings["clipnorm"] = .double(norm)
    case .globalNorm(let norm): settings["global_clipnorm"] = .double(norm)
    case .value(let value): settings["clipvalue"] = .double(value)
    case nil: break
    }
    if let movingAverage {
      settings["use_ema"] = true
      settings["ema_momentum"] = .double(movingAverage.momentum)
      settings["ema_overwrite_frequency"] =
        movingAverage.overwriteFrequency.map { .integer(Int64($0)) } ?? .null
    }
    if let lossScaleFactor { settings["loss_scale_factor"] = .double(lossScaleFactor) }
    if let gradientAccumulationSteps {
      settings["gradient_accumulation_steps"] = .integer(Int64(gradientAccumulationSteps))
    }
    return settings
  }
}
