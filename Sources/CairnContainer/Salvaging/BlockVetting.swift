// Every block of a tensor read and decoded once, so that what is promised can be written.
// FORMAT.md, appendix A.

import CairnSystem
import CairnTensors

/// What is left of a tensor's data.
struct VettedBlocks {
  /// The blocks that are intact, ascending.
  var intact: [NumberedBlock] = []
  /// Where blocks lie in the file that are not.
  var damaged: [Range<Int>] = []
  /// Why elements are none that the type allows, if they are not.
  var invalidElement: CairnError?
}

/// Decodes candidates, a window of at most 16 MiB at a time (or one block, if that is more).
struct BlockVetting {
  private let source: any ByteSource
  private let threads: Threads
  private var window: Storage?
  private static let windowByteCount = 16 << 20
  private static let mostJobs = 4_096

  init(_ source: any ByteSource, threads: Threads) {
    self.source = source
    self.threads = threads
  }

  /// The candidates for one block, and where its bytes go in the window.
  private struct Job: Sendable {
    var candidates: Range<Int>
    var place: Range<Int>
  }

  /// Finds out which blocks are intact.
  ///
  /// - Parameter gaps: whether the elements are checked with zeros in place of what is not intact;
  ///   otherwise they are checked only if everything is.
  mutating func vet(
    _ candidates: BlockCandidates, of record: TensorRecord, gaps: Bool,
    progress: (Int) throws(CairnError) -> Void
  ) throws(CairnError) -> VettedBlocks {
    let blocks = candidates.blocks
    var vetted = VettedBlocks()
    var inspection = Inspection(of: record, gaps: gaps)
    var next = 0
    while next < blocks.count {
      let jobs = Self.jobs(blocks, from: &next)
      let results = try decode(jobs, blocks, record)
      for (number, job) in jobs.enumerated() {
        let tried = blocks[job.candidates]
        let start = candidates.pieces.range(of: blocks[job.candidates.lowerBound].number).lowerBound
        if let intact = results[number] {
          vetted.intact.append(intact)
          try window?.withBytes(in: job.place) { (bytes) throws(CairnError) in
            try inspection.take(bytes, at: start)
          }
        } else {
          vetted.damaged += tried.map {
            $0.block.offset..<$0.block.offset + $0.block.storedCount
          }
        }
        try progress(tried.reduce(0) { $0 + $1.block.storedCount })
      }
    }
    vetted.invalidElement = try inspection.finish()
    return vetted
  }

  /// The next jobs that fit a window.
  private static func jobs(_ blocks: [NumberedBlock], from next: inout Int) -> [Job] {
    var jobs: [Job] = []
    var end = 0
    while next < blocks.count, jobs.count < mostJobs {
      let count = blocks[next].block.logicalCount
      guard jobs.isEmpty || end + count <= windowByteCount else { break }
      let first = next
      while next < blocks.count, blocks[next].number == blocks[first].number { next += 1 }
      jobs.append(Job(candidates: first..<next, place: end..<end + count))
      end += count
    }
    return jobs
  }

  private mutating func decode(
    _ jobs: [Job], _ blocks: [NumberedBlock], _ record: TensorRecord
  ) throws(CairnError) -> Results<NumberedBlock> {
    let results = Results<NumberedBlock>(count: jobs.count)
    let needed = jobs.last?.place.upperBound ?? 0
    let window: Storage
    if let kept = self.window, kept.byteCount >= needed {
      window = kept
    } else {
      self.window = nil
      window = try Storage(byteCount: needed, zeroed: false)
      self.window = window
    }
    let source = source
    try inParallel(
      jobs.count, threads: threads, makeWorker: { () throws(CairnError) in try BlockReader() }
    ) { (reader, number) throws(CairnError) in
      let job = jobs[number]
      // The places are disjoint, so no two threads write one byte.
      try window.withMutableBytes(in: job.place) { (bytes) throws(CairnError) in
        results[number] = try Self.intact(
          blocks[job.candidates], &reader, of: record, in: source, into: &bytes)
      }
    }
    return results
  }

  /// The first of the candidates that is intact, its bytes in `bytes`; nil if none is, or if two are
  /// that say different things.
  private static func intact(
    _ candidates: ArraySlice<NumberedBlock>, _ reader: inout BlockReader,
    of record: TensorRecord, in source: any ByteSource, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) -> NumberedBlock? {
    var found: NumberedBlock?
    var isInPlace = true
    for candidate in candidates {
      guard try isIntact(candidate, &reader, of: record, in: source, into: &bytes) else {
        isInPlace = false
        continue
      }
      guard let first = found else {
        found = candidate
        isInPlace = true
        continue
      }
      guard
        (first.block.storedCount, first.block.checksum)
          == (candidate.block.storedCount, candidate.block.checksum)
      else { return nil }
    }
    if let found, !isInPlace {
      guard try isIntact(found, &reader, of: record, in: source, into: &bytes) else { return nil }
    }
    return found
  }

  private static func isIntact(
    _ candidate: NumberedBlock, _ reader: inout BlockReader, of record: TensorRecord,
    in source: any ByteSource, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) -> Bool {
    do throws(CairnError) {
      try reader.read(
        candidate.block, number: candidate.number, of: record,
        part: 0..<candidate.block.logicalCount, from: source, into: &bytes)
      return true
    } catch {
      guard error.isDamage else { throw error }
      return false
    }
  }
}

/// The rules of the element type, over blocks of which some may be missing.
private struct Inspection {
  private var inspector: ElementInspector?
  private let byteCount: Int
  private let gaps: Bool
  private var end = 0
  private var failure: CairnError?

  init(of record: TensorRecord, gaps: Bool) {
    inspector = ElementInspector.isNeeded(for: record.dtype) ? record.inspector() : nil
    byteCount = record.byteCount
    self.gaps = gaps
  }

  mutating func take(_ bytes: Span<UInt8>, at start: Int) throws(CairnError) {
    try fill(to: start)
    try inspect(bytes)
  }

  /// Zeros up to `start`, or no further inspection where there must be no gap.
  private mutating func fill(to start: Int) throws(CairnError) {
    guard inspector != nil, end < start else { return }
    guard gaps else {
      inspector = nil
      return
    }
    let zeros = [UInt8](repeating: 0, count: min(start - end, 1 << 20))
    while end < start, inspector != nil {
      try inspect(zeros.span.extracting(0..<min(zeros.count, start - end)))
    }
  }

  private mutating func inspect(_ bytes: Span<UInt8>) throws(CairnError) {
    do throws(CairnError) { try inspector?.inspect(bytes) } catch {
      failure = error
      inspector = nil
    }
    end += bytes.count
  }

  /// What is wrong with the elements.
  mutating func finish() throws(CairnError) -> CairnError? {
    try fill(to: byteCount)
    do throws(CairnError) { try inspector?.finish() } catch { failure = error }
    return failure
  }
}
