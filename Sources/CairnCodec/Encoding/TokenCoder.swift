// A plane as literals and matches. FORMAT.md, section "Our encoder and decoder".

/// Codes planes as DEFLATE blocks of literals and matches.
struct TokenCoder {
  /// Which matches there are: of the byte before, or of whatever came before.
  enum Search { case runs, strings }

  /// The tokens of a block at most. Planes with matches change their character more often than they
  /// are worth a search for the best place to end a block.
  private static let tokenCapacity = 16_384

  private var finder = MatchFinder()
  private var huffman = HuffmanLengths()
  private var description = CodeDescription()
  /// Of the block at hand: its tokens, as many of them as are filled; how often there is each byte
  /// and each length; the occurrences of each symbol, its length and its code.
  private var tokens: [Token] = []
  private var filled = 0
  private var tokenCounts = [UInt32](repeating: 0, count: 512)
  private var counts = [UInt32](repeating: 0, count: MatchSymbols.literalCount)
  private var lengths = [UInt8](repeating: 0, count: FixedCode.symbolCount)
  private var codes = [UInt16](repeating: 0, count: FixedCode.symbolCount)
  private var distanceCounts = [UInt32](repeating: 0, count: 32)
  private var distanceLengths = [UInt8](repeating: 0, count: 32)
  private var distanceCodes = [UInt16](repeating: 0, count: 32)
  private var tokenCodes = TokenCodes()
  /// The matches of the block at hand, and the extra bits of their lengths and distances.
  private var matches = 0
  private var extraBits = 0

  /// The bytes that `plane` would take.
  mutating func cost(of plane: Span<UInt8>, finding search: Search) -> Int {
    if search == .strings { finder.forget() }
    var (start, bitCount) = (0, 0)
    while start < plane.count {
      let end = collect(plane, from: start, search)
      bitCount += chooseForm(end - start).bitCount
      start = end
    }
    return (bitCount + 7) / 8
  }

  /// Writes `plane` and ends at a byte boundary, after an empty stored block unless it `isLast`.
  ///
  /// - Returns: false if `target` has no room; something may have been written then.
  mutating func write(
    _ plane: Span<UInt8>, finding search: Search, isLast: Bool, with writer: inout BitWriter,
    to target: inout MutableSpan<UInt8>
  ) throws(CodecError) -> Bool {
    if search == .strings { finder.forget() }
    var start = 0
    while start < plane.count {
      let end = collect(plane, from: start, search)
      let isFinal = isLast && end == plane.count
      guard try write(block: plane.extracting(start..<end), isFinal, with: &writer, to: &target),
        target.count - writer.end > 8
      else { return false }
      start = end
    }
    if isLast { writer.align(&target) } else { writer.putEmptyBlock(to: &target) }
    return true
  }

  /// Makes the tokens of a block that begins at `start`, and counts them; returns its end.
  private mutating func collect(
    _ plane: Span<UInt8>, from start: Int, _ search: Search
  ) -> Int {
    if tokens.isEmpty {
      tokens = [Token](repeating: Token(literal: 0), count: Self.tokenCapacity)
    }
    let end: Int
    (filled, end) =
      switch search {
      case .runs: finder.findRuns(in: plane, from: start, to: &tokens)
      case .strings: finder.findStrings(in: plane, from: start, to: &tokens)
      }
    for token in tokenCounts.indices { tokenCounts[token] = 0 }
    for symbol in distanceCounts.indices { distanceCounts[symbol] = 0 }
    TokenKernels.count(tokens, filled, literals: &tokenCounts, distances: &distanceCounts)
    (matches, extraBits) = (0, 0)
    for byte in 0..<256 { counts[byte] = tokenCounts[byte] }
    counts[256] = 1
    for symbol in 257..<MatchSymbols.literalCount { counts[symbol] = 0 }
    for (length, match) in MatchSymbols.lengths.enumerated() {
      let count = tokenCounts[256 + length]
      counts[match.symbol] += count
      matches += Int(count)
      extraBits += Int(count) * match.bitCount
    }
    for symbol in 0..<MatchSymbols.distanceCount {
      extraBits +=
        Int(distanceCounts[symbol]) * MatchSymbols.extraBitCount(distanceSymbol: symbol)
    }
    return end
  }

