// Comparing the values of tensors: in pieces, on several threads, in bounded memory.

import CairnSystem
import CairnTensors

/// The values of all tensors that two sources have in common.
///
/// A tensor with several names is compared once for each partner that it has on the other side.
final class ValueComparison: Sendable {
  /// Two tensors of one type and shape, and the names that stand for them.
  private struct Pair: Sendable {
    var names: [TensorName]
    var left: TensorBytes
    var right: TensorBytes
    var dtype: DType
    var shape: Shape
  }

  /// A part of a pair that one thread compares.
  private struct Piece: Sendable {
    var pair: Int
    /// Bytes on both sides; nil for strings, whose bytes lie at different places.
    var range: Range<Int>?
    var byteCount: Int
  }

  /// What was found in a pair so far.
  private struct Outcome: Sendable {
    var tally: DifferenceTally?
    var strings: TensorDifference?
  }

  private let pairs: [Pair]
  private let options: ComparisonOptions
  private let outcomes = Lock<[Int: Outcome]>([:])

  /// A piece is read by one thread; a batch of pieces is compared between two reports of progress.
  private static let pieceByteCount = 16 << 20
  private static let batchByteCount = 128 << 20
  private static let batchPieceCount = 4_096

  init(
    _ names: [TensorName], _ left: any TensorSource, _ a: NameTable, _ right: any TensorSource,
    _ b: NameTable, _ options: ComparisonOptions
  ) throws(CairnError) {
    struct Key: Hashable {
      var left: Int
      var right: Int
    }
    var pairs: [Pair] = []
    var known: [Key: Int] = [:]
    for name in names {
      let key = Key(left: try a.owner(of: name), right: try b.owner(of: name))
      if let pair = known[key] {
        pairs[pair].names.append(name)
        continue
      }
      let (mine, theirs) = (a.entries[key.left], b.entries[key.right])
      guard mine.dtype == theirs.dtype, mine.shape == theirs.shape,
        mine.byteCount == theirs.byteCount || mine.dtype == .string
      else {
        throw CairnError(
          .countMismatch,
          "a source contradicts itself: an alias is unlike its owner, or a size unlike its shape",
          at: .init(name: name.string), expected: "\(mine.byteCount) bytes",
          found: "\(theirs.byteCount)")
      }
      known[key] = pairs.count
      pairs.append(
        Pair(
          names: [name], left: try TensorBytes(left, key.left),
          right: try TensorBytes(right, key.right), dtype: mine.dtype, shape: mine.shape))
    }
    self.pairs = pairs
    self.options = options
  }

  /// The bytes of all pairs, on the left.
  private var byteCount: Int {
    // Of sources that claim more than can be counted, the count stays at the end of the scale.
    pairs.reduce(0) { sum, pair in
      let (total, overflow) = sum.addingReportingOverflow(pair.left.byteCount)
      return overflow ? .max : total
    }
  }

  /// Compares all values.
  ///
  /// - Throws: what reading needs, and what `progress` throws.
  func run(_ progress: ProgressHandler) throws(CairnError) {
    let total = byteCount
    var done = 0
    var batch: [Piece] = []
    var batchBytes = 0
    func flush() throws(CairnError) {
      try inParallel(batch.count, threads: options.threads) { [batch] (index) throws(CairnError) in
        try self.compare(batch[index])
      }
      done += batchBytes
      batch.removeAll(keepingCapacity: true)
      batchBytes = 0
      try progress(Progress(done: done, total: total))
    }
    for index in pairs.indices {
      let pair = pairs[index]
      if pair.left.isSameMemory(as: pair.right) {
        batchBytes += pair.left.byteCount
        continue
      }
      guard let layout = ElementLayout(pair.dtype) else {
        batch.append(Piece(pair: index, range: nil, byteCount: pair.left.byteCount))
        batchBytes += pair.left.byteCount
        try flush()
        continue
      }
      let step = layout.wholeGranules(upTo: Self.pieceByteCount)
      var start = 0
      while start < pair.left.byteCount {
        let end = min(pair.left.byteCount - start, step) + start
        batch.append(Piece(pair: index, range: start..<end, byteCount: end - start))
        batchBytes += end - start
        if batchBytes >= Self.batchByteCount || batch.count >= Self.batchPieceCount { try flush() }
        start = end
      }
    }
    try flush()
  }

  private func compare(_ piece: Piece) throws(CairnError) {
    let pair = pairs[piece.pair]
    guard let range = piece.range, let layout = ElementLayout(pair.dtype) else {
      let found = try StringDifferences(
        pair.left, pair.right, elementCount: pair.shape.elementCount)
      if let difference = TensorDifference(found, shape: pair.shape) {
        outcomes.withLock { $0[piece.pair] = Outcome(strings: difference) }
      }
      return
    }
    var tally = DifferenceTally(layout, tolerance: options.tolerance)
    let step = layout.wholeGranules(upTo: TensorBytes.windowByteCount)
    var start = range.lowerBound
    while start < range.upperBound {
      let window = start..<min(start + step, range.upperBound)
      let firstElement = start / layout.granule.bytes * layout.granule.elements
      try pair.left.withBytes(window) { (mine) throws(CairnError) in
        try pair.right.withBytes(window) { theirs in
          tally.add(mine, theirs, firstElement: firstElement)
        }
      }
      start = window.upperBound
    }
    guard tally.byteCount > 0 else { return }
    outcomes.withLock { [tally] outcomes in
      if outcomes[piece.pair]?.tally?.merge(tally) == nil {
        outcomes[piece.pair] = Outcome(tally: tally)
      }
    }
  }

  /// Puts what was found into a report.
  func fill(_ report: inout ComparisonReport) {
    let outcomes = outcomes.withLock { $0 }
    var different: [TensorDifference] = []
    for (index, pair) in pairs.enumerated() {
      report.comparedCount += pair.names.count
      let (sum, overflow) = report.comparedByteCount.addingReportingOverflow(pair.left.byteCount)
      report.comparedByteCount = overflow ? .max : sum
      guard let outcome = outcomes[index] else {
        report.identicalCount += pair.names.count
        continue
      }
      let tallied = outcome.tally.flatMap {
        TensorDifference($0, dtype: pair.dtype, shape: pair.shape)
      }
      guard var difference = outcome.strings ?? tallied else {
        report.toleratedCount += pair.names.count
        continue
      }
      difference.name = pair.names.first
      difference.otherNames = Array(pair.names.dropFirst())
      different.append(difference)
    }
    report.different = Listing(different, limit: report.options.maximumDetails)
  }
}
