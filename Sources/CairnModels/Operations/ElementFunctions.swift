// What operations do to an element, a pair of them, or a run, in whichever type is computed in.

/// A function of each element.
enum UnaryFunction: Sendable {
  case elementary(Elementary)
  case negative, absolute, square, squareRoot, reciprocal, reciprocalSquareRoot
  case sign, floor, ceiling, truncation
  /// All bits of an integer inverted.
  case inverse
  case degreesToRadians, radiansToDegrees
  /// sin(πx) / πx, and 1 at 0.
  case sinc
  /// The approximation of gelu by tanh (Hendrycks and Gimpel, 2016).
  case approximateGELU
  /// Between two numbers; a NaN stays one.
  case clip(Double, Double)
  /// Rounded to so many decimals, ties to even.
  case round(decimals: Int)
  /// Replaces NaN and the infinities by numbers; the infinities by the largest and the least number
  /// unless others are given.
  case numbers(nan: Double, high: Double?, low: Double?)
  case leakyReLU(slope: Double)
  case elu(alpha: Double)
  case celu(alpha: Double)
  case softShrink(limit: Double)
  case hardShrink(limit: Double)
  case threshold(limit: Double, other: Double)
  case squareplus(b: Double)

  /// The function's value.
  func callAsFunction<Scalar: FloatScalar>(_ x: Scalar) -> Scalar {
    switch self {
    case .elementary(let function): return function(x)
    case .negative: return -x
    case .absolute: return abs(x)
    case .square: return x * x
    case .squareRoot: return x.squareRoot()
    case .reciprocal: return 1 / x
    case .reciprocalSquareRoot: return 1 / x.squareRoot()
    case .sign: return x > 0 ? 1 : x < 0 ? -1 : x
    case .floor: return x.rounded(.down)
    case .ceiling: return x.rounded(.up)
    case .truncation: return x.rounded(.towardZero)
    case .degreesToRadians: return x * (Scalar.pi / 180)
    case .sinc: return x == 0 ? 1 : Elementary.sin(Scalar.pi * x) / (Scalar.pi * x)
    case .radiansToDegrees: return x * (180 / Scalar.pi)
    case .round(let decimals):
      let factor = ElementaryOfTwo.pow(10, Scalar(decimals))
      return (x * factor).rounded(.toNearestOrEven) / factor
    case .clip(let low, let high):
      return x < Scalar(low) ? Scalar(low) : x > Scalar(high) ? Scalar(high) : x
    case .numbers(let nan, let high, let low):
      if x.isNaN { return Scalar(nan) }
      if x == .infinity { return high.map { Scalar($0) } ?? .greatestFiniteMagnitude }
      if x == -.infinity { return low.map { Scalar($0) } ?? -.greatestFiniteMagnitude }
      return x
    default: return activation(x)
    }
  }

  private func activation<Scalar: FloatScalar>(_ x: Scalar) -> Scalar {
    switch self {
    case .approximateGELU:
      let inner = (2 / Scalar.pi).squareRoot() * (x + 0.044715 * x * x * x)
      return 0.5 * x * (1 + Elementary.tanh(inner))
    case .leakyReLU(let slope): return x < 0 ? Scalar(slope) * x : x
    case .elu(let alpha): return x > 0 ? x : Scalar(alpha) * Elementary.expm1(x)
    case .celu(let alpha):
      return max(0, x) + min(0, Scalar(alpha) * Elementary.expm1(min(0, x) / Scalar(alpha)))
    case .softShrink(let limit):
      return x > Scalar(limit) ? x - Scalar(limit) : x < -Scalar(limit) ? x + Scalar(limit) : 0
    case .hardShrink(let limit): return abs(x) > Scalar(limit) ? x : 0
    case .threshold(let limit, let other): return x > Scalar(limit) ? x : Scalar(other)
    case .squareplus(let b): return 0.5 * (x + (x * x + Scalar(b)).squareRoot())
    default: return x
    }
  }
}

/// A function of each pair of elements.
enum BinaryFunction: Sendable, Equatable {
  case elementary(ElementaryOfTwo)
  case sum, difference, product, quotient, floorQuotient, remainder
  case largest, smallest
  /// The quotient, and zero where the divisor is.
  case safeQuotient
  /// The logarithm of the sum of exponentials.
  case logarithmOfSum
  /// The same to the base 2.
  case binaryLogarithmOfSum
  /// 0 below zero, 1 above zero, and the second operand at zero.
  case step
  /// The larger and the smaller number; a NaN counts as neither.
  case largestNumber, smallestNumber
  /// Bits of integers.
  case and, or, exclusiveOr, leftShift, rightShift

