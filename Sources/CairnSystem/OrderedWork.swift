// Work done on many threads whose results are taken in order while later ones are still being made.

import Dispatch

/// Makes a piece for each index below `count` on up to `threads` threads, the calling one included,
/// and hands them to `consume` in order, on the calling thread.
///
/// The caller takes what is ready before it makes anything itself, so that a writer is never short
/// of pieces and no thread is idle. What fails first by index is thrown, whatever the threads do; all
/// threads are done by then.
///
/// - Parameters:
///   - sizes: How much of the `window` each piece takes up, from when it is begun until it is consumed.
///   - window: How much may be taken up at once; a piece that is larger exists alone.
package func inOrder<Worker: ~Copyable, Piece: Sendable>(
  _ sizes: [Int], window: Int, threads: Threads,
  makeWorker: @escaping @Sendable () throws(CairnError) -> Worker,
  produce: @escaping @Sendable (inout Worker, Int) throws(CairnError) -> Piece,
  consume: (Int, Piece) throws(CairnError) -> Void
) throws(CairnError) {
  let count = sizes.count
  guard count > 0 else { return }
  var worker = try makeWorker()
  guard threads.count > 1, count > 1 else {
    for index in 0..<count {
      try Cancellation.check()
      try consume(index, produce(&worker, index))
    }
    return
  }
  let work = OrderedWork<Piece>(sizes: sizes, window: window)
  let helpers = OwnThreads(min(threads.count, count) - 1) {
    do throws(CairnError) {
      var worker = try makeWorker()
      while let index = work.claim() {
        work.deliver(index, outcome { () throws(CairnError) in try produce(&worker, index) })
      }
    } catch {
      // Without a worker this thread makes nothing: the others do its share, or fail as it did.
    }
  }
  defer {
    work.stop()
    helpers.join()
  }
  for next in 0..<count {
    var piece = work.take(next)
    while piece == nil {
      if let index = work.claimIfRoom() {
        work.deliver(index, outcome { () throws(CairnError) in try produce(&worker, index) })
      } else {
        work.waitForDelivery()
      }
      piece = work.take(next)
    }
    if let piece { try consume(next, piece.get()) }
    work.makeRoom(next)
  }
}

/// How many pieces of the largest size a window should have room for: for each thread one that is
/// being made and one that waits, and one that is being consumed.
package func orderedWindow(of threads: Threads) -> Int { 2 * threads.count + 1 }

private func outcome<Value>(
  _ body: () throws(CairnError) -> Value
) -> Result<Value, CairnError> {
  do throws(CairnError) {
    try Cancellation.check()
    return .success(try body())
  } catch {
    return .failure(error)
  }
}

/// Which pieces are being made, are ready and have been taken.
private final class OrderedWork<Piece: Sendable>: Sendable {
  private struct State {
    var claimed = 0
    /// The size of the pieces that were claimed and not yet consumed.
    var size = 0
    var isStopped = false
    var ready: [Int: Result<Piece, CairnError>] = [:]
  }
  private let sizes: [Int]
  private let window: Int
  private let state = Lock(State())
  /// The first is signalled for each piece that is ready, the second for each that was consumed.
  private let delivered = DispatchSemaphore(value: 0)
  private let room = DispatchSemaphore(value: 0)

  init(sizes: [Int], window: Int) {
    self.sizes = sizes
    self.window = window
  }

  /// The next piece to make, if there is one and it may be made now.
  func claimIfRoom() -> Int? {
    state.withLock { state in
      guard !state.isStopped, state.claimed < sizes.count,
        state.size == 0 || state.size + sizes[state.claimed] <= window
      else { return nil }
      state.size += sizes[state.claimed]
      state.claimed += 1
      return state.claimed - 1
    }
  }

  /// The next piece to make, as soon as it may be made; nil when there is none.
  func claim() -> Int? {
    while true {
      if let index = claimIfRoom() { return index }
      if state.withLock({ $0.isStopped || $0.claimed == sizes.count }) {
        // Other threads that wait for room must see this too.
        room.signal()
        return nil
      }
      room.wait()
    }
  }

  func deliver(_ index: Int, _ piece: Result<Piece, CairnError>) {
    state.withLock { $0.ready[index] = piece }
    delivered.signal()
  }

  /// Piece `index`, the next in order, if it is ready. It counts until ``makeRoom(_:)``.
  func take(_ index: Int) -> Result<Piece, CairnError>? {
    state.withLock { $0.ready.removeValue(forKey: index) }
  }

  /// Frees the room of piece `index`, which was taken and has been consumed.
  func makeRoom(_ index: Int) {
    state.withLock { $0.size -= sizes[index] }
    room.signal()
  }

  /// Waits until a piece more is ready; one that was made meanwhile counts.
  func waitForDelivery() { delivered.wait() }

  func stop() {
    state.withLock { $0.isStopped = true }
    room.signal()
  }
}
