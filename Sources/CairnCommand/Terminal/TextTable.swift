// Columns of text, aligned.

struct TextTable {
  enum Alignment { case left, right }
  private let columns: [(title: String, alignment: Alignment)]
  private var rows: [[String]] = []

  init(_ columns: [(String, Alignment)]) { self.columns = columns.map { ($0.0, $0.1) } }

  mutating func add(_ row: [String]) { rows.append(row) }

  /// The widest column: one long name would fill up the lines of a hundred thousand others.
  private static let widest = 100

  /// The characters of a cell, which are its bytes in most.
  private static func width(_ cell: String) -> Int {
    cell.utf8.allSatisfy { $0 < 0x80 } ? cell.utf8.count : cell.count
  }

  /// The lines, without trailing blanks.
  var lines: [String] {
    let all = [columns.map(\.title)] + rows
    let widths = columns.indices.map { column in
      min(Self.widest, all.map { Self.width($0[column]) }.max() ?? 0)
    }
    return all.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        let blanks = String(
          repeating: " ", count: max(0, widths[column] - Self.width(cell)))
        line += columns[column].alignment == .right ? blanks + cell : cell + blanks
        line += "  "
      }
      while line.last == " " { line.removeLast() }
      return line
    }
  }
}
