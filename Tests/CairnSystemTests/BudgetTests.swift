// What is made from one file draws on one budget.

import CairnSystem
import Testing

@Suite struct BudgetTests {
  @Test func `Everything draws on one sum, and the bound is inclusive`() throws {
    let budget = Budget(bytes: 100, steps: 10, for: "the file's index", advice: "Split it")
    try budget.take(bytes: 60)
    try budget.take(2, of: 20)
    let error = #expect(throws: CairnError.self) { try budget.take(bytes: 1) }
    #expect(error?.code == .overBudget)
    #expect(
      error?.description
        == "the file's index takes more memory than is allowed; expected at most 100 bytes "
        + "[overBudget]. Split it")
    budget.giveBack(bytes: 1)
    try budget.take(bytes: 1)
    try budget.take(steps: 10)
    #expect(throws: CairnError.self) { try budget.take(steps: 1) }
  }

  @Test func `Sums and products that no Int holds are over any budget, and negative ones too`()
    throws
  {
    let budget = Budget(bytes: .max, for: "it")
    try budget.take(bytes: .max - 1)
    #expect(throws: CairnError.self) { try budget.take(bytes: 2) }
    #expect(throws: CairnError.self) { try Budget(bytes: .max, for: "it").take(bytes: -1) }
    let product = Budget(bytes: .max - 1, for: "it")
    #expect(throws: CairnError.self) { try product.take(1 << 40, of: 1 << 40) }
  }

  @Test func `Threads draw on it together`() throws {
    let budget = Budget(bytes: 10_000, for: "it")
    try inParallel(100, threads: 4) { (_) throws(CairnError) in
      for _ in 0..<100 { try budget.take(bytes: 1) }
    }
    #expect(throws: CairnError.self) { try budget.take(bytes: 1) }
  }

  @Test func `The system is asked for as much again before more is made`() throws {
    /// Refuses blocks from a size on.
    struct Narrow: MemoryGate {
      let most: Int
      func admits(byteCount: Int) -> Bool { byteCount <= most }
    }
    try Storage.$gate.withValue(Narrow(most: 20 << 20)) {
      let budget = Budget(bytes: 64 << 20, for: "the file's index")
      try budget.take(bytes: 10 << 20)
      let error = #expect(throws: CairnError.self) { try budget.take(bytes: 10 << 20) }
      #expect(error?.code == .outOfMemory)
    }
    let none = Storage.$gate.withValue(Narrow(most: 0)) {
      #expect(throws: CairnError.self) { try Budget(bytes: 1 << 20, for: "it").take(bytes: 1) }
    }
    #expect(none?.code == .outOfMemory)
  }

  @Test func `Keys of the same bytes hash the same, at every length`() {
    for count in 0..<40 {
      let bytes = (0..<count).map { UInt8($0) }
      #expect(Set([ByteKey(bytes), ByteKey(bytes)]).count == 1)
      #expect(Set([ByteKey(bytes), ByteKey(bytes + [0])]).count == 2)
    }
  }
}
