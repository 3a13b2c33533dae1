// Results in order while later ones are being made.

import CairnSystem
import Testing

@Suite struct OrderedWorkTests {
  /// A worker that nothing copies.
  private struct Worker: ~Copyable {
    var made = 0
  }

  private func ones(_ count: Int) -> [Int] { [Int](repeating: 1, count: count) }

  @Test(arguments: [1, 2, 3, 8])
  func `Results come in order, each once, on any number of threads`(threads: Int) throws {
    var taken: [Int] = []
    try inOrder(
      ones(500), window: orderedWindow(of: Threads(threads)),
      threads: Threads(threads), makeWorker: { () throws(CairnError) in Worker() },
      produce: { (worker, index) throws(CairnError) in
        worker.made += 1
        return index * index
      },
      consume: { (index, value) throws(CairnError) in
        #expect(value == index * index)
        taken.append(index)
      })
    #expect(taken == Array(0..<500))
  }

  @Test(arguments: [1, 2, 5])
  func `No more pieces exist at once than the window allows`(threads: Int) throws {
    let alive = Lock((now: 0, most: 0))
    try inOrder(
      ones(200), window: orderedWindow(of: Threads(threads)),
      threads: Threads(threads), makeWorker: { () throws(CairnError) in Worker() },
      produce: { (_, index) throws(CairnError) in
        alive.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
        return index
      },
      consume: { (_, _) throws(CairnError) in alive.withLock { $0.now -= 1 } })
    let (now, most) = alive.withLock { $0 }
    #expect(now == 0)
    #expect((1...orderedWindow(of: Threads(threads))).contains(most))
  }

  @Test(arguments: [2, 5])
  func `Pieces take up no more than the window, and one that is larger is alone`(
    threads: Int
  ) throws {
    let sizes = (0..<300).map { $0 % 20 == 7 ? 10 : $0 % 50 == 9 ? 30 : 1 }
    let alive = Lock([Int: Int]())
    let broken = Lock([[Int: Int]]())
    try inOrder(
      sizes, window: 12, threads: Threads(threads),
      makeWorker: { () throws(CairnError) in Worker() },
      produce: { (_, index) throws(CairnError) in
        let now = alive.withLock {
          $0[index] = sizes[index]
          return $0
        }
        if now.count > 1, now.values.reduce(0, +) > 12 { broken.withLock { $0.append(now) } }
        return index
      },
      consume: { (_, index) throws(CairnError) in
        alive.withLock { _ = $0.removeValue(forKey: index) }
      })
    #expect(alive.withLock { $0.isEmpty })
    #expect(broken.withLock { $0 } == [])
  }

  @Test(arguments: [1, 2, 4])
  func `The failure that is first by index is thrown, after all that comes before it`(
    threads: Int
  ) throws {
    for _ in 0..<20 {
      var taken: [Int] = []
      let error = #expect(throws: CairnError.self) {
        try inOrder(
          ones(100), window: orderedWindow(of: Threads(threads)),
          threads: Threads(threads), makeWorker: { () throws(CairnError) in Worker() },
          produce: { (_, index) throws(CairnError) in
            if index == 7 || index == 8 || index == 60 {
              throw CairnError(.inputOutput, "piece \(index)")
            }
            return index
          },
          consume: { (index, _) throws(CairnError) in taken.append(index) })
      }
      #expect(error?.message == "piece 7")
      #expect(taken == Array(0..<7))
    }
  }

  @Test(arguments: [1, 2, 4])
  func `After a failure of who takes the pieces no thread goes on making them`(
    threads: Int
  ) throws {
    let made = Lock(0)
    #expect(throws: CairnError.self) {
      try inOrder(
        ones(10_000), window: orderedWindow(of: Threads(threads)),
        threads: Threads(threads), makeWorker: { () throws(CairnError) in Worker() },
        produce: { (_, index) throws(CairnError) in
          made.withLock { $0 += 1 }
          return index
        },
        consume: { (index, _) throws(CairnError) in
          if index == 3 { throw CairnError(.noSpace, "full") }
        })
    }
    let count = made.withLock { $0 }
    #expect(count <= 4 + orderedWindow(of: Threads(threads)))
    #expect(made.withLock { $0 } == count, "nothing runs any more")
  }

  @Test func `Where no thread has a worker, its failure is thrown`() throws {
    let error = #expect(throws: CairnError.self) {
      try inOrder(
        ones(10), window: 7, threads: 3,
        makeWorker: { () throws(CairnError) -> Worker in
          throw CairnError(.outOfMemory, "no worker")
        },
        produce: { (_, index) throws(CairnError) in index },
        consume: { (_, _) throws(CairnError) in })
    }
    #expect(error?.code == .outOfMemory)
  }

  @Test func `Blocks that are allocated together do not overlap and are aligned`() throws {
    let counts = [5 << 20, 0, 1, 63, 3 << 20, 3 << 20, 3 << 20, 3 << 20, 3 << 20, 3 << 20, 17]
    let regions = try ByteRegion.allocate(counts)
    #expect(regions.map(\.count) == counts)
    var ends: [UInt] = []
    for (region, count) in zip(regions, counts) {
      let start = region.storage.address + UInt(region.range.lowerBound)
      #expect(start % UInt(Storage.alignment) == 0)
      ends.append(start)
      try region.withMutableBytes(in: 0..<count) { (bytes) throws(CairnError) in
        for index in 0..<min(count, 4) { bytes[index] = UInt8(ends.count) }
      }
    }
    for (number, region) in regions.enumerated() where region.count > 0 {
      try region.withBytes(in: 0..<1) { #expect($0[0] == UInt8(number + 1)) }
    }
    // Six of 3 MiB fill a shared block and begin another.
    #expect(regions[4].storage === regions[5].storage)
    #expect(regions[4].storage !== regions[9].storage)
  }
}
