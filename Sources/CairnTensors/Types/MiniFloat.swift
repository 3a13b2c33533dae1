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

  private init(
    exponentBits: Int, fractionBits: Int, bias: Int, overflow: Overflow, largestFinite: UInt32,
    hasNegativeZero: Bool = true, nan: (pattern: UInt8, isSigned: Bool)?
  ) {
    self.exponentBits = exponentBits
    self.fractionBits = fractionBits
    self.bias = bias
    self.overflow = overflow
    self.largestFinite = largestFinite
    self.hasNegativeZero = hasNegativeZero
    self.nan = nan
    let signBit: UInt32 = 1 << UInt32(exponentBits + fractionBits)
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

  static let float8E4M3FN = MiniFloat(
    exponentBits: 4, fractionBits: 3, bias: 7, overflow: .nan, largestFinite: 0x7E,
    nan: (0x7F, true))
  static let float8E5M2 = MiniFloat(
    exponentBits: 5, fractionBits: 2, bias: 15, overflow: .infinity, largestFinite: 0x7B,
    nan: (0x7E, true))
  static let float8E4M3FNUZ = MiniFloat(
    exponentBits: 4, fractionBits: 3, bias: 8, overflow: .nan, largestFinite: 0x7F,
    hasNegativeZero: false, nan: (0x80, false))
  static let float8E5M2FNUZ = MiniFloat(
    exponentBits: 5, fractionBits: 2, bias: 16, overflow: .nan, largestFinite: 0x7F,
    hasNegativeZero: false, nan: (0x80, false))
  static let float6E2M3FN = MiniFloat(
    exponentBits: 2, fractionBits: 3, bias: 1, overflow: .saturates, largestFinite: 0x1F, nan: nil)
  static let float6E3M2FN = MiniFloat(
    exponentBits: 3, fractionBits: 2, bias: 3, overflow: .saturates, largestFinite: 0x1F, nan: nil)
  static let float4E2M1FN = MiniFloat(
    exponentBits: 2, fractionBits: 1, bias: 1, overflow: .saturates, largestFinite: 0x7, nan: nil)

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
