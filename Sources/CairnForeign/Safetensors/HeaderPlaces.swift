// Finds where in the text of a header a value is. Only error messages need this, so the text is
// walked once more instead of keeping an offset for every value.

import CairnJSON
import CairnTensors

/// Finds the offsets of values in a text that the JSON parser has accepted.
struct HeaderPlaces {
  /// One step down: to the key or the value of a member, or to an element, by its number.
  enum Step {
    case key(Int)
    case value(Int)
  }

  private let text: [UInt8]

  init(_ text: [UInt8]) { self.text = text }

  /// The offset of the first byte of the value that `steps` lead to. If they lead nowhere, the
  /// offset of the last value that can be reached.
  ///
  /// - Complexity: O(length of the text).
  func offset(_ steps: [Step]) -> Int {
    var place = 0
    for step in steps {
      guard place < text.count else { break }
      let isObject = text[place] == UInt8(ascii: "{")
      place = skipSpace(place + 1)
      let (number, wantsKey) =
        switch step {
        case .key(let number): (number, true)
        case .value(let number): (number, false)
        }
      for _ in 0..<number {
        if isObject { place = value(afterKeyAt: place) }
        place = skipSpace(skipSpace(skipValue(place)) + 1)
      }
      if isObject && !wantsKey { place = value(afterKeyAt: place) }
    }
    return min(place, text.count)
  }

  /// The offset of the first of a tensor's data offsets.
  func offset(ofBeginOf member: Int) -> Int {
    let start = offset([.value(member)])
    guard start < text.count, text[start] == UInt8(ascii: "{"),
      let entry = try? JSONValue(parsing: text.span.extracting(start..<skipValue(start))),
      let field = entry.objectValue?.firstIndex(where: { $0.key == "data_offsets" })
    else { return 0 }
    return offset([.value(member), .value(field), .value(0)])
  }

  private func skipSpace(_ start: Int) -> Int {
    var place = start
    while place < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[place]) { place += 1 }
    return place
  }

  private func value(afterKeyAt place: Int) -> Int {
    skipSpace(skipSpace(skipValue(place)) + 1)
  }

  /// The place after the value that begins at `start`.
  private func skipValue(_ start: Int) -> Int {
    var place = start
    var depth = 0
    while place < text.count {
      switch text[place] {
      case UInt8(ascii: "\""):
        place += 1
        while place < text.count, text[place] != UInt8(ascii: "\"") {
          place += text[place] == UInt8(ascii: "\\") ? 2 : 1
        }
        if depth == 0 { return place + 1 }
      case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        // The end of the container around a number.
        if depth == 0 { return place }
        depth -= 1
        if depth == 0 { return place + 1 }
      case UInt8(ascii: ",") where depth == 0: return place
      default: break
      }
      place += 1
    }
    return place
  }
}
