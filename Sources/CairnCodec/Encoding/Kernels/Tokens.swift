// What a DEFLATE block with matches is made of: RFC 1951 section 3.2.5.

/// A literal, or a match: some bytes that have come before.
///
/// In 32 bits: a literal's byte; or a match's length in the upper 16 and its distance less 1 in the
/// lower 16.
struct Token {
  static let shortest = 3
  static let longest = 258
  static let longestDistance = 1 << 15

  var bits: UInt32

  @inline(__always)
  init(literal byte: UInt8) { bits = UInt32(byte) }

  /// A match; of the distance 16 bits count.
  @inline(__always)
  init(length: Int, distance: Int) {
    bits =
      UInt32(truncatingIfNeeded: length) &<< 16 | UInt32(truncatingIfNeeded: distance &- 1) & 0xFFFF
  }

  /// 0 for a literal.
  @inline(__always)
  var length: Int { Int(bits &>> 16) }
  @inline(__always)
  var literal: Int { Int(bits & 0xFF) }
  /// The distance less 1.
  @inline(__always)
  var offset: UInt32 { bits & 0x7FFF }
}

/// The symbols for lengths and distances.
enum MatchSymbols {
  static let literalCount = 286
  static let distanceCount = 30

  /// For each length, less the shortest, its symbol, the extra bits after it and their number.
  static let lengths: [(symbol: Int, extra: UInt32, bitCount: Int)] = {
    var result: [(symbol: Int, extra: UInt32, bitCount: Int)] = []
    for symbol in 257..<285 {
      let bitCount = symbol < 265 ? 0 : (symbol - 261) / 4
      for extra in 0..<UInt32(1 << bitCount) { result.append((symbol, extra, bitCount)) }
    }
    // The longest has a symbol of its own.
    result[Token.longest - Token.shortest] = (285, 0, 0)
    return result
  }()

  /// How many extra bits follow a distance's symbol.
  static func extraBitCount(distanceSymbol symbol: Int) -> Int { max(0, symbol / 2 - 1) }

  /// The symbol of a distance, less 1: two for each power of 2.
  @inline(__always)
  static func distanceSymbol(_ offset: UInt32) -> Int {
    let power = 31 &- (offset | 1).leadingZeroBitCount
    guard power > 1 else { return Int(offset) }
    return 2 &* power &+ Int(offset &>> UInt32(power &- 1)) & 1
  }
}
