// A line that shows how far the work has come, on a terminal only.

package import CairnSystem

/// Shows progress on standard error if that is a terminal, and lets the user stop the work.
package struct ProgressBar: Sendable {
  private let label: String
  private let stateWhenStopped: String?
  private let isShown: Bool
  private let clock = ContinuousClock()
  private let start: ContinuousClock.Instant
  private static let isDrawn = Lock(false)
  private static let lastDraw = Lock<ContinuousClock.Instant?>(nil)

  /// A line that begins with `label`. `stateWhenStopped` says what a stop leaves behind.
  package init(_ label: String, stateWhenStopped: String? = nil) {
    self.label = label
    self.stateWhenStopped = stateWhenStopped
    isShown = Terminal.isInteractive(.error)
    start = clock.now
  }

  /// Takes progress; pass it to library calls as their `progress`.
  package func update(_ progress: WorkProgress) throws(CairnError) {
    try Interruption.check(leaving: stateWhenStopped)
    guard isShown, progress.total > 0 else { return }
    let now = clock.now
    let isDue = Self.lastDraw.withLock { last in
      if let last, now - last < .milliseconds(50), progress.done < progress.total { return false }
      last = now
      return true
    }
    // Short work needs no bar.
    guard isDue, now - start > .milliseconds(200) else { return }
    let share = min(1, Double(progress.done) / Double(progress.total))
    let filled = Int(share * 30)
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 30 - filled)
    let seconds =
      Double((now - start).components.seconds)
      + Double((now - start).components.attoseconds) * 1e-18
    let rate = ByteCount.text(Int(Double(progress.done) / max(seconds, 1e-3)))
    Terminal.write(
      "\r\u{1B}[K\(label) \(bar) \(Int(share * 100)) %  \(rate)/s", to: .error)
    Self.isDrawn.withLock { $0 = true }
  }

  /// Removes the line.
  package static func clear() {
    isDrawn.withLock { drawn in
      if drawn { Terminal.write("\r\u{1B}[K", to: .error) }
      drawn = false
    }
  }
}
