// Text from files and command lines, made safe for a terminal.

internal import CairnSystem

extension String {
  /// The text with characters escaped that could move a terminal's cursor or reorder its line.
  package var printable: String {
    let shown = SystemPath.shown(self)
    // True for nearly every name. Looking up the properties of a hundred thousand long names would
    // take a second.
    if shown.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) { return shown }
    var text = ""
    for scalar in shown.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
        text += "\\u{\(String(scalar.value, radix: 16))}"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  /// The same for a text of several lines; the line breaks stay.
  package var printableLines: String {
    split(separator: "\n", omittingEmptySubsequences: false).map { String($0).printable }
      .joined(separator: "\n")
  }
}
