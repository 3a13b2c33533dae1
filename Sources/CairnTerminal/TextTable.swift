// Columns of text, aligned.

package struct TextTable {
  package enum Alignment { case left, right }
  private let columns: [(title: String, alignment: Alignment)]
  private var rows: [[String]] = []

  package init(_ columns: [(String, Alignment)]) { self.columns = columns.map { ($0.0, $0.1) } }

  package mutating func add(_ row: [String]) { rows.append(row) }

  /// The widest column. Otherwise one long name would widen the lines of a hundred thousand others.
  private static let widest = 100

  /// The number of characters of a cell; for most cells it is the number of bytes.
  private static func width(_ cell: String) -> Int {
    cell.utf8.allSatisfy { $0 < 0x80 } ? cell.utf8.count : cell.count
  }

  /// The lines, without trailing blanks.
  package var lines: [String] {
    var lines: [String] = []
    forEachLine { lines.append($0) }
    return lines
  }

  /// Hands over the lines one by one.
  package func forEachLine(_ body: (String) -> Void) {
    let titles = columns.map(\.title)
    let widths = columns.indices.map { column in
      min(
        Self.widest,
        max(Self.width(titles[column]), rows.lazy.map { Self.width($0[column]) }.max() ?? 0))
    }
    func hand(_ row: [String]) {
      var line = ""
      for (column, cell) in row.enumerated() {
        let blanks = String(
          repeating: " ", count: max(0, widths[column] - Self.width(cell)))
        line += columns[column].alignment == .right ? blanks + cell : cell + blanks
        line += "  "
      }
      while line.last == " " { line.removeLast() }
      body(line)
    }
    hand(titles)
    for row in rows { hand(row) }
  }
}
