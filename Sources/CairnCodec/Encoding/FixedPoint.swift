// Logarithms in integers, so that no libm decides what an encoder writes.

struct FixedPoint {
  /// The bits after the point.
  static let fractionBits: UInt64 = 12

  /// The binary logarithm of `value`, at least 1, in units of 1/4096, rounded down.
  ///
  /// The fraction comes bit by bit: squaring a mantissa in 1 ..< 2 doubles its logarithm, and the
  /// new bit says whether the square has reached 2.
  static func log2(_ value: UInt32) -> UInt32 {
    let exponent = 31 - value.leadingZeroBitCount
    guard exponent >= 0 else { return 0 }
    // The mantissa as a 31-bit fraction: 2^31 stands for 1.
    var mantissa = UInt64(value) << UInt64(31 - exponent)
    var result = UInt32(exponent)
    for _ in 0..<12 {
      mantissa = (mantissa * mantissa) >> 31
      let bit = mantissa >> 32
      mantissa >>= bit
      result = result << 1 | UInt32(bit)
    }
    return result
  }

  private static let tableCount: UInt32 = 4096
  private static let sharedTable = (0..<tableCount).map { $0 == 0 ? 0 : log2($0) }
  private let table = sharedTable

  /// `value` times its binary logarithm, 0 for 0; the logarithm is off by at most 1/1400.
  func timesLog2(_ value: UInt32) -> UInt64 {
    if value < Self.tableCount { return UInt64(value) * UInt64(table[Int(value)]) }
    // The twelve bits from the highest on, which lie in the upper half of the table.
    let shift = 20 - UInt32(value.leadingZeroBitCount)
    return UInt64(value) * UInt64(table[Int(value >> shift)] + shift << UInt32(Self.fractionBits))
  }
}
