// Reading the blocks of DEFLATE data: RFC 1951 section 3.2.

/// A place in DEFLATE data, between blocks or within a coded one.
///
/// Data that breaks the rules ends in `nil` or `.invalid`, without an explanation: the caller asks
/// zlib for one.
struct BlockStream {
  /// What a block begins with.
  enum Opening {
    /// Bytes stored as they are: `count` of them, from byte `source` of the input on.
    case stored(count: Int, source: Int)
    /// Codes.
    case coded
  }

  /// What came of reading symbols.
  enum Outcome { case goesOn, endOfBlock, match(length: Int, distance: Int), invalid }

  /// After this many matches, there are probably more.
  private static let fewMatches = 16

  /// Where it stands.
  var cursor = LiteralCursor(bit: 0, out: 0)
  /// Whether the block it is in, or was in, is the last.
  private(set) var isFinal = false
  /// Whether it is within a coded block.
  private(set) var isInBlock = false
  /// The literals of the block it is in, if `hasTable`.
  private(set) var table = LiteralTable()
  private(set) var hasTable = false
  /// Whether `lengths` and the codes are those of fixed blocks.
  private var hasFixedCodes = false
  private var matchCount = 0
  private var literals = SymbolDecoder()
  private var distances = SymbolDecoder()
  private var lengthCodes = SymbolDecoder()
  private var lengths = [UInt8](repeating: 0, count: 320)
  private var literalCount = 0

  /// Begins anew at a byte of the input.
  mutating func start(atByte byte: Int, out: Int) {
    stand(at: LiteralCursor(bit: 8 * byte, out: out))
  }

  /// Stands between two blocks.
  mutating func stand(at cursor: LiteralCursor) {
    self.cursor = cursor
    isFinal = false
    isInBlock = false
  }

  /// Reads `count` bits, at most 32; past the end they are 0 (see `isWithin`).
  private mutating func take(_ count: Int, of stored: Span<UInt8>) -> Int {
    let bits = LiteralDecoding.word(stored, at: cursor.bit)
    cursor.bit += count
    return Int(truncatingIfNeeded: bits & (1 << UInt64(count) - 1))
  }

  /// Whether all that was read lies within `stored`.
  private func isWithin(_ stored: Span<UInt8>) -> Bool { cursor.bit <= 8 * stored.count }

  /// Reads the beginning of a block.
  mutating func open(_ stored: Span<UInt8>) -> Opening? {
    isFinal = take(1, of: stored) == 1
    matchCount = 0
    switch take(2, of: stored) {
    case 0:
      cursor.bit = (cursor.bit + 7) & ~7
      let (count, complement) = (take(16, of: stored), take(16, of: stored))
      guard isWithin(stored), count ^ complement == 0xFFFF else { return nil }
      let source = cursor.bit / 8
      guard count <= stored.count - source else { return nil }
      cursor.bit += 8 * count
      return .stored(count: count, source: source)
    case 1:
      if hasFixedCodes {
        isInBlock = true
        return isWithin(stored) ? .coded : nil
      }
      for symbol in 0..<288 {
        lengths[symbol] = symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8
      }
      for symbol in 288..<320 { lengths[symbol] = 5 }
      hasFixedCodes = assign(288, 32)
      return hasFixedCodes && isWithin(stored) ? .coded : nil
    case 2:
      // `lengths` changes, whatever comes of it.
      hasFixedCodes = false
      let (literalCount, distanceCount) = (take(5, of: stored) + 257, take(5, of: stored) + 1)
      guard literalCount <= 286, distanceCount <= 30,
        readLengths(stored, literalCount + distanceCount), isWithin(stored), lengths[256] != 0
      else { return nil }
      return assign(literalCount, distanceCount) ? .coded : nil
    default: return nil
    }
  }

