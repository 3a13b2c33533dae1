// Threads, and what becomes of the work where there are none to be had.

import CairnSystem
import Testing

@Suite struct OwnThreadsTests {
  @Test func `Each thread runs the body once, and has let go of it when joined`() {
    final class Mark: Sendable {}
    let mark = Mark()
    weak let seen = mark
    let runs = Lock(0)
    do {
      let held = Lock<Mark?>(mark)
      let threads = OwnThreads(7) { runs.withLock { $0 += held.withLock { $0 } == nil ? 0 : 1 } }
      #expect(threads.count == 7)
      threads.join()
    }
    #expect(runs.withLock { $0 } == 7)
    #expect(seen != nil)
  }

  @Test(arguments: [0, 1, 2])
  func `Where few threads can be had, or none, all work is done all the same`(_ most: Int) throws {
    try OwnThreads.$most.withValue(most) {
      let sum = Lock(0)
      try inParallel(1_000, threads: 8) { (index) throws(CairnError) in
        sum.withLock { $0 += index }
      }
      #expect(sum.withLock { $0 } == 499_500)
      var taken: [Int] = []
      try inOrder(
        [Int](repeating: 1, count: 300), window: 5, threads: 4,
        makeWorker: { () throws(CairnError) in () },
        produce: { (_, index) throws(CairnError) in index },
        consume: { (index, _) throws(CairnError) in taken.append(index) })
      #expect(taken == Array(0..<300))
      let left = Lock(false)
      OwnThreads.leave { left.withLock { $0 = true } }
      while !left.withLock({ $0 }) {}
    }
  }
}
