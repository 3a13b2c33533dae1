// JSON that is written as it is made: a list of a hundred thousand tensors is never in memory at
// once.

package import CairnJSON

/// Writes a JSON object to standard output piece by piece, laid out as ``JSONStyle/pretty``.
package struct JSONOutput {
  private var text = "{"
  /// The closing brackets of what is open, the innermost last.
  private var open: [String] = ["}"]
  private var isFirst = true

  private static let bufferByteCount = 256 << 10

  package init() {}

  /// Writes a member of the object that was opened last.
  package mutating func member(_ key: String, _ value: JSONValue) throws {
    begin(try JSONValue.string(key).text(.compact) + ": ")
    try append(value)
  }

  /// Writes an element of the array that was opened last.
  package mutating func element(_ value: JSONValue) throws {
    begin("")
    try append(value)
  }

  /// Writes elements of the array that was opened last; they are laid out together.
  package mutating func elements(_ values: [JSONValue]) throws {
    guard !values.isEmpty else { return }
    if !isFirst { text += "," }
    isFirst = false
    breakLine()
    // Cuts off `[`, a line feed and one level of indent at the start, and a line feed and `]` at
    // the end.
    let laidOut = try JSONValue.array(values).text(.pretty).utf8.dropFirst(4).dropLast(2)
    // The elements already have one level of indent.
    let indent = Array(("\n" + String(repeating: "  ", count: open.count - 1)).utf8)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(laidOut.count + values.count * indent.count)
    for byte in laidOut {
      if byte == UInt8(ascii: "\n") { bytes += indent } else { bytes.append(byte) }
    }
    text += String(decoding: bytes, as: UTF8.self)
    if text.utf8.count > Self.bufferByteCount {
      Terminal.write(text, to: .output)
      text = ""
    }
  }

  /// Opens an object as a member of the one that is open.
  package mutating func openObject(_ key: String) throws { try open(key, "{", "}") }

  /// Opens an array as a member of the object that is open.
  package mutating func openArray(_ key: String) throws { try open(key, "[", "]") }

  private mutating func open(_ key: String, _ start: String, _ end: String) throws {
    begin(try JSONValue.string(key).text(.compact) + ": " + start)
    open.append(end)
    isFirst = true
  }

  /// Closes what was opened last.
  package mutating func close() {
    guard let end = open.popLast() else { return }
    if !isFirst { breakLine() }
    text += end
    isFirst = false
    if open.isEmpty { text += "\n" }
    if open.isEmpty || text.utf8.count > Self.bufferByteCount {
      Terminal.write(text, to: .output)
      text = ""
    }
  }

  private mutating func begin(_ start: String) {
    if !isFirst { text += "," }
    isFirst = false
    breakLine()
    text += start
  }

  private mutating func breakLine() {
    text += "\n" + String(repeating: "  ", count: open.count)
  }

  private mutating func append(_ value: JSONValue) throws {
    // Line feeds occur only between tokens: within texts they are escaped.
    let lines = try value.text(.pretty).utf8.split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (number, line) in lines.enumerated() {
      if number > 0 { breakLine() }
      text += String(line) ?? ""
    }
    if text.utf8.count > Self.bufferByteCount {
      Terminal.write(text, to: .output)
      text = ""
    }
  }
}
