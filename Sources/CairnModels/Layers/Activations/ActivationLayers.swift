// Keras `layers/activations/relu.py`, `leaky_relu.py`, `elu.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// Zero, or a slope, below a threshold; at most a largest value. No variables.
public final class ReLU: FloatLayer, ShapeKeepingLayer, ConfiguredLayer {
  static let kind = LayerKind("ReLU", passesMask: true, needsShape: false)

  let core: LayerState
  private let maximum: Double?
  private let slope: Double
  private let threshold: Double

  /// A rectifier.
  ///
  /// - Throws: `invalidArgument` for negative values; `invalidName`.
  public convenience init(
    maximum: Double? = nil, negativeSlope: Double = 0, threshold: Double = 0, name: String? = nil,
    trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: [
        "max_value": maximum,
        "negative_slope": negativeSlope, "threshold": threshold,
      ], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    maximum = try reader.optionalDouble("max_value")
    slope = try reader.double("negative_slope", default: 0)
    threshold = try reader.double("threshold", default: 0)
    guard maximum ?? 0 >= 0, slope >= 0, threshold >= 0 else {
      throw reader.invalid("max_value", expected: "no negative number in any of the keys")
    }
    core = try reader.layerState(className: Self.className)
  }

  /// The rectified values.
  func evaluate<Scalar: FloatScalar>(
    _ input: Tensor, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    let (slope, threshold) = (Scalar(slope), Scalar(threshold))
    let maximum = maximum.map { Scalar($0) } ?? .infinity
    if slope == 0 {
      return try input.mapped(threads: context.threads) { (x: Scalar) in
        // A NaN stays one.
        let value = x <= threshold ? 0 : x
        return value > maximum ? maximum : value
      }
    }
    return try input.mapped(threads: context.threads) { (x: Scalar) in
      let value = x <= threshold ? slope * (x - threshold) : x
      return value > maximum ? maximum : value
    }
  }
}

/// A slope below zero: 0.3 unless set. No variables.
public final class LeakyReLU: FloatLayer, ShapeKeepingLayer, ConfiguredLayer {
  static let kind = LayerKind("LeakyReLU", passesMask: true, needsShape: false)

  let core: LayerState
  /// The slope below zero.
  let negativeSlope: Double

  /// A rectifier with a slope.
  ///
  /// - Throws: `invalidArgument` for a negative slope; `invalidName`.
  public convenience init(
    negativeSlope: Double = 0.3, name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: ["negative_slope": negativeSlope], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    negativeSlope = try reader.double("negative_slope", default: 0.3)
    guard negativeSlope >= 0 else {
      throw reader.invalid("negative_slope", expected: "a number from 0 on")
    }
    core = try reader.layerState(className: Self.className)
  }

  /// x, or the slope times x.
  func evaluate<Scalar: FloatScalar>(
    _ input: Tensor, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    let function = UnaryFunction.leakyReLU(slope: negativeSlope)
    return try input.mapped(threads: context.threads) { (x: Scalar) in function(x) }
  }
}

/// x, or α (exp(x) − 1) where x is not above 0. No variables.
public final class ELU: FloatLayer, ShapeKeepingLayer, ConfiguredLayer {
  static let kind = LayerKind("ELU", passesMask: true, needsShape: false)

  let core: LayerState
  /// The negative of the smallest value.
  let alpha: Double

  /// An exponential linear unit.
  ///
  /// - Throws: `invalidName`.
  public convenience init(
    alpha: Double = 1, name: String? = nil, trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: ["alpha": alpha], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    alpha = try reader.double("alpha", default: 1)
    core = try reader.layerState(className: Self.className)
  }

  /// The function's values.
  func evaluate<Scalar: FloatScalar>(
    _ input: Tensor, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    let function = UnaryFunction.elu(alpha: alpha)
    return try input.mapped(threads: context.threads) { (x: Scalar) in function(x) }
  }
}
