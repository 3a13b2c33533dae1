// From values to text. The canonical form is stated at `JSONStyle.canonical`, and FORMAT.md quotes
// it: what it says must never change.

/// How a value is laid out as text.
package enum JSONStyle: Hashable, Sendable {
  /// The one text of a value that is compared, checksummed and hashed.
  ///
  /// The canonical form:
  /// 1. The text is UTF-8 without a byte order mark, and has no white space outside strings.
  /// 2. The members of an object are sorted by the UTF-8 bytes of their keys, as unsigned numbers,
  ///    a prefix first (which is the order of code points). Keys are unique.
  /// 3. In a string or key only these are escaped: `"` as `\"`, `\` as `\\`, U+0008 as `\b`,
  ///    U+0009 as `\t`, U+000A as `\n`, U+000C as `\f`, U+000D as `\r`, and every other character
  ///    below U+0020 as `\u00` and two lower-case hexadecimal digits. Every other character, `/`
  ///    and U+007F included, stands as it is. Nothing is normalised.
  /// 4. An integer is written in decimal: `-` if negative, then digits without a leading zero.
  /// 5. A double is written in the fewest significant decimal digits that read back as the same
  ///    double, and of those in the ones closest to it; of two equally close, the one whose last
  ///    digit is even. Let the first digit stand for *d* × 10^*e*. If −4 ≤ *e* < 16, it is written
  ///    without an exponent and with at least one digit on either side of the point: `0.0001`,
  ///    `1.0`, `1234567890123456.0`. Otherwise it is written with one digit before the point, the
  ///    further digits, if any, after it, then `e`, the sign of *e*, and *e* in at least two
  ///    digits: `1e-05`, `1.5e-07`, `1e+16`, `1.7976931348623157e+308`. Zero is `0.0`. A negative
  ///    double, −0.0 included, begins with `-`.
  /// 6. Where they are allowed, NaN (whatever its sign and payload) is `NaN`, and the infinities
  ///    are `Infinity` and `-Infinity`; elsewhere they can't be written.
  ///
  /// It is what Python writes with
  /// `json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)`.
  case canonical
  /// The members of an object in their order, no white space; the rest as in ``canonical``.
  case compact
  /// The members of an object in their order, an element or member a line, two spaces of indent a
  /// level, `": "` after a key; empty ones as `[]` and `{}`. No line feed at the end.
  case pretty
}

extension JSONValue {
  /// The value as text.
  ///
  /// What is written, the parser reads back as an equal value, if its limits admit it.
  ///
  /// - Parameters:
  ///   - style: The layout.
  ///   - allowNonFiniteNumbers: Whether NaN and the infinities may be written, as the tokens that
  ///     Python's `json` uses. They are not JSON.
  ///   - maximumDepth: How deep the value may nest.
  /// - Throws: ``JSONError/Code/nonFiniteNumber``, or ``JSONError/Code/tooDeep``.
  /// - Complexity: O(*n*) in the length of the text; canonical, O(*n* log *n*).
  package func text(
    _ style: JSONStyle, allowNonFiniteNumbers: Bool = false,
    maximumDepth: Int = JSONLimits.greatestDepth
  ) throws(JSONError) -> String {
    String(
      decoding: try utf8(
        style, allowNonFiniteNumbers: allowNonFiniteNumbers, maximumDepth: maximumDepth),
      as: UTF8.self)
  }

  /// The UTF-8 bytes of ``text(_:allowNonFiniteNumbers:maximumDepth:)``.
  package func utf8(
    _ style: JSONStyle, allowNonFiniteNumbers: Bool = false,
    maximumDepth: Int = JSONLimits.greatestDepth
  ) throws(JSONError) -> [UInt8] {
    var writer = JSONWriter(
      style: style, allowNonFiniteNumbers: allowNonFiniteNumbers,
      maximumDepth: min(maximumDepth, JSONLimits.greatestDepth))
    try writer.write(self, depth: 0)
    return writer.bytes
  }
}

