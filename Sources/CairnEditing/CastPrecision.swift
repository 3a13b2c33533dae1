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
    var isFull = false
    var hasInfinity = false
    var hasNaN = true
    var hasNegativeZero = true
  }

  private static func float(_ dtype: DType) -> Float? {
    switch dtype {
    case .float16: Float(precision: 11, smallest: -24, largest: 15, isFull: true, hasInfinity: true)
    case .bfloat16:
      Float(precision: 8, smallest: -133, largest: 127, isFull: true, hasInfinity: true)
    case .float32, .complex64:
      Float(precision: 24, smallest: -149, largest: 127, isFull: true, hasInfinity: true)
    case .float64, .complex128:
      Float(precision: 53, smallest: -1_074, largest: 1_023, isFull: true, hasInfinity: true)
    case .float8E5M2:
      Float(precision: 3, smallest: -16, largest: 15, isFull: true, hasInfinity: true)
    case .float8E4M3FN: Float(precision: 4, smallest: -9, largest: 8)
    case .float8E4M3FNUZ: Float(precision: 4, smallest: -10, largest: 7, hasNegativeZero: false)
    case .float8E5M2FNUZ: Float(precision: 3, smallest: -17, largest: 15, hasNegativeZero: false)
    case .float6E2M3FN: Float(precision: 4, smallest: -3, largest: 2, isFull: true, hasNaN: false)
    case .float6E3M2FN: Float(precision: 3, smallest: -4, largest: 4, isFull: true, hasNaN: false)
    case .float4E2M1FN: Float(precision: 2, smallest: -1, largest: 2, isFull: true, hasNaN: false)
    default: nil
    }
  }

  /// Bits of the magnitude, and whether there are negative numbers.
  private static func integer(_ dtype: DType) -> (bits: Int, isSigned: Bool)? {
    switch dtype {
    case .bool: (1, false)
    case .uint4, .uint8, .uint16, .uint32, .uint64: (dtype.bitWidth ?? 0, false)
    case .int4, .int8, .int16, .int32, .int64: ((dtype.bitWidth ?? 1) - 1, true)
    default: nil
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
