// Where the bytes of a tensor that is being written come from, and what is gathered of them.

import CairnCodec
import CairnSystem
import CairnTensors

/// The bytes of a tensor, to be written.
enum TensorContent: Sendable {
  /// They lie in memory that their source holds: no copy is made of them.
  case memory(ByteRegion)
  /// As above, in memory that nobody else may hold.
  case handedOver(ByteRegion)
  /// They are read when their turn comes.
  case reader(ContainerWriter.PieceReader)
}

/// A tensor whose data is being written.
final class TensorInProgress {
  let record: TensorRecord
  let ordinal: UInt32
  let pieces: Pieces
  let content: TensorContent
  let row: Int
  /// The digest that is kept of it where it comes from.
  let kept: [UInt8]?
  private var leaf: LeafDigest?
  private var inspector: ElementInspector?

  init(
    _ record: TensorRecord, ordinal: UInt32, row: Int, log2ChunkSize: Int, digests: Bool,
    content: TensorContent, kept: [UInt8]? = nil
  ) {
    self.kept = kept
    self.record = record
    self.ordinal = ordinal
    self.row = row
    self.content = content
    pieces = record.pieces(log2ChunkSize: log2ChunkSize)
    guard record.ownsData else { return }
    if digests {
      leaf = LeafDigest(dtype: record.dtype, shape: record.shape, byteCount: record.byteCount)
    }
    if ElementInspector.isNeeded(for: record.dtype) { inspector = record.inspector() }
  }

  var hasData: Bool { pieces.count > 0 }
  /// Whether there are pieces that stand in one frame, whose checksums follow in another.
  var sharesFrame: Bool {
    switch record.storageClass {
    case .raw: hasData
    case .chunked, .alias: false
    }
  }
  /// Of which bytes the segments are digested together with piece `number`, on any thread; nil if
  /// they can only be digested in order.
  func digested(with number: Int) -> Range<Int>? {
    guard leaf != nil, pieces.endBetweenSegments else { return nil }
    switch content {
    case .reader: return pieces.range(of: number)
    case .memory, .handedOver:
      // Several segments at once are quicker, and in memory those of the next pieces are there.
      let group = max(1, SHA256.Way.best.lanes * Pieces.mebibyte / pieces.pieceByteCount)
      let start = pieces.range(of: number).lowerBound
      guard number % group == 0 else { return start..<start }
      return start..<pieces.range(of: min(number + group, pieces.count) - 1).upperBound
    }
  }

  /// Checks and digests a piece, in order.
  func absorb(_ piece: CodedPiece) throws(CairnError) {
    if let segments = piece.segments {
      for segment in segments { leaf?.absorb(segment: segment) }
    }
    guard inspector != nil || (leaf != nil && piece.segments == nil) else { return }
    try piece.bytes.withBytes(in: 0..<piece.bytes.count) { (bytes) throws(CairnError) in
      try inspector?.inspect(bytes)
      if piece.segments == nil { leaf?.absorb(bytes) }
    }
  }

  /// Checks what only the end shows, and gives the digest, if there is to be one.
  func finish() throws(CairnError) -> ContentDigest? {
    try inspector?.finish()
    return leaf?.finish()
  }
}
