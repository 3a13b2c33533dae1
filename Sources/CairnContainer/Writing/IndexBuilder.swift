// The index as it grows while tensors are written. FORMAT.md, section 7.

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// Gathers what the index will say, in the order of writing; sorts it by name in the end.
struct IndexBuilder {
  private struct Draft {
    var record: TensorRecord
    var ordinal: UInt32
    var frameOffset = 0
    var digest = ContentDigest.none
    var blocks: [BlockRecord] = []
  }
  private var drafts: [Draft] = []
  private var numbers: [TensorName: Int] = [:]

  var count: Int { drafts.count }

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
  mutating func addBlock(_ block: BlockRecord, row: Int) { drafts[row].blocks.append(block) }
  func checksums(row: Int) -> [UInt32] { drafts[row].blocks.map(\.checksum) }

  /// The finished index.
  struct Built {
    var bytes: [UInt8]
    var blockCount: Int
    var dimensionCount: Int
    var nameByteCount: Int
    var logicalCount: Int
    /// In the order of the index.
    var entries: [IndexEntry]
  }

  func build() throws(CairnError) -> Built {
    let order = drafts.indices.sorted { drafts[$0].record.name < drafts[$1].record.name }
    var rows = [UInt32](repeating: 0, count: drafts.count)
    for (row, number) in order.enumerated() { rows[number] = UInt32(row) }
    try checkPositions()
    var built = Built(
      bytes: [], blockCount: 0, dimensionCount: 0, nameByteCount: 0, logicalCount: 0, entries: [])
    built.entries.reserveCapacity(drafts.count)
    for number in order {
      let draft = drafts[number]
      var record = draft.record
      if !record.ownsData {
        record.owner = rows[Int(record.owner)]
      } else {
        guard let sum = built.logicalCount.adding(record.byteCount) else {
          throw CairnError(.limitExceeded, "the tensors have more bytes than can be counted")
        }
        built.logicalCount = sum
      }
      built.entries.append(
        IndexEntry(
          record: record, nameStart: built.nameByteCount, ordinal: draft.ordinal,
          firstDimension: built.dimensionCount, firstBlock: built.blockCount,
          blockCount: draft.blocks.count, frameOffset: draft.frameOffset, digest: draft.digest))
      built.blockCount += draft.blocks.count
      built.dimensionCount += record.shape.rank
      built.nameByteCount += record.name.utf8.count
    }
    guard built.blockCount <= ContainerLimits.format.blockCount else {
      throw CairnError(
        .limitExceeded, "the tensors have more blocks than the format allows",
        expected: "at most 2^27", found: "\(built.blockCount)", advice: "Choose larger chunks")
    }
    built.bytes = sections(of: built, order)
    guard built.bytes.count <= ContainerLimits.format.indexByteCount else {
      throw CairnError(
        .limitExceeded, "the index is larger than the format allows", expected: "at most 4 GiB",
        advice: "Choose larger chunks, or several files")
    }
    return built
  }

  /// The four sections, one behind the other, in memory that is asked for once: names can be most of it.
  private func sections(of built: Built, _ order: [Int]) -> [UInt8] {
    var fields = ByteBuilder(
      capacity: built.entries.count * IndexEntry.byteCount
        + built.blockCount * BlockRecord.byteCount + built.dimensionCount * 8
        + built.nameByteCount)
    for entry in built.entries { fields.append(entry.bytes) }
    for number in order {
      for block in drafts[number].blocks { fields.append(block.bytes) }
    }
    for entry in built.entries {
      for dimension in entry.record.shape.dimensions { fields.append(UInt64(dimension)) }
    }
    for entry in built.entries { fields.append(entry.record.name.utf8) }
    return fields.bytes
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
