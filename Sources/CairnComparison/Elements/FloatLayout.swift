// The floating-point kinds as bits: what is no number, which value a pattern has, how far two
// patterns lie apart.

package import CairnTensors

/// How the bits of a floating-point kind are laid out.
///
/// Sources: IEEE 754-2019 §3.4; OCP "8-bit Floating Point Specification" 1.0 and "Microscaling
/// Formats" 1.0, §5.3; ml_dtypes for the variants without negative zero.
package struct FloatLayout: Hashable, Sendable {
  /// Which patterns are infinities or no numbers.
  enum Specials: Hashable, Sendable {
    /// The highest exponent: fraction 0 is infinity, the others are no numbers.
    case ieee
    /// All bits but the sign set is no number; there is no infinity.
    case allOnes
    /// Minus zero is no number; there is no infinity.
    case minusZero
    /// Every pattern is a number.
    case none
  }

  var hasSign = true
  var exponentBits: Int
  var fractionBits: Int
  var bias: Int
  var specials: Specials

  /// The layout of a floating-point type or of the two parts of a complex one.
  package init?(_ dtype: DType) {
    switch dtype {
    case .float64, .complex128: self.init(11, 52, bias: 1_023, .ieee)
    case .float32, .complex64: self.init(8, 23, bias: 127, .ieee)
    case .float16: self.init(5, 10, bias: 15, .ieee)
    case .bfloat16: self.init(8, 7, bias: 127, .ieee)
    case .float8E5M2: self.init(5, 2, bias: 15, .ieee)
    case .float8E4M3FN: self.init(4, 3, bias: 7, .allOnes)
    case .float8E5M2FNUZ: self.init(5, 2, bias: 16, .minusZero)
    case .float8E4M3FNUZ: self.init(4, 3, bias: 8, .minusZero)
    case .float8E8M0FNU:
      self.init(8, 0, bias: 127, .allOnes)
      hasSign = false
    case .float6E2M3FN: self.init(2, 3, bias: 1, .none)
    case .float6E3M2FN: self.init(3, 2, bias: 3, .none)
    case .float4E2M1FN: self.init(2, 1, bias: 1, .none)
    default: return nil
    }
  }

  private init(_ exponentBits: Int, _ fractionBits: Int, bias: Int, _ specials: Specials) {
    self.exponentBits = exponentBits
    self.fractionBits = fractionBits
    self.bias = bias
    self.specials = specials
  }

  /// All bits but the sign.
  private var magnitudeMask: UInt64 { (1 << UInt64(exponentBits + fractionBits)) &- 1 }
  private var fractionMask: UInt64 { (1 << UInt64(fractionBits)) &- 1 }

  private func isNegative(_ bits: UInt64) -> Bool { hasSign && bits & ~magnitudeMask != 0 }

  /// Whether the pattern is no number.
  package func isNaN(_ bits: UInt64) -> Bool {
    switch specials {
    case .ieee: bits & magnitudeMask > magnitudeMask & ~fractionMask
    case .allOnes: bits & magnitudeMask == magnitudeMask
    case .minusZero: bits == magnitudeMask &+ 1
    case .none: false
    }
  }

  /// The value of a pattern that is a number, exactly.
  package func value(_ bits: UInt64) -> Double {
    if fractionBits == 52 { return Double(bitPattern: bits) }
    if fractionBits == 23 { return Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits))) }
    let fraction = bits & fractionMask
    let exponent = Int((bits & magnitudeMask) >> UInt64(fractionBits))
    let magnitude: Double
    if specials == .ieee, exponent == (1 << exponentBits) - 1 {
      magnitude = .infinity
    } else if exponent == 0, hasSign {
      magnitude = Double(
        sign: .plus, exponent: 1 - bias - fractionBits, significand: Double(fraction))
    } else {
      // Without a sign bit there is no zero either, nor subnormals: exponent 0 is 2^-bias.
      let whole = fraction | 1 << UInt64(fractionBits)
      magnitude = Double(
        sign: .plus, exponent: exponent - bias - fractionBits, significand: Double(whole))
    }
    return isNegative(bits) ? -magnitude : magnitude
  }

  /// How many numbers of the type lie from the one to the other, the second included: 1 for
  /// neighbours. Neither is a NaN.
  ///
  /// −0 and +0 are one number, as NumPy's `nulp` functions count: their distance is 0, and each has
  /// the smallest subnormals as its neighbours. Infinity is the neighbour of the largest finite
  /// number.
  package func distance(_ left: UInt64, _ right: UInt64) -> UInt64 {
    let (a, b) = (ordered(left), ordered(right))
    // The magnitudes have at most 63 bits, so the difference fits 64 without a sign.
    return UInt64(bitPattern: max(a, b) &- min(a, b))
  }

  /// The pattern as an integer that ascends with the value.
  private func ordered(_ bits: UInt64) -> Int64 {
    let magnitude = Int64(bitPattern: bits & magnitudeMask)
    return isNegative(bits) ? 0 &- magnitude : magnitude
  }
}
