// What a plane's bytes look like: the evidence on which its coding is chosen.
// FORMAT.md, section "Our encoder". Integers only, so that no libm decides.

struct PlaneStatistics {
  /// The number of bytes.
  let count: Int
  /// The number of distinct bytes.
  let distinct: Int
  /// Whether enough bytes equal the byte before them for runs to be the plane's character.
  ///
  /// Half of them will do; so will a 16th beyond twice what bytes drawn independently would have,
  /// as where some rows are zero and the others noise.
  let hasRuns: Bool
  /// An estimate of the bytes that Huffman codes need, tables included.
  let huffmanEstimate: Int

  /// Complexity: O(*n*).
  init(of plane: Span<UInt8>) {
    let histogram = PlaneKernels.histogram(of: plane)
    count = plane.count
    distinct = histogram.count { $0 != 0 }
    // Order-0 entropy: the sum of c * (log2 n - log2 c), in 1/4096 bit. At most 2^24 * 24 * 4096.
    let logCount = FixedPoint.log2(UInt32(clamping: plane.count))
    var scaledBits: UInt64 = 0
    var squares: UInt64 = 0
    for occurrences in histogram where occurrences != 0 {
      scaledBits += UInt64(occurrences) * UInt64(logCount - FixedPoint.log2(occurrences))
      squares += UInt64(occurrences) * UInt64(occurrences)
    }
    let repeats = PlaneKernels.repeatCount(in: plane)
    let byChance = plane.count == 0 ? 0 : Int(squares / UInt64(plane.count))
    hasRuns = repeats >= plane.count / 2 || repeats >= plane.count / 16 + 2 * byChance
    // A dynamic block of 16 Ki symbols spends about half a byte on each code length it transmits.
    let tables = (plane.count / 16_384 + 1) * (distinct / 2 + 16)
    huffmanEstimate = Int(scaledBits / (4096 * 8)) + tables
  }
}

enum FixedPoint {
  /// The binary logarithm of `value`, at least 1, in units of 1/4096, rounded down.
  ///
  /// The fraction comes bit by bit: squaring a mantissa in 1 ..< 2 doubles its logarithm, and the
  /// new bit says whether the square has reached 2.
  static func log2(_ value: UInt32) -> UInt32 {
    let exponent = 31 - value.leadingZeroBitCount
    guard exponent >= 0 else { return 0 }
    // The mantissa as a 31-bit fraction: 2^31 stands for 1.
    var mantissa = UInt64(value) << UInt64(31 - exponent)
    var result = UInt32(exponent)
    for _ in 0..<12 {
      mantissa = (mantissa * mantissa) >> 31
      let bit = mantissa >> 32
      mantissa >>= bit
      result = result << 1 | UInt32(bit)
    }
    return result
  }
}
