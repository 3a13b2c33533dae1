// One symbol at a time from a canonical Huffman code: RFC 1951 section 3.2.2.

/// A prefix code, checked as strictly as zlib checks it.
struct SymbolDecoder {
  /// The most bits that a code has.
  static let longest = 15
  /// The bits that the table of short codes is indexed by.
  private static let shortBits = 10

  /// By length: how many codes there are, the first of them, and where its symbol stands.
  private var counts = [Int](repeating: 0, count: longest + 1)
  private var firstCodes = [Int](repeating: 0, count: longest + 1)
  private var offsets = [Int](repeating: 0, count: longest + 1)
  /// The symbols by length, then by value.
  private var symbols = [UInt16](repeating: 0, count: 320)
  /// By the next bits: symbol and length of a short code; made when it pays.
  private var shorts: [UInt16] = []
  private var hasShorts = false

  /// Which codes a set may leave unused.
  enum Completeness {
    /// None.
    case complete
    /// Any, if no code or one code of one bit is all there is: zlib's rule for symbols.
    case orTrivial
  }

  /// Sets the lengths of the codes of symbols 0, 1, … to those in `range` of `lengths`, none of
  /// which may exceed 15.
  ///
  /// - Returns: false if they are over-subscribed, or incomplete against `completeness`.
  mutating func assign(
    _ lengths: [UInt8], _ range: Range<Int>, _ completeness: Completeness
  ) -> Bool {
    hasShorts = false
    for length in counts.indices { counts[length] = 0 }
    for index in range { counts[Int(lengths[index])] += 1 }
    counts[0] = 0
    var (left, offset, code, longest) = (1, 0, 0, 0)
    for length in 1...Self.longest {
      left = left << 1 - counts[length]
      guard left >= 0 else { return false }
      firstCodes[length] = code
      offsets[length] = offset
      offset += counts[length]
      code = (code + counts[length]) << 1
      if counts[length] > 0 { longest = length }
    }
    guard left == 0 || (completeness == .orTrivial && longest <= 1) else { return false }
    var next = offsets
    for index in range where lengths[index] != 0 {
      let length = Int(lengths[index])
      symbols[next[length]] = UInt16(truncatingIfNeeded: index - range.lowerBound)
      next[length] += 1
    }
    return true
  }

  /// Makes the table that speeds `symbol` up, at the cost of about a hundred symbols.
  mutating func prepare() {
    guard !hasShorts else { return }
    hasShorts = true
    if shorts.isEmpty { shorts = [UInt16](repeating: 0, count: 1 << Self.shortBits) }
    for index in shorts.indices { shorts[index] = 0 }
    for length in 1...Self.shortBits {
      for index in 0..<counts[length] {
        let code = UInt16(truncatingIfNeeded: firstCodes[length] + index).bitsReversed
        let start = Int(code >> UInt16(16 - length))
        let entry = symbols[offsets[length] + index] << 4 | UInt16(truncatingIfNeeded: length)
        for place in stride(from: start, to: shorts.count, by: 1 << length) {
          shorts[place] = entry
        }
      }
    }
  }

  /// The symbol that the lowest bits of `bits` begin with, and its length; `nil` if they are no
  /// code.
  func symbol(_ bits: UInt64) -> (symbol: Int, length: Int)? {
    if hasShorts {
      let entry = Int(shorts[Int(truncatingIfNeeded: bits & (1 << UInt64(Self.shortBits) - 1))])
      if entry != 0 { return (entry >> 4, entry & 15) }
    }
    let ordered = Int(UInt16(truncatingIfNeeded: bits).bitsReversed)
    for length in 1...Self.longest {
      let index = ordered >> (16 - length) - firstCodes[length]
      if index < counts[length] { return (Int(symbols[offsets[length] + index]), length) }
    }
    return nil
  }
}

extension UInt16 {
  /// The same bits in the opposite order.
  var bitsReversed: UInt16 {
    var bits = byteSwapped
    bits = bits >> 4 & 0x0F0F | (bits & 0x0F0F) << 4
    bits = bits >> 2 & 0x3333 | (bits & 0x3333) << 2
    return bits >> 1 & 0x5555 | (bits & 0x5555) << 1
  }
}
