// Finding the commit record, and saying what is wrong where there is none. FORMAT.md, section 6.

import CairnSystem

enum CommitSearch {
  /// The offset of the commit record.
  ///
  /// - Throws: `trailingBytes`, `truncated`, `notCommitted`, or what a damaged frame header gives.
  static func locate(in source: any ByteSource) throws(CairnError) -> Int {
    let last = source.count - CommitRecord.byteCount
    if last >= Superblock.byteCount,
      try CommitRecord.length(at: last, in: source) == UInt64(source.count)
    {
      return last
    }
    throw try diagnosis(of: source)
  }

  /// Walks over the frames from the start, reading their headers only, to see where the file breaks
  /// off.
  private static func diagnosis(of source: any ByteSource) throws(CairnError) -> CairnError {
    var offset = Superblock.byteCount
    while offset < source.count {
      if let length = try CommitRecord.length(at: offset, in: source) {
        let end = offset + CommitRecord.byteCount
        if length == UInt64(end) {
          return CairnError(
            .trailingBytes, "the file goes on after its end", at: .init(offset: UInt64(end)),
            expected: "\(end) bytes in all", found: "\(source.count)",
            advice: "Cut the file to \(end) bytes, or restore it from a copy")
        }
        return CairnError(
          .truncated, "the commit record is that of a file of another length",
          at: .init(offset: UInt64(offset + 8)), expected: "\(end)", found: "\(length)",
          advice: restoringAdvice, remedies: [.salvage])
      }
      if let damaged = try damagedCommit(at: offset, in: source) { return damaged }
      let next: Int
      do throws(CairnError) {
        next = try FrameHeader.end(at: offset, in: source)
      } catch {
        return error
      }
      guard next <= source.count else {
        return CairnError(
          .truncated, "the file ends within the padding of a frame",
          at: .init(offset: UInt64(source.count)), expected: "at least \(next) bytes",
          advice: restoringAdvice, remedies: [.salvage])
      }
      offset = next
    }
    return CairnError(
      .notCommitted, "the file was never finished: it has no commit record",
      at: .init(offset: UInt64(source.count)),
      advice: "The program that wrote it was stopped; use an older file, or recover what is there",
      remedies: [.salvage])
  }

  /// What is wrong with bytes that begin as a commit record does, but are none.
  private static func damagedCommit(
    at offset: Int, in source: any ByteSource
  ) throws(CairnError) -> CairnError? {
    let left = min(source.count - offset, CommitRecord.byteCount)
    return try source.withBytes(in: offset..<offset + left) { (bytes) throws(CairnError) in
      guard begins(bytes, with: CommitRecord.magic) else { return nil }
      guard left == CommitRecord.byteCount else {
        return CairnError(
          .truncated, "the file ends within the commit record",
          at: .init(offset: UInt64(source.count)),
          expected: "\(offset + CommitRecord.byteCount) bytes",
          advice: restoringAdvice, remedies: [.salvage])
      }
      do throws(CairnError) {
        try checkChecksum(bytes, of: "the commit record", at: offset)
      } catch {
        return error
      }
      return nil
    }
  }
}
