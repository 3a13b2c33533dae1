// A cheap look for structure that Huffman codes can't see: strings of 8 bytes that come again.
// FORMAT.md, section "Chunks and planes", encoder's notes.

struct RepeatProbe {
  private static let tableBits = 12
  private var table: [UInt16] = []

  /// The most bytes that a sample has.
  static let sampleLength = 16_384

  /// Counts the positions of `sample` whose 8 bytes have been seen shortly before.
  ///
  /// Strings of one and the same byte are left out: they are runs, which need no search.
  ///
  /// Complexity: O(*n*), at most ``sampleLength`` positions.
  mutating func count(in sample: Span<UInt8>) -> Int {
    table.removeAll(keepingCapacity: true)
    table.append(contentsOf: repeatElement(0, count: 1 << Self.tableBits))
    let length = min(sample.count, Self.sampleLength)
    return PlaneKernels.stringRepeats(
      in: sample.extracting(first: length), table: &table, tableBits: Self.tableBits)
  }
}
