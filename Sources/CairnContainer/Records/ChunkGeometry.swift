// How a tensor's bytes are cut into chunks, blocks and segments. FORMAT.md, sections 9 and 10.

import CairnTensors

/// A run of bytes cut into pieces of one size, the last shorter.
struct Pieces: Hashable, Sendable {
  /// Bytes in all.
  let byteCount: Int
  /// Bytes of every piece but the last, at least 1.
  let pieceByteCount: Int

  /// The blocks in which raw bytes are checked and the segments in which content is digested.
  static let mebibyte = 1 << 20

  /// The blocks of a raw tensor.
  static func blocks(of byteCount: Int) -> Pieces {
    Pieces(byteCount: byteCount, pieceByteCount: mebibyte)
  }

  /// The chunks of a chunked tensor: the largest whole number of granules within the chunk size.
  static func chunks(of byteCount: Int, dtype: DType, log2ChunkSize: Int) -> Pieces {
    let granule = dtype.granule.bytes
    return Pieces(
      byteCount: byteCount, pieceByteCount: (1 << log2ChunkSize) / granule * granule)
  }

  var count: Int { byteCount / pieceByteCount + (byteCount % pieceByteCount == 0 ? 0 : 1) }

  func range(of index: Int) -> Range<Int> {
    let start = index * pieceByteCount
    return start..<min(start + pieceByteCount, byteCount)
  }

  /// The pieces that have a byte in `range`.
  func indices(touching range: Range<Int>) -> Range<Int> {
    guard !range.isEmpty else { return 0..<0 }
    return range.lowerBound / pieceByteCount..<(range.upperBound - 1) / pieceByteCount + 1
  }
}
