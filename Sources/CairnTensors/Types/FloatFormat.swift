// The floating-point kinds as layouts of bits.

/// How the bits of a floating-point kind are laid out: sign, exponent, fraction.
///
/// Sources: IEEE 754-2019 §3.4; OCP "8-bit Floating Point Specification" 1.0 and "Microscaling
/// Formats" 1.0, §5.3; ml_dtypes for the variants without negative zero.
package struct FloatFormat: Hashable, Sendable {
  /// Which patterns are infinities or no numbers.
  package enum Specials: Hashable, Sendable {
    /// The highest exponent: fraction 0 is infinity, the others are no numbers.
    case ieee
    /// All bits but the sign set is no number; there is no infinity.
    case allOnes
    /// Minus zero is no number; there is no infinity.
    case minusZero
    /// Every pattern is a number.
    case none
  }

  /// The bits of the exponent.
  package let exponentBits: Int
  /// The bits of the fraction, without the implied 1.
  package let fractionBits: Int
  /// What is subtracted from an exponent's bits to give the exponent.
  package let bias: Int
  /// Which patterns are infinities or no numbers.
  package let specials: Specials
  /// Whether there is a sign bit. Without one there are no zero and no subnormals either.
  package let hasSign: Bool

  package init(
    _ exponentBits: Int, _ fractionBits: Int, bias: Int, _ specials: Specials, hasSign: Bool = true
  ) {
    self.exponentBits = exponentBits
    self.fractionBits = fractionBits
    self.bias = bias
    self.specials = specials
    self.hasSign = hasSign
  }

  /// IEEE 754 binary16, binary32 and binary64, and the upper half of binary32.
  package static let binary16 = FloatFormat(5, 10, bias: 15, .ieee)
  package static let brain16 = FloatFormat(8, 7, bias: 127, .ieee)
  package static let binary32 = FloatFormat(8, 23, bias: 127, .ieee)
  package static let binary64 = FloatFormat(11, 52, bias: 1_023, .ieee)
}
