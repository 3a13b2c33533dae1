// Colour and weight, on a terminal, unless the user has asked for plain text.

import CairnTerminal

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

struct TextStyle {
  private let isPlain: Bool

  /// The style of standard output. See https://no-color.org.
  init() {
    let environment = ProcessInfo.processInfo.environment
    let isRefused = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
    isPlain = isRefused || environment["TERM"] == "dumb" || !Terminal.isInteractive(.output)
  }

  func bold(_ text: String) -> String { styled(text, 1) }
  func green(_ text: String) -> String { styled(text, 32) }
  func red(_ text: String) -> String { styled(text, 31) }

  private func styled(_ text: String, _ code: Int) -> String {
    isPlain ? text : "\u{1B}[\(code)m\(text)\u{1B}[0m"
  }
}
