// What lies at a byte of a container: for saying where two files begin to differ.

import CairnCheckpoints
package import CairnSystem
import CairnTensors

extension Container {
  /// What the byte at `offset` belongs to, in words: `chunk 3 of ‘encoder.weight’, byte 17 of its
  /// payload`.
  ///
  /// - Throws: `invalidArgument` for an offset outside the file, and what reading the frames' headers
  ///   up to there throws.
  /// - Complexity: O(frames), headers only.
  package func place(of offset: Int) throws(CairnError) -> String {
    guard (0..<source.count).contains(offset) else {
      throw CairnError(
        .invalidArgument, "there is no such byte in the file", at: .init(file: path),
        expected: "0..<\(source.count)", found: "\(offset)")
    }
    if offset < Superblock.byteCount { return "superblock, byte \(offset)" }
    let commitOffset = source.count - CommitRecord.byteCount
    if offset >= commitOffset { return "commit record, byte \(offset - commitOffset)" }
    var start = Superblock.byteCount
    while true {
      let header = try FrameHeader(reading: source, at: start)
      let payload = start + FrameHeader.byteCount
      let end = payload + header.paddedCount
      guard offset >= end else {
        let what = try description(of: header)
        if offset < payload { return "\(what), byte \(offset - start) of its header" }
        if offset >= payload + header.storedCount { return "padding after \(what)" }
        return try "\(what), byte \(offset - payload) of its payload"
          + detail(header, offset - payload)
      }
      start = end
    }
  }

  private func description(of header: FrameHeader) throws(CairnError) -> String {
    switch header.type {
    case .tensor: try "header of \(tensorName(header.ordinal))"
    case .raw: try "data of \(tensorName(header.ordinal))"
    case .chunk: try "chunk \(header.chunk) of \(tensorName(header.ordinal))"
    case .blockChecksums: try "checksums of \(tensorName(header.ordinal))"
    case .padding: try "padding ahead of \(tensorName(header.ordinal))"
    case .metadata: "metadata"
    case .configuration: "configuration"
    case .blob: "blob"
    case .index: "index"
    case .pageTable: "page table"
    case .generator: "note of what wrote the file"
    case .note: "note"
    case nil: "\(header.name) frame"
    }
  }

  private func tensorName(_ ordinal: UInt32) throws(CairnError) -> String {
    for row in 0..<count {
      let entry = try index.entry(row)
      if entry.ordinal == ordinal { return "‘\(entry.record.name)’" }
    }
    return "tensor \(ordinal)"
  }

  /// Which part of the index a byte of it is.
  private func detail(_ header: FrameHeader, _ offset: Int) throws(CairnError) -> String {
    let table = index.table
    switch header.type {
    case .index:
      if offset < table.blocksStart {
        let row = offset / IndexEntry.byteCount
        return " (entry of ‘\(try index.entry(row).record.name)’)"
      }
      if offset < table.dimensionsStart { return " (block table)" }
      return offset < table.namesStart ? " (dimensions)" : " (names)"
    case .metadata, .configuration, .blob, .tensor, .padding, .raw, .blockChecksums, .chunk,
      .pageTable, .note, .generator, nil:
      return ""
    }
  }
}
