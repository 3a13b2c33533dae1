// What is left of a damaged file's index. FORMAT.md, appendix A.

import CairnCheckpoints
import CairnCodec
import CairnSystem
import CairnTensors

/// The records that lie wholly in intact pages of the index.
struct IndexEvidence {
  /// A row of which at least the places of its parts are known.
  struct Row {
    var number: Int
    var places: TensorIndex.Places
    /// What the row says, if all of it is intact and valid.
    var record: TensorRecord?
    /// For an alias: its owner's ordinal, if the owner's row is known.
    var ownerOrdinal: UInt32?
    /// The name, if that much is intact and valid.
    var name: TensorName?
    /// Where the next tensor's frame begins: this row's blocks lie before that.
    var limit: Int
  }

  let table: PageTable
  private let index: TensorIndex
  /// Ascending by row.
  private(set) var rows: [Row] = []
  /// The attachments whose payloads end ahead of the next one's frame: so no two share a byte.
  private(set) var attachments: [FrameEvidence.Attachment] = []
  /// The bytes that tensors, attachments, the index and the page table take in the file: ascending,
  /// not overlapping.
  private(set) var known: [Range<Int>] = []

  /// The index of the container whose commit record begins at `commitOffset`; nil if commit record or
  /// page table are damaged.
  init?(
    _ source: any ByteSource, commitOffset: Int, limits: ContainerLimits,
    progress: (Int) throws(CairnError) -> Void
  ) throws(CairnError) {
    let found = try CairnError.unlessDamaged { () throws(CairnError) in
      try Self.pageTable(source, commitOffset, limits)
    }
    guard let (table, tableRange) = found else { return nil }
    self.table = table
    index = TensorIndex(table, in: source)
    attachments = Self.attachments(of: table)
    try readRows(progress)
    bound()
    try gatherKnown(tableRange)
  }

  private static func pageTable(
    _ source: any ByteSource, _ commitOffset: Int, _ limits: ContainerLimits
  ) throws(CairnError) -> (PageTable, Range<Int>) {
    let commit = try CommitRecord(readingAt: commitOffset, of: source)
    let start = commit.pageTableOffset + FrameHeader.byteCount
    let end = start + commit.pageTableCount
    guard commit.pageTableCount <= PageTable.largestByteCount else {
      throw CairnError(.limitExceeded, "the page table is larger than the format allows")
    }
    let payload = try source.withBytes(in: start..<end) { $0.array }
    let actual = crc32(payload.span)
    guard actual == commit.pageTableChecksum else {
      throw checksumMismatch(
        "the page table", at: start, recorded: commit.pageTableChecksum, actual: actual)
    }
    return (try PageTable(payload: payload, at: start, limits: limits), start..<end)
  }

  private static func attachments(of table: PageTable) -> [FrameEvidence.Attachment] {
    let limits = table.attachments.dropFirst().map(\.frameOffset) + [table.indexFrameOffset]
    return zip(table.attachments, limits).compactMap { record, limit in
      let start = record.frameOffset + FrameHeader.byteCount
      guard start + record.payloadCount <= limit else { return nil }
      return FrameEvidence.Attachment(
        type: record.type, checksum: record.checksum, payload: start..<start + record.payloadCount)
    }
  }

  // MARK: - Rows

  /// Reads all rows. A row counts only if its parts begin at or after the end of those of the last
  /// row that counted, so no page is read for one row after the other.
  private mutating func readRows(
    _ progress: (Int) throws(CairnError) -> Void
  ) throws(CairnError) {
    var ends = (name: 0, dimension: 0, block: 0)
    var ordinals = [UInt32?](repeating: nil, count: index.count)
    for number in 0..<index.count {
      if number % 4_096 == 0 { try progress(0) }
      let found = try CairnError.unlessDamaged { () throws(CairnError) in
        try index.places(number)
      }
      guard let places = found, places.name.lowerBound >= ends.name,
        places.dimensions.lowerBound >= ends.dimension, places.blocks.lowerBound >= ends.block
      else { continue }
      ends = (places.name.upperBound, places.dimensions.upperBound, places.blocks.upperBound)
      ordinals[number] = places.ordinal
      let entry = try CairnError.unlessDamaged { () throws(CairnError) in try index.entry(number) }
      var name = entry?.record.name
      if name == nil {
        name = try CairnError.unlessDamaged { () throws(CairnError) in try index.name(number) }
      }
      rows.append(
        Row(
          number: number, places: places, record: entry?.record, name: name,
          limit: table.indexFrameOffset))
    }
    for place in rows.indices where rows[place].record?.ownsData == false {
      let owner = rows[place].record.map { Int($0.owner) } ?? 0
      rows[place].ownerOrdinal = ordinals[owner]
      rows[place].record?.owner = ordinals[owner] ?? 0
    }
  }

  /// Gives each row the bytes from its frame to the next row's, so that no two rows share any.
  private mutating func bound() {
    let order = rows.indices.sorted { rows[$0].places.frameOffset < rows[$1].places.frameOffset }
    for (row, next) in zip(order, order.dropFirst()) {
      rows[row].limit = rows[next].places.frameOffset
    }
    // Two rows of one frame contradict each other.
    for (row, next) in zip(order, order.dropFirst())
    where rows[row].places.frameOffset == rows[next].places.frameOffset {
      rows[next].limit = rows[next].places.frameOffset
    }
  }

  /// Runs `body` on the blocks of a row that lie in intact pages, ascending in number and place.
  func forEachBlock(
    of row: Row, _ body: (_ number: Int, BlockRecord) throws(CairnError) -> Void
  ) throws(CairnError) {
    var end = row.places.frameOffset + FrameHeader.byteCount
    for (number, block) in row.places.blocks.enumerated() {
      let found = try CairnError.unlessDamaged { () throws(CairnError) in try index.block(block) }
      guard let record = found, record.offset >= end,
        record.offset + record.storedCount <= row.limit,
        record.logicalCount <= ChunkLayout.largestLogicalLength
      else { continue }
      end = record.offset + record.storedCount
      try body(number, record)
    }
  }

  // MARK: - Known bytes

  private mutating func gatherKnown(_ pageTable: Range<Int>) throws(CairnError) {
    var ranges: [Range<Int>] = []
    for row in rows {
      try forEachBlock(of: row) { (_, block) throws(CairnError) in
        // The blocks of a raw tensor touch: one range is enough for all of them.
        if let last = ranges.last, last.upperBound == block.offset {
          ranges[ranges.count - 1] = last.lowerBound..<block.offset + block.storedCount
        } else {
          ranges.append(block.offset..<block.offset + block.storedCount)
        }
      }
    }
    ranges += attachments.map(\.payload)
    ranges.append(table.indexStart..<table.indexStart + table.indexByteCount)
    ranges.append(pageTable)
    known = ranges.merged()
  }
}
