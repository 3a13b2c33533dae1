// RFC 8259, strictly, in one pass over the bytes.
//
// The parser keeps a stack of its own instead of recursing: how deep a text nests is up to whoever
// wrote it. Every position is checked against the end of the text before it is read.

extension JSONValue {
  /// Parses one JSON text (RFC 8259), strictly.
  ///
  /// White space around the value is allowed; anything else after it is refused, and so is a byte
  /// order mark. The text must be well-formed UTF-8. A key may occur only once in an object.
  ///
  /// Numbers: without fraction and exponent, an ``integer(_:)`` if it fits `Int64`, else an
  /// ``unsigned(_:)`` if it fits `UInt64`, else refused, never rounded. With a fraction or an
  /// exponent, the nearest ``double(_:)``, ties to even; one that would round to infinity is
  /// refused, one too small becomes zero of its sign. `-0` is the double −0.0: the integer would
  /// lose the sign.
  ///
  /// - Parameters:
  ///   - text: The bytes of the text.
  ///   - limits: What to refuse although the grammar allows it.
  /// - Throws: A ``JSONError`` with the offset of the first byte that is wrong; for a duplicate key
  ///   the offset of the second occurrence.
  /// - Complexity: O(*n*) expected, in time and in memory.
  package init(parsing text: Span<UInt8>, limits: JSONLimits = JSONLimits()) throws(JSONError) {
    var parser = JSONParser(limits: limits)
    self = try parser.value(of: text)
  }

  /// Parses one JSON text, as the initialiser that takes a span does, and hands each member of the
  /// outermost object over as soon as it is read: its number, its key and its value.
  ///
  /// - Returns: The outermost value. If it is an object, its members' values are `null`: of a long
  ///   text only one member's value is in memory at a time.
  package static func parsing(
    _ text: Span<UInt8>, limits: JSONLimits, eachMember: (Int, String, JSONValue) -> Void
  ) throws(JSONError) -> JSONValue {
    var parser = JSONParser(limits: limits)
    return try parser.value(of: text, eachMember: eachMember)
  }

  /// Parses one JSON text, as the initialiser that takes a span does.
  package init(parsing text: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) {
    try self.init(parsing: text.span, limits: limits)
  }

  /// Parses one JSON text, as the initialiser that takes a span does; offsets count UTF-8 bytes.
  package init(parsing text: String, limits: JSONLimits = JSONLimits()) throws(JSONError) {
    try self.init(parsing: Array(text.utf8), limits: limits)
  }
}

/// The state of one parse. `position` is where the next byte is read.
struct JSONParser {
  /// An array or object that is not closed yet. An object's last member waits for its value.
  private struct Container {
    var isObject: Bool
    var elements: [JSONValue] = []
    var object = JSONObject()
  }

  let limits: JSONLimits
  var position = 0
  /// The bytes of the string or number being read; one buffer for all of them.
  var scratch: [UInt8] = []
  private var open: [Container] = []
  private var valueCount = 0

  init(limits: JSONLimits) { self.limits = limits }

  /// The one value of a text.
  mutating func value(of text: Span<UInt8>) throws(JSONError) -> JSONValue {
    try value(of: text) { (container, value, _) in container.object.setLast(value) }
  }

  /// The one value of a text. The members of an outermost object go to `eachMember`.
  mutating func value(
    of text: Span<UInt8>, eachMember: (Int, String, JSONValue) -> Void
  ) throws(JSONError) -> JSONValue {
    try value(of: text) { (container, value, depth) in
      if depth > 1 { return container.object.setLast(value) }
      let place = container.object.count - 1
      eachMember(place, container.object[place].key, value)
    }
  }

  /// The one value of a text; `set` is given an object, the value of its last member and how many
  /// containers are open.
  private mutating func value(
    of text: Span<UInt8>, set: (inout Container, JSONValue, Int) -> Void
  ) throws(JSONError) -> JSONValue {
    guard text.count <= limits.maximumBytes else {
      throw JSONError(
        .tooLarge, "a text of \(text.count) bytes where \(limits.maximumBytes) are allowed",
        offset: max(0, limits.maximumBytes))
    }
    if text.count >= 3, text[0] == 0xEF, text[1] == 0xBB, text[2] == 0xBF {
      throw JSONError(.unexpectedByte, "a byte order mark", offset: 0)
    }
    skipWhiteSpace(text)
    var result = try nextValue(text)
    while true {
      if var value = result {
        // A value is complete: it belongs to the innermost open container, which may end after it.
        while let innermost = open.indices.last {
          if open[innermost].isObject {
            set(&open[innermost], value, open.count)
          } else {
            open[innermost].elements.append(value)
          }
          guard try containerEnds(text, isObject: open[innermost].isObject) else { break }
          value = closeInnermost()
        }
        if open.isEmpty {
          skipWhiteSpace(text)
          guard position == text.count else {
            throw JSONError(
              .trailingBytes, "\(describe(text[position])) after the value", offset: position)
          }
          return value
        }
      }
      result = try nextValue(text)
    }
  }

