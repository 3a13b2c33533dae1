// From what is said of each tensor to what is left of it. FORMAT.md, appendix A.

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// A tensor that can be written.
struct SalvagedTensor: Sendable {
  /// Its position is the one among what was recovered.
  var record: TensorRecord
  let ordinal: UInt32
  let pieces: Pieces
  /// The intact blocks, ascending by number: all of them, unless the tensor is kept in part.
  let blocks: [NumberedBlock]
}

/// Recovers the tensors and names those that are lost.
struct TensorRecovery {
  /// Ascending by ordinal; an alias's owner is the ordinal of one of them.
  private(set) var tensors: [SalvagedTensor] = []
  private(set) var losses: [SalvageLoss] = []
  private let source: any ByteSource
  private let frames: FrameEvidence
  private let index: IndexEvidence?
  private let superblock: Superblock?
  private let claims: TensorClaims
  private let keepsPartialTensors: Bool
  private var zeroBudget: Int
  private var vetting: BlockVetting
  /// The places in ``tensors`` of those that have data, by ordinal.
  private var owners: [UInt32: Int] = [:]
  /// The losses of those of them that are kept in part.
  private var partial: [UInt32: SalvageLoss] = [:]

  init(
    _ frames: FrameEvidence, _ index: IndexEvidence?, _ superblock: Superblock?,
    in source: any ByteSource, options: SalvageOptions,
    progress: (Int) throws(CairnError) -> Void
  ) throws(CairnError) {
    self.source = source
    self.frames = frames
    self.index = index
    self.superblock = superblock
    claims = TensorClaims(frames, index, fileCount: source.count)
    keepsPartialTensors = options.keepsPartialTensors
    zeroBudget = options.zeroBudget ?? .plausible(ofFile: source.count)
    vetting = BlockVetting(source, threads: options.reading.threads)
    for claim in claims.all {
      guard let record = settledRecord(of: claim) else { continue }
      if record.content.ownsData {
        try recoverOwner(claim, record.content, progress)
      }
    }
    // Owners are written ahead of their aliases, so by now each is recovered or lost.
    for claim in claims.all {
      if let record = claim.record, !record.content.ownsData,
        !claims.contestedNames.contains(record.content.name)
      {
        recoverAlias(claim, record)
      }
    }
    nameMissing()
    tensors.sort { $0.ordinal < $1.ordinal }
    renumber()
  }

  // MARK: - Records

  /// The record of a tensor, if it is known and nothing contradicts it; otherwise the tensor is lost.
  private mutating func settledRecord(of claim: TensorClaim) -> TensorClaim.Record? {
    guard let record = claim.record else {
      let names = claim.allNames
      let reason =
        claim.records.isEmpty
        ? "its header is damaged or missing"
        : "its header, or the index, says different things of it"
      for name in names.isEmpty ? [nil] : names.map(Optional.some) {
        lose(claim, name, reason, ranges: claim.damagedHeaders)
      }
      return nil
    }
    guard !claims.contestedNames.contains(record.content.name) else {
      lose(claim, record.content.name, "another tensor has the same name")
      return nil
    }
    return record
  }

  private mutating func lose(
    _ claim: TensorClaim, _ name: TensorName?, _ reason: String, ranges: [Range<Int>] = []
  ) {
    var loss = SalvageLoss(.tensor, name, reason: reason)
    loss.ordinal = Int(claim.ordinal)
    loss.fileRanges = (ranges + cutRange(of: claim)).merged()
    losses.append(loss)
  }

  /// What there is of a frame of this tensor in which the file ends.
  private func cutRange(of claim: TensorClaim) -> [Range<Int>] {
    guard let cut = frames.cut, let header = cut.header, header.isOfTensor,
      header.ordinal == claim.ordinal
    else { return [] }
    return [cut.offset..<source.count]
  }

  private mutating func nameMissing() {
    for ordinal in claims.missing {
      var loss = SalvageLoss(.tensor, reason: "nothing of it is left")
      loss.ordinal = Int(ordinal)
      losses.append(loss)
    }
    if claims.furtherMissingCount > 0 {
      losses.append(
        SalvageLoss(
          .tensor, reason: "nothing is left of \(claims.furtherMissingCount) further tensors"))
    }
    losses.sort {
      ($0.ordinal ?? .max, $0.name?.string ?? "") < ($1.ordinal ?? .max, $1.name?.string ?? "")
    }
  }

  // MARK: - Data

