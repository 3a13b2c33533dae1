// The loops over every symbol of literal blocks: several symbols a look-up, two streams at once.
// FORMAT.md, section "Our encoder and decoder". Unsafe code: bounds are argued for below.

/// What the next bits of a block decode to.
///
/// An entry holds, in its bytes from the lowest on, how many bits it uses, how many literals these
/// are (up to six), and the literals. It is 0 where the bits begin with something else: the end of
/// the block, a match, a code longer than the table's bits, or none.
struct LiteralTable {
  /// The bits that the table is indexed by.
  static let bits = DeflateBlocks.lookUpBits
  fileprivate static let most = 6

  /// Tables for 0, 1 … `bits` bits, that for `n` bits from 2^n on: an entry for `n` bits is a first
  /// literal and an entry for the bits left.
  fileprivate var entries = [UInt64](repeating: 0, count: 2 << bits)

  /// Sets the table to the canonical code that has the first `count` of these lengths.
  ///
  /// Complexity: O(2^`bits`).
  mutating func assign(_ lengths: [UInt8], count: Int) {
    // Canonical codes by length (RFC 1951 section 3.2.2), first bit lowest.
    var counts = [Int](repeating: 0, count: 16)
    for symbol in 0..<count { counts[Int(lengths[symbol])] += 1 }
    counts[0] = 0
    var next = [Int](repeating: 0, count: 16)
    for length in 1...15 { next[length] = (next[length - 1] + counts[length - 1]) << 1 }
    var codes: [(code: Int, length: Int, symbol: UInt64)] = []
    codes.reserveCapacity(256)
    for symbol in 0..<count where lengths[symbol] != 0 {
      let length = Int(lengths[symbol])
      let code = UInt16(truncatingIfNeeded: next[length]).bitsReversed >> UInt16(16 - length)
      next[length] += 1
      if symbol < 256, length <= Self.bits { codes.append((Int(code), length, UInt64(symbol))) }
    }
    for index in entries.indices { entries[index] = 0 }
    // An index into the table for n bits is below 2^n: a code is below 2^length, what is left below
    // 2^(n - length).
    unsafe entries.withUnsafeMutableBufferPointer { entries in
      for bits in 1...Self.bits {
        for (code, length, symbol) in codes where length <= bits && code < 1 << length {
          let head = symbol &<< 16 | 1 &<< 8 | UInt64(truncatingIfNeeded: length)
          let left = bits &- length
          for rest in 0..<(1 &<< left) {
            var tail = unsafe entries[(1 &<< left) &+ rest]
            var fewer = left
            // Six literals are the most: one bit less is looked at until there are five.
            while tail &>> 8 & 0xFF == Self.most {
              fewer &-= 1
              tail = unsafe entries[(1 &<< fewer) &+ (rest & ((1 &<< fewer) &- 1))]
            }
            unsafe entries[(1 &<< bits) &+ (rest &<< length | code)] =
              head &+ (tail & 0xFFFF) &+ (tail & ~0xFFFF) &<< 8
          }
        }
      }
    }
  }
}

extension LiteralTable {
  /// Whether `bits` begin with something that the table has no literals for.
  func isEmpty(at bits: UInt64) -> Bool {
    let index = Int(truncatingIfNeeded: bits & (1 << UInt64(Self.bits) - 1))
    return entries[1 << Self.bits + index] == 0
  }
}

/// A place in a stream and in what it decodes to.
struct LiteralCursor: Equatable {
  /// The next bit of the input.
  var bit: Int
  /// Where the next byte goes.
  var out: Int
}

enum LiteralDecoding {
  /// Decodes literals at `cursor` until the next bits are something else, or until less than 64
  /// bits of input or 32 bytes before `end` are left.
  static func decode(
    _ stored: Span<UInt8>, _ table: borrowing LiteralTable, _ cursor: inout LiteralCursor,
    end: Int, to target: inout MutableSpan<UInt8>
  ) {
    guard let limits = Limits(stored, target, cursor, end: end) else { return }
    unsafe stored.withUnsafeBytes { stored in
      unsafe target.withUnsafeMutableBytes { target in
        unsafe table.entries.withUnsafeBufferPointer { entries in
          guard let from = stored.baseAddress, let to = target.baseAddress,
            let base = entries.baseAddress
          else { return }
          let lookUp = unsafe base + (1 << LiteralTable.bits)
          var (bit, out) = (cursor.bit, cursor.out)
          while bit <= limits.lastBit, out <= limits.lastOut {
            if unsafe !round(from, lookUp, to, &bit, &out) { break }
          }
          cursor = LiteralCursor(bit: bit, out: out)
        }
      }
    }
  }

