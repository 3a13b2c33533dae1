// The initial values of weights. Keras `initializers/random_initializers.py`,
// `constant_initializers.py`.

import CairnJSON

/// A rule for the first values of a variable.
///
/// Distributions and their bounds are Keras's; the numbers drawn are not, since the generator is
/// our own (``SeededGenerator``). An initializer with a seed of its own gives the same values every
/// time; one without takes the seed from the model that is being built.
public struct Initializer: Hashable, Sendable {
  /// What the variance is divided by.
  public enum FanMode: String, Hashable, Sendable {
    /// The number of inputs.
    case fanIn = "fan_in"
    /// The number of outputs.
    case fanOut = "fan_out"
    /// Their mean.
    case fanAverage = "fan_avg"
  }

  /// The distribution that ``varianceScaling(scale:mode:distribution:seed:)`` draws from.
  public enum Distribution: String, Hashable, Sendable {
    /// Normal, redrawn beyond two standard deviations.
    case truncatedNormal = "truncated_normal"
    /// Normal.
    case untruncatedNormal = "untruncated_normal"
    /// Uniform.
    case uniform = "uniform"
  }

  enum Rule: Hashable, Sendable {
    case zeros
    case ones
    case constant(Double)
    case identity(gain: Double)
    case uniform(minimum: Double, maximum: Double)
    case normal(mean: Double, deviation: Double)
    case truncatedNormal(mean: Double, deviation: Double)
    case varianceScaling(scale: Double, mode: FanMode, distribution: Distribution)
    case orthogonal(gain: Double)
    /// An array that has the shape of the variable, or is broadcast to it.
    case array(ConstantArray)
    /// A class that is not known: its configuration is kept, and nothing can be drawn.
    case unknown(JSONValue)
  }

  /// Keras's class: `GlorotUniform`.
  package let className: String
  let rule: Rule
  /// Keras's `seed`: null, an integer, or a seed generator's configuration, kept as it was read.
  let seed: JSONValue
  /// Which axes count as inputs and outputs, if not the last two.
  let inputAxes: [Int]?
  let outputAxes: [Int]?

  init(
    _ className: String, _ rule: Rule, seed: JSONValue = .null, inputAxes: [Int]? = nil,
    outputAxes: [Int]? = nil
  ) {
    self.className = className
    self.rule = rule
    self.seed = seed
    self.inputAxes = inputAxes
    self.outputAxes = outputAxes
  }

  private init(_ className: String, _ rule: Rule, seed: Int?) {
    self.init(className, rule, seed: seed.map { .integer(Int64($0)) } ?? .null)
  }

  /// All 0.
  public static let zeros = Initializer("Zeros", .zeros)
  /// All 1.
  public static let ones = Initializer("Ones", .ones)
  /// All `value`, which is finite.
  public static func constant(_ value: Double) -> Initializer {
    Initializer("Constant", .constant(value))
  }
  /// `gain` on the diagonal of a matrix, 0 elsewhere.
  public static func identity(gain: Double = 1) -> Initializer {
    Initializer("Identity", .identity(gain: gain))
  }
  /// Uniform from `minimum` up to, but not including, `maximum`.
  public static func randomUniform(
    minimum: Double = -0.05, maximum: Double = 0.05, seed: Int? = nil
  ) -> Initializer {
    Initializer("RandomUniform", .uniform(minimum: minimum, maximum: maximum), seed: seed)
  }
  /// Normal.
  public static func randomNormal(
    mean: Double = 0, deviation: Double = 0.05, seed: Int? = nil
  ) -> Initializer {
    Initializer("RandomNormal", .normal(mean: mean, deviation: deviation), seed: seed)
  }
  /// Normal, redrawn beyond two standard deviations from the mean.
  public static func truncatedNormal(
    mean: Double = 0, deviation: Double = 0.05, seed: Int? = nil
  ) -> Initializer {
    Initializer("TruncatedNormal", .truncatedNormal(mean: mean, deviation: deviation), seed: seed)
  }
  /// Variance `scale` divided by the number of inputs, of outputs, or their mean.
  public static func varianceScaling(
    scale: Double = 1, mode: FanMode = .fanIn, distribution: Distribution = .truncatedNormal,
    seed: Int? = nil
  ) -> Initializer {
    Initializer(
      "VarianceScaling", .varianceScaling(scale: scale, mode: mode, distribution: distribution),
      seed: seed)
  }
  /// A random matrix with orthogonal rows or columns of length `gain`, for shapes of rank 2 and
  /// more.
  public static func orthogonal(gain: Double = 1, seed: Int? = nil) -> Initializer {
    Initializer("Orthogonal", .orthogonal(gain: gain), seed: seed)
  }

  /// The classes that are variance scaling with fixed parameters.
  static let presets: [(className: String, rule: Rule)] = [
    preset("GlorotUniform", 1, .fanAverage, .uniform),
    preset("GlorotNormal", 1, .fanAverage, .truncatedNormal),
    preset("LecunUniform", 1, .fanIn, .uniform),
    preset("LecunNormal", 1, .fanIn, .truncatedNormal),
    preset("HeUniform", 2, .fanIn, .uniform),
    preset("HeNormal", 2, .fanIn, .truncatedNormal),
  ]

  private static func preset(
    _ className: String, _ scale: Double, _ mode: FanMode, _ distribution: Distribution
  ) -> (className: String, rule: Rule) {
    (className, .varianceScaling(scale: scale, mode: mode, distribution: distribution))
  }

  private static func preset(_ index: Int, seed: Int?) -> Initializer {
    Initializer(presets[index].className, presets[index].rule, seed: seed)
  }

  /// Uniform within ±√(6 / (inputs + outputs)); the default for kernels.
  public static func glorotUniform(seed: Int? = nil) -> Initializer { preset(0, seed: seed) }
  /// Truncated normal with deviation √(2 / (inputs + outputs)).
  public static func glorotNormal(seed: Int? = nil) -> Initializer { preset(1, seed: seed) }
  /// Uniform within ±√(3 / inputs).
  public static func lecunUniform(seed: Int? = nil) -> Initializer { preset(2, seed: seed) }
  /// Truncated normal with deviation √(1 / inputs).
  public static func lecunNormal(seed: Int? = nil) -> Initializer { preset(3, seed: seed) }
  /// Uniform within ±√(6 / inputs).
  public static func heUniform(seed: Int? = nil) -> Initializer { preset(4, seed: seed) }
  /// Truncated normal with deviation √(2 / inputs).
  public static func heNormal(seed: Int? = nil) -> Initializer { preset(5, seed: seed) }
}
