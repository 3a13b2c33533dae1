// The floating-point kinds as bits: what is no number, which value a pattern has, how far two
// patterns lie apart.

package import CairnTensors

/// A floating-point kind with the masks that take its patterns apart.
package struct FloatLayout: Hashable, Sendable {
  private let format: FloatFormat
  /// All bits but the sign.
  private let magnitudeMask: UInt64
  private let fractionMask: UInt64

  /// The layout of a floating-point type or of the two parts of a complex one.
  package init?(_ dtype: DType) {
    switch dtype.row.kind {
    case .float(let format), .complex(let format): self.format = format
    case .truth, .integer, .strings, .blocks: return nil
    }
    magnitudeMask = (1 << UInt64(format.exponentBits + format.fractionBits)) - 1
    fractionMask = (1 << UInt64(format.fractionBits)) - 1
  }

  private func isNegative(_ bits: UInt64) -> Bool { format.hasSign && bits & ~magnitudeMask != 0 }

  /// Whether the pattern is no number.
  package func isNaN(_ bits: UInt64) -> Bool {
    switch format.specials {
    case .ieee: bits & magnitudeMask > magnitudeMask & ~fractionMask
    case .allOnes: bits & magnitudeMask == magnitudeMask
    case .minusZero: bits == magnitudeMask &+ 1
    case .none: false
    }
  }

  /// The value of a pattern that is a number, exactly.
  package func value(_ bits: UInt64) -> Double {
    let (fractionBits, bias) = (format.fractionBits, format.bias)
    if fractionBits == 52 { return Double(bitPattern: bits) }
    if fractionBits == 23 { return Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits))) }
    let fraction = bits & fractionMask
    let exponent = Int((bits & magnitudeMask) >> UInt64(fractionBits))
    let magnitude: Double
    if format.specials == .ieee, exponent == (1 << format.exponentBits) - 1 {
      magnitude = .infinity
    } else if exponent == 0, format.hasSign {
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