  private mutating func write(
    block bytes: Span<UInt8>, _ isFinal: Bool, with writer: inout BitWriter,
    to target: inout MutableSpan<UInt8>
  ) throws(CodecError) -> Bool {
    let (form, bitCount) = chooseForm(bytes.count)
    guard form != .stored else {
      return try StoredBlocks.write(bytes, isLast: isFinal, with: &writer, to: &target)
    }
    guard target.count - writer.end > bitCount / 8 + TokenKernels.slack else { return false }
    form.writeHeader(isFinal: isFinal, with: &writer, to: &target)
    if form == .dynamic { description.write(with: &writer, to: &target) }
    CanonicalCodes.assign(lengths: lengths, to: &codes)
    CanonicalCodes.assign(lengths: distanceLengths, to: &distanceCodes)
    tokenCodes.assign(
      literalCodes: codes, literalLengths: lengths, distanceCodes: distanceCodes,
      distanceLengths: distanceLengths)
    guard
      TokenKernels.write(
        tokens, count: filled, tokenCodes, bitCount: bitCount, with: &writer, to: &target)
    else { return false }
    writer.put(UInt32(codes[256]), Int(lengths[256]), to: &target)
    return true
  }

  /// Chooses the cheapest form for the block at hand, which is of `count` bytes, sets its lengths,
  /// and returns the bits that it takes.
  private mutating func chooseForm(_ count: Int) -> (form: BlockForm, bitCount: Int) {
    for symbol in lengths.indices { lengths[symbol] = 0 }
    huffman.assign(
      counts: counts, preferred: DeflateBlocks.lookUpBits, limit: LiteralCodes.longestCode,
      to: &lengths)
    assignDistances()
    description.describe(
      lengths, symbolCount: max(257, Self.usedCount(lengths)),
      distanceLengths: distanceLengths[..<max(1, Self.usedCount(distanceLengths))], with: &huffman)
    var (dynamic, fixed) = (3 + description.bitCount + extraBits, 3 + extraBits)
    for (symbol, count) in counts.enumerated() {
      dynamic += Int(count) * Int(lengths[symbol])
      fixed += Int(count) * Int(FixedCode.length(of: symbol))
    }
    for (symbol, count) in distanceCounts.enumerated() {
      dynamic += Int(count) * Int(distanceLengths[symbol])
    }
    fixed += matches * FixedCode.distanceLength
    let stored = 8 * StoredBlocks.length(of: count)
    guard min(dynamic, fixed) < stored else { return (.stored, stored) }
    guard fixed <= dynamic else { return (.dynamic, dynamic) }
    for symbol in lengths.indices { lengths[symbol] = FixedCode.length(of: symbol) }
    for symbol in distanceLengths.indices {
      distanceLengths[symbol] = UInt8(FixedCode.distanceLength)
    }
    return (.fixed, fixed)
  }

  private mutating func assignDistances() {
    for symbol in distanceLengths.indices { distanceLengths[symbol] = 0 }
    let used = distanceCounts.count { $0 > 0 }
    if used > 1 {
      huffman.assign(
        counts: distanceCounts, limit: LiteralCodes.longestCode, to: &distanceLengths)
    } else if let only = distanceCounts.firstIndex(where: { $0 > 0 }) {
      distanceLengths[only] = 1
    }
  }

  /// How many lengths there are up to the last that is not 0.
  private static func usedCount(_ lengths: [UInt8]) -> Int {
    (lengths.lastIndex { $0 > 0 } ?? -1) + 1
  }
}
