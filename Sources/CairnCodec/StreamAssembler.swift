// Puts one stream together from planes that are coded each in its own way.
// FORMAT.md, section "Our encoder".

struct StreamAssembler: ~Copyable {
  /// A stretch of the stream.
  private enum Piece {
    /// These bytes of the planes, as stored blocks.
    case stored(Range<Int>)
    /// These bytes of the arena, as they are.
    case coded(Range<Int>)

    var length: Int {
      switch self {
      case .stored(let range): StoredBlocks.length(of: range.count)
      case .coded(let range): range.count
      }
    }
  }

  private var deflater: DeflateCoder
  private var probe = RepeatProbe()
  /// Coded segments, one after the other, until the stream's length is known.
  private var arena: [UInt8] = []

  init() throws(CodecError) {
    deflater = try DeflateCoder()
  }

  /// The stream of `planes`, which are `planeCount` planes of equal length, or `nil` if it would be
  /// longer than `limit`.
  mutating func assemble(
    _ planes: Span<UInt8>, planeCount: Int, limit: Int
  ) throws(CodecError) -> [UInt8]? {
    let pieces = try code(planes, planeCount: planeCount)
    var total = ZlibFrame.headerLength + ZlibFrame.trailerLength
    for piece in pieces { total += piece.length }
    guard total <= limit else { return nil }

    var stream = [UInt8](repeating: 0, count: total)
    var target = stream.mutableSpan
    var end = 0
    for byte in ZlibFrame.header {
      target[end] = byte
      end += 1
    }
    for (index, piece) in pieces.enumerated() {
      switch piece {
      case .stored(let range):
        end = try StoredBlocks.write(
          planes.extracting(range), isLast: index == pieces.count - 1, to: &target, at: end)
      case .coded(let range):
        try PlaneKernels.copy(arena.span.extracting(range), to: &target, at: end)
        end += range.count
      }
    }
    let adler = Checksum.adler32(planes)
    for shift in [24, 16, 8, 0] as [UInt32] {
      target[end] = UInt8(truncatingIfNeeded: adler >> shift)
      end += 1
    }
    return stream
  }

  /// Codes each plane and lists what the stream consists of; adjacent stored planes are one piece.
  private mutating func code(
    _ planes: Span<UInt8>, planeCount: Int
  ) throws(CodecError) -> [Piece] {
    let length = planes.count / planeCount
    var pieces: [Piece] = []
    var arenaEnd = 0
    for plane in 0..<planeCount {
      let range = plane * length..<(plane + 1) * length
      let bytes = planes.extracting(range)
      let coding = try chooseCoding(for: bytes, scratchFrom: arenaEnd)
      if coding != .stored {
        let isLast = plane == planeCount - 1
        let count = try deflate(bytes, as: coding, isLast: isLast, at: arenaEnd)
        if count < StoredBlocks.length(of: length) {
          pieces.append(.coded(arenaEnd..<arenaEnd + count))
          arenaEnd += count
          continue
        }
      }
      if case .stored(let before)? = pieces.last {
        pieces[pieces.count - 1] = .stored(before.lowerBound..<range.upperBound)
      } else {
        pieces.append(.stored(range))
      }
    }
    return pieces
  }

  /// Codes `bytes` into the arena at `offset`, growing it as needed; returns the bytes written.
  private mutating func deflate(
    _ bytes: Span<UInt8>, as coding: PlaneCoding, isLast: Bool, at offset: Int
  ) throws(CodecError) -> Int {
    let bound = deflater.bound(for: bytes.count)
    // The buffer leaves `self` meanwhile: a span of it and a call on the deflater would overlap.
    var arena: [UInt8] = []
    swap(&arena, &self.arena)
    defer { swap(&arena, &self.arena) }
    if arena.count < offset + bound {
      arena.append(contentsOf: repeatElement(0, count: offset + bound - arena.count))
    }
    var whole = arena.mutableSpan
    var target = whole._mutatingExtracting(offset..<offset + bound)
    return try deflater.code(bytes, as: coding, isLast: isLast, into: &target)
  }

  /// Chooses how to code `plane`; `scratch` is where the arena is free.
  ///
  /// Exponent planes of weights, the common case, must not pay for a search: matches cost them
  /// twenty times the time and make them larger. So only evidence of structure leads to a trial.
  private mutating func chooseCoding(
    for plane: Span<UInt8>, scratchFrom scratch: Int
  ) throws(CodecError) -> PlaneCoding {
    let statistics = PlaneStatistics(of: plane)
    guard statistics.distinct > 1 else { return .runLength }

    let sampleCount = min(plane.count, RepeatProbe.sampleLength)
    let sampleStart = (plane.count - sampleCount) / 2
    let sample = plane.extracting(sampleStart..<sampleStart + sampleCount)

    let huffmanPays = statistics.huffmanEstimate < plane.count - plane.count / 64
    let hasRuns = statistics.hasRuns
    let hasStructure = probe.findsStructure(in: sample)

    var best: (coding: PlaneCoding, cost: Int) = (.stored, sampleCount)
    let isContested = hasStructure || (hasRuns && huffmanPays)
    guard isContested else { return hasRuns ? .runLength : huffmanPays ? .huffman : .stored }
    if huffmanPays || hasRuns {
      best = (.huffman, try deflate(sample, as: .huffman, isLast: true, at: scratch))
    }
    if hasRuns {
      // An equal cost goes to runs: the sample may lie between them.
      let cost = try deflate(sample, as: .runLength, isLast: true, at: scratch)
      if cost <= best.cost { best = (.runLength, cost) }
    }
    if hasStructure {
      let cost = try deflate(sample, as: .matches, isLast: true, at: scratch)
      // They are slow to find, so a plane that is small anyway must halve to be worth it: the few
      // bits left in the low planes of weights once rounded gain 3 % of the plane by matches.
      let saved = best.cost - cost
      if saved >= best.cost / 20, saved >= sampleCount / 16 || cost <= best.cost / 2 {
        best = (.matches, cost)
      }
    }
    return best.coding
  }
}