  /// The function's value.
  func callAsFunction<Scalar: FloatScalar>(_ x: Scalar, _ y: Scalar) -> Scalar {
    switch self {
    case .elementary(let function): return function(x, y)
    case .sum: return x + y
    case .difference: return x - y
    case .product: return x * y
    case .quotient: return x / y
    case .floorQuotient: return (x / y).rounded(.down)
    case .remainder:
      // As Python: the remainder has the divisor's sign.
      let rest = ElementaryOfTwo.fmod(x, y)
      return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest
    case .largest: return x.isNaN || y.isNaN ? .nan : max(x, y)
    case .smallest: return x.isNaN || y.isNaN ? .nan : min(x, y)
    case .safeQuotient: return y == 0 ? 0 : x / y
    case .logarithmOfSum:
      if x == y { return x + Elementary.log(2) }
      return max(x, y) + Elementary.log1p(Elementary.exp(-abs(x - y)))
    case .binaryLogarithmOfSum:
      if x == y { return x + 1 }
      let log2 = Elementary.log(Scalar(2))
      return max(x, y) + Elementary.log1p(Elementary.exp(-abs(x - y) * log2)) / log2
    case .step: return x.isNaN ? y : x < 0 ? 0 : x > 0 ? 1 : y
    case .largestNumber: return x.isNaN ? y : y.isNaN ? x : max(x, y)
    case .smallestNumber: return x.isNaN ? y : y.isNaN ? x : min(x, y)
    case .and, .or, .exclusiveOr, .leftShift, .rightShift: return .nan
    }
  }
}

/// A function that turns a run of elements into one value of the same type. Sums are in double
/// precision.
enum RunFunction: Sendable {
  case sum, mean, product, largest, smallest, variance, deviation, range, median
  /// The logarithm of the sum of exponentials.
  case logarithmOfSum
  /// The Euclidean length.
  case length
  /// The norm of that order: the root of that order of the sum of powers of that order.
  case norm(order: Double)
  /// The largest and the smallest absolute value.
  case largestMagnitude, smallestMagnitude
  /// How many are not zero.
  case nonzeroCount
  /// The value that this part of the elements is below, by linear interpolation.
  case quantile(Double)

  /// The function's value.
  func callAsFunction<Scalar: FloatScalar>(_ run: [Scalar]) -> Scalar {
    switch self {
    case .sum: return Scalar(run.reduce(0.0) { $0 + $1.double })
    case .mean: return Scalar(run.mean())
    case .product: return run.reduce(1, *)
    case .largest: return run.reduce(-.infinity) { $1 > $0 || $1.isNaN ? $1 : $0 }
    case .smallest: return run.reduce(.infinity) { $1 < $0 || $1.isNaN ? $1 : $0 }
    case .variance: return Scalar(run.moments().variance)
    case .deviation: return Scalar(run.moments().variance).squareRoot()
    case .range: return (run.max() ?? 0) - (run.min() ?? 0)
    case .median: return Self.middle(of: run)
    case .logarithmOfSum:
      let largest = run.max() ?? -.infinity
      guard largest.isFinite else { return largest }
      let sum = run.reduce(0.0) { $0 + Elementary.exp($1 - largest).double }
      return largest + Elementary.log(Scalar(sum))
    case .length: return Scalar(run.reduce(0.0) { $0 + $1.double * $1.double }.squareRoot())
    case .norm(let order):
      let sum = run.reduce(0.0) { $0 + ElementaryOfTwo.pow(abs($1.double), order) }
      return Scalar(ElementaryOfTwo.pow(sum, 1 / order))
    case .largestMagnitude:
      return run.reduce(0) { abs($1) > $0 || $1.isNaN ? abs($1) : $0 }
    case .smallestMagnitude:
      return run.reduce(.infinity) { abs($1) < $0 || $1.isNaN ? abs($1) : $0 }
    case .nonzeroCount: return Scalar(run.count { $0 != 0 })
    case .quantile(let part): return Self.quantile(part, of: run)
    }
  }

  private static func quantile<Scalar: FloatScalar>(_ part: Double, of run: [Scalar]) -> Scalar {
    if run.isEmpty || run.contains(where: \.isNaN) { return .nan }
    let sorted = run.sorted()
    let place = Double(sorted.count - 1) * min(max(part, 0), 1)
    let upper = min(Int(place.rounded(.up)), sorted.count - 1)
    let lower = max(upper - 1, 0)
    let next = min(lower + 1, sorted.count - 1)
    let fraction = Scalar(Double(next) - place)
    return sorted[next] * (1 - fraction) + sorted[lower] * fraction
  }

  /// The function's value for whole numbers; nil if the value is not a whole number.
  func whole(_ run: [Int64]) -> Int64? {
    switch self {
    case .sum: run.reduce(0, &+)
    case .product: run.reduce(1, &*)
    case .largest: run.max()
    case .smallest: run.min()
    case .range: (run.max() ?? 0) &- (run.min() ?? 0)
    default: nil
    }
  }

  private static func middle<Scalar: FloatScalar>(of run: [Scalar]) -> Scalar {
    let sorted = run.sorted()
    let middle = sorted.count / 2
    if sorted.isEmpty || run.contains(where: \.isNaN) { return .nan }
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}
