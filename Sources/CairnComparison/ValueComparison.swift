// Comparing the values of tensors: in pieces, on several threads, in bounded memory.

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// The values of all tensors that two sources have in common.
///
/// A tensor with several names is compared once for each partner that it has on the other side.
final class ValueComparison: Sendable {
  /// Two tensors of one type and shape, by their indices, and the first of the names that stand for them.
  private struct Pair: Hashable, Sendable {
    var left: Int
    var right: Int
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

  private let left: Side
  private let right: Side
  private let pairs: [Pair]
  /// The first name of each pair.
  private let firstNames: [TensorName]
  /// The other names of the pairs that have any.
  private let otherNames: [Int: [TensorName]]
  /// The pairs of which one is live, with the values that they had when the comparison began.
  private let live: [Int: (left: TensorBytes, right: TensorBytes)]
  private let options: ComparisonOptions
  private let outcomes = Lock<[Int: Outcome]>([:])

  /// A piece is read by one thread; a batch of pieces is compared between two reports of progress.
  private static let pieceByteCount = 16 << 20
  private static let batchByteCount = 128 << 20
  private static let batchPieceCount = 4_096

  /// One of the two sources, and its names.
  struct Side: Sendable {
    let source: any TensorSource
    let table: NameTable

    func entry(_ index: Int) -> TensorEntry { table.entries[index] }
  }

  init(
    _ names: [TensorName], _ left: Side, _ right: Side, _ options: ComparisonOptions
  ) throws(CairnError) {
    var pairs: [Pair] = []
    var firstNames: [TensorName] = []
    var otherNames: [Int: [TensorName]] = [:]
    var live: [Int: (left: TensorBytes, right: TensorBytes)] = [:]
    // Without ties each name is a pair of its own.
    let areTied = left.table.isTied || right.table.isTied
    var known: [Pair: Int] = [:]
    for name in names {
      let pair = Pair(
        left: try left.table.owner(of: name), right: try right.table.owner(of: name))
      if areTied, let number = known[pair] {
        otherNames[number, default: []].append(name)
        continue
      }
      let (mine, theirs) = (left.entry(pair.left), right.entry(pair.right))
      guard mine.dtype == theirs.dtype, mine.shape == theirs.shape,
        mine.byteCount == theirs.byteCount || mine.dtype == .string
      else {
        throw CairnError(
          .countMismatch,
          "a source contradicts itself: an alias is unlike its owner, or a size unlike its shape",
          at: .init(name: name.string), expected: "\(mine.byteCount) bytes",
          found: "\(theirs.byteCount)")
      }
      if areTied { known[pair] = pairs.count }
      let bytes = (
        left: try TensorBytes(left.source, pair.left),
        right: try TensorBytes(right.source, pair.right)
      )
      if bytes.left.isLive || bytes.right.isLive { live[pairs.count] = bytes }
      pairs.append(pair)
      firstNames.append(name)
    }
    self.left = left
    self.right = right
    self.pairs = pairs
    self.firstNames = firstNames
    self.otherNames = otherNames
    self.live = live
    self.options = options
  }

  /// The bytes of all pairs, on the left.
  private var byteCount: Int {
    // For sources that claim more bytes than can be counted, the sum stays at the largest number.
    pairs.reduce(0) { $0.addingSaturated(left.entry($1.left).byteCount) }
  }

  /// The bytes of both tensors of a pair. For tensors that are read, these values are made anew
  /// each time: if kept, they would be most of what many small tensors take.
  private func bytes(of number: Int) throws(CairnError) -> (left: TensorBytes, right: TensorBytes) {
    if let held = live[number] { return held }
    let pair = pairs[number]
    return (
      try TensorBytes(left.source, pair.left), try TensorBytes(right.source, pair.right)
    )
  }

  /// Compares all values.
  ///
  /// - Throws: what reading throws, and what `progress` throws.
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
      try WorkProgress.report(done, of: total, to: progress)
    }
    for index in pairs.indices {
      let entry = left.entry(pairs[index].left)
      if let held = live[index], held.left.isSameMemory(as: held.right) {
        batchBytes += entry.byteCount
        continue
      }
      guard let layout = ElementLayout(entry.dtype) else {
        batch.append(Piece(pair: index, range: nil, byteCount: entry.byteCount))
        batchBytes += entry.byteCount
        try flush()
        continue
      }
      let step = layout.wholeGranules(upTo: Self.pieceByteCount)
      var start = 0
      while start < entry.byteCount {
        let end = min(entry.byteCount - start, step) + start
        batch.append(Piece(pair: index, range: start..<end, byteCount: end - start))
        batchBytes += end - start
        if batchBytes >= Self.batchByteCount || batch.count >= Self.batchPieceCount { try flush() }
        start = end
      }
    }
    try flush()
  }

  private func compare(_ piece: Piece) throws(CairnError) {
    let entry = left.entry(pairs[piece.pair].left)
    let (mine, theirs) = try bytes(of: piece.pair)
    guard let range = piece.range, let layout = ElementLayout(entry.dtype) else {
      let found = try StringDifferences(mine, theirs, elementCount: entry.shape.elementCount)
      if let difference = TensorDifference(found, shape: entry.shape) {
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
      try mine.withBytes(window) { (mine) throws(CairnError) in
        try theirs.withBytes(window) { theirs in
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
      let entry = left.entry(pair.left)
      let others = otherNames[index] ?? []
      let nameCount = 1 + others.count
      report.comparedCount += nameCount
      report.comparedByteCount = report.comparedByteCount.addingSaturated(entry.byteCount)
      guard let outcome = outcomes[index] else {
        report.identicalCount += nameCount
        continue
      }
      let tallied = outcome.tally.flatMap {
        TensorDifference($0, dtype: entry.dtype, shape: entry.shape)
      }
      guard var difference = outcome.strings ?? tallied else {
        report.toleratedCount += nameCount
        continue
      }
      difference.name = firstNames[index]
      difference.otherNames = others
      different.append(difference)
    }
    report.different = DifferenceList(different, limit: report.options.maximumDetails)
  }
}
