// The few Python literals of a `.npy` header: texts, truth values, tuples of integers. Nothing is
// evaluated.

import CairnCheckpoints
import CairnSystem

/// A place in a text of Python literals.
struct PythonLiteral {
  private let text: [UInt8]
  private let start: Int
  private let path: String?
  private var place = 0

  /// Reads the literals in `text`, which begins at byte `start` of the file.
  init(_ text: [UInt8], at start: Int, path: String?) {
    self.text = text
    self.start = start
    self.path = path
  }

  var location: CairnError.Location { .init(file: path, offset: UInt64(start + place)) }

  /// What stands here, for messages.
  var excerpt: String {
    String(decoding: text[min(place, text.count)...].prefix(60), as: UTF8.self).excerpt
  }

  private func failure(_ expected: String) -> CairnError {
    CairnError(
      .invalidHeader, "the header is not the Python literal that it should be", at: location,
      expected: expected, found: place < text.count ? excerpt : "the end",
      advice: "The file is damaged; fetch it again")
  }

  private mutating func skipSpace() {
    while place < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[place]) { place += 1 }
  }

  mutating func isAt(_ character: Character) -> Bool {
    skipSpace()
    return place < text.count && text[place] == character.asciiValue
  }

  /// Moves past `character` if it is next.
  mutating func take(_ character: Character) -> Bool {
    guard isAt(character) else { return false }
    place += 1
    return true
  }

  mutating func expect(_ character: Character) throws(CairnError) {
    guard take(character) else { throw failure("‘\(character)’") }
  }

  /// A text in single or double quotes, without escapes.
  mutating func string() throws(CairnError) -> String {
    let quote: Character = isAt("\"") ? "\"" : "'"
    try expect(quote)
    let first = place
    while place < text.count, text[place] != quote.asciiValue, text[place] != UInt8(ascii: "\\") {
      place += 1
    }
    guard place < text.count, text[place] == quote.asciiValue,
      let found = String(validating: text[first..<place], as: UTF8.self)
    else { throw failure("a text without escapes") }
    place += 1
    return found
  }

  mutating func bool() throws(CairnError) -> Bool {
    skipSpace()
    for (word, value) in [("True", true), ("False", false)]
    where text[place...].starts(with: word.utf8) {
      place += word.utf8.count
      return value
    }
    throw failure("True or False")
  }

  /// A tuple of integers that are not negative.
  mutating func tuple() throws(CairnError) -> [Int] {
    var values: [Int] = []
    try expect("(")
    while !take(")") {
      values.append(try integer())
      if !take(",") {
        // A number in parentheses without a comma is not a tuple.
        guard values.count != 1 else { throw failure("‘,’") }
        try expect(")")
        break
      }
    }
    return values
  }

  private mutating func integer() throws(CairnError) -> Int {
    skipSpace()
    let first = place
    while place < text.count, (0x30...0x39).contains(text[place]) { place += 1 }
    guard let value = Int(String(decoding: text[first..<place], as: UTF8.self)) else {
      place = first
      throw failure("an integer from 0 up to 2^63 - 1")
    }
    // Python 2 writes `L` behind long integers.
    if place < text.count, text[place] == UInt8(ascii: "L") { place += 1 }
    return value
  }

  /// Checks that nothing but white space is left.
  mutating func end() throws(CairnError) {
    skipSpace()
    guard place == text.count else { throw failure("nothing more") }
  }
}
