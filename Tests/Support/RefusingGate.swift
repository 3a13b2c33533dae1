// Memory that runs out at a chosen block.

import CairnSystem

/// Refuses one block of memory: the `refused`-th of those with more than `budget` bytes.
package final class RefusingGate: MemoryGate {
  private let refused: Int
  private let budget: Int
  private let asked = Lock(0)

  package init(refusing refused: Int, over budget: Int = 0) {
    self.refused = refused
    self.budget = budget
  }

  /// Whether the block was asked for that is refused.
  package var hasRefused: Bool { asked.withLock { $0 >= refused } }

  package func admits(byteCount: Int) -> Bool {
    guard byteCount > budget else { return true }
    return asked.withLock { asked in
      asked += 1
      return asked != refused
    }
  }
}
