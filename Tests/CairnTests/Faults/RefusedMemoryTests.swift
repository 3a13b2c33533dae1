// Every road, with every block of memory refused once.

import Cairn
import CairnSystem
import CairnTestSupport
import Testing

@Suite struct RefusedMemoryTests {
  /// Walks `road` until no further block is refused.
  ///
  /// - Returns: How many blocks were refused.
  private func walk(_ road: Road, over budget: Int) throws -> Int {
    let outcome = try road.go(RoadSite(), SystemFileSystem())
    for number in 1... {
      let site = try RoadSite()
      let old = try road.output.flatMap { try site.bytes($0) }
      let names = try site.folder.names()
      let files = FaultyFileSystem()
      let gate = RefusingGate(refusing: number, over: budget)
      let result = Storage.$gate.withValue(gate) { Result { try road.go(site, files) } }
      #expect(files.openCount == 0, "block \(number)")
      #expect(files.mapCount == 0, "block \(number)")
      guard gate.hasRefused else {
        #expect(try result.get() == outcome)
        return number - 1
      }
      let error = #expect(throws: CairnError.self, "block \(number)") { try result.get() }
      #expect(error?.code == .outOfMemory, "block \(number)")
      // Only what comes after a save, the comparison of a copy, can fail with the new file there.
      let target = try road.output.flatMap { try site.bytes($0) }
      let isNew = road.name == "copy and compare" && files.calls.contains("rename")
      #expect((target == old) == !isNew, "block \(number)")
      #expect(try site.folder.names() == names, "block \(number)")
    }
    return 0
  }

  @Test(arguments: Road.all + Road.inMemory)
  func `A block of memory that is refused is an error, and nothing has changed`(
    road: Road
  ) throws {
    // What takes mapped bytes from where they are needs none.
    let needNone: Set = [
      "verify, mapped", "compare bytes, mapped", "convert cairn onto itself, mapped",
    ]
    #expect(try (walk(road, over: 0) == 0) == needNone.contains(road.name))
  }

  @Test(arguments: Road.inMemory)
  func `So is one that is larger than a budget`(road: Road) throws {
    // Some roads' scratch is below it, their tensors are not.
    #expect(try walk(road, over: 16_000) > 0)
  }

  @Test func `The threads of a loop pass the gate of whoever started it`() throws {
    let gate = RefusingGate(refusing: 5)
    let error = #expect(throws: CairnError.self) {
      try Storage.$gate.withValue(gate) {
        try inParallel(8, threads: 4) { (_) throws(CairnError) in
          _ = try Storage(byteCount: 1, zeroed: false)
        }
      }
    }
    #expect(error?.code == .outOfMemory)
    // Outside of the scope nothing is refused.
    _ = try Storage(byteCount: 1, zeroed: false)
  }
}
