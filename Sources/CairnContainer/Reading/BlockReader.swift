// Reading one block: bounds, CRC, stream. FORMAT.md, sections 8 ([R]), 9 and 10.

import CairnCodec
import CairnSystem
import CairnTensors

/// Reads blocks. Each thread has its own.
struct BlockReader: ~Copyable {
  private var decoder: ChunkDecoder
  private var stored: Storage?
  private var logical: Storage?
  /// The block whose logical bytes are in `logical`.
  private(set) var held: BlockRecord?
  /// How it was cut into planes: in a hostile file, entries may share a block but disagree about
  /// this.
  private var heldLayout: ChunkLayout?

  init() throws(CairnError) {
    decoder = try Self.makeDecoder()
  }

  private static func makeDecoder() throws(CairnError) -> ChunkDecoder {
    do throws(CodecError) { return try ChunkDecoder() } catch { throw error.located() }
  }

  /// The memory that is kept for parts of a block.
  var heldByteCount: Int { logical?.byteCount ?? 0 }

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
        // A checksum covers a whole block, so all of it is read and only a part is given out; the
        // next part is usually of the same block.
        let scratch = try Self.scratch(&logical, block.logicalCount)
        let layout: ChunkLayout
        do throws(CodecError) { layout = try record.layout() } catch {
          throw error.located(at: block.offset)
        }
        if held != block || heldLayout != layout {
          held = nil
          try scratch.withMutableBytes(in: 0..<block.logicalCount) { (bytes) throws(CairnError) in
            try readWhole(block, of: record, from: source, into: &bytes)
          }
          held = block
          heldLayout = layout
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
    // Room for most blocks of this length, so that memory is asked for once; a large one that is much
    // larger than its stream does not take as much again.
    let scratch = try Self.scratch(
      &stored, max(block.storedCount, min(block.logicalCount, 1 << 20)))
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

/// The readers of a file that are ready for use. Each keeps the block that it last read a part of:
/// otherwise a window smaller than a chunk would have the chunk decoded again for each part of it.
final class BlockReaderPool: Sendable {
  private let places = Lock<[BlockReaderPlace]>([])

  /// The most bytes that readers hold while nobody reads.
  private static let heldCapacity = 32 << 20

  /// Fills `target` with the part `part` of a block's logical bytes.
  func read(
    _ block: BlockRecord, number: Int, of record: TensorRecord, part: Range<Int>,
    from source: any ByteSource, into target: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    let place = try take(block)
    try place.reader.read(
      block, number: number, of: record, part: part, from: source, into: &target)
    giveBack(place)
  }

  private func take(_ block: BlockRecord) throws(CairnError) -> BlockReaderPlace {
    let ready = places.withLock { (places) -> BlockReaderPlace? in
      if let index = places.firstIndex(where: { $0.reader.held == block }) {
        return places.remove(at: index)
      }
      // Take the one that has waited longest: reading usually goes on in the block that was read
      // last.
      return places.isEmpty ? nil : places.removeFirst()
    }
    if let ready { return ready }
    return BlockReaderPlace(try BlockReader())
  }

  private func giveBack(_ place: BlockReaderPlace) {
    places.withLock { places in
      places.append(place)
      var byteCount = places.reduce(0) { $0 + $1.reader.heldByteCount }
      while byteCount > Self.heldCapacity, places.count > 1 {
        byteCount -= places.removeFirst().reader.heldByteCount
      }
    }
  }
}

/// A reader in a pool.
///
/// `@unchecked Sendable`: it is either in the pool or with the one caller that took it out.
private final class BlockReaderPlace: @unchecked Sendable {
  var reader: BlockReader
  init(_ reader: consuming BlockReader) { self.reader = reader }
}
