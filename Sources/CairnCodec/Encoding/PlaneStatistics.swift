// What a plane's bytes look like: the evidence on which its coding is chosen.
// FORMAT.md, section "Our encoder and decoder". Integers only, so that no libm decides.

struct PlaneStatistics {
  private let count: Int
  private let distinct: Int
  /// The order-0 entropy of the bytes, in bits.
  private let entropy: Int
  /// Whether runs are their character.
  let hasRuns: Bool

  /// Complexity: O(*n*).
  init(of bytes: Span<UInt8>) {
    let logarithms = FixedPoint()
    var distinct = 0
    var (inner, squares) = (0 as UInt64, 0 as UInt64)
    for occurrences in PlaneKernels.histogram(of: bytes) where occurrences != 0 {
      distinct += 1
      inner += logarithms.timesLog2(occurrences)
      squares += UInt64(occurrences) * UInt64(occurrences)
    }
    (count, self.distinct) = (bytes.count, distinct)
    // The two logarithms may be off by different amounts.
    let outer = logarithms.timesLog2(UInt32(clamping: bytes.count))
    entropy = Int((max(outer, inner) - inner) >> FixedPoint.fractionBits)
    hasRuns = Self.hasRuns(
      PlaneKernels.repeatCount(in: bytes), byChance: Int(squares) / max(bytes.count, 1),
      in: bytes.count)
  }

  /// Whether `repeats`, the bytes that equal the byte before them, are so many of `count` that runs
  /// are the bytes' character.
  ///
  /// Half of them will do; so will a 16th beyond five quarters of what bytes drawn independently
  /// would have, as where some rows are zero and the others noise.
  static func hasRuns(_ repeats: Int, byChance: Int, in count: Int) -> Bool {
    repeats >= count / 2 || repeats >= count / 16 + byChance + byChance / 4
  }

  /// Whether bytes of which these are a sample have next to nothing that Huffman codes could save:
  /// less than a 128th, half of what a block must save.
  ///
  /// A sample looks less random than what it is taken from, by half a natural unit of information
  /// for each distinct byte but one (G. Miller, 1955): 0.7213 bits.
  var isNoise: Bool {
    entropy + 3 * (distinct - 1) / 4 > 8 * count - count / 16
  }
}
