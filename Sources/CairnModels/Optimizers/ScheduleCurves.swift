// Learning rates that change with the step: their values. Keras
// `optimizers/schedules/learning_rate_schedule.py`.

import CairnJSON
import CairnSystem

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension LearningRateSchedule {
  /// Keras's classes.
  enum Kind: String, CaseIterable {
    case exponential = "ExponentialDecay"
    case piecewise = "PiecewiseConstantDecay"
    case polynomial = "PolynomialDecay"
    case inverseTime = "InverseTimeDecay"
    case cosine = "CosineDecay"
    case restarts = "CosineDecayRestarts"

    var defaultName: String {
      switch self {
      case .piecewise: "PiecewiseConstant"
      case .restarts: "SGDRDecay"
      default: rawValue
      }
    }
  }

  /// A schedule's numbers, in single precision, as Keras computes with them.
  enum Curve: Hashable, Sendable {
    case exponential(initial: Float, steps: Float, rate: Float, isStaircase: Bool)
    case inverseTime(initial: Float, steps: Float, rate: Float, isStaircase: Bool)
    case piecewise(boundaries: [Int], values: [Float])
    case polynomial(initial: Float, steps: Float, end: Float, power: Float, isCyclic: Bool)
    case cosine(initial: Float, steps: Float, alpha: Float, warmup: Float?, warmupSteps: Float)
    case restarts(initial: Float, steps: Float, lengthening: Float, damping: Float, alpha: Float)

    init(_ kind: Kind, reading reader: inout ConfigurationReader) throws(CairnError) {
      switch kind {
      case .exponential, .inverseTime:
        let initial = try reader.number("initial_learning_rate")
        let steps = try reader.steps("decay_steps")
        let rate = try reader.number("decay_rate")
        let isStaircase = try reader.bool("staircase", default: false)
        self =
          kind == .exponential
          ? .exponential(initial: initial, steps: steps, rate: rate, isStaircase: isStaircase)
          : .inverseTime(initial: initial, steps: steps, rate: rate, isStaircase: isStaircase)
      case .piecewise:
        self = try Self.piecewise(&reader)
      case .polynomial:
        self = .polynomial(
          initial: try reader.number("initial_learning_rate"),
          steps: try reader.steps("decay_steps"),
          end: try reader.number("end_learning_rate", default: 0.0001),
          power: try reader.number("power", default: 1),
          isCyclic: try reader.bool("cycle", default: false))
      case .cosine:
        self = .cosine(
          initial: try reader.number("initial_learning_rate"),
          steps: try reader.steps("decay_steps"),
          alpha: try reader.number("alpha", default: 0),
          warmup: try reader.optionalDouble("warmup_target").map { Float($0) },
          warmupSteps: try reader.number("warmup_steps", default: 0))
      case .restarts:
        self = .restarts(
          initial: try reader.number("initial_learning_rate"),
          steps: try reader.steps("first_decay_steps"),
          lengthening: try reader.number("t_mul", default: 2),
          damping: try reader.number("m_mul", default: 1),
          alpha: try reader.number("alpha", default: 0))
      }
    }

    private static func piecewise(
      _ reader: inout ConfigurationReader
    ) throws(CairnError) -> Curve {
      var lists: [[Double]] = []
      for key in ["boundaries", "values"] {
        let value = reader.take(key) ?? .null
        let numbers = (value.arrayValue ?? []).compactMap(\.doubleValue)
        guard let elements = value.arrayValue, numbers.count == elements.count, !numbers.isEmpty,
          numbers.allSatisfy({ $0.magnitude < 0x1p53 })
        else { throw reader.invalid(key, expected: "an array of numbers") }
        reader.record(key, value)
        lists.append(numbers)
      }
      guard lists[0].count == lists[1].count - 1 else {
        throw reader.invalid("values", expected: "one more number than there are boundaries")
      }
      guard zip(lists[0], lists[0].dropFirst()).allSatisfy({ $0 <= $1 }) else {
        throw reader.invalid("boundaries", expected: "steps in ascending order")
      }
      // Keras casts boundaries to the type of the step, an integer.
      return .piecewise(boundaries: lists[0].map { Int($0) }, values: lists[1].map { Float($0) })
    }

    func value(at step: Int) -> Float {
      switch self {
      case .exponential(let initial, let steps, let rate, let isStaircase):
        let passed = Float(step) / steps
        return initial * Float.power(rate, isStaircase ? passed.rounded(.down) : passed)
      case .inverseTime(let initial, let steps, let rate, let isStaircase):
        let passed = Float(step) / steps
        return initial / (1 + rate * (isStaircase ? passed.rounded(.down) : passed))
      case .piecewise(let boundaries, let values):
        return values[boundaries.firstIndex { step <= $0 } ?? values.count - 1]
      case .polynomial(let initial, let steps, let end, let power, let isCyclic):
        var (now, last) = (Float(step), steps)
        if isCyclic {
          last *= now == 0 ? 1 : (now / steps).rounded(.up)
        } else {
          now = min(now, last)
        }
        return (initial - end) * Float.power(1 - now / last, power) + end
      case .cosine(let initial, let steps, let alpha, let warmup, let warmupSteps):
        guard let warmup else {
          return initial * Self.halfCosine(min(Float(step), steps) / steps, alpha)
        }
        let now = min(Float(step), steps + warmupSteps)
        if now < warmupSteps { return (warmup - initial) * (now / warmupSteps) + initial }
        return warmup * Self.halfCosine((now - warmupSteps) / steps, alpha)
      case .restarts(let initial, let steps, let lengthening, let damping, let alpha):
        let (restarts, passed) = Self.restarts(Float(step) / steps, lengthening)
        let height = 0.5 * Float.power(damping, restarts) * (1 + Self.cosine(passed))
        return initial * ((1 - alpha) * height + alpha)
      }
    }

    private static func halfCosine(_ passed: Float, _ alpha: Float) -> Float {
      (1 - alpha) * (0.5 * (1 + cosine(passed))) + alpha
    }

    /// The cosine of a part of π.
    private static func cosine(_ passed: Float) -> Float { Float(cos(Double(Float.pi * passed))) }

    /// How often the cosine has begun again, and how much of the present one has passed.
    private static func restarts(_ passed: Float, _ lengthening: Float) -> (Float, Float) {
      guard lengthening != 1 else {
        let restarts = passed.rounded(.down)
        return (restarts, passed - restarts)
      }
      let restarts =
        (logarithm(1 - passed * (1 - lengthening)) / logarithm(lengthening)).rounded(.down)
      let length = Float.power(lengthening, restarts)
      let before = (1 - length) / (1 - lengthening)
      return (restarts, (passed - before) / length)
    }

    private static func logarithm(_ x: Float) -> Float { Float(log(Double(x))) }
  }
}

extension ConfigurationReader {
  /// A finite number in single precision; without a default the key must be there.
  fileprivate mutating func number(
    _ key: String, default fallback: Double? = nil
  ) throws(CairnError) -> Float {
    if fallback == nil, peek(key) == nil { throw invalid(key, expected: "a number") }
    return Float(try double(key, default: fallback ?? 0))
  }

  /// A number of steps, above 0.
  fileprivate mutating func steps(_ key: String) throws(CairnError) -> Float {
    let steps = try number(key)
    guard steps > 0 else { throw invalid(key, expected: "a number above 0") }
    return steps
  }
}
