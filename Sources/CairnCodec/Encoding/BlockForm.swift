// The three forms of a DEFLATE block, and the codes that one of them always has: RFC 1951 section
// 3.2.

/// How a block is written.
enum BlockForm {
  case stored, fixed, dynamic

  /// Writes the three bits that begin a block which is not stored.
  func writeHeader(
    isFinal: Bool, with writer: inout BitWriter, to target: inout MutableSpan<UInt8>
  ) {
    writer.put(isFinal ? 1 : 0, 1, to: &target)
    writer.put(self == .fixed ? 1 : 2, 2, to: &target)
  }
}

/// The codes of a fixed block: RFC 1951 section 3.2.6.
enum FixedCode {
  /// Two of these symbols never occur.
  static let symbolCount = 288
  static let distanceLength = 5

  /// The length of a byte's or a match length's code.
  static func length(of symbol: Int) -> UInt8 {
    symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8
  }
}
