// Columns of text, aligned.

struct TextTable {
  enum Alignment { case left, right }
  private let columns: [(title: String, alignment: Alignment)]
  private var rows: [[String]] = []

  init(_ columns: [(String, Alignment)]) { self.columns = columns.map { ($0.0, $0.1) } }

  mutating func add(_ row: [String]) { rows.append(row) }

  /// The lines, without trailing blanks.
  var lines: [String] {
    let all = [columns.map(\.title)] + rows
    let widths = columns.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    return all.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        let blanks = String(repeating: " ", count: widths[column] - cell.count)
        line += columns[column].alignment == .right ? blanks + cell : cell + blanks
        line += "  "
      }
      while line.last == " " { line.removeLast() }
      return line
    }
  }
}
