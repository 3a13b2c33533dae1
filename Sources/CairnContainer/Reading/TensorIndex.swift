// The index, read a page at a time. FORMAT.md, section 7.

import CairnCodec
import CairnSystem
import CairnTensors

/// The tensor table of an open container. Pages are read, and their CRCs checked, when something in
/// them is needed; a bounded number of them is kept.
final class TensorIndex: Sendable {
  let table: PageTable
  private let source: any ByteSource
  private let pages: Pieces
  private let cache = Lock(PageCache())

  private struct PageCache {
    var pages: [Int: [UInt8]] = [:]
    /// Damaged pages are not read again for each of the records that lie in them.
    var damaged: [Int: CairnError] = [:]
    static let capacity = 64
  }

  init(_ table: PageTable, in source: any ByteSource) {
    self.table = table
    self.source = source
    self.pages = PageTable.pages(of: table.indexByteCount)
  }

  var count: Int { table.entryCount }

  private func page(_ number: Int) throws(CairnError) -> [UInt8] {
    let (kept, damage) = cache.withLock { ($0.pages[number], $0.damaged[number]) }
    if let kept { return kept }
    if let damage { throw damage }
    let range = pages.range(of: number)
    let start = table.indexStart + range.lowerBound
    let recorded = table.pageChecksums[number]
    let (page, actual) = try source.withBytes(in: start..<start + range.count) {
      (bytes) throws(CairnError) in (bytes.array, crc32(bytes))
    }
    guard actual == recorded else {
      let damage = checksumMismatch(
        "page \(number) of the index", at: start, recorded: recorded, actual: actual)
      cache.withLock { $0.damaged[number] = damage }
      throw damage
    }
    cache.withLock { cache in
      if cache.pages.count >= PageCache.capacity { cache.pages.removeAll(keepingCapacity: true) }
      cache.pages[number] = page
    }
    return page
  }

