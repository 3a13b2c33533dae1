// A plane as literals in Huffman codes, no matches. FORMAT.md, section "Our encoder and decoder".

/// Codes planes as DEFLATE blocks of literals.
struct LiteralCoder {
  private var plan = BlockPlan()
  private var huffman = HuffmanLengths()
  private var description = CodeDescription()
  private var codes = LiteralCodes()
  /// Of the block at hand: the occurrences of each byte and of the end of block, then for each of
  /// the 288 symbols of a fixed code its length and code.
  private var counts = [UInt32](repeating: 0, count: 257)
  private var lengths = [UInt8](repeating: 0, count: FixedCode.symbolCount)
  private var bits = [UInt16](repeating: 0, count: FixedCode.symbolCount)

  /// Plans the blocks of `plane`.
  ///
  /// - Returns: An estimate of the bytes that `write` will take, and how many bytes would equal the
  ///   byte before them if they were drawn independently from what is frequent where they stand.
  mutating func plan(_ plane: Span<UInt8>) -> (byteCount: Int, repeatsByChance: Int) {
    plan.plan(plane, partLength: DeflateBlocks.partLength(for: plane.count))
    return (plan.blocks.reduce(0) { $0 + $1.cost } / 8, plan.repeatsByChance)
  }

  /// The bytes that `plane` would take as one block.
  mutating func cost(of plane: Span<UInt8>) -> Int {
    for (symbol, count) in PlaneKernels.histogram(of: plane).enumerated() { counts[symbol] = count }
    counts[256] = 1
    let (form, bitCount) = chooseForm(plane.count)
    guard form != .stored else { return StoredBlocks.length(of: plane.count) }
    let described = form == .dynamic ? description.bitCount : 0
    return (3 + described + bitCount + Int(lengths[256]) + 7) / 8
  }

  /// Writes `plane`, for which `plan` was called last, and ends at a byte boundary.
  ///
  /// - Returns: false if `target` has no room; something may have been written then.
  mutating func write(
    _ plane: Span<UInt8>, isLast: Bool, with writer: inout BitWriter,
    to target: inout MutableSpan<UInt8>
  ) throws(CodecError) -> Bool {
    let partLength = DeflateBlocks.partLength(for: plane.count)
    for block in plan.blocks {
      let endsPlane = block.range.upperBound == plane.count
      for symbol in 0..<256 { counts[symbol] = plan.counts[block.histogram + symbol] }
      counts[256] = 1
      let bytes = plane.extracting(block.range)
      guard try write(block: bytes, isFinal: isLast && endsPlane, with: &writer, to: &target),
        target.count - writer.end > 8
      else { return false }
      if !isLast || !endsPlane, endsPlane || block.range.upperBound.isMultiple(of: partLength) {
        writer.putEmptyBlock(to: &target)
      }
    }
    writer.align(&target)
    return true
  }

  private mutating func write(
    block bytes: Span<UInt8>, isFinal: Bool, with writer: inout BitWriter,
    to target: inout MutableSpan<UInt8>
  ) throws(CodecError) -> Bool {
    let (form, bitCount) = chooseForm(bytes.count)
    guard form != .stored else {
      return try StoredBlocks.write(bytes, isLast: isFinal, with: &writer, to: &target)
    }
    // A description takes 17 + 19 * 3 + 258 * 14 bits at most.
    guard target.count - writer.end > 512 else { return false }
    form.writeHeader(isFinal: isFinal, with: &writer, to: &target)
    if form == .dynamic { description.write(with: &writer, to: &target) }
    CanonicalCodes.assign(lengths: lengths, to: &bits)
    codes.assign(codes: bits, lengths: lengths, count: bytes.count)
    guard LiteralKernels.write(bytes, codes, bitCount: bitCount, with: &writer, to: &target)
    else { return false }
    writer.put(UInt32(bits[256]), Int(lengths[256]), to: &target)
    return true
  }

  /// Chooses the cheapest form for the block at hand, sets its `lengths`, and returns the bits that
  /// its bytes take.
  private mutating func chooseForm(_ count: Int) -> (form: BlockForm, bitCount: Int) {
    for symbol in 257..<FixedCode.symbolCount { lengths[symbol] = 0 }
    huffman.assign(
      counts: counts, preferred: DeflateBlocks.lookUpBits, limit: LiteralCodes.longestCode,
      to: &lengths)
    description.describe(lengths, symbolCount: 257, distanceLengths: [0], with: &huffman)
    let dynamic = literalBits
    let dynamicCost = description.bitCount + dynamic + Int(lengths[256])
    var fixed = 8 * count
    for symbol in 144..<256 { fixed += Int(counts[symbol]) }
    guard BlockPlan.isWorthCoding(bitCount: min(dynamicCost, fixed + 7), count: count) else {
      return (.stored, 0)
    }
    guard fixed + 7 <= dynamicCost else { return (.dynamic, dynamic) }
    for symbol in lengths.indices { lengths[symbol] = FixedCode.length(of: symbol) }
    return (.fixed, fixed)
  }

  /// The bits that the bytes of the block at hand take.
  private var literalBits: Int {
    var sum = 0
    for symbol in 0..<256 { sum += Int(counts[symbol]) * Int(lengths[symbol]) }
    return sum
  }
}