  /// Reads a value; nil if it is an array or object that has just been opened, and `position` is
  /// where its first element's or member's value begins.
  private mutating func nextValue(_ text: Span<UInt8>) throws(JSONError) -> JSONValue? {
    guard position < text.count else { throw unexpectedEnd(text) }
    guard valueCount < min(limits.maximumValues, 1 << 31) else {
      throw JSONError(.tooManyValues, "more than \(valueCount) values", offset: position)
    }
    valueCount += 1
    switch text[position] {
    case UInt8(ascii: "\""):
      return .string(try string(text))
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      return try number(text)
    case UInt8(ascii: "["):
      try openContainer(isObject: false)
      skipWhiteSpace(text)
      guard position < text.count else { throw unexpectedEnd(text) }
      if text[position] == UInt8(ascii: "]") {
        position += 1
        return closeInnermost()
      }
      return nil
    case UInt8(ascii: "{"):
      try openContainer(isObject: true)
      skipWhiteSpace(text)
      guard position < text.count else { throw unexpectedEnd(text) }
      if text[position] == UInt8(ascii: "}") {
        position += 1
        return closeInnermost()
      }
      try key(text)
      return nil
    case UInt8(ascii: "t"):
      try expect("true", in: text)
      return .bool(true)
    case UInt8(ascii: "f"):
      try expect("false", in: text)
      return .bool(false)
    case UInt8(ascii: "n"):
      try expect("null", in: text)
      return .null
    case UInt8(ascii: "N"):
      let start = position
      try expect("NaN", in: text)
      return .double(try nonFinite(.nan, "NaN", start))
    case UInt8(ascii: "I"):
      let start = position
      try expect("Infinity", in: text)
      return .double(try nonFinite(.infinity, "Infinity", start))
    default:
      throw unexpectedByte(text, "where a value should begin")
    }
  }

  private mutating func openContainer(isObject: Bool) throws(JSONError) {
    let depth = min(limits.maximumDepth, JSONLimits.greatestDepth)
    guard open.count < depth else {
      throw JSONError(.tooDeep, "nesting deeper than \(depth)", offset: position)
    }
    open.append(Container(isObject: isObject))
    position += 1
  }

  private mutating func closeInnermost() -> JSONValue {
    let container = open.removeLast()
    return container.isObject ? .object(container.object) : .array(container.elements)
  }

  /// Reads what follows an element: the end of the container (true), or a comma and, in an object,
  /// the next key (false).
  private mutating func containerEnds(
    _ text: Span<UInt8>, isObject: Bool
  ) throws(JSONError) -> Bool {
    skipWhiteSpace(text)
    guard position < text.count else { throw unexpectedEnd(text) }
    switch text[position] {
    case UInt8(ascii: ","):
      position += 1
      skipWhiteSpace(text)
      if isObject { try key(text) }
      return false
    case UInt8(ascii: "}") where isObject, UInt8(ascii: "]") where !isObject:
      position += 1
      return true
    default:
      throw unexpectedByte(text, "where a comma or \(isObject ? "}" : "]") should be")
    }
  }

  /// Reads a key and its colon, and appends it to the innermost object.
  private mutating func key(_ text: Span<UInt8>) throws(JSONError) {
    guard position < text.count else { throw unexpectedEnd(text) }
    guard text[position] == UInt8(ascii: "\"") else {
      throw unexpectedByte(text, "where a key should begin")
    }
    let start = position
    let key = try string(text)
    guard open[open.count - 1].object.append(newKey: key, .null) else {
      throw JSONError(.duplicateKey, "the key \(quote(key)) for the second time", offset: start)
    }
    skipWhiteSpace(text)
    guard position < text.count else { throw unexpectedEnd(text) }
    guard text[position] == UInt8(ascii: ":") else {
      throw unexpectedByte(text, "where a colon should be")
    }
    position += 1
    skipWhiteSpace(text)
  }

  /// Reads the rest of a word whose first byte has been seen.
  mutating func expect(_ word: StaticString, in text: Span<UInt8>) throws(JSONError) {
    for byte in word.description.utf8 {
      guard position < text.count else { throw unexpectedEnd(text) }
      guard text[position] == byte else { throw unexpectedByte(text, "in \(word)") }
      position += 1
    }
  }

  /// The number if the limits allow it, for a token that starts at `start`.
  func nonFinite(_ value: Double, _ token: String, _ start: Int) throws(JSONError) -> Double {
    guard limits.allowNonFiniteNumbers else {
      throw JSONError(.nonFiniteNumber, "\(token), which is not allowed here,", offset: start)
    }
    return value
  }

  private mutating func skipWhiteSpace(_ text: Span<UInt8>) {
    while position < text.count {
      switch text[position] {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      default: return
      }
    }
  }
}

// Messages.
extension JSONParser {
  func unexpectedEnd(_ text: Span<UInt8>) -> JSONError {
    JSONError(.unexpectedEnd, "the end of the text inside a value", offset: text.count)
  }

  func unexpectedByte(_ text: Span<UInt8>, _ place: String) -> JSONError {
    JSONError(.unexpectedByte, "\(describe(text[position])) \(place)", offset: position)
  }

  /// A byte for a message: itself if printable ASCII, else in hexadecimal.
  func describe(_ byte: UInt8) -> String {
    (0x21...0x7E).contains(byte)
      ? "'\(Character(Unicode.Scalar(byte)))'"
      : "byte 0x\(byte < 16 ? "0" : "")\(String(byte, radix: 16))"
  }

  /// The beginning of a key for a message, in ASCII: a terminal must not obey it.
  private func quote(_ key: String) -> String {
    let shown = key.unicodeScalars.prefix(60)
    let rest = shown.endIndex == key.endIndex ? "" : "…"
    return "\"" + shown.map { $0.escaped(asASCII: true) }.joined() + rest + "\""
  }
}
