// Bits put together by hand, for streams that no encoder writes.

/// Bits in the order of RFC 1951 section 3.1.1, the lowest of each byte first.
struct BitString {
  private(set) var bytes: [UInt8] = []
  private var free = 0

  /// Appends the `count` lowest bits of `value`, the lowest first.
  mutating func append(_ value: Int, _ count: Int) {
    for index in 0..<count {
      if free == 0 {
        bytes.append(0)
        free = 8
      }
      bytes[bytes.count - 1] |= UInt8(value >> index & 1) << UInt8(8 - free)
      free -= 1
    }
  }

  /// Appends the head of a dynamic block with these code lengths, RFC 1951 section 3.2.7.
  ///
  /// The code length code has the sixteen lengths in four bits each, so that any lengths at all can
  /// be said; there are no repeats.
  mutating func appendDynamicHead(isFinal: Bool, literals: [Int], distances: [Int]) {
    append(isFinal ? 1 : 0, 1)
    append(2, 2)
    append(literals.count - 257, 5)
    append(distances.count - 1, 5)
    append(15, 4)
    for symbol in [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15] {
      append(symbol < 16 ? 4 : 0, 3)
    }
    for length in literals + distances {
      // The code of a length is the length itself, its highest bit first.
      for bit in [3, 2, 1, 0] { append(length >> bit & 1, 1) }
    }
  }
}