  /// Does the same for two streams at a time, until one of them stops: look-ups of one run while
  /// those of the other wait for memory.
  static func decode(
    _ stored: Span<UInt8>,
    _ first: borrowing LiteralTable, _ cursor: inout LiteralCursor, end: Int,
    _ second: borrowing LiteralTable, _ other: inout LiteralCursor, otherEnd: Int,
    to target: inout MutableSpan<UInt8>
  ) {
    guard let limits = Limits(stored, target, cursor, end: end),
      let otherLimits = Limits(stored, target, other, end: otherEnd)
    else { return }
    unsafe stored.withUnsafeBytes { stored in
      unsafe target.withUnsafeMutableBytes { target in
        unsafe first.entries.withUnsafeBufferPointer { entries in
          unsafe second.entries.withUnsafeBufferPointer { otherEntries in
            guard let from = stored.baseAddress, let to = target.baseAddress,
              let base = entries.baseAddress, let otherBase = otherEntries.baseAddress
            else { return }
            let lookUp = unsafe base + (1 << LiteralTable.bits)
            let otherLookUp = unsafe otherBase + (1 << LiteralTable.bits)
            var (bit, out) = (cursor.bit, cursor.out)
            var (otherBit, otherOut) = (other.bit, other.out)
            while bit <= limits.lastBit, out <= limits.lastOut,
              otherBit <= otherLimits.lastBit, otherOut <= otherLimits.lastOut
            {
              let goesOn = unsafe round(from, lookUp, to, &bit, &out)
              let otherGoesOn = unsafe round(from, otherLookUp, to, &otherBit, &otherOut)
              if !goesOn || !otherGoesOn { break }
            }
            cursor = LiteralCursor(bit: bit, out: out)
            other = LiteralCursor(bit: otherBit, out: otherOut)
          }
        }
      }
    }
  }

  /// Up to where a round may begin.
  ///
  /// A round loads eight bytes of input from that of its first bit on. Its five look-ups give at
  /// most six literals each and store eight bytes each, so that the last store ends at most
  /// 4 * 6 + 8 = 32 bytes after the round's beginning.
  private struct Limits {
    let lastBit: Int
    let lastOut: Int

    init?(
      _ stored: Span<UInt8>, _ target: borrowing MutableSpan<UInt8>, _ cursor: LiteralCursor,
      end: Int
    ) {
      guard cursor.bit >= 0, cursor.out >= 0, end <= target.count else { return nil }
      lastBit = LiteralDecoding.lastBit(stored)
      lastOut = end - roomForRound
    }
  }

  private static let roomForRound = 32

  /// The last bit that is in the first of eight bytes; negative if there are fewer.
  private static func lastBit(_ stored: Span<UInt8>) -> Int { (stored.count - 8) * 8 + 7 }

  /// Whether a round may begin.
  static func hasRoom(_ stored: Span<UInt8>, _ cursor: LiteralCursor, end: Int) -> Bool {
    cursor.bit <= lastBit(stored) && cursor.out <= end - roomForRound
  }

  /// Five look-ups; false if the last gave nothing. An entry of nothing uses no bits, so that those
  /// after it give nothing either.
  @inline(__always)
  private static func round(
    _ from: UnsafeRawPointer, _ table: UnsafePointer<UInt64>, _ to: UnsafeMutableRawPointer,
    _ bit: inout Int, _ out: inout Int
  ) -> Bool {
    let mask: UInt64 = 1 << UInt64(LiteralTable.bits) - 1
    let load = unsafe (from + bit &>> 3).loadUnaligned(as: UInt64.self)
    var bits = UInt64(littleEndian: load) &>> UInt64(truncatingIfNeeded: bit & 7)
    var used: UInt64 = 0
    var entry: UInt64 = 0
    for _ in 0..<5 {
      entry = unsafe table[Int(truncatingIfNeeded: bits & mask)]
      unsafe (to + out).storeBytes(of: (entry &>> 16).littleEndian, as: UInt64.self)
      out &+= Int(truncatingIfNeeded: entry &>> 8 & 0xFF)
      bits &>>= entry & 0x3F
      used &+= entry
    }
    bit &+= Int(truncatingIfNeeded: used & 0xFF)
    return entry != 0
  }

  /// At least 57 bits of `stored` from `bit` on, which is not negative; zeros past its end.
  static func word(_ stored: Span<UInt8>, at bit: Int) -> UInt64 {
    let byte = bit / 8
    var word: UInt64 = 0
    if stored.count - byte >= 8 {
      // The eight bytes lie within `stored`: byte >= 0, byte + 8 <= count.
      word = unsafe stored.withUnsafeBytes { bytes in
        UInt64(littleEndian: unsafe bytes.loadUnaligned(fromByteOffset: byte, as: UInt64.self))
      }
    } else if byte < stored.count {
      for index in byte..<stored.count {
        word |= UInt64(stored[index]) << UInt64(8 * (index - byte))
      }
    }
    return word >> UInt64(bit % 8)
  }

  /// The byte after the next stored block without bytes, as far as its LEN and NLEN tell: the four
  /// bytes 00 00 FF FF, at or after byte `start`.
  ///
  /// R. N. Horspool's search (1980): a byte that is none of these four passes over all four.
  static func endOfEmptyBlock(_ stored: Span<UInt8>, from start: Int) -> Int? {
    unsafe stored.withUnsafeBytes { bytes in
      guard let from = bytes.baseAddress, start >= 0 else { return nil }
      // `last` is where the fourth byte would be: start + 3 <= last < count.
      var last = start + 3
      while last < bytes.count {
        let byte = unsafe from.load(fromByteOffset: last, as: UInt8.self)
        if byte == 0xFF {
          let four = unsafe (from + (last &- 3)).loadUnaligned(as: UInt32.self)
          if UInt32(littleEndian: four) == 0xFFFF_0000 { return last + 1 }
          last &+= 1
        } else {
          last &+= byte == 0 ? 2 : 4
        }
      }
      return nil
    }
  }
}