/// The state of one writing.
private struct JSONWriter {
  let style: JSONStyle
  let allowNonFiniteNumbers: Bool
  let maximumDepth: Int
  var bytes: [UInt8] = []

  init(style: JSONStyle, allowNonFiniteNumbers: Bool, maximumDepth: Int) {
    self.style = style
    self.allowNonFiniteNumbers = allowNonFiniteNumbers
    self.maximumDepth = maximumDepth
  }

  /// Writes a value inside `depth` arrays and objects.
  mutating func write(_ value: JSONValue, depth: Int) throws(JSONError) {
    switch value {
    case .null: append("null")
    case .bool(let value): append(value ? "true" : "false")
    case .integer(let value): append(String(value))
    case .unsigned(let value): append(String(value))
    case .double(let value):
      guard value.isFinite || allowNonFiniteNumbers else {
        throw JSONError(.nonFiniteNumber, "\(value), which JSON doesn't have,", offset: bytes.count)
      }
      value.appendJSON(to: &bytes)
    case .string(let value): write(string: value)
    case .array(let elements): try write(array: elements, depth: depth + 1)
    case .object(let object): try write(object: object, depth: depth + 1)
    }
  }

  private mutating func write(array: [JSONValue], depth: Int) throws(JSONError) {
    try check(depth)
    bytes.append(UInt8(ascii: "["))
    var isFirst = true
    for element in array {
      separate(isFirst: isFirst, depth: depth)
      isFirst = false
      try write(element, depth: depth)
    }
    if !isFirst { breakLine(depth: depth - 1) }
    bytes.append(UInt8(ascii: "]"))
  }

  private mutating func write(object: JSONObject, depth: Int) throws(JSONError) {
    try check(depth)
    bytes.append(UInt8(ascii: "{"))
    if style == .canonical {
      let sorted = object.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      try write(members: sorted, depth: depth)
    } else {
      try write(members: object, depth: depth)
    }
    bytes.append(UInt8(ascii: "}"))
  }

  private mutating func write(
    members: some Sequence<(key: String, value: JSONValue)>, depth: Int
  ) throws(JSONError) {
    var isFirst = true
    for member in members {
      separate(isFirst: isFirst, depth: depth)
      isFirst = false
      write(string: member.key)
      append(style == .pretty ? ": " : ":")
      try write(member.value, depth: depth)
    }
    if !isFirst { breakLine(depth: depth - 1) }
  }

  private mutating func write(string: String) {
    bytes.append(UInt8(ascii: "\""))
    if string.utf8.contains(where: Self.mustEscape) {
      for byte in string.utf8 {
        if Self.mustEscape(byte) { escape(byte) } else { bytes.append(byte) }
      }
    } else {
      append(string)
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private static func mustEscape(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
  }

  private mutating func escape(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): append("\\\"")
    case UInt8(ascii: "\\"): append("\\\\")
    case 0x08: append("\\b")
    case 0x09: append("\\t")
    case 0x0A: append("\\n")
    case 0x0C: append("\\f")
    case 0x0D: append("\\r")
    default: append("\\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))")
    }
  }

  private mutating func separate(isFirst: Bool, depth: Int) {
    if !isFirst { bytes.append(UInt8(ascii: ",")) }
    breakLine(depth: depth)
  }

  private mutating func breakLine(depth: Int) {
    guard style == .pretty else { return }
    bytes.append(0x0A)
    bytes.append(contentsOf: repeatElement(0x20, count: 2 * depth))
  }

  private mutating func append(_ text: String) {
    bytes.append(contentsOf: text.utf8)
  }

  private func check(_ depth: Int) throws(JSONError) {
    guard depth <= maximumDepth else {
      throw JSONError(
        .tooDeep, "nesting deeper than \(maximumDepth)", offset: bytes.count)
    }
  }
}
