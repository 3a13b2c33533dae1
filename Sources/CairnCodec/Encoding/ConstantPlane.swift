// A plane whose bytes are all the same. FORMAT.md, section "Our encoder and decoder".

/// Codes planes of one and the same byte: the byte, and matches of 258 at distance 1, whose code is
/// all zeros, so that they take 2 bits each and no work.
struct ConstantPlane {
  private var huffman = HuffmanLengths()
  private var description = CodeDescription()
  private var lengths = [UInt8](repeating: 0, count: 286)
  private var codes = [UInt16](repeating: 0, count: 286)

  /// The bytes below which fixed codes are shorter.
  static let fewest = 4096

  private static let longestMatch = Token.longest
  private static let longestMatchSymbol = 285

  /// Writes `count` times `byte`, at least once, as one block, and ends at a byte boundary.
  ///
  /// - Returns: false if `target` has no room; something may have been written then.
  mutating func write(
    _ byte: UInt8, count: Int, isLast: Bool, with writer: inout BitWriter,
    to target: inout MutableSpan<UInt8>
  ) -> Bool {
    let matches = (count - 1) / Self.longestMatch
    // The description is shorter than 256 bytes; so are the 258 literals of 2 bits.
    guard target.count - writer.end > 512 + matches / 4 else { return false }
    for symbol in lengths.indices { lengths[symbol] = 0 }
    lengths[Self.longestMatchSymbol] = 1
    lengths[Int(byte)] = 2
    lengths[256] = 2
    description.describe(
      lengths, symbolCount: lengths.count, distanceLengths: [1], with: &huffman)
    CanonicalCodes.assign(lengths: lengths, to: &codes)
    writer.put(isLast ? 1 : 0, 1, to: &target)
    writer.put(2, 2, to: &target)
    description.write(with: &writer, to: &target)
    for _ in 0..<count - matches * Self.longestMatch {
      writer.put(UInt32(codes[Int(byte)]), 2, to: &target)
    }
    for _ in 0..<matches / 16 { writer.put(0, 32, to: &target) }
    for _ in 0..<matches % 16 { writer.put(0, 2, to: &target) }
    writer.put(UInt32(codes[256]), 2, to: &target)
    if isLast { writer.align(&target) } else { writer.putEmptyBlock(to: &target) }
    return true
  }
}
