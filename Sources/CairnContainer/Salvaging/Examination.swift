// The steps of a salvage, in their order. FORMAT.md, appendix A.

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// Looks through a damaged file once and puts together what both routes still say.
struct Examination {
  private(set) var attachments: AttachmentRecovery
  /// Ascending by name.
  private(set) var tensors: [SalvagedTensor]
  private(set) var losses: [SalvageLoss]

  init(
    _ source: any ByteSource, options: SalvageOptions, progress: ProgressHandler
  ) throws(CairnError) {
    // The file is gone through twice: for its frames, and for the blocks in them.
    let all = WorkProgress(done: 0, total: source.count.addingSaturated(source.count))
    var done = 0
    func scanned(_ offset: Int) throws(CairnError) {
      done = max(done, offset)
      try WorkProgress.report(done, of: all.total, to: progress)
    }
    let superblock = try Self.superblock(of: source)
    let (frames, index, commit) = try Self.evidence(in: source, options.reading.limits, scanned)
    attachments = try AttachmentRecovery(frames, index, in: source, limits: options.reading.limits)
    done = source.count
    let recovery = try TensorRecovery(
      frames, index, superblock, in: source, options: options
    ) { (count) throws(CairnError) in
      done = min(done.addingSaturated(count), all.total)
      try WorkProgress.report(done, of: all.total, to: progress)
    }
    try WorkProgress.report(all.total, of: all.total, to: progress)
    tensors = recovery.tensors.sorted { $0.record.name < $1.record.name }
    losses =
      attachments.losses + recovery.losses
      + Self.regions(frames, superblock, commit, in: source)
  }

  /// The superblock, or nil if it is damaged.
  ///
  /// - Throws: `unsupportedVersion`, `unsupportedFeature` if it is intact and from the future: its
  ///   frames may mean something else.
  private static func superblock(
    of source: any ByteSource
  ) throws(CairnError) -> Superblock? {
    do throws(CairnError) { return try Superblock(reading: source) } catch {
      guard error.isDamage else { throw error }
      guard error.code == .unsupportedVersion || error.code == .unsupportedFeature else {
        return nil
      }
      let isIntact = try source.withBytes(in: 0..<Superblock.byteCount) { bytes in
        bytes.field(60, as: UInt32.self) == crc32(bytes.extracting(0..<60))
      }
      guard isIntact else { return nil }
      throw error
    }
  }

  /// What the frames and the index say, and where the commit record begins.
  private static func evidence(
    in source: any ByteSource, _ limits: ContainerLimits,
    _ progress: (Int) throws(CairnError) -> Void
  ) throws(CairnError) -> (FrameEvidence, IndexEvidence?, commit: Int?) {
    let last = source.count - CommitRecord.byteCount
    var isWhole = false
    if last >= Superblock.byteCount {
      isWhole = try CommitRecord.length(at: last, in: source) == UInt64(source.count)
    }
    let end = isWhole ? last : source.count
    var first: FrameEvidence?
    if !isWhole {
      first = try FrameEvidence(scanning: source, until: end, progress: progress)
    }
    let commit = isWhole ? last : first?.commitOffset
    var index: IndexEvidence?
    if let commit {
      index = try IndexEvidence(source, commitOffset: commit, limits: limits, progress: progress)
    }
    if index == nil, let first { return (first, nil, commit) }
    // Once more, without looking for frames where the index says that there are none.
    let frames = try FrameEvidence(
      scanning: source, until: commit ?? end, known: index?.known ?? [], progress: progress)
    return (frames, index, commit)
  }

  /// The parts of the file that nothing explains, ascending, and what is not known of its end.
  private static func regions(
    _ frames: FrameEvidence, _ superblock: Superblock?, _ commit: Int?, in source: any ByteSource
  ) -> [SalvageLoss] {
    var losses: [SalvageLoss] = []
    func add(_ range: Range<Int>, _ reason: String) {
      guard !range.isEmpty else { return }
      var loss = SalvageLoss(.region, reason: reason)
      loss.fileRanges = [range]
      losses.append(loss)
    }
    if superblock == nil {
      add(0..<min(Superblock.byteCount, source.count), "the superblock is damaged or cut short")
    }
    for (range, isForeign) in frames.unexplained {
      add(
        range,
        isForeign
          ? "a frame that this reader does not know"
          : "no frame, and nothing that the index knows")
    }
    // The loss of what belongs to a tensor or is an attachment is named as theirs.
    let cutType = frames.cut?.header?.type
    if let cut = frames.cut, cutType?.isOfTensor != true, cutType?.attachment == nil {
      let what = cut.header.map { "a \($0.name) frame" }
      add(
        cut.offset..<source.count,
        "the file ends within " + (what ?? "a frame that this reader does not know"))
    }
    guard let commit else {
      losses.append(
        SalvageLoss(
          .tail,
          reason: frames.hasIndex
            ? "the commit record is damaged or missing"
            : "the file ends before its index: what was written behind byte \(source.count) is "
              + "unknown"))
      return losses
    }
    add(commit + CommitRecord.byteCount..<source.count, "behind the end of the container")
    return losses
  }
}
