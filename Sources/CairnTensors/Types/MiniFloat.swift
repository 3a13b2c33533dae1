// The floating-point kinds of 8, 6 and 4 bits: what each pattern means, and rounding to them.
//
// Sources: OCP 8-bit Floating Point Specification 1.0 (also arXiv:2209.05433) and OCP Microscaling
// Formats 1.0; the variants without negative zero (FNUZ): arXiv:2206.02915. Where these leave a
// choice (overflow, ties of the exponent-only kind), ml_dtypes 0.6 decides, as the fixtures record.

/// A floating-point kind of at most 8 bits.
struct MiniFloat: Sendable {
  /// What becomes of a number beyond the largest finite one, infinity included.
  private enum Overflow: Sendable { case infinity, nan, saturates }

  private let exponentBits: Int
  private let fractionBits: Int
  private let bias: Int
  private let overflow: Overflow
  private let largestFinite: UInt32
  private let hasNegativeZero: Bool
  /// The pattern of NaN without its sign, if there is one, and whether it takes a sign.
  private let nan: (pattern: UInt8, isSigned: Bool)?

  /// The value of every pattern, in order.
  let values: [Float]

  /// The kind of that layout: at most 8 bits, one of them the sign.
  private init(_ format: FloatFormat) {
    exponentBits = format.exponentBits
    fractionBits = format.fractionBits
    bias = format.bias
    hasNegativeZero = format.specials != .minusZero
    let mask: UInt32 = 1 << UInt32(exponentBits + fractionBits) - 1
    let infinity = mask & ~(1 << UInt32(fractionBits) - 1)
    switch format.specials {
    case .ieee:
      (overflow, largestFinite) = (.infinity, infinity - 1)
      nan = (UInt8(infinity | 1 << UInt32(fractionBits - 1)), true)
    case .allOnes: (overflow, largestFinite, nan) = (.nan, mask - 1, (UInt8(mask), true))
    case .minusZero: (overflow, largestFinite, nan) = (.nan, mask, (UInt8(mask + 1), false))
    case .none: (overflow, largestFinite, nan) = (.saturates, mask, nil)
    }
    let (overflow, largestFinite) = (overflow, largestFinite)
    let (fractionBits, hasNegativeZero) = (fractionBits, hasNegativeZero)
    let signBit = mask + 1
    let step = Float(sign: .plus, exponent: 1 - bias - fractionBits, significand: 1)
    self.values = (0..<2 * signBit).map { pattern in
      let magnitude = pattern & (signBit - 1)
      let isNegative = pattern & signBit != 0
      let value: Float
      if magnitude > largestFinite {
        value = overflow == .infinity && magnitude == largestFinite + 1 ? .infinity : .nan
      } else if isNegative && magnitude == 0 && !hasNegativeZero {
        return .nan
      } else {
        let exponent = Int(magnitude >> UInt32(fractionBits))
        let fraction = magnitude & (1 << UInt32(fractionBits) - 1)
        // Subnormals have the exponent of the smallest normals, without the implied 1.
        let significand = exponent == 0 ? fraction : fraction | 1 << UInt32(fractionBits)
        value =
          Float(sign: .plus, exponent: max(exponent, 1) - 1, significand: Float(significand))
          * step
      }
      return isNegative ? -value : value
    }
  }

  /// The kinds of the table.
  private static let all: [DType: MiniFloat] = {
    var all: [DType: MiniFloat] = [:]
    for type in DType.allPlain {
      let row = type.row
      guard case .float(let format) = row.kind, format.hasSign, row.bits ?? 9 <= 8 else { continue }
      all[type] = MiniFloat(format)
    }
    return all
  }()

  /// The kind that the type is; nil if it is another one.
  static func of(_ type: DType) -> MiniFloat? { all[type] }

  /// The pattern of the nearest value to `value`, ties to even; nil for a NaN where there is none.
  func encode(_ value: Float) -> UInt8? {
    let isNegative = value.sign == .minus
    let sign: UInt8 = isNegative ? 1 << UInt8(exponentBits + fractionBits) : 0
    guard !value.isNaN else {
      guard let nan else { return nil }
      return nan.isSigned ? nan.pattern | sign : nan.pattern
    }
    let magnitude = value.magnitude
    let rounded: UInt32
    if magnitude < Float(sign: .plus, exponent: 1 - bias, significand: 1) {
      // Below the smallest normal: a whole number of steps, which may round up to that normal.
      let step = Float(sign: .plus, exponent: 1 - bias - fractionBits, significand: 1)
      rounded = UInt32((magnitude / step).rounded(.toNearestOrEven))
    } else {
      let cut = UInt32(23 - fractionBits)
      let bits = magnitude.bitPattern
      let nearest = (bits + (1 << (cut - 1) - 1) + (bits >> cut & 1)) >> cut
      rounded = nearest - UInt32(127 - bias) << UInt32(fractionBits)
    }
    if rounded > largestFinite {
      switch overflow {
      case .infinity: return UInt8(largestFinite + 1) | sign
      case .nan:
        guard let nan else { return nil }
        return nan.isSigned ? nan.pattern | sign : nan.pattern
      case .saturates: return UInt8(largestFinite) | sign
      }
    }
    return rounded == 0 && !hasNegativeZero ? 0 : UInt8(rounded) | sign
  }
}

/// float8_e8m0fnu: a power of two from 2^-127 to 2^127, or NaN; no sign, no zero.
enum ExponentFloat {
  /// The value of every pattern, in order.
  static let values: [Float] = (0...255).map { pattern in
    pattern == 255 ? .nan : Float(sign: .plus, exponent: pattern - 127, significand: 1)
  }

  /// The nearest power of two to `value`, ties to the larger; NaN for NaN, for zero, for a negative
  /// number, and from 1.5 · 2^127 on. What lies below 2^-127 becomes 2^-127; what lies between it
  /// and 2^-126, where binary32 is subnormal, becomes 2^-126, as in ml_dtypes.
  static func encode(_ value: Float) -> UInt8 {
    guard value > 0 else { return 255 }
    let bits = value.bitPattern
    if bits < 1 << 23 { return bits > 0x0040_0000 ? 1 : 0 }
    return UInt8(min(255, (bits + 0x0040_0000) >> 23))
  }
}