  /// The bytes of `range` of the index, which lies within it.
  private func bytes(_ range: Range<Int>) throws(CairnError) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(range.count)
    for number in pages.indices(touching: range) {
      let page = try page(number)
      let start = pages.range(of: number).lowerBound
      bytes +=
        page[
          max(range.lowerBound - start, 0)..<min(range.upperBound - start, page.count)]
    }
    return bytes
  }

  /// Checks every page.
  func checkAllPages() throws(CairnError) {
    for number in 0..<pages.count { _ = try page(number) }
  }

  private func entryBytes(_ row: Int) throws(CairnError) -> (bytes: [UInt8], offset: Int) {
    let start = row * IndexEntry.byteCount
    return (try bytes(start..<start + IndexEntry.byteCount), table.indexStart + start)
  }

  private func section(
    _ first: UInt64, _ count: Int, of total: Int, _ what: String, at offset: Int
  ) throws(CairnError) -> Int {
    guard first <= UInt64(total), count <= total - Int(first) else {
      throw CairnError(
        .invalidIndex, "an entry's \(what) lie outside their section",
        at: .init(offset: UInt64(offset)), expected: "within \(total)",
        found: "\(count) from \(first)")
    }
    return Int(first)
  }

  private func nameRange(of entry: [UInt8], at offset: Int) throws(CairnError) -> Range<Int> {
    let count = Int(entry.span.field(8, as: UInt16.self))
    let start = try section(
      entry.span.field(0), count, of: table.nameByteCount, "name bytes", at: offset)
    return start..<start + count
  }

  private func nameBytes(_ row: Int) throws(CairnError) -> [UInt8] {
    let (entry, offset) = try entryBytes(row)
    let range = try nameRange(of: entry, at: offset)
    return try bytes(table.namesStart + range.lowerBound..<table.namesStart + range.upperBound)
  }

  /// The name in the entry of row `row`, whatever else the entry says.
  func name(_ row: Int) throws(CairnError) -> TensorName {
    do throws(CairnError) { return try TensorName(utf8: nameBytes(row)) } catch {
      throw error.located(offset: UInt64(table.indexStart + row * IndexEntry.byteCount))
    }
  }

  /// What an entry says without the other sections: where its parts lie in them, and whose it is.
  struct Places: Sendable {
    var name: Range<Int>
    var dimensions: Range<Int>
    var blocks: Range<Int>
    var ordinal: UInt32
    /// Where the TNSR frame begins.
    var frameOffset: Int
  }

  /// The places in the entry of row `row`, which is below ``count``; each within its section.
  func places(_ row: Int) throws(CairnError) -> Places {
    let (bytes, offset) = try entryBytes(row)
    return try places(bytes, at: offset)
  }

  private func places(_ bytes: [UInt8], at offset: Int) throws(CairnError) -> Places {
    let span = bytes.span
    let rank = Int(bytes[14])
    let firstDimension = try section(
      span.field(32), rank, of: table.dimensionCount, "dimensions", at: offset)
    let blockCount: UInt64 = span.field(48)
    guard blockCount <= UInt64(table.blockCount) else {
      throw CairnError(
        .invalidIndex, "an entry has more blocks than there are",
        at: .init(offset: UInt64(offset + 48)), expected: "at most \(table.blockCount)",
        found: "\(blockCount)")
    }
    let firstBlock = try section(
      span.field(40), Int(blockCount), of: table.blockCount, "blocks", at: offset)
    let ordinal: UInt32 = span.field(16)
    let frame: UInt64 = span.field(64)
    guard frame % 64 == 0, frame >= 64, frame < UInt64(table.indexFrameOffset),
      Int(ordinal) < count
    else {
      throw CairnError(
        .invalidIndex, "an entry's frame offset or ordinal is out of range",
        at: .init(offset: UInt64(offset)), found: "\(frame), \(ordinal)")
    }
    return Places(
      name: try nameRange(of: bytes, at: offset),
      dimensions: firstDimension..<firstDimension + rank,
      blocks: firstBlock..<firstBlock + Int(blockCount), ordinal: ordinal, frameOffset: Int(frame))
  }

  /// The entry in row `row`, which is below ``count``.
  func entry(_ row: Int) throws(CairnError) -> IndexEntry {
    let (bytes, offset) = try entryBytes(row)
    let span = bytes.span
    try checkReserved(span, 15..<16, of: "an index entry", at: offset)
    try checkReserved(span, 28..<32, of: "an index entry", at: offset)
    try checkReserved(span, 84..<96, of: "an index entry", at: offset)
    let name = try name(row)
    let places: Places
    do throws(CairnError) { places = try self.places(bytes, at: offset) } catch {
      throw error.located(name: name.string)
    }
    let start = table.dimensionsStart
    let dimensions = try self.bytes(
      start + 8 * places.dimensions.lowerBound..<start + 8 * places.dimensions.upperBound)
    let record = try TensorRecord(
      name: name,
      fields: TensorRecord.RawFields(
        dtype: span.field(10), storageClass: bytes[12], filter: bytes[13],
        position: span.field(20), owner: span.field(24), byteCount: span.field(56),
        typeID: span.field(72), elements: span.field(76), bytes: span.field(80),
        dimensions: (0..<places.dimensions.count).map { dimensions.span.field(8 * $0) }), at: offset
    )
    guard Int(record.position) < count,
      record.ownsData || Int(record.owner) < count
    else {
      throw CairnError(
        .invalidIndex, "an entry's position or owner is out of range",
        at: .init(offset: UInt64(offset), name: name.string),
        found: "\(record.position), \(record.owner)")
    }
    return IndexEntry(
      record: record, nameStart: places.name.lowerBound, ordinal: places.ordinal,
      firstDimension: places.dimensions.lowerBound, firstBlock: places.blocks.lowerBound,
      blockCount: places.blocks.count, frameOffset: places.frameOffset,
      digest: ContentDigest(bytes: Array(bytes[96..<128])))
  }

  /// The entry that holds the data of the entry in `row`: itself, or its owner.
  func owner(of entry: IndexEntry) throws(CairnError) -> IndexEntry {
    guard !entry.record.ownsData else { return entry }
    let owner = try self.entry(Int(entry.record.owner))
    guard owner.record.ownsData, owner.record.dtype == entry.record.dtype,
      owner.record.shape == entry.record.shape, owner.record.byteCount == entry.record.byteCount
    else {
      throw CairnError(
        .invalidIndex, "an alias's owner is an alias itself, or of another type or shape",
        at: .init(
          offset: UInt64(table.indexStart + Int(entry.record.owner) * IndexEntry.byteCount),
          name: entry.record.name.string),
        found: owner.record.name.string)
    }
    return owner
  }

  /// The row of the tensor called `name`.
  ///
  /// - Complexity: O(log count) pages.
  func row(of name: TensorName) throws(CairnError) -> Int? {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      let candidate = try nameBytes(middle)
      if candidate == name.utf8 { return middle }
      if candidate.lexicographicallyPrecedes(name.utf8) { low = middle + 1 } else { high = middle }
    }
    return nil
  }

  /// The records of the blocks `range` of an owner, checked against what the entry demands.
  func blocks(
    _ range: Range<Int>, of entry: IndexEntry, log2ChunkSize: Int
  ) throws(CairnError) -> [BlockRecord] {
    let pieces = entry.record.pieces(log2ChunkSize: log2ChunkSize)
    let name = entry.record.name.string
    guard entry.blockCount == pieces.count else {
      throw CairnError(
        .invalidIndex, "a tensor has another number of blocks than its bytes need",
        at: .init(offset: UInt64(entry.frameOffset), name: name), expected: "\(pieces.count)",
        found: "\(entry.blockCount)")
    }
    let start = table.blocksStart + (entry.firstBlock + range.lowerBound) * BlockRecord.byteCount
    let bytes = try bytes(start..<start + range.count * BlockRecord.byteCount)
    var blocks: [BlockRecord] = []
    blocks.reserveCapacity(range.count)
    var end = entry.frameOffset
    for (number, piece) in range.enumerated() {
      let local = number * BlockRecord.byteCount
      let position = table.indexStart + start + local
      let block = try BlockRecord(
        bytes.span.extracting(local..<local + BlockRecord.byteCount), at: position,
        fileCount: source.count)
      guard block.logicalCount == pieces.range(of: piece).count,
        entry.record.storageClass.codesPieces || block.storedCount == block.logicalCount
      else {
        throw CairnError(
          .invalidIndex, "a block has another length than its place in the tensor gives",
          at: .init(offset: UInt64(position), name: name, index: piece),
          expected: "\(pieces.range(of: piece).count)", found: "\(block.logicalCount)")
      }
      try FrameHeader.checkExpansion(
        stored: block.storedCount, logical: block.logicalCount, at: position)
      // Blocks must ascend, so that one stored byte cannot be claimed many times over.
      guard block.offset >= end else {
        throw CairnError(
          .invalidIndex, "a block overlaps the one ahead of it",
          at: .init(offset: UInt64(position), name: name, index: piece),
          expected: "at least \(end)", found: "\(block.offset)")
      }
      end = block.offset + block.storedCount
      blocks.append(block)
    }
    return blocks
  }

  /// The record of block `number` of all blocks, checked by itself alone.
  func block(_ number: Int) throws(CairnError) -> BlockRecord {
    let start = table.blocksStart + number * BlockRecord.byteCount
    let bytes = try bytes(start..<start + BlockRecord.byteCount)
    let position = table.indexStart + start
    let block = try BlockRecord(bytes.span, at: position, fileCount: source.count)
    try FrameHeader.checkExpansion(
      stored: block.storedCount, logical: block.logicalCount, at: position)
    return block
  }
}
