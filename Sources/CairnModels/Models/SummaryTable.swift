// The box-drawing table of `summary()`, as rich 15 lays it out.

/// A table with lines between all rows, its cells wrapped at blanks.
struct SummaryTable {
  enum Alignment { case left, right, center }

  let header: [String]
  let alignments: [Alignment]
  /// Characters of text in each column, without the blank on either side.
  let widths: [Int]

  /// The columns' widths if each ends at a share of the line.
  ///
  /// Keras asks for those shares without counting blanks and lines; rich then takes the excess away
  /// evenly, each share rounded half to even.
  static func widths(_ positions: [Double], lineLength: Int) -> [Int] {
    var widths: [Int] = []
    var used = 0
    for position in positions {
      let width = Int(position * Double(lineLength)) - used
      widths.append(width)
      used += width
    }
    var excess = used + 2 * widths.count - (lineLength - widths.count - 1)
    for index in widths.indices {
      let share = Double(excess) / Double(widths.count - index)
      let taken = Int(share.rounded(.toNearestOrEven))
      excess -= taken
      widths[index] = max(1, widths[index] - taken)
    }
    return widths
  }

  /// The table, each line with a line feed.
  func text(_ rows: [[String]]) -> String {
    var text = line("┏", "━", "┳", "┓")
    text += cells(header, "┃")
    text += line("┡", "━", "╇", "┩")
    for (index, row) in rows.enumerated() {
      if index > 0 { text += line("├", "─", "┼", "┤") }
      text += cells(row, "│")
    }
    return text + line("└", "─", "┴", "┘")
  }

  private func line(_ left: String, _ fill: String, _ middle: String, _ right: String) -> String {
    left + widths.map { String(repeating: fill, count: $0 + 2) }.joined(separator: middle) + right
      + "\n"
  }

  private func cells(_ row: [String], _ bar: String) -> String {
    let columns = zip(row, widths).map { Self.wrap($0, width: $1) }
    let height = columns.map(\.count).max() ?? 0
    var text = ""
    for index in 0..<height {
      let cells = columns.indices.map { column in
        let cell = index < columns[column].count ? columns[column][index] : ""
        return " " + pad(cell, widths[column], alignments[column]) + " "
      }
      text += bar + cells.joined(separator: bar) + bar + "\n"
    }
    return text
  }

  private func pad(_ text: String, _ width: Int, _ alignment: Alignment) -> String {
    let blanks = max(0, width - text.count)
    let left =
      switch alignment {
      case .left: 0
      case .right: blanks
      case .center: blanks / 2
      }
    return String(repeating: " ", count: left) + text
      + String(repeating: " ", count: blanks - left)
  }

  /// Breaks `text` at blanks into lines of at most `width` characters; a longer word gets a line of
  /// its own, cut short with an ellipsis.
  static func wrap(_ text: String, width: Int) -> [String] {
    let indent = text.prefix { $0 == " " }
    var lines: [String] = []
    var current = String(indent)
    var isEmpty = true
    for word in text.dropFirst(indent.count).split(separator: " ") {
      if isEmpty {
        current += word
      } else if current.count + 1 + word.count <= width {
        current += " " + word
      } else {
        lines.append(current)
        current = String(word)
      }
      isEmpty = false
    }
    lines.append(current)
    return lines.map { $0.count <= width ? $0 : $0.prefix(width - 1) + "…" }
  }
}
