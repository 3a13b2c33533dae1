// Puts one stream together from planes that are coded each in its own way.
// FORMAT.md, section "Our encoder and decoder".

/// How a plane is coded; every mode gives DEFLATE data that any decoder reads.
enum PlaneCoding {
  /// Stored blocks.
  case stored
  /// A literal and matches of it; for planes of one and the same byte.
  case constant
  /// Literals in Huffman codes, no matches.
  case huffman
  /// Huffman codes, and matches at distance 1 only.
  case runLength
  /// Huffman codes and matches.
  case matches
}

struct StreamAssembler {
  private var literals = LiteralCoder()
  private var constant = ConstantPlane()
  private var tokens = TokenCoder()
  private var probe = RepeatProbe()

  /// Writes `planes`, one after the other, as the rest of the DEFLATE data.
  ///
  /// - Parameters:
  ///   - planes: Planes of equal length.
  ///   - noise: Which of them are to be stored without a look.
  /// - Returns: false if `target` has no room; something may have been written then.
  mutating func assemble(
    _ planes: Span<UInt8>, noise: ArraySlice<Bool>, with writer: inout BitWriter,
    to target: inout MutableSpan<UInt8>
  ) throws(CodecError) -> Bool {
    let length = planes.count / noise.count
    // Adjacent planes to be stored, not written yet.
    var held = 0..<0
    for (plane, isNoise) in noise.enumerated() {
      let range = plane * length..<(plane + 1) * length
      let isLast = plane == noise.count - 1
      let coding = isNoise ? .stored : chooseCoding(for: planes.extracting(range))
      if coding != .stored {
        guard try store(planes.extracting(held), false, with: &writer, to: &target) else {
          return false
        }
        held = range.lowerBound..<range.lowerBound
        switch try code(planes.extracting(range), coding, isLast, with: &writer, to: &target) {
        case .coded: continue
        case .noRoom: return false
        case .notWorthIt: break
        }
      }
      held = held.isEmpty ? range : held.lowerBound..<range.upperBound
    }
    return try store(planes.extracting(held), true, with: &writer, to: &target)
  }

  private enum Outcome { case coded, noRoom, notWorthIt }

  /// Writes stored blocks at a byte boundary, if there is anything to store.
  private func store(
    _ bytes: Span<UInt8>, _ isLast: Bool, with writer: inout BitWriter,
    to target: inout MutableSpan<UInt8>
  ) throws(CodecError) -> Bool {
    guard bytes.count > 0 else { return true }
    return try StoredBlocks.write(bytes, isLast: isLast, with: &writer, to: &target)
  }

  /// Writes a plane in a way that is not stored; ends at a byte boundary.
  private mutating func code(
    _ plane: Span<UInt8>, _ coding: PlaneCoding, _ isLast: Bool, with writer: inout BitWriter,
    to target: inout MutableSpan<UInt8>
  ) throws(CodecError) -> Outcome {
    let isDone: Bool
    switch coding {
    case .constant:
      isDone = constant.write(
        plane[0], count: plane.count, isLast: isLast, with: &writer, to: &target)
    case .huffman:
      isDone = try literals.write(plane, isLast: isLast, with: &writer, to: &target)
    case .runLength, .matches:
      let start = writer
      let isWritten = try tokens.write(
        plane, finding: coding == .matches ? .strings : .runs, isLast: isLast, with: &writer,
        to: &target)
      guard isWritten, writer.end - start.end < StoredBlocks.length(of: plane.count) else {
        // Stored it may be shorter, and have room.
        writer = start
        return .notWorthIt
      }
      isDone = true
    case .stored: return .notWorthIt
    }
    return isDone ? .coded : .noRoom
  }

  /// Chooses how to code `plane`, and has `literals` plan its blocks.
  ///
  /// Exponent planes of weights, the common case, must not pay for a search: matches cost them many
  /// times the time and make them larger. So only evidence of structure leads to a trial.
  private mutating func chooseCoding(for plane: Span<UInt8>) -> PlaneCoding {
    let repeats = PlaneKernels.repeatCount(in: plane)
    guard repeats + 1 < plane.count else {
      return plane.count < ConstantPlane.fewest ? .runLength : .constant
    }
    let (estimate, repeatsByChance) = literals.plan(plane)

    let sampleCount = min(plane.count, RepeatProbe.sampleLength)
    let sampleStart = (plane.count - sampleCount) / 2
    let sample = plane.extracting(sampleStart..<sampleStart + sampleCount)

    // The plan has found blocks that are worth it, if only a few.
    let huffmanPays = estimate < plane.count
    let hasRuns = PlaneStatistics.hasRuns(repeats, byChance: repeatsByChance, in: plane.count)
    let hasStructure = probe.findsStructure(in: sample)

    var best: (coding: PlaneCoding, cost: Int) = (.stored, sampleCount)
    let isContested = hasStructure || (hasRuns && huffmanPays)
    guard isContested else { return hasRuns ? .runLength : huffmanPays ? .huffman : .stored }
    if huffmanPays || hasRuns { best = (.huffman, literals.cost(of: sample)) }
    if hasRuns {
      // An equal cost goes to runs: the sample may lie between them.
      let cost = tokens.cost(of: sample, finding: .runs)
      if cost <= best.cost { best = (.runLength, cost) }
    }
    if hasStructure {
      let cost = tokens.cost(of: sample, finding: .strings)
      // They are slow to find, so a plane that is small anyway must halve to be worth it: the few
      // bits left in the low planes of weights once rounded gain 3 % of the plane by matches.
      let saved = best.cost - cost
      if saved >= best.cost / 20, saved >= sampleCount / 8 || cost <= best.cost / 2 {
        best = (.matches, cost)
      }
    }
    return best.coding
  }
}
