// Work spread over threads: independent pieces, results in order, the first failure by index.

import Synchronization

/// How many threads a piece of work may use.
public struct Threads: Hashable, Sendable, ExpressibleByIntegerLiteral {
  /// At least 1.
  public let count: Int

  /// `count` threads; fewer than one counts as one, more than 1,024 as 1,024.
  public init(_ count: Int) { self.count = min(max(count, 1), 1_024) }

  /// `value` threads.
  public init(integerLiteral value: Int) { self.init(value) }

  /// One thread a core that is online.
  public static var all: Threads { Threads(activeProcessorCount()) }
}

/// Runs `body` once for each index below `count`, on up to `threads` threads, and returns when all
/// are done.
///
/// Each thread makes a worker of its own first, which `body` may use as it likes: a coder's state,
/// a scratch buffer. The failure with the lowest index is thrown, whatever the threads do: pieces
/// are begun in ascending order, and after a failure none with a higher index is begun. A failure to
/// make a worker comes before all others.
package func inParallel<Worker: ~Copyable>(
  _ count: Int, threads: Threads,
  makeWorker: @Sendable () throws(CairnError) -> Worker,
  _ body: @Sendable (inout Worker, Int) throws(CairnError) -> Void
) throws(CairnError) {
  guard count > 0 else { return }
  let workers = min(threads.count, count)
  if workers == 1 {
    var worker = try makeWorker()
    for index in 0..<count {
      try Cancellation.check()
      try body(&worker, index)
    }
    return
  }
  let next = Atomic<Int>(0)
  let failure = Lock<(index: Int, error: CairnError)?>(nil)
  let work = { @Sendable in
    var index = -1
    do throws(CairnError) {
      var worker = try makeWorker()
      while true {
        index = next.add(1, ordering: .relaxed).oldValue
        // A piece below a failed one was begun before it, or is here right now: it has to run.
        guard index < count, failure.withLock({ $0.map { index < $0.index } ?? true }) else {
          return
        }
        try Cancellation.check()
        try body(&worker, index)
      }
    } catch {
      failure.withLock { first in
        if first.map({ index < $0.index }) ?? true { first = (index, error) }
      }
    }
  }
  withoutActuallyEscaping(work) { work in
    let others = OwnThreads(workers - 1, running: work)
    work()
    others.join()
  }
  if let first = failure.withLock({ $0 }) { throw first.error }
}

/// As above, without workers' state.
package func inParallel(
  _ count: Int, threads: Threads, _ body: @Sendable (Int) throws(CairnError) -> Void
) throws(CairnError) {
  try inParallel(count, threads: threads, makeWorker: { () throws(CairnError) in () }) {
    (_, index) throws(CairnError) in
    try body(index)
  }
}

/// Fills disjoint parts of `target` in parallel.
///
/// - Precondition: `parts` are ascending, do not overlap and lie within `target`.
package func fillInParallel<Worker: ~Copyable>(
  _ target: inout MutableSpan<UInt8>, parts: [Range<Int>], threads: Threads,
  makeWorker: @Sendable () throws(CairnError) -> Worker,
  _ body: @Sendable (inout Worker, Int, inout MutableSpan<UInt8>) throws(CairnError) -> Void
) throws(CairnError) {
  var end = 0
  for part in parts {
    precondition(part.lowerBound >= end && part.upperBound <= target.count, "parts overlap")
    end = part.upperBound
  }
  var failure: CairnError?
  // SAFETY: the parts were just checked to be disjoint and in bounds, so no two threads write one
  // byte; the buffer outlives the call, which returns only when all threads are done.
  unsafe target.withUnsafeMutableBytes { buffer in
    nonisolated(unsafe) let base = unsafe buffer
    do throws(CairnError) {
      try inParallel(parts.count, threads: threads, makeWorker: makeWorker) {
        (worker, index) throws(CairnError) in
        let bytes = unsafe UnsafeMutableRawBufferPointer(rebasing: base[parts[index]])
        var span = unsafe MutableSpan<UInt8>(_unsafeBytes: bytes)
        try body(&worker, index, &span)
      }
    } catch {
      failure = error
    }
  }
  if let failure { throw failure }
}

/// As above, without workers' state.
///
/// - Precondition: `parts` are ascending, do not overlap and lie within `target`.
package func fillInParallel(
  _ target: inout MutableSpan<UInt8>, parts: [Range<Int>], threads: Threads,
  _ body: @Sendable (Int, inout MutableSpan<UInt8>) throws(CairnError) -> Void
) throws(CairnError) {
  try fillInParallel(
    &target, parts: parts, threads: threads, makeWorker: { () throws(CairnError) in () }
  ) { (_, index, part) throws(CairnError) in
    try body(index, &part)
  }
}
