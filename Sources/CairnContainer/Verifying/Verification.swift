// Verifying a whole container. FORMAT.md, section 8, [V] and [D].

package import CairnCheckpoints
import CairnCodec
package import CairnSystem
import CairnTensors

extension Container {
  /// What was checked.
  package struct VerificationSummary: Hashable, Sendable {
    /// How much was asked for.
    package var level: VerificationLevel
    /// Frames in the file.
    package var frameCount: Int
    /// Tensors, aliases included.
    package var tensorCount: Int
    /// Bytes of the file.
    package var fileByteCount: Int
    /// Whether content digests are there (and were checked, if deep).
    package var hasDigests: Bool
  }

  /// Checks the whole file.
  ///
  /// - Throws: the first violation, with its offset. The file is read from front to back. Memory: 64
  ///   pages of the index, 11 bytes a tensor and some 50 an alias, one attachment at a time (a
  ///   configuration also as parsed JSON); deep, a window of 16 MiB and three chunks a thread.
  package func verify(
    _ level: VerificationLevel = .structure,
    progress: ProgressHandler = { _ in }
  ) throws(CairnError) -> VerificationSummary {
    do throws(CairnError) {
      // The commit record's number of bytes is a claim until the structure has been checked.
      let total =
        level == .deep ? source.count.addingSaturated(logicalByteCount) : source.count
      var check = StructureCheck(self)
      try check.run { (done) throws(CairnError) in
        try WorkProgress.report(done, of: total, to: progress)
      }
      if level == .deep {
        try checkContent { (done) throws(CairnError) in
          try WorkProgress.report(source.count + done, of: total, to: progress)
        }
      }
      return VerificationSummary(
        level: level, frameCount: check.frameCount, tensorCount: count,
        fileByteCount: source.count, hasDigests: commit.hasDigests)
    } catch {
      throw error.located(file: source.path)
    }
  }

  /// Adds to a failure where the tensor begins: an element that is coded has no offset of its own.
  private func located(
    _ entry: IndexEntry, _ body: () throws(CairnError) -> Void
  ) throws(CairnError) {
    do throws(CairnError) { try body() } catch {
      throw error.located(offset: UInt64(entry.frameOffset))
    }
  }

  /// Decodes every tensor, checks its elements and its digest.
  private func checkContent(
    _ progress: (Int) throws(CairnError) -> Void
  ) throws(CairnError) {
    var done = 0
    var window = ByteWindow()
    for row in 0..<count {
      let entry = try index.entry(row)
      let record = entry.record
      guard record.ownsData else { continue }
      var inspector =
        ElementInspector.isNeeded(for: record.dtype) ? record.inspector() : nil
      var leaf = LeafDigest(
        dtype: record.dtype, shape: record.shape, byteCount: record.byteCount)
      // A whole number of pieces a window, so that none is decoded twice.
      let pieces = record.pieces(log2ChunkSize: log2ChunkSize)
      let step = max(1, (16 << 20) / pieces.pieceByteCount) * pieces.pieceByteCount
      try pass(0..<record.byteCount, of: row, through: &window, step: step) {
        (bytes) throws(CairnError) in
        try located(entry) { () throws(CairnError) in try inspector?.inspect(bytes) }
        if commit.hasDigests { leaf.absorb(bytes) }
        done += bytes.count
        try progress(done)
      }
      try located(entry) { () throws(CairnError) in try inspector?.finish() }
      if commit.hasDigests {
        let actual = leaf.finish()
        guard actual == entry.digest else {
          throw CairnError(
            .digestMismatch, "the tensor's content has another digest than the index records",
            at: .init(
              offset: UInt64(index.table.indexStart + row * IndexEntry.byteCount + 96),
              name: record.name.string),
            expected: entry.digest.description, found: actual.description)
        }
      }
    }
  }
}
