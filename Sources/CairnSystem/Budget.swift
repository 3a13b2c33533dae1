// What one file, or one pass over a model, may cost in all.

import Synchronization

/// A common stock of bytes and steps for everything that is made from one file, or in one pass.
///
/// A bound for each piece does not bound the number of pieces: a file of 1 KiB can ask for a
/// million legal pieces, or for one legal piece a million times. So code that makes something from
/// an input takes its cost here first: strings, keys, tables of indices, nodes, results. What is
/// released may be given back.
///
/// Before the first bytes, and whenever ``roomStep`` more have been taken, the system is asked
/// whether it would give the same number of bytes once more, because a growing array needs that.
/// Where memory is bounded (`ulimit -v`) the result is then an error, not the end of the process.
package final class Budget: Sendable {
  /// The bytes that may be held.
  package let byteCount: Int
  /// The steps that may be taken; of the order of 100 ns each.
  package let stepCount: Int
  private let what: String
  private let advice: String?
  private let remedies: [CairnError.Remedy]
  private let bytesTaken = Atomic<Int>(0)
  private let stepsTaken = Atomic<Int>(0)
  /// The bytes taken at which the system is asked for room again.
  private let nextRoom = Atomic<Int>(0)

  /// The bytes between two questions for room.
  private static let roomStep = 2 << 20
  /// The steps between two looks at whether the work is to end: a power of two.
  private static let checkStep = 1 << 16
  /// The system must be able to give the bytes taken so far a second time, and this many more.
  private static let leastRoom = 8 << 20

  /// A budget of so many bytes and steps.
  ///
  /// - Parameters:
  ///   - what: What it is for, as the subject of a message: "the file's index", "the configuration".
  ///   - advice: What can be done about it when it is used up.
  ///   - remedies: What the advice asks for.
  package init(
    bytes: Int, steps: Int = .max, for what: String, advice: String? = nil,
    remedies: [CairnError.Remedy] = []
  ) {
    // Swift's arrays end the process if the system refuses them memory. So where there is a limit
    // (`ulimit -v`), they may take only half of what is left.
    let left = addressSpaceLeft()
    byteCount = left == .max ? bytes : min(bytes, left / 2)
    stepCount = steps
    self.what = what
    self.advice = advice
    self.remedies = remedies
  }

  /// Takes `count` bytes.
  ///
  /// - Throws: `overBudget`; then nothing was taken. `outOfMemory` if the system would not give more.
  package func take(bytes count: Int) throws(CairnError) {
    guard Self.take(count, of: byteCount, from: bytesTaken) else {
      throw used("takes more memory than is allowed", "at most \(byteCount) bytes")
    }
    let taken = bytesTaken.load(ordering: .relaxed)
    guard taken >= nextRoom.load(ordering: .relaxed) else { return }
    nextRoom.store(taken.addingSaturated(Self.roomStep), ordering: .relaxed)
    try Cancellation.check()
    // A budget without a bound counts a file of any size. Asking for the same amount once more may
    // be too much, so at most 1 GiB is asked for.
    try Storage.checkRoom(Self.leastRoom + min(taken, 1 << 30))
  }

  /// Takes `count` bytes for each of `number` pieces.
  ///
  /// - Throws: `overBudget`.
  package func take(_ number: Int, of count: Int) throws(CairnError) {
    try take(bytes: number.multipliedSaturated(by: count))
  }

  /// Takes `count` steps.
  ///
  /// - Throws: `overBudget`.
  package func take(steps count: Int) throws(CairnError) {
    guard Self.take(count, of: stepCount, from: stepsTaken) else {
      throw used("takes more work than is allowed", "at most \(stepCount) steps")
    }
    let taken = stepsTaken.load(ordering: .relaxed)
    if taken &- count < taken & ~(Self.checkStep - 1) { try Cancellation.check() }
  }

  /// Gives back bytes that were taken.
  package func giveBack(bytes count: Int) {
    bytesTaken.subtract(count, ordering: .relaxed)
  }

  private static func take(_ count: Int, of bound: Int, from taken: borrowing Atomic<Int>) -> Bool {
    guard count >= 0 else { return false }
    var seen = taken.load(ordering: .relaxed)
    while true {
      guard let sum = seen.adding(count), sum <= bound else { return false }
      let (exchanged, original) = taken.compareExchange(
        expected: seen, desired: sum, ordering: .relaxed)
      if exchanged { return true }
      seen = original
    }
  }

  private func used(_ message: String, _ expected: String) -> CairnError {
    CairnError(
      .overBudget, "\(what) \(message)", expected: expected, advice: advice, remedies: remedies)
  }
}
