// Reading one block: bounds, CRC, stream. FORMAT.md, sections 8 ([R]), 9 and 10.

import CairnCodec
import CairnSystem
import CairnTensors

/// Reads blocks; one a thread.
struct BlockReader: ~Copyable {
  private var decoder: ChunkDecoder
  private var stored: Storage?
  private var logical: Storage?

  init() throws(CairnError) {
    decoder = try Self.makeDecoder()
  }

  private static func makeDecoder() throws(CairnError) -> ChunkDecoder {
    do throws(CodecError) { return try ChunkDecoder() } catch { throw error.located() }
  }

  /// Memory of at least `byteCount` bytes, kept from block to block.
  private static func scratch(
    _ kept: inout Storage?, _ byteCount: Int
  ) throws(CairnError) -> Storage {
    if let kept, kept.byteCount >= byteCount { return kept }
    let fresh = try Storage(byteCount: byteCount, zeroed: false)
    kept = fresh
    return fresh
  }

  /// Fills `target` with the part `part` of a block's logical bytes.
  mutating func read(
    _ block: BlockRecord, number: Int, of record: TensorRecord, part: Range<Int>,
    from source: any ByteSource, into target: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    let isWhole = part == 0..<block.logicalCount
    do throws(CairnError) {
      if isWhole {
        try readWhole(block, of: record, from: source, into: &target)
      } else {
        // A checksum is of a whole block, so the whole is read and a part of it kept.
        let scratch = try Self.scratch(&logical, block.logicalCount)
        try scratch.withMutableBytes(in: 0..<block.logicalCount) { (bytes) throws(CairnError) in
          try readWhole(block, of: record, from: source, into: &bytes)
        }
        scratch.withBytes(in: part) { target.copy($0) }
      }
    } catch {
      throw error.located(offset: UInt64(block.offset), name: record.name.string, index: number)
    }
  }

  private mutating func readWhole(
    _ block: BlockRecord, of record: TensorRecord, from source: any ByteSource,
    into target: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    if block.storedCount == block.logicalCount {
      try source.read(at: block.offset, into: &target)
      try check(target.span, block)
      return
    }
    if let memory = source.memory {
      try memory.withBytes(in: block.offset..<block.offset + block.storedCount) {
        (bytes) throws(CairnError) in
        try decode(bytes, block, of: record, into: &target)
      }
      return
    }
    // Room for any block of this length, so that memory is asked for once.
    let scratch = try Self.scratch(&stored, block.logicalCount)
    try scratch.withMutableBytes(in: 0..<block.storedCount) { (bytes) throws(CairnError) in
      try source.read(at: block.offset, into: &bytes)
    }
    try scratch.withBytes(in: 0..<block.storedCount) { (bytes) throws(CairnError) in
      try decode(bytes, block, of: record, into: &target)
    }
  }

  private mutating func decode(
    _ bytes: Span<UInt8>, _ block: BlockRecord, of record: TensorRecord,
    into target: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    try check(bytes, block)
    do throws(CodecError) {
      try decoder.decode(bytes, layout: record.layout(), into: &target)
    } catch {
      throw error.located(at: block.offset)
    }
  }

  private func check(_ bytes: Span<UInt8>, _ block: BlockRecord) throws(CairnError) {
    let actual = crc32(bytes)
    guard actual == block.checksum else {
      throw checksumMismatch(
        "a block", at: block.offset, recorded: block.checksum, actual: actual)
    }
  }
}
