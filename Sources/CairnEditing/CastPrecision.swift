// Which conversions between element types keep every number, and what the others do to it.

import CairnTensors

/// What a conversion does to numbers.
enum CastPrecision {
  /// A float kind: the bits of its significand, the exponents of its smallest subnormal and its largest
  /// binade, and whether the whole of that binade, infinities and negative zero are there.
  private struct Float {
    var precision: Int
    var smallest: Int
    var largest: Int
    var isFull: Bool
    var hasInfinity: Bool
    var hasNaN: Bool
    var hasNegativeZero: Bool

    init(_ format: FloatFormat) {
      precision = format.fractionBits + 1
      smallest = 1 - format.bias - format.fractionBits
      hasInfinity = format.specials == .ieee
      // IEEE's highest exponent is no binade: it holds the infinities and what is no number.
      largest = 1 << format.exponentBits - format.bias - (hasInfinity ? 2 : 1)
      isFull = format.specials != .allOnes
      hasNaN = format.specials != .none
      hasNegativeZero = format.specials != .minusZero
    }
  }

  private static func float(_ dtype: DType) -> Float? {
    switch dtype.row.kind {
    case .float(let format), .complex(let format): format.hasSign ? Float(format) : nil
    case .truth, .integer, .strings, .blocks: nil
    }
  }

  /// Bits of the magnitude, and whether there are negative numbers.
  private static func integer(_ dtype: DType) -> (bits: Int, isSigned: Bool)? {
    let row = dtype.row
    return switch row.kind {
    case .truth: (1, false)
    case .integer(let isSigned): ((row.bits ?? 0) - (isSigned ? 1 : 0), isSigned)
    case .float, .complex, .strings, .blocks: nil
    }
  }

  /// Whether every number of `source` is one of `target`. (A signalling NaN becomes a quiet one.)
  static func isExact(from source: DType, to target: DType) -> Bool {
    if source == target { return true }
    if source.isComplex && !target.isComplex { return false }
    if let from = integer(source) {
      if let to = integer(target) {
        return target != .bool && to.bits >= from.bits && (to.isSigned || !from.isSigned)
      }
      // The lowest of a signed type is a power of two.
      guard let to = float(target) else { return false }
      return to.precision >= from.bits && to.largest >= from.bits
    }
    if source == .float8E8M0FNU {
      return float(target).map { $0.smallest <= -127 && $0.largest >= 127 } ?? false
    }
    guard let from = float(source), let to = float(target) else { return false }
    return to.precision >= from.precision && to.smallest <= from.smallest
      && (to.isFull ? to.largest >= from.largest : to.largest > from.largest)
      && (to.hasInfinity || !from.hasInfinity) && (to.hasNaN || !from.hasNaN)
      && (to.hasNegativeZero || !from.hasNegativeZero)
  }

  /// What happens to a number that has no counterpart.
  static func effect(from source: DType, to target: DType) -> String {
    if target == .bool { return "true unless zero" }
    if target.isInteger {
      return source.isInteger ? "taken modulo 2^\(target.bitWidth ?? 0)" : "cut toward zero"
    }
    return target == .float8E8M0FNU
      ? "rounded to the nearest power of two" : "rounded to the nearest, ties to even"
  }
}
