// A cheap look for structure that Huffman codes can't see: strings of 8 bytes that come again.
// FORMAT.md, section "Our encoder and decoder".

struct RepeatProbe {
  private static let tableBits = 12
  private var table: [UInt16] = []

  /// The most bytes that a sample has.
  static let sampleLength = 16_384

  /// Whether `sample` has so many repeated strings that matches are worth a trial.
  ///
  /// A 64th of the positions will do, if chance does not explain it: bytes drawn independently
  /// repeat too, the more the fewer distinct ones there are. Exponents of weights, the common case,
  /// have 1 to 4 % of such repeats, about as many as a JSON text; matches harm the one and save a
  /// quarter of the other. Where chance repeats nearly everything, only more than that will do.
  ///
  /// A glance at an eighth of the positions, for every eighth string before them, comes first: it
  /// must find half of what would do.
  ///
  /// Complexity: O(*n*), at most ``sampleLength`` positions.
  mutating func findsStructure(in bytes: Span<UInt8>) -> Bool {
    let length = min(bytes.count, Self.sampleLength)
    let sample = bytes.extracting(first: length)
    let glanced = glance(in: sample) * 64
    guard glanced * 2 >= length / 64 else { return false }
    let explained = 4 * Self.chance(in: sample)
    let enough = min(length / 64 + explained, length - length / 16)
    return glanced * 2 >= enough && count(in: sample) >= enough
  }

  /// The repeats to expect if each byte of `sample` were drawn independently of the others.
  ///
  /// Two bytes are equal with the probability `p`, the sum of the squared frequencies, and strings
  /// of 8 with its eighth power; the table holds 2^`tableBits` strings to meet.
  private static func chance(in sample: Span<UInt8>) -> Int {
    var squares: UInt64 = 0
    for occurrences in PlaneKernels.histogram(of: sample) {
      squares += UInt64(occurrences) * UInt64(occurrences)
    }
    let length = UInt64(sample.count)
    // Probabilities as 31-bit fractions: 2^31 stands for 1; a sample has at most 2^14 bytes.
    var probability = (squares << 31) / (length * length)
    for _ in 0..<3 { probability = (probability * probability) >> 31 }
    return Int(((length * probability) << UInt64(tableBits)) >> 31)
  }

  /// Counts the positions of `sample` whose 8 bytes have been seen shortly before.
  ///
  /// Strings of one and the same byte are left out: they are runs, which need no search.
  ///
  /// Complexity: O(*n*), at most ``sampleLength`` positions.
  mutating func count(in sample: Span<UInt8>) -> Int {
    clearTable()
    let length = min(sample.count, Self.sampleLength)
    return RepeatKernel.count(
      in: sample.extracting(first: length), stretch: length, looked: length, step: 1,
      table: &table, tableBits: Self.tableBits)
  }

  /// Counts some 64th of the same: at an eighth of the positions, strings seen at an eighth.
  private mutating func glance(in sample: Span<UInt8>) -> Int {
    clearTable()
    return RepeatKernel.count(
      in: sample, stretch: 2048, looked: 256, step: 8, table: &table, tableBits: Self.tableBits)
  }

  private mutating func clearTable() {
    table.removeAll(keepingCapacity: true)
    table.append(contentsOf: repeatElement(0, count: 1 << Self.tableBits))
  }
}