  /// Reads code lengths, RFC 1951 section 3.2.7.
  private mutating func readLengths(_ stored: Span<UInt8>, _ count: Int) -> Bool {
    let transmitted = take(4, of: stored) + 4
    for index in 0..<19 { lengths[index] = 0 }
    for index in 0..<transmitted {
      lengths[Int(DeflateBlocks.codeLengthOrder[index])] = UInt8(take(3, of: stored))
    }
    guard lengthCodes.assign(lengths, 0..<19, .complete) else { return false }
    var index = 0
    while index < count {
      let bits = LiteralDecoding.word(stored, at: cursor.bit)
      guard isWithin(stored), let (symbol, length) = lengthCodes.symbol(bits) else { return false }
      cursor.bit += length
      var repeated: UInt8 = 0
      var times = 1
      switch symbol {
      case 16:
        guard index > 0 else { return false }
        repeated = lengths[index - 1]
        times = 3 + take(2, of: stored)
      case 17: times = 3 + take(3, of: stored)
      case 18: times = 11 + take(7, of: stored)
      default: repeated = UInt8(symbol)
      }
      guard times <= count - index else { return false }
      for _ in 0..<times {
        lengths[index] = repeated
        index += 1
      }
    }
    return true
  }

  private mutating func assign(_ literalCount: Int, _ distanceCount: Int) -> Bool {
    let end = literalCount + distanceCount
    isInBlock = true
    hasTable = false
    hasFixedCodes = false
    guard literals.assign(lengths, 0..<literalCount, .orTrivial),
      distances.assign(lengths, literalCount..<end, .orTrivial)
    else { return false }
    self.literalCount = literalCount
    return true
  }

  /// Makes `table`. That takes as long as some hundred symbols, so it must have shown that the block
  /// has many.
  mutating func makeTable() {
    guard !hasTable else { return }
    table.assign(lengths, count: literalCount)
    hasTable = true
  }

  /// Whether the quick loop can't go on from here (see `LiteralDecoding`).
  func needsSymbol(_ stored: Span<UInt8>, end: Int) -> Bool {
    !hasTable || !LiteralDecoding.hasRoom(stored, cursor, end: end)
      || table.isEmpty(at: LiteralDecoding.word(stored, at: cursor.bit))
  }

  /// Reads a symbol, and the distance if it is a length; writes it if it is a literal.
  mutating func readSymbol(
    _ stored: Span<UInt8>, end: Int, to target: inout MutableSpan<UInt8>
  ) -> Outcome {
    let bits = LiteralDecoding.word(stored, at: cursor.bit)
    guard let (symbol, length) = literals.symbol(bits) else { return .invalid }
    cursor.bit += length
    guard isWithin(stored) else { return .invalid }
    if symbol < 256 {
      guard cursor.out < end else { return .invalid }
      target[cursor.out] = UInt8(symbol)
      cursor.out += 1
      return .goesOn
    }
    if symbol == 256 {
      isInBlock = false
      return .endOfBlock
    }
    return readMatch(symbol - 257, stored)
  }

  /// Reads the rest of a match, RFC 1951 section 3.2.5; `code` is the length's symbol less 257.
  private mutating func readMatch(_ code: Int, _ stored: Span<UInt8>) -> Outcome {
    guard code <= 28 else { return .invalid }
    matchCount += 1
    if matchCount > Self.fewMatches {
      literals.prepare()
      distances.prepare()
    }
    let extra = code < 8 || code == 28 ? 0 : code / 4 - 1
    let base = code < 8 ? code + 3 : code == 28 ? 258 : (4 + code % 4) << extra + 3
    let length = base + take(extra, of: stored)
    let bits = LiteralDecoding.word(stored, at: cursor.bit)
    guard let (far, used) = distances.symbol(bits), far < 30 else { return .invalid }
    cursor.bit += used
    let farExtra = far < 4 ? 0 : far / 2 - 1
    let farBase = far < 4 ? far + 1 : (2 + far % 2) << farExtra + 1
    let distance = farBase + take(farExtra, of: stored)
    return isWithin(stored) ? .match(length: length, distance: distance) : .invalid
  }
}
