// The index as it grows while tensors are written. FORMAT.md, section 7.

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// Gathers what the index will say, in the order of writing; sorts it by name in the end.
struct IndexBuilder {
  fileprivate struct Draft {
    var record: TensorRecord
    var ordinal: UInt32
    var frameOffset = 0
    var digest = ContentDigest.none
    /// Its blocks among all blocks: they are added one after the other.
    var firstBlock = 0
    var blockCount = 0
  }
  fileprivate var drafts: [Draft] = []
  /// Those of all tensors, in the order of writing.
  private var blocks: [BlockRecord] = []
  private var numbers: [TensorName: Int] = [:]

  var count: Int { drafts.count }

  /// Makes room for so many tensors at once: lists that grow are held twice while they are moved.
  mutating func reserveCapacity(_ count: Int) {
    drafts.reserveCapacity(count)
    numbers.reserveCapacity(count)
    blocks.reserveCapacity(count)
  }

  /// Adds a tensor; returns its row among the drafts.
  mutating func add(_ record: TensorRecord, ordinal: UInt32) throws(CairnError) -> Int {
    guard drafts.count < ContainerLimits.format.tensorCount else {
      throw CairnError(
        .limitExceeded, "there are more tensors than the format allows",
        expected: "at most \(ContainerLimits.format.tensorCount)")
    }
    guard numbers.updateValue(drafts.count, forKey: record.name) == nil else {
      throw CairnError(
        .duplicateName, "two tensors have the same name", at: .init(name: record.name.string))
    }
    drafts.append(Draft(record: record, ordinal: ordinal))
    return drafts.count - 1
  }

  /// The tensor called `name`, or the owner of the alias called so.
  func owner(_ name: TensorName) throws(CairnError) -> (TensorRecord, ordinal: UInt32) {
    guard var number = numbers[name] else {
      throw CairnError(
        .noSuchTensor, "an alias's owner was not appended before it",
        at: .init(name: name.string))
    }
    if !drafts[number].record.ownsData {
      number = Int(drafts[number].record.owner)
    }
    return (drafts[number].record, drafts[number].ordinal)
  }

  mutating func setFrameOffset(_ offset: Int, row: Int) { drafts[row].frameOffset = offset }
  mutating func setDigest(_ digest: ContentDigest, row: Int) { drafts[row].digest = digest }

  /// Adds a block to the tensor whose data is being written: the data of one is written before that of
  /// the next.
  mutating func addBlock(_ block: BlockRecord, row: Int) {
    if drafts[row].blockCount == 0 { drafts[row].firstBlock = blocks.count }
    blocks.append(block)
    drafts[row].blockCount += 1
  }

  func checksums(row: Int) -> [UInt32] { blocks(of: drafts[row]).map(\.checksum) }

  fileprivate func blocks(of draft: Draft) -> ArraySlice<BlockRecord> {
    blocks[draft.firstBlock..<draft.firstBlock + draft.blockCount]
  }

  /// What the finished index is made of. It is put together a page at a time: as a whole it may be larger
  /// than all tensors.
  struct Built {
    /// Where an entry's parts lie in their sections.
    fileprivate struct Place {
      var nameStart: Int
      var firstDimension: Int
      var firstBlock: Int
    }
    fileprivate let builder: IndexBuilder
    /// The drafts in the order of the index, and the row in it of each draft.
    fileprivate let order: [Int]
    fileprivate let rows: [UInt32]
    fileprivate var places: [Place] = []
    fileprivate(set) var blockCount = 0
    fileprivate(set) var dimensionCount = 0
    fileprivate(set) var nameByteCount = 0
    fileprivate(set) var logicalCount = 0

    var entryCount: Int { order.count }

    /// The bytes of all sections.
    var byteCount: Int {
      entryCount * IndexEntry.byteCount + blockCount * BlockRecord.byteCount + dimensionCount * 8
        + nameByteCount
    }
  }

  func build() throws(CairnError) -> Built {
    let order = drafts.indices.sorted { drafts[$0].record.name < drafts[$1].record.name }
    var rows = [UInt32](repeating: 0, count: drafts.count)
    for (row, number) in order.enumerated() { rows[number] = UInt32(row) }
    try checkPositions()
    var built = Built(builder: self, order: order, rows: rows)
    built.places.reserveCapacity(drafts.count)
    for number in order {
      if drafts[number].record.ownsData {
        guard let sum = built.logicalCount.adding(drafts[number].record.byteCount) else {
          throw CairnError(.limitExceeded, "the tensors have more bytes than can be counted")
        }
        built.logicalCount = sum
      }
      built.places.append(
        .init(
          nameStart: built.nameByteCount, firstDimension: built.dimensionCount,
          firstBlock: built.blockCount))
      built.blockCount += drafts[number].blockCount
      built.dimensionCount += drafts[number].record.shape.rank
      built.nameByteCount += drafts[number].record.name.utf8.count
    }
    guard built.blockCount <= ContainerLimits.format.blockCount else {
      throw CairnError(
        .limitExceeded, "the tensors have more blocks than the format allows",
        expected: "at most 2^27", found: "\(built.blockCount)", advice: "Choose larger chunks")
    }
    guard built.byteCount <= ContainerLimits.format.indexByteCount else {
      throw CairnError(
        .limitExceeded, "the index is larger than the format allows", expected: "at most 4 GiB",
        advice: "Choose larger chunks, or several files")
    }
    return built
  }

  private func checkPositions() throws(CairnError) {
    var seen = [Bool](repeating: false, count: drafts.count)
    for draft in drafts {
      let position = Int(draft.record.position)
      guard position < seen.count, !seen[position] else {
        throw CairnError(
          .invalidArgument, "the places in the order of weights are not 0 to count − 1, each once",
          at: .init(name: draft.record.name.string, index: position))
      }
      seen[position] = true
    }
  }
}

extension IndexBuilder.Built {
  /// The entry in `row`.
  func entry(_ row: Int) -> IndexEntry {
    let draft = builder.drafts[order[row]]
    var record = draft.record
    if !record.ownsData { record.owner = rows[Int(record.owner)] }
    return IndexEntry(
      record: record, nameStart: places[row].nameStart, ordinal: draft.ordinal,
      firstDimension: places[row].firstDimension, firstBlock: places[row].firstBlock,
      blockCount: draft.blockCount, frameOffset: draft.frameOffset, digest: draft.digest)
  }

  /// Hands over the four sections, one behind the other, in pages; the last one may be shorter.
  func forEachPage(_ body: (Span<UInt8>) throws(CairnError) -> Void) throws(CairnError) {
    let size = PageTable.pageByteCount
    var page: [UInt8] = []
    page.reserveCapacity(size)
    func append(_ bytes: [UInt8]) throws(CairnError) {
      var start = 0
      while start < bytes.count {
        let end = min(bytes.count, start + size - page.count)
        page += bytes[start..<end]
        start = end
        guard page.count == size else { continue }
        try body(page.span)
        page.removeAll(keepingCapacity: true)
      }
    }
    for row in order.indices { try append(entry(row).bytes) }
    for number in order {
      for block in builder.blocks(of: builder.drafts[number]) { try append(block.bytes) }
    }
    for number in order {
      for dimension in builder.drafts[number].record.shape.dimensions {
        try append(UInt64(dimension).littleEndianBytes)
      }
    }
    for number in order { try append(builder.drafts[number].record.name.utf8) }
    if !page.isEmpty { try body(page.span) }
  }
}
