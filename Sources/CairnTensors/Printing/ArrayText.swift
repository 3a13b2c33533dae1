// Brackets, line breaks and the dots that stand for what is left out: after `_formatArray` in
// numpy/_core/arrayprint.py (2.4) under the default print options.

/// The layout of a printed array of at least one dimension and one element.
struct ArrayText {
  /// Arrays of more elements are summarised.
  private static let threshold = 1_000
  /// The items at each end of a summarised dimension.
  private static let edge = 3
  private static let lineWidth = 75

  private let dimensions: [Int]
  private let isSummarized: Bool

  init(_ shape: Shape) {
    dimensions = shape.dimensions
    isSummarized = shape.elementCount > Self.threshold
  }

  private func leavesOut(_ axis: Int) -> Bool {
    isSummarized && dimensions[axis] > 2 * Self.edge
  }

  /// The row-major indices of the elements that are printed, in order.
  var indices: [Int] {
    var indices = [0]
    for axis in dimensions.indices {
      let count = dimensions[axis]
      let shown =
        leavesOut(axis)
        ? Array(0..<Self.edge) + Array(count - Self.edge..<count) : Array(0..<count)
      indices = indices.flatMap { index in shown.map { index * count + $0 } }
    }
    return indices
  }

  /// The array, given the texts of the elements at ``indices``.
  func text(_ cells: [String]) -> String {
    var rest = cells[...]
    return text(axis: 0, indent: " ", width: Self.lineWidth, &rest)
  }

  private func text(
    axis: Int, indent: String, width: Int, _ cells: inout ArraySlice<String>
  ) -> String {
    let count = dimensions[axis]
    let (leading, trailing) = leavesOut(axis) ? (Self.edge, Self.edge) : (count, 0)
    // Everything begins with the indent, whose last place the opening bracket takes.
    var text = ""
    if axis == dimensions.count - 1 {
      var line = indent
      func add(_ word: String) {
        if line.utf8.count + word.utf8.count > width - 1, line.utf8.count > indent.utf8.count {
          while line.utf8.last == UInt8(ascii: " ") { line.removeLast() }
          text += line + "\n"
          line = indent
        }
        line += word
      }
      let words =
        cells.prefix(leading) + (trailing > 0 ? ["..."] : [])
        + cells.dropFirst(leading).prefix(trailing)
      cells = cells.dropFirst(leading + trailing)
      for (position, word) in words.enumerated() {
        if position > 0 { line += " " }
        add(word)
      }
      text += line
    } else {
      let separator = String(repeating: "\n", count: dimensions.count - axis - 1)
      var rows: [String] = []
      for row in 0..<leading + trailing {
        if row == leading { rows.append(indent + "...") }
        rows.append(
          indent + self.text(axis: axis + 1, indent: indent + " ", width: width - 1, &cells))
      }
      text = rows.joined(separator: separator)
    }
    return "[" + text.dropFirst(indent.utf8.count) + "]"
  }
}