  private mutating func recoverOwner(
    _ claim: TensorClaim, _ record: TensorRecord, _ progress: (Int) throws(CairnError) -> Void
  ) throws(CairnError) {
    guard record.byteCount > 0 else {
      keep(claim, record, Pieces(byteCount: 0, pieceByteCount: 1), [])
      return
    }
    guard
      let candidates = try BlockCandidates(
        claim, record, frames, index, superblock, in: source),
      !candidates.blocks.isEmpty
    else {
      let unvouched = frames.raws(of: claim.ordinal).map(\.payload)
      var loss = SalvageLoss(
        .tensor, record.name,
        reason: unvouched.isEmpty
          ? "its data is damaged or missing" : "the checksums of its data are damaged or missing")
      loss.ordinal = Int(claim.ordinal)
      loss.fileRanges = (unvouched + cutRange(of: claim)).merged()
      loss.setRanges([0..<record.byteCount], of: record)
      losses.append(loss)
      return
    }
    let pieces = candidates.pieces
    let gaps = keepsPartialTensors && record.byteCount - candidates.byteCount <= zeroBudget
    let vetted = try vetting.vet(candidates, of: record, gaps: gaps, progress: progress)
    let isWhole = vetted.intact.count == pieces.count
    guard !isWhole || vetted.invalidElement != nil else {
      keep(claim, record, pieces, vetted.intact)
      return
    }
    let lost = Self.gaps(in: vetted.intact, pieces)
    let zeros = lost.reduce(0) { $0 + $1.count }
    let isPartial =
      gaps && !vetted.intact.isEmpty && vetted.invalidElement == nil && zeros <= zeroBudget
    var loss = SalvageLoss(
      .tensor, record.name, reason: Self.reason(vetted, pieces, record, isPartial))
    loss.ordinal = Int(claim.ordinal)
    loss.isPartial = isPartial
    loss.fileRanges = (vetted.damaged + cutRange(of: claim)).merged()
    loss.setRanges(lost, of: record)
    losses.append(loss)
    if isPartial {
      zeroBudget -= zeros
      partial[claim.ordinal] = loss
      keep(claim, record, pieces, vetted.intact)
    }
  }

  private static func reason(
    _ vetted: VettedBlocks, _ pieces: Pieces, _ record: TensorRecord, _ isPartial: Bool
  ) -> String {
    let what = record.storageClass.codesPieces ? "chunks" : "blocks"
    let lost = pieces.count - vetted.intact.count
    guard lost == 0 else {
      guard pieces.count > 1 else { return "its data is damaged" }
      return "\(lost) of its \(pieces.count) \(what) \(lost == 1 ? "is" : "are") damaged or missing"
        + (isPartial ? ", zeros in their place" : "")
    }
    return "its elements are invalid: \(vetted.invalidElement?.message ?? "")"
  }

  private mutating func keep(
    _ claim: TensorClaim, _ record: TensorRecord, _ pieces: Pieces, _ blocks: [NumberedBlock]
  ) {
    owners[claim.ordinal] = tensors.count
    tensors.append(
      SalvagedTensor(record: record, ordinal: claim.ordinal, pieces: pieces, blocks: blocks))
  }

  /// The bytes of a tensor that are in none of the blocks.
  private static func gaps(in blocks: [NumberedBlock], _ pieces: Pieces) -> [Range<Int>] {
    var gaps: [Range<Int>] = []
    var end = 0
    for block in blocks {
      let range = pieces.range(of: block.number)
      if end < range.lowerBound { gaps.append(end..<range.lowerBound) }
      end = range.upperBound
    }
    if end < pieces.byteCount { gaps.append(end..<pieces.byteCount) }
    return gaps
  }

  // MARK: - Aliases and positions

  private mutating func recoverAlias(_ claim: TensorClaim, _ alias: TensorClaim.Record) {
    let record = alias.content
    guard alias.knowsOwner else {
      lose(claim, record.name, "the tensor that it is another name of is not known")
      return
    }
    guard let place = owners[record.owner], record.owner < claim.ordinal else {
      lose(claim, record.name, "the tensor that it is another name of is lost")
      return
    }
    let owner = tensors[place]
    guard owner.record.dtype == record.dtype, owner.record.shape == record.shape,
      owner.record.byteCount == record.byteCount
    else {
      lose(claim, record.name, "it is of another type or shape than ‘\(owner.record.name)’")
      return
    }
    if var loss = partial[owner.ordinal] {
      loss.name = record.name
      loss.ordinal = Int(claim.ordinal)
      loss.reason = "it is another name of ‘\(owner.record.name)’"
      losses.append(loss)
    }
    tensors.append(
      SalvagedTensor(
        record: record, ordinal: claim.ordinal, pieces: owner.pieces, blocks: owner.blocks))
  }

  /// Numbers the positions from 0 on, in their old order.
  private mutating func renumber() {
    let order = tensors.indices.sorted {
      (tensors[$0].record.position, tensors[$0].ordinal)
        < (tensors[$1].record.position, tensors[$1].ordinal)
    }
    for (position, place) in order.enumerated() {
      tensors[place].record.position = UInt32(clamping: position)
    }
  }
}

extension SalvageLoss {
  fileprivate mutating func setRanges(_ ranges: [Range<Int>], of record: TensorRecord) {
    byteRanges = ranges
    elementRanges = ranges.compactMap { record.dtype.elements(in: $0, of: record.shape) }
  }
}
