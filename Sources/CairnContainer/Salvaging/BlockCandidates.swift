// Where the blocks of one tensor may lie, by both routes. FORMAT.md, appendix A.

import CairnSystem
import CairnTensors

/// A block and its number in the tensor.
struct NumberedBlock: Hashable, Sendable {
  var number: Int
  var block: BlockRecord
}

/// All places that a frame or the index names for the blocks of a tensor, none of them looked at.
struct BlockCandidates {
  /// How the tensor is cut.
  let pieces: Pieces
  /// Ascending by number; several of one number if the routes disagree or a frame is there twice.
  let blocks: [NumberedBlock]

  /// Nil if it cannot be known how the tensor is cut.
  ///
  /// - Parameter record: of a tensor that has data: no alias, not empty.
  init?(
    _ claim: TensorClaim, _ record: TensorRecord, _ frames: FrameEvidence, _ index: IndexEvidence?,
    _ superblock: Superblock?, in source: any ByteSource
  ) throws(CairnError) {
    var found: [NumberedBlock] = []
    for row in claim.rows {
      try index?.forEachBlock(of: row) { (number, block) throws(CairnError) in
        found.append(NumberedBlock(number: number, block: block))
      }
    }
    let pieces: Pieces
    switch record.storageClass {
    case .alias: return nil
    case .raw:
      for raw in frames.raws(of: claim.ordinal) where raw.payload.count == record.byteCount {
        found += try Self.blocks(of: raw, in: source)
      }
      pieces = .blocks(of: record.byteCount)
    case .chunked:
      for chunk in frames.chunks(of: claim.ordinal) {
        found.append(
          NumberedBlock(
            number: Int(chunk.number),
            block: BlockRecord(
              offset: chunk.payload.lowerBound, storedCount: chunk.payload.count,
              logicalCount: Int(chunk.logicalCount), checksum: chunk.checksum)))
      }
      // The first chunk is the only one that is as long as the others whatever their number.
      if let first = found.first(where: { $0.number == 0 }) {
        pieces = Pieces(
          byteCount: record.byteCount,
          pieceByteCount: min(first.block.logicalCount, record.byteCount))
      } else if let superblock {
        pieces = record.pieces(log2ChunkSize: superblock.log2ChunkSize)
      } else {
        return nil
      }
    }
    self.pieces = pieces
    let count = pieces.count
    let fitting = found.filter { found in
      found.number < count && found.block.logicalCount == pieces.range(of: found.number).count
        && (record.storageClass.codesPieces || found.block.storedCount == found.block.logicalCount)
    }
    blocks = Self.unique(
      fitting.sorted { ($0.number, $0.block.offset) < ($1.number, $1.block.offset) })
  }

  /// The bytes of the tensor that some candidate is for.
  var byteCount: Int {
    var (count, last) = (0, -1)
    for block in blocks where block.number != last {
      count += block.block.logicalCount
      last = block.number
    }
    return count
  }

  /// The blocks of a raw frame, if their checksums are intact.
  private static func blocks(
    of raw: FrameEvidence.Raw, in source: any ByteSource
  ) throws(CairnError) -> [NumberedBlock] {
    guard let place = raw.checksums else { return [] }
    let bytes = try source.withBytes(in: place) { $0.array }
    guard crc32(bytes.span) == raw.checksum else { return [] }
    let pieces = Pieces.blocks(of: raw.payload.count)
    return (0..<pieces.count).map { number in
      let range = pieces.range(of: number)
      return NumberedBlock(
        number: number,
        block: BlockRecord(
          offset: raw.payload.lowerBound + range.lowerBound, storedCount: range.count,
          logicalCount: range.count, checksum: bytes.span.field(4 * number)))
    }
  }

  /// Without those that are the same as the one ahead.
  private static func unique(_ blocks: [NumberedBlock]) -> [NumberedBlock] {
    var unique: [NumberedBlock] = []
    for block in blocks where unique.last != block { unique.append(block) }
    return unique
  }
}
