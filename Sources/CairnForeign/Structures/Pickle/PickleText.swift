// How the protocols before 2 spell texts: as lines with escapes.

/// Texts in lines.
enum PickleText {
  /// The UTF-8 of a text in Python's `raw-unicode-escape`: Latin-1, and `\uXXXX`, `\UXXXXXXXX`.
  ///
  /// - Returns: nil for an escape that is not valid.
  static func rawUnicodeEscaped(_ line: [UInt8]) -> [UInt8]? {
    var text: [UInt8] = []
    var place = 0
    while place < line.count {
      let byte = line[place]
      place += 1
      guard byte == UInt8(ascii: "\\"), place < line.count,
        line[place] == UInt8(ascii: "u") || line[place] == UInt8(ascii: "U")
      else {
        append(UInt32(byte), to: &text)
        continue
      }
      let count = line[place] == UInt8(ascii: "u") ? 4 : 8
      guard let code = number(line[(place + 1)...].prefix(count), digits: count, radix: 16),
        code <= 0x10_FFFF
      else { return nil }
      append(code, to: &text)
      place += 1 + count
    }
    return text
  }

  private static func number(_ digits: ArraySlice<UInt8>, digits count: Int, radix: Int) -> UInt32?
  {
    guard digits.count == count, digits.first != UInt8(ascii: "+") else { return nil }
    return UInt32(String(decoding: digits, as: UTF8.self), radix: radix)
  }

  /// Appends a code point, which may be a surrogate, as Python's `surrogatepass` does.
  private static func append(_ code: UInt32, to text: inout [UInt8]) {
    func tail(_ shift: UInt32) -> UInt8 { 0x80 | UInt8(code >> shift & 0x3F) }
    switch code {
    case ..<0x80: text.append(UInt8(code))
    case ..<0x800: text += [0xC0 | UInt8(code >> 6), tail(0)]
    case ..<0x1_0000: text += [0xE0 | UInt8(code >> 12), tail(6), tail(0)]
    default: text += [0xF0 | UInt8(code >> 18 & 7), tail(12), tail(6), tail(0)]
    }
  }

  /// Whether a text is UTF-8, except for lone surrogates, which Python allows.
  static func isSurrogatePassed(_ text: [UInt8]) -> Bool {
    var plain = text
    for place in text.indices.dropLast(2)
    where text[place] == 0xED && (0xA0...0xBF).contains(text[place + 1]) {
      plain.replaceSubrange(place..<place + 3, with: [0x3F, 0x3F, 0x3F])
    }
    return String(validating: plain, as: UTF8.self) != nil
  }

  /// The bytes of a text in quotes, as Python 2's `repr` writes it; nil if it is not one.
  static func quoted(_ line: [UInt8]) -> [UInt8]? {
    guard line.count >= 2, let quote = line.first, line.last == quote,
      quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"")
    else { return nil }
    let body = Array(line[1..<line.count - 1])
    var text: [UInt8] = []
    var place = 0
    while place < body.count {
      guard body[place] == UInt8(ascii: "\\"), place + 1 < body.count else {
        text.append(body[place])
        place += 1
        continue
      }
      let kind = body[place + 1]
      place += 2
      switch kind {
      case UInt8(ascii: "n"): text.append(0x0A)
      case UInt8(ascii: "r"): text.append(0x0D)
      case UInt8(ascii: "t"): text.append(0x09)
      case UInt8(ascii: "x"):
        guard let code = number(body[place...].prefix(2), digits: 2, radix: 16) else { return nil }
        text.append(UInt8(truncatingIfNeeded: code))
        place += 2
      case UInt8(ascii: "0")...UInt8(ascii: "7"):
        let digits = body[(place - 1)...].prefix(3).prefix { (0x30...0x37).contains($0) }
        guard let code = number(digits, digits: digits.count, radix: 8) else { return nil }
        text.append(UInt8(truncatingIfNeeded: code))
        place += digits.count - 1
      default: text.append(kind)
      }
    }
    return text
  }
}
