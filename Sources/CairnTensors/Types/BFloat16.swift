// bfloat16: the upper half of an IEEE 754 binary32.

/// A 16-bit floating-point number with 8 exponent bits and 7 fraction bits.
///
/// Arithmetic goes through `Float`; conversions round to nearest, ties to even, and keep a NaN a
/// NaN (with its sign and the upper bits of its payload).
public struct BFloat16: Sendable {
  /// The bits: 1 sign, 8 exponent, 7 fraction.
  public var bitPattern: UInt16

  /// The value with those bits.
  public init(bitPattern: UInt16) { self.bitPattern = bitPattern }

  /// The nearest value to `value`, ties to even; beyond the largest finite one, infinity.
  public init(_ value: Float) {
    bitPattern = HalfPrecision.bfloat16(value.bitPattern)
  }

  /// The nearest value to `value`, ties to even, rounded once.
  public init(_ value: Double) {
    self.init(Float(roundingToOdd: value))
  }
}

extension BFloat16: Hashable {
  /// As floating-point numbers compare: −0 equals +0, a NaN equals nothing.
  public static func == (left: Self, right: Self) -> Bool { Float(left) == Float(right) }

  /// Hashes as the `Float` of the same value does.
  public func hash(into hasher: inout Hasher) { hasher.combine(Float(self)) }
}

extension BFloat16: Comparable {
  /// As floating-point numbers compare.
  public static func < (left: Self, right: Self) -> Bool { Float(left) < Float(right) }
}

extension BFloat16: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  /// The nearest value to the literal.
  public init(floatLiteral value: Double) { self.init(value) }
  /// The nearest value to the literal.
  public init(integerLiteral value: Int32) { self.init(Double(value)) }
}

extension BFloat16: CustomStringConvertible {
  /// The value as `Float` prints it.
  public var description: String { Float(self).description }
}

extension Float {
  /// The same value, exactly.
  public init(_ value: BFloat16) { self.init(bitPattern: UInt32(value.bitPattern) << 16) }
}

extension Double {
  /// The same value, exactly.
  public init(_ value: BFloat16) { self.init(Float(value)) }
}
