// Text from files and command lines, made safe for a terminal.

import CairnSystem

extension String {
  /// The text with what could move a terminal's cursor or reorder its line made visible.
  var printable: String {
    var text = ""
    for scalar in SystemPath.shown(self).unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
        text += "\\u{\(String(scalar.value, radix: 16))}"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  /// The same of a text of several lines, which stay lines.
  var printableLines: String {
    split(separator: "\n", omittingEmptySubsequences: false).map { String($0).printable }
      .joined(separator: "\n")
  }
}
