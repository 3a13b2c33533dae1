// A cheap look for structure that Huffman codes can't see: strings of 8 bytes that come again.
// FORMAT.md, section "Chunks and planes", encoder's notes.

struct RepeatProbe {
  private static let tableBits = 12
  private static let hashShift = UInt64(64 - tableBits)
  /// For each hash, one more than the latest position with that hash; 0 for none.
  private var table = [UInt16](repeating: 0, count: 1 << tableBits)

  /// The most bytes that a sample has: positions fit the table's entries.
  static let sampleLength = 16_384

  /// Counts the positions of `sample` whose 8 bytes have been seen shortly before.
  ///
  /// Strings of one and the same byte are left out: they are runs, which need no search.
  ///
  /// Complexity: O(*n*), at most ``sampleLength`` positions.
  mutating func count(in sample: Span<UInt8>) -> Int {
    let length = min(sample.count, Self.sampleLength)
    guard length > 8 else { return 0 }
    for i in table.indices { table[i] = 0 }
    var hits = 0
    for position in 0...(length - 8) {
      let string = Self.string(in: sample, at: position)
      guard string != string << 8 | string >> 56 else { continue }
      let hash = Int(truncatingIfNeeded: (string &* 0x9E37_79B1_85EB_CA87) >> Self.hashShift)
      let seen = Int(table[hash])
      if seen > 0, Self.string(in: sample, at: seen - 1) == string { hits += 1 }
      table[hash] = UInt16(position + 1)
    }
    return hits
  }

  /// The 8 bytes at `position` as a little-endian integer.
  private static func string(in sample: Span<UInt8>, at position: Int) -> UInt64 {
    var result: UInt64 = 0
    for i in 0..<8 { result |= UInt64(sample[position + i]) << UInt64(8 * i) }
    return result
  }
}
