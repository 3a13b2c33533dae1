// The loops over every symbol of a literal plane: counting, and writing codes. FORMAT.md, section
// "Our encoder and decoder". Unsafe code: each function checks the lengths that make its accesses
// right, then runs unchecked.

/// The codes of one block, as the loops want them.
struct LiteralCodes {
  /// For each byte its code, the first bit lowest, and from bit 32 on the code's length.
  fileprivate(set) var singles = [UInt64](repeating: 0, count: 256)
  /// The same for two bytes, the index being the first plus 256 times the second; only where both
  /// have a code, and only if `hasPairs`.
  fileprivate var pairs: [UInt64] = []
  private(set) var hasPairs = false

  /// The longest code: four fit into the 57 bits that a 64-bit buffer has besides the seven left
  /// over. Fourteen bits would fit too, and save a 10,000th of a plane, but a decoder that looks
  /// eleven bits up would have to stop more often.
  static let longestCode = 12
  /// The most symbols for which pairs are tabulated.
  private static let mostPaired = 64

  /// Sets the codes; a symbol of length 0 has none. No length may exceed `longestCode`.
  mutating func assign(codes: [UInt16], lengths: [UInt8], count: Int) {
    var present: [Int] = []
    for symbol in 0..<256 {
      let length = UInt64(min(lengths[symbol], UInt8(Self.longestCode)))
      singles[symbol] = UInt64(codes[symbol] & 0x0FFF) | length << 32
      if length != 0 { present.append(symbol) }
    }
    hasPairs = present.count <= Self.mostPaired && 2 * present.count * present.count <= count
    guard hasPairs else { return }
    if pairs.isEmpty { pairs = [UInt64](repeating: 0, count: 65_536) }
    for second in present {
      let entry = singles[second]
      let row = second << 8
      for first in present {
        let head = singles[first]
        pairs[row + first] =
          (head & 0xFFFF_FFFF) | (entry & 0xFFFF_FFFF) << (head >> 32)
          | (head >> 32 + entry >> 32) << 32
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
    var state = (bits: writer.pending, count: UInt64(writer.pendingCount))
    var end = writer.end
    // Bounds: loads of symbols end at `count`. A table of singles has 256 places and one of pairs
    // 65,536, indexed by 8 and 16 bits. A store of 8 bytes begins at a byte that the codes written
    // so far reach or just complete. These have `bitCount` bits, so that it ends within the slack;
    // should they have more, a caller's mistake, `limit` stops the loop before 16 bytes beyond.
    let limit = writer.end + (bitCount + writer.pendingCount) / 8
    unsafe symbols.withUnsafeBytes { symbols in
      unsafe target.withUnsafeMutableBytes { target in
        guard let from = symbols.baseAddress, let to = target.baseAddress else { return }
        let done =
          codes.hasPairs
          ? unsafe writePairs(from, symbols.count, codes, to, &end, limit, &state)
          : 0
        unsafe writeSingles(from, done, symbols.count, codes, to, &end, limit, &state)
      }
    }
    writer.end = end
    writer.pending = state.bits
    writer.pendingCount = Int(state.count)
    return true
  }

  /// Eight symbols a round, two a look-up; returns how many symbols are written.
  @inline(__always)
  private static func writePairs(
    _ from: UnsafeRawPointer, _ count: Int, _ codes: borrowing LiteralCodes,
    _ to: UnsafeMutableRawPointer, _ end: inout Int, _ limit: Int,
    _ state: inout (bits: UInt64, count: UInt64)
  ) -> Int {
    unsafe codes.pairs.withUnsafeBufferPointer { pairs in
      guard let table = pairs.baseAddress else { return 0 }
      var (bits, held, next, i) = (state.bits, state.count, end, 0)
      while count &- i >= 8, next <= limit {
        let word = unsafe UInt64(littleEndian: (from + i).loadUnaligned(as: UInt64.self))
        for half in 0..<2 {
          let part = word &>> UInt64(truncatingIfNeeded: half &* 32)
          let first = unsafe table[Int(truncatingIfNeeded: part & 0xFFFF)]
          let second = unsafe table[Int(truncatingIfNeeded: (part &>> 16) & 0xFFFF)]
          let both = (first & 0xFFFF_FFFF) | (second & 0xFFFF_FFFF) &<< (first &>> 32)
          bits |= both &<< held
          held &+= first &>> 32 &+ second &>> 32
          unsafe (to + next).storeBytes(of: bits.littleEndian, as: UInt64.self)
          next &+= Int(truncatingIfNeeded: held &>> 3)
          bits &>>= held & 56
          held &= 7
        }
        i &+= 8
      }
      (state, end) = ((bits, held), next)
      return i
    }
  }

  /// Four symbols a round, then one.
  @inline(__always)
  private static func writeSingles(
    _ from: UnsafeRawPointer, _ start: Int, _ count: Int, _ codes: borrowing LiteralCodes,
    _ to: UnsafeMutableRawPointer, _ end: inout Int, _ limit: Int,
    _ state: inout (bits: UInt64, count: UInt64)
  ) {
    unsafe codes.singles.withUnsafeBufferPointer { singles in
      guard let table = singles.baseAddress else { return }
      var (bits, held, next, i) = (state.bits, state.count, end, start)
      while i < count, next <= limit {
        let symbols = min(count &- i, 4)
        if symbols == 4 {
          let word = unsafe UInt32(littleEndian: (from + i).loadUnaligned(as: UInt32.self))
          let a = unsafe table[Int(truncatingIfNeeded: word & 0xFF)]
          let b = unsafe table[Int(truncatingIfNeeded: (word &>> 8) & 0xFF)]
          let c = unsafe table[Int(truncatingIfNeeded: (word &>> 16) & 0xFF)]
          let d = unsafe table[Int(truncatingIfNeeded: word &>> 24)]
          let ab = (a & 0xFFFF_FFFF) | (b & 0xFFFF_FFFF) &<< (a &>> 32)
          let cd = (c & 0xFFFF_FFFF) | (d & 0xFFFF_FFFF) &<< (c &>> 32)
          let abCount = a &>> 32 &+ b &>> 32
          bits |= (ab | cd &<< abCount) &<< held
          held &+= abCount &+ c &>> 32 &+ d &>> 32
        } else {
          let entry = unsafe table[Int(from.load(fromByteOffset: i, as: UInt8.self))]
          bits |= (entry & 0xFFFF_FFFF) &<< held
          held &+= entry &>> 32
        }
        unsafe (to + next).storeBytes(of: bits.littleEndian, as: UInt64.self)
        next &+= Int(truncatingIfNeeded: held &>> 3)
        bits &>>= held & 56
        held &= 7
        i &+= symbols == 4 ? 4 : 1
      }
      (state, end) = ((bits, held), next)
    }
  }
}
