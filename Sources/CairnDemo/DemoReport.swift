// What the demo prints: headings, facts, tables, and claims that were checked.

import CairnTerminal

/// Prints the demo's output, and notes the claims that did not hold.
struct DemoReport {
  /// The claims that did not hold.
  private(set) var broken: [String] = []
  private var claimCount = 0
  private let style = TextStyle()

  /// Begins a part of the demo.
  func part(_ title: String) {
    Terminal.say("")
    Terminal.say(style.bold(title))
    Terminal.say(String(repeating: "━", count: title.count))
  }

  /// Begins a step of a part.
  func step(_ title: String) {
    Terminal.say("")
    Terminal.say(style.bold(title))
  }

  func say(_ line: String) { Terminal.say(line.isEmpty ? "" : "  " + line) }

  /// Prints a row of two columns: a name and its value.
  func fact(_ what: String, _ value: String) { say(what.padded(to: 11) + value) }

  func show(_ table: TextTable) { for line in table.lines { say(line) } }

  /// Says whether `claim` holds. If it does not, the demo goes on, and fails at its end.
  mutating func check(_ claim: String, _ holds: Bool) {
    claimCount += 1
    ProgressBar.clear()
    if holds {
      say(style.green("✓") + " " + claim)
    } else {
      broken.append(claim)
      say(style.red("✗") + " " + claim + style.red(" – DOES NOT HOLD"))
    }
  }

  /// Prints the last lines.
  func conclude(kept folder: String?) {
    Terminal.say("")
    if broken.isEmpty {
      Terminal.say(style.bold("All \(claimCount) claims were checked in this run, and hold."))
    } else {
      Terminal.complain("\(broken.count) of \(claimCount) claims of the demo do not hold:")
      for claim in broken { Terminal.complain("  \(claim)") }
    }
    if let folder { Terminal.say("The files are in \(folder.printable).") }
  }
}

extension String {
  /// The text with spaces added behind it, up to `width` characters.
  func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }

  /// The text with spaces added before it, up to `width` characters.
  func indented(to width: Int) -> String {
    String(repeating: " ", count: max(0, width - count)) + self
  }
}
