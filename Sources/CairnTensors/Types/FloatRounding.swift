// The roundings that conversions between numbers are made of. All of them are plain integer and
// binary32 arithmetic, the same on every machine, and in a form that the compiler vectorises.

extension Float {
  /// `value` rounded to odd: cut toward zero, and the last bit set if anything was cut off.
  ///
  /// A second rounding, to a type of at most 22 bits of precision, then gives what one rounding of
  /// `value` would have given (Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums:
  /// proved algorithms using rounding to odd", 2008). Infinite and too large values become
  /// infinity; a NaN stays one, quiet, with the upper bits of its payload.
  @inline(__always)
  init(roundingToOdd value: Double) {
    let nearest = Float(value)
    let back = Double(nearest)
    guard nearest.isFinite, back != value else {
      self = nearest
      return
    }
    let towardZero = abs(back) > abs(value) ? nearest.bitPattern - 1 : nearest.bitPattern
    self.init(bitPattern: towardZero | 1)
  }
}

extension Double {
  /// An integer's magnitude and sign, rounded to odd: exact below 2^53. See
  /// ``Swift/Float/init(roundingToOdd:)``.
  init(roundingToOdd magnitude: UInt64, isNegative: Bool) {
    let surplus = Swift.max(0, 64 - magnitude.leadingZeroBitCount - 53)
    let kept = (magnitude >> UInt64(surplus)) << UInt64(surplus)
    // `kept` has at most 53 significant bits, so it converts exactly.
    let value = Double(bitPattern: Double(kept).bitPattern | (kept == magnitude ? 0 : 1))
    self = isNegative ? -value : value
  }
}

/// binary16 and bfloat16 as bits, to and from the bits of a binary32.
package enum HalfPrecision {
  /// binary32 to bfloat16: nearest, ties to even; a NaN keeps its sign and the upper seven bits of
  /// its payload, and is quiet.
  @inline(__always)
  static func bfloat16(_ bits: UInt32) -> UInt16 {
    // A carry out of the fraction raises the exponent, which is what rounding up means; the sum
    // cannot wrap, because the largest pattern that is no NaN is 0xFF80_0000.
    let rounded = (bits &+ 0x7FFF &+ (bits >> 16 & 1)) >> 16
    // Cutting a payload could leave none, which would read as infinity: set the quiet bit.
    let nan = bits >> 16 | 0x0040
    return UInt16(truncatingIfNeeded: bits & 0x7FFF_FFFF > 0x7F80_0000 ? nan : rounded)
  }

  /// binary32 to binary16: nearest, ties to even; a NaN keeps its sign and the upper ten bits of
  /// its payload, and is quiet.
  @inline(__always)
  static func float16(_ bits: UInt32) -> UInt16 {
    let magnitude = bits & 0x7FFF_FFFF
    // Rebias the exponent from 127 to 15 and round away 13 bits; a carry makes the exponent larger,
    // and 65,520 and more infinite.
    let normal = (magnitude &- (112 << 23) &+ 0xFFF &+ (magnitude >> 13 & 1)) >> 13
    // Below 2^-14: added to 0.5, whose last place is binary16's smallest number, the processor
    // rounds to a multiple of it.
    let half: UInt32 = 126 << 23
    let subnormal = (Float(bitPattern: magnitude) + Float(bitPattern: half)).bitPattern &- half
    let special = magnitude > 0x7F80_0000 ? 0x7E00 | (magnitude >> 13 & 0x3FF) : 0x7C00
    let small = magnitude < 113 << 23 ? subnormal : normal
    let result = magnitude >= 143 << 23 ? special : small
    return UInt16(truncatingIfNeeded: result | bits >> 16 & 0x8000)
  }

  /// binary16 to binary32, exactly; a NaN keeps sign and payload, and is quiet.
  @inline(__always)
  package static func float32(float16 half: UInt16) -> UInt32 {
    let magnitude = UInt32(half & 0x7FFF) << 13
    let normal = magnitude &+ (112 << 23)
    // A subnormal: read with the exponent of the smallest normal, then less the implied 1.
    let one: UInt32 = 113 << 23
    let subnormal = (Float(bitPattern: normal &+ (1 << 23)) - Float(bitPattern: one)).bitPattern
    let infinity: UInt32 = 0x7C00 << 13
    let special = magnitude &+ (224 << 23) | (magnitude > infinity ? 0x0040_0000 : 0)
    let finite = magnitude < 1 << 23 ? subnormal : normal
    return (magnitude >= infinity ? special : finite) | UInt32(half & 0x8000) << 16
  }

  /// bfloat16 to binary32: the same bits, and sixteen zeros.
  @inline(__always)
  static func float32(bfloat16 bits: UInt16) -> UInt32 { UInt32(bits) << 16 }
}
