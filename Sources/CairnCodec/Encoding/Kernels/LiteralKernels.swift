// The loops over every symbol of a literal plane: counting, and writing codes. FORMAT.md, section
// "Our encoder and decoder". Unsafe code: each function checks the lengths that make its accesses
// right, then runs unchecked.

/// The codes of one block, as the loops want them.
///
/// An entry holds the length of a code in its lowest 8 bits, at most 24, and above them the code, the
/// first bit lowest.
struct LiteralCodes {
  /// For each byte its code.
  fileprivate var singles = [UInt32](repeating: 0, count: 256)
  /// The codes of two bytes in one, the index being the first plus 256 times the second; only where
  /// both have a code, and only if `hasPairs`.
  fileprivate var pairs: [UInt32] = []
  private(set) var hasPairs = false
  /// The same codes as `VectorKernels.putLiterals` wants them, if it does anything.
  fileprivate var vectorTables: VectorKernels.LiteralTables?
  private let usingVectors: Bool

  init(usingVectors: Bool = true) { self.usingVectors = usingVectors }

  /// The longest code: four fit into the 57 bits that a 64-bit buffer has besides the seven left
  /// over. Fourteen bits would fit too, and save a 10,000th of a plane, but a decoder that looks
  /// eleven bits up would have to stop more often.
  static let longestCode = 12
  /// The most symbols for which pairs are tabulated.
  private static let mostPaired = 128

  /// Sets the codes; a symbol of length 0 has none. No length may exceed `longestCode`.
  mutating func assign(codes: [UInt16], lengths: [UInt8], count: Int) {
    var present: [Int] = []
    for symbol in 0..<256 {
      let length = UInt32(min(lengths[symbol], UInt8(Self.longestCode)))
      singles[symbol] = UInt32(codes[symbol] & 0x0FFF) << 8 | length
      if length != 0 { present.append(symbol) }
    }
    vectorTables =
      usingVectors
      ? VectorKernels.LiteralTables(codes: codes, lengths: lengths, present: present, count: count)
      : nil
    hasPairs =
      vectorTables == nil && present.count <= Self.mostPaired
      && 2 * present.count * present.count <= count
    guard hasPairs else { return }
    if pairs.isEmpty { pairs = [UInt32](repeating: 0, count: 65_536) }
    for second in present {
      let (code, length) = (singles[second] >> 8, singles[second] & 0xFF)
      let row = second << 8
      for first in present {
        let head = singles[first]
        pairs[row + first] = head + (code << (head & 0xFF)) << 8 + length
      }
    }
  }
}

enum LiteralKernels {
  /// The bytes after what `write` writes that it may overwrite.
  static let slack = 16

  /// Writes the codes of `symbols`, as many bits as `bitCount` says, which must be their lengths'
  /// sum; `target` must have `slack` bytes more.
  ///
  /// - Returns: false if it has not; nothing is written then.
  static func write(
    _ symbols: Span<UInt8>, _ codes: borrowing LiteralCodes, bitCount: Int,
    with writer: inout BitWriter, to target: inout MutableSpan<UInt8>
  ) -> Bool {
    let room = target.count - writer.end
    guard writer.end >= 0, room >= slack, (bitCount + writer.pendingCount) / 8 <= room - slack
    else { return false }
    // Bounds: the vectors' loop says itself what it needs. Loads of symbols end at `count`. A table of singles has 256 places and one of pairs
    // 65,536, indexed by 8 and 16 bits. A round begins at a byte that the codes written so far reach
    // or just complete, and its last store ends 14 bytes further at most. The codes have `bitCount`
    // bits, so that it ends within the slack; should they have more, a caller's mistake, `limit`
    // stops the loop before that.
    let limit = writer.end + (bitCount + writer.pendingCount) / 8
    unsafe symbols.withUnsafeBytes { symbols in
      unsafe target.withUnsafeMutableBytes { target in
        unsafe codes.singles.withUnsafeBufferPointer { singles in
          unsafe codes.pairs.withUnsafeBufferPointer { pairs in
            guard let from = symbols.baseAddress, let to = target.baseAddress,
              let singles = singles.baseAddress
            else { return }
            var place = BitPlace(of: writer)
            var done = 0
            if let tables = codes.vectorTables {
              done = unsafe VectorKernels.putLiterals(
                from, symbols.count, tables, to: to, byteCount: target.count, &place.bits,
                &place.held, &place.end)
            }
            if codes.hasPairs, let pairs = pairs.baseAddress {
              unsafe writeEights(from, &done, symbols.count, pairs, to, &place, limit) {
                table, two in
                unsafe UInt64(table[Int(truncatingIfNeeded: two)])
              }
            } else {
              unsafe writeEights(from, &done, symbols.count, singles, to, &place, limit) {
                table, two in
                let first = unsafe UInt64(table[Int(truncatingIfNeeded: two & 0xFF)])
                let second = unsafe UInt64(table[Int(truncatingIfNeeded: two &>> 8)])
                return first &+ (second &>> 8) &<< (first & 0xFF &+ 8) &+ second & 0xFF
              }
            }
            for index in done..<symbols.count where place.end <= limit {
              let entry = unsafe UInt64(
                singles[Int(from.load(fromByteOffset: index, as: UInt8.self))])
              unsafe place.put(entry &>> 8, entry & 0xFF, to)
            }
            place.store(to: &writer)
          }
        }
      }
    }
    return true
  }

  /// Writes eight symbols a round from the `done`-th on; `lookUp` finds the codes of two at a time.
  ///
  /// Their codes, if they have 56 bits at most, are put at once, else in two halves of at most 48.
  @inline(__always)
  private static func writeEights(
    _ from: UnsafeRawPointer, _ done: inout Int, _ count: Int, _ table: UnsafePointer<UInt32>,
    _ to: UnsafeMutableRawPointer, _ place: inout BitPlace, _ limit: Int,
    _ lookUp: (UnsafePointer<UInt32>, UInt64) -> UInt64
  ) {
    var (now, i) = (place, done)
    while count &- i >= 8, now.end <= limit {
      let word = unsafe UInt64(littleEndian: (from + i).loadUnaligned(as: UInt64.self))
      let a = unsafe lookUp(table, word & 0xFFFF)
      let b = unsafe lookUp(table, (word &>> 16) & 0xFFFF)
      let c = unsafe lookUp(table, (word &>> 32) & 0xFFFF)
      let d = unsafe lookUp(table, word &>> 48)
      let ab = (a &>> 8) | (b &>> 8) &<< (a & 0x3F)
      let cd = (c &>> 8) | (d &>> 8) &<< (c & 0x3F)
      let (abLength, cdLength) = ((a &+ b) & 0x3F, (c &+ d) & 0x3F)
      if abLength &+ cdLength <= 56 {
        unsafe now.put(ab | cd &<< abLength, abLength &+ cdLength, to)
      } else {
        unsafe now.put(ab, abLength, to)
        unsafe now.put(cd, cdLength, to)
      }
      i &+= 8
    }
    (place, done) = (now, i)
  }
}
