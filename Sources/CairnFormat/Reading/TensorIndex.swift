// The index, read a page at a time. FORMAT.md, section 12.

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
    static let capacity = 64
  }

  init(_ table: PageTable, in source: any ByteSource) {
    self.table = table
    self.source = source
    self.pages = PageTable.pages(of: table.indexByteCount)
  }

  var count: Int { table.entryCount }

  private func page(_ number: Int) throws(CairnError) -> [UInt8] {
    if let page = cache.withLock({ $0.pages[number] }) { return page }
    let range = pages.range(of: number)
    let start = table.indexStart + range.lowerBound
    let page = try source.withBytes(in: start..<start + range.count) {
      (bytes) throws(CairnError) in
      let actual = crc32(bytes)
      guard actual == table.pageChecksums[number] else {
        throw checksumMismatch(
          "page \(number) of the index", at: start, recorded: table.pageChecksums[number],
          actual: actual)
      }
      return bytes.array
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

  private func name(of entry: [UInt8], at offset: Int) throws(CairnError) -> [UInt8] {
    let count = Int(entry.span.field(8, as: UInt16.self))
    let start = try section(
      entry.span.field(0), count, of: table.nameByteCount, "name bytes", at: offset)
    return try bytes(table.namesStart + start..<table.namesStart + start + count)
  }

  /// The entry in row `row`, which is below ``count``.
  func entry(_ row: Int) throws(CairnError) -> IndexEntry {
    let (bytes, offset) = try entryBytes(row)
    let span = bytes.span
    try checkReserved(span, 15..<16, of: "an index entry", at: offset)
    try checkReserved(span, 28..<32, of: "an index entry", at: offset)
    try checkReserved(span, 84..<96, of: "an index entry", at: offset)
    let nameBytes = try name(of: bytes, at: offset)
    let name: TensorName
    do throws(CairnError) { name = try TensorName(utf8: nameBytes) } catch {
      throw error.located(offset: UInt64(offset))
    }
    let rank = Int(bytes[14])
    let firstDimension = try section(
      span.field(32), rank, of: table.dimensionCount, "dimensions", at: offset)
    let dimensions = try self.bytes(
      table.dimensionsStart + 8 * firstDimension..<table.dimensionsStart + 8
        * (firstDimension + rank))
    let record = try TensorRecord(
      name: name,
      fields: TensorRecord.RawFields(
        dtype: span.field(10), storageClass: bytes[12], filter: bytes[13],
        position: span.field(20), owner: span.field(24), byteCount: span.field(56),
        typeID: span.field(72), elements: span.field(76), bytes: span.field(80),
        dimensions: (0..<rank).map { dimensions.span.field(8 * $0) }), at: offset)
    let blockCount: UInt64 = span.field(48)
    guard blockCount <= UInt64(table.blockCount) else {
      throw CairnError(
        .invalidIndex, "an entry has more blocks than there are",
        at: .init(offset: UInt64(offset + 48), name: name.string),
        expected: "at most \(table.blockCount)", found: "\(blockCount)")
    }
    let firstBlock = try section(
      span.field(40), Int(blockCount), of: table.blockCount, "blocks", at: offset)
    let ordinal: UInt32 = span.field(16)
    let frame: UInt64 = span.field(64)
    guard frame % 64 == 0, frame >= 64, frame < UInt64(table.indexFrameOffset),
      Int(ordinal) < count, Int(record.position) < count,
      record.storageClass != .alias || Int(record.owner) < count
    else {
      throw CairnError(
        .invalidIndex, "an entry's frame offset, ordinal, position or owner is out of range",
        at: .init(offset: UInt64(offset), name: name.string),
        found: "\(frame), \(ordinal), \(record.position), \(record.owner)")
    }
    return IndexEntry(
      record: record, nameStart: Int(span.field(0, as: UInt64.self)), ordinal: ordinal,
      firstDimension: firstDimension, firstBlock: firstBlock, blockCount: Int(blockCount),
      frameOffset: Int(frame), digest: Digest(bytes: Array(bytes[96..<128])))
  }

  /// The entry that holds the data of the entry in `row`: itself, or its owner.
  func owner(of entry: IndexEntry) throws(CairnError) -> IndexEntry {
    guard entry.record.storageClass == .alias else { return entry }
    let owner = try self.entry(Int(entry.record.owner))
    guard owner.record.storageClass != .alias, owner.record.dtype == entry.record.dtype,
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
      let (bytes, offset) = try entryBytes(middle)
      let candidate = try self.name(of: bytes, at: offset)
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
        entry.record.storageClass == .chunked || block.storedCount == block.logicalCount
      else {
        throw CairnError(
          .invalidIndex, "a block has another length than its place in the tensor gives",
          at: .init(offset: UInt64(position), name: name, index: piece),
          expected: "\(pieces.range(of: piece).count)", found: "\(block.logicalCount)")
      }
      try FrameHeader.checkExpansion(
        stored: block.storedCount, logical: block.logicalCount, at: position)
      // Ascending, so that no stored byte can be declared to be many tensors' bytes over.
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
}
