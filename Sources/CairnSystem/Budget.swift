// What one file, or one pass over a model, may cost in all.

import Synchronization

/// Bytes and steps that everything made from one file, or in one pass, draws on together.
///
/// A bound for each piece does not bound the pieces' number: a file of 1 KiB can ask for a million
/// legal pieces, or for one legal piece a million times. So whoever makes something from an input takes
/// its cost here first: strings, keys, tables of indices, nodes, results. What is let go again may be
/// given back.
package final class Budget: Sendable {
  /// The bytes that may be held.
  package let byteCount: Int
  /// The steps that may be taken; of the order of 100 ns each.
  package let stepCount: Int
  private let what: String
  private let advice: String?
  private let bytesTaken = Atomic<Int>(0)
  private let stepsTaken = Atomic<Int>(0)

  /// A budget of so many bytes and steps.
  ///
  /// - Parameters:
  ///   - what: What it is for, as the subject of a message: "the file's index", "the configuration".
  ///   - advice: What can be done about it when it is used up.
  package init(bytes: Int, steps: Int = .max, for what: String, advice: String? = nil) {
    // Swift's arrays end the process where the system refuses them memory: what they may take ends
    // well before that, where there is a limit (`ulimit -v`).
    let left = addressSpaceLeft()
    byteCount = left == .max ? bytes : min(bytes, left / 2)
    stepCount = steps
    self.what = what
    self.advice = advice
  }

  /// Takes `count` bytes.
  ///
  /// - Throws: `overBudget`; then nothing was taken.
  package func take(bytes count: Int) throws(CairnError) {
    guard Self.take(count, of: byteCount, from: bytesTaken) else {
      throw used("takes more memory than is allowed", "at most \(byteCount) bytes")
    }
  }

  /// Takes `count` bytes for each of `number` pieces.
  ///
  /// - Throws: `overBudget`.
  package func take(_ number: Int, of count: Int) throws(CairnError) {
    let (bytes, overflow) = number.multipliedReportingOverflow(by: count)
    try take(bytes: overflow ? .max : bytes)
  }

  /// Takes `count` steps.
  ///
  /// - Throws: `overBudget`.
  package func take(steps count: Int) throws(CairnError) {
    guard Self.take(count, of: stepCount, from: stepsTaken) else {
      throw used("takes more work than is allowed", "at most \(stepCount) steps")
    }
  }

  /// Gives back bytes that were taken.
  package func giveBack(bytes count: Int) {
    bytesTaken.subtract(count, ordering: .relaxed)
  }

  private static func take(_ count: Int, of bound: Int, from taken: borrowing Atomic<Int>) -> Bool {
    guard count >= 0 else { return false }
    var seen = taken.load(ordering: .relaxed)
    while true {
      let (sum, overflow) = seen.addingReportingOverflow(count)
      guard !overflow, sum <= bound else { return false }
      let (exchanged, original) = taken.compareExchange(
        expected: seen, desired: sum, ordering: .relaxed)
      if exchanged { return true }
      seen = original
    }
  }

  private func used(_ message: String, _ expected: String) -> CairnError {
    CairnError(.overBudget, "\(what) \(message)", expected: expected, advice: advice)
  }
}
