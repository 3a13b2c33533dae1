// The index by itself: every page, every entry, and that they leave no gap. FORMAT.md, sections 7
// and 8 ([V]).

import CairnSystem
import CairnTensors

/// Checks all of an index that needs no frame to be read.
enum IndexCheck {
  static func run(_ container: Container) throws(CairnError) {
    let index = container.index
    let table = index.table
    try index.checkAllPages()
    var last: TensorName?
    var names = 0
    var dimensions = 0
    var blocks = 0
    var positions = [Bool](repeating: false, count: index.count)
    var ordinals = positions
    for row in 0..<index.count {
      let entry = try index.entry(row)
      let name = entry.record.name
      let offset = table.indexStart + row * IndexEntry.byteCount
      let location = CairnError.Location(offset: UInt64(offset), name: name.string)
      if let last, !(last < name) {
        throw CairnError(
          last == name ? .duplicateName : .invalidIndex, "the names in the index do not ascend",
          at: location, expected: "above ‘\(last)’")
      }
      last = name
      guard entry.nameStart == names, entry.firstDimension == dimensions,
        entry.firstBlock == blocks
      else {
        throw CairnError(
          .invalidIndex, "the names, dimensions or blocks of the entries leave a gap or overlap",
          at: location, expected: "\(names), \(dimensions), \(blocks)",
          found: "\(entry.nameStart), \(entry.firstDimension), \(entry.firstBlock)")
      }
      // If no block is ever read, reading would not notice that there is one too many.
      let blockCount = entry.record.pieces(log2ChunkSize: container.log2ChunkSize).count
      guard entry.blockCount == blockCount else {
        throw CairnError(
          .invalidIndex, "a tensor has another number of blocks than its bytes need",
          at: .init(offset: UInt64(offset + 48), name: name.string), expected: "\(blockCount)",
          found: "\(entry.blockCount)")
      }
      names += name.utf8.count
      dimensions += entry.record.shape.rank
      blocks += entry.blockCount
      let position = Int(entry.record.position)
      let ordinal = Int(entry.ordinal)
      guard !positions[position], !ordinals[ordinal] else {
        throw CairnError(
          .invalidIndex, "two tensors have the same ordinal or place in the order of weights",
          at: location, found: "ordinal \(ordinal), position \(position)")
      }
      positions[position] = true
      ordinals[ordinal] = true
      let owner = try index.owner(of: entry)
      guard entry.record.ownsData || owner.ordinal < entry.ordinal else {
        throw CairnError(
          .invalidIndex, "an alias's owner is written after it", at: location,
          expected: "an ordinal below \(entry.ordinal)", found: "\(owner.ordinal)")
      }
      guard
        container.commit.hasDigests && entry.record.ownsData
          || entry.digest == .none
      else {
        throw CairnError(
          .reservedNotZero, "an entry has a digest that it cannot have", at: location,
          expected: "zeros", found: entry.digest.description)
      }
    }
    guard names == table.nameByteCount, dimensions == table.dimensionCount,
      blocks == table.blockCount
    else {
      throw CairnError(
        .invalidIndex, "the index has names, dimensions or blocks that belong to no entry",
        at: .init(offset: UInt64(table.indexStart + table.blocksStart)),
        expected: "\(names), \(dimensions), \(blocks)",
        found: "\(table.nameByteCount), \(table.dimensionCount), \(table.blockCount)")
    }
  }
}
