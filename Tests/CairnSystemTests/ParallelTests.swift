// Pieces of work spread over threads.

import CairnSystem
import CairnTestSupport
import Foundation
import Testing

@Suite struct ParallelTests {
  @Test(arguments: [0, 1, 2, 7, 1_000], [1, 2, 8, 64])
  func `every piece runs once`(_ count: Int, _ threads: Int) throws {
    let runs = Lock([Int](repeating: 0, count: count))
    try inParallel(count, threads: Threads(threads)) { (index) throws(CairnError) in
      runs.withLock { $0[index] += 1 }
    }
    #expect(runs.withLock { $0 }.allSatisfy { $0 == 1 })
  }

  @Test(arguments: [1, 2, 8])
  func `the failure with the lowest index is thrown, and every piece below it has run`(
    _ threads: Int
  ) throws {
    for round in 0..<200 {
      let lowest = round % 50
      let ran = Lock(Set<Int>())
      var found: CairnError?
      do throws(CairnError) {
        try inParallel(100, threads: Threads(threads)) { (index) throws(CairnError) in
          ran.withLock { _ = $0.insert(index) }
          if index >= lowest, (index - lowest) % 3 == 0 {
            throw CairnError(.invalidArgument, "no", at: .init(index: index))
          }
          // What is below the failure takes longer than the failures above it.
          if index < lowest { usleep(20) }
        }
      } catch { found = error }
      #expect(found?.location.index == lowest)
      #expect(ran.withLock { $0 }.isSuperset(of: 0..<lowest))
    }
  }

  @Test func `where all pieces fail at once, the first one's failure is thrown`() {
    // Many short rounds: a piece that is begun while the next one fails is a matter of nanoseconds.
    var others = 0
    for _ in 0..<20_000 {
      do throws(CairnError) {
        try inParallel(8, threads: 8) { (index) throws(CairnError) in
          throw CairnError(.invalidArgument, "no", at: .init(index: index))
        }
      } catch {
        if error.location.index != 0 { others += 1 }
      }
    }
    #expect(others == 0)
  }

  @Test func `a worker is made at most once a thread, and a failure to make one is thrown`() throws
  {
    let made = Lock(0)
    let uses = Lock(0)
    try inParallel(
      100, threads: 4,
      makeWorker: { () throws(CairnError) in
        made.withLock { $0 += 1 }
        return 0
      },
      { (used: inout Int, _) throws(CairnError) in
        used += 1
        uses.withLock { $0 += 1 }
      })
    #expect((1...4).contains(made.withLock { $0 }))
    #expect(uses.withLock { $0 } == 100)
    #expect(
      code {
        try inParallel(
          100, threads: 4,
          makeWorker: { () throws(CairnError) -> Int in throw CairnError(.outOfMemory, "no") },
          { (_, _) throws(CairnError) in throw CairnError(.invalidArgument, "no") })
      } == .outOfMemory)
  }

  @Test func `after a failure the rest is not begun`() throws {
    let ran = Lock(0)
    #expect(
      code {
        try inParallel(10_000, threads: 4) { (_) throws(CairnError) in
          ran.withLock { $0 += 1 }
          throw CairnError(.invalidArgument, "no")
        }
      } == .invalidArgument)
    #expect(ran.withLock { $0 } <= 4)
  }

  @Test(arguments: [1, 4])
  func `parts of a span are filled, and the gaps between them left alone`(
    _ threads: Int
  ) throws {
    var bytes = [UInt8](repeating: 9, count: 100)
    let parts = [0..<10, 10..<10, 10..<40, 50..<99]
    var span = bytes.mutableSpan
    try fillInParallel(
      &span, parts: parts, threads: Threads(threads), makeWorker: { () throws(CairnError) in 0 }
    ) { (_, index, part) throws(CairnError) in
      for position in part.indices { part[position] = UInt8(index) }
    }
    let expected: [UInt8] =
      [UInt8](repeating: 0, count: 10) + [UInt8](repeating: 2, count: 30)
      + [UInt8](repeating: 9, count: 10) + [UInt8](repeating: 3, count: 49) + [9]
    #expect(bytes == expected)
  }

  @Test(arguments: [(-5, 1), (0, 1), (1, 1), (3, 3), (5_000, 1_024)])
  func `the number of threads is kept within bounds`(_ asked: Int, _ given: Int) {
    #expect(Threads(asked).count == given)
  }
}
