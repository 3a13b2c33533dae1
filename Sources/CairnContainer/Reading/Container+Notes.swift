// What a file holds beside tensors and attachments. FORMAT.md, sections 5 and 14.

import CairnCheckpoints
package import CairnSystem
import CairnTensors

extension Container {
  /// How many frames of each type there are that belong neither to tensors nor to attachments:
  /// `nOTe`, and ancillary frames of other writers. The note of what wrote the file is not counted.
  /// Copies do not have these frames.
  ///
  /// - Throws: what reading the index and the frames' headers throws.
  /// - Complexity: O(tensors); O(frames), headers only, if there are such frames.
  package func notes() throws(CairnError) -> [(type: String, count: Int)] {
    guard try hasNotes() else { return [] }
    var counts: [[UInt8]: Int] = [:]
    var order: [[UInt8]] = []
    var start = Superblock.byteCount
    while start < index.table.indexFrameOffset {
      let header = try locating { () throws(CairnError) in
        try FrameHeader(reading: source, at: start)
      }
      if !header.isCritical, header.type != .generator {
        if counts[header.letters] == nil { order.append(header.letters) }
        counts[header.letters, default: 0] += 1
      }
      start += FrameHeader.byteCount + header.paddedCount
    }
    return order.map { (String(decoding: $0, as: UTF8.self), counts[$0] ?? 0) }
  }

  /// Whether the commit record counts more frames than those of tensors and attachments.
  private func hasNotes() throws(CairnError) -> Bool {
    // Wrapping arithmetic: the counts of a hostile file are checked by looking, not by adding.
    var rest = commit.frameCount &- index.table.attachments.count &- 2
    for row in 0..<count {
      let entry = try locating { () throws(CairnError) in try index.entry(row) }
      rest &-= 1
      switch entry.record.storageClass {
      case .chunked: rest &-= entry.blockCount
      case .raw:
        guard entry.blockCount > 0 else { break }
        rest &-= 2
        // A `PADD` frame comes before the data if the data's alignment needs one.
        let payload =
          TensorRecord.fixedByteCount + 8 * entry.record.shape.rank + entry.record.name.utf8.count
        let padded = payload + padding(after: payload, to: 64)
        let data = entry.frameOffset &+ 2 * FrameHeader.byteCount &+ padded
        if data & (1 << log2Alignment - 1) != 0 {
          rest &-= 1
        }
      case .alias: break
      }
    }
    if rest == 1 {
      // One is the note of what wrote the file, which stands first.
      let first = try locating { () throws(CairnError) in
        try FrameHeader(reading: source, at: Superblock.byteCount)
      }
      if first.type == .generator { return false }
    }
    return rest != 0
  }
}
