// Strings (RFC 8259 §7): escapes, and UTF-8 checked by the table of well-formed sequences
// (The Unicode Standard, table 3-7).

extension JSONParser {
  /// Reads a string; `position` is at its opening quote.
  mutating func string(_ text: Span<UInt8>) throws(JSONError) -> String {
    scratch.removeAll(keepingCapacity: true)
    position += 1
    while position < text.count {
      let byte = text[position]
      if byte == UInt8(ascii: "\"") {
        position += 1
        return String(decoding: scratch, as: UTF8.self)
      } else if byte == UInt8(ascii: "\\") {
        try escape(text)
      } else if byte < 0x20 {
        throw JSONError(
          .controlCharacter, "an unescaped control character, \(describe(byte)),", offset: position)
      } else if byte < 0x80 {
        scratch.append(byte)
        position += 1
      } else {
        let length = wellFormedLength(text)
        guard length > 0 else {
          throw JSONError(.invalidUTF8, "a sequence that is not UTF-8", offset: position)
        }
        for _ in 0..<length {
          scratch.append(text[position])
          position += 1
        }
      }
    }
    throw unexpectedEnd(text)
  }

  /// The length of the well-formed sequence of two to four bytes at `position`; 0 if there is none.
  private func wellFormedLength(_ text: Span<UInt8>) -> Int {
    let length: Int
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch text[position] {
    case 0xC2...0xDF: length = 2
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xE1...0xEF: length = 3
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    case 0xF1...0xF3: length = 4
    default: return 0
    }
    guard length <= text.count - position, second.contains(text[position + 1]) else { return 0 }
    for further in 2..<max(2, length) where text[position + further] & 0xC0 != 0x80 { return 0 }
    return length
  }

  /// Reads an escape; `position` is at its backslash.
  private mutating func escape(_ text: Span<UInt8>) throws(JSONError) {
    guard position + 1 < text.count else { throw unexpectedEnd(text) }
    let meaning: UInt8
    switch text[position + 1] {
    case UInt8(ascii: "\""): meaning = UInt8(ascii: "\"")
    case UInt8(ascii: "\\"): meaning = UInt8(ascii: "\\")
    case UInt8(ascii: "/"): meaning = UInt8(ascii: "/")
    case UInt8(ascii: "b"): meaning = 0x08
    case UInt8(ascii: "f"): meaning = 0x0C
    case UInt8(ascii: "n"): meaning = 0x0A
    case UInt8(ascii: "r"): meaning = 0x0D
    case UInt8(ascii: "t"): meaning = 0x09
    case UInt8(ascii: "u"):
      try unicodeEscape(text)
      return
    default:
      throw JSONError(
        .invalidEscape, "an unknown escape, \\ and \(describe(text[position + 1])),",
        offset: position)
    }
    scratch.append(meaning)
    position += 2
  }

  /// Reads `\uXXXX`, or two of them that are a surrogate pair.
  private mutating func unicodeEscape(_ text: Span<UInt8>) throws(JSONError) {
    let start = position
    var code = try codeUnit(text)
    if 0xD800...0xDBFF ~= code {
      let isFollowed = position < text.count && text[position] == UInt8(ascii: "\\")
      guard position + (isFollowed ? 1 : 0) < text.count else { throw unexpectedEnd(text) }
      if isFollowed, text[position + 1] == UInt8(ascii: "u") {
        let low = try codeUnit(text)
        if 0xDC00...0xDFFF ~= low {
          code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
      }
    }
    guard let scalar = Unicode.Scalar(code) else {
      throw JSONError(.invalidEscape, "half of a surrogate pair", offset: start)
    }
    scratch.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
  }

  /// Reads one `\uXXXX`; `position` is at its backslash.
  private mutating func codeUnit(_ text: Span<UInt8>) throws(JSONError) -> UInt32 {
    var code: UInt32 = 0
    for further in 2..<6 {
      guard position + further < text.count else { throw unexpectedEnd(text) }
      let byte = text[position + further]
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
      default:
        throw JSONError(
          .invalidEscape, "\(describe(byte)) instead of a hexadecimal digit in an escape",
          offset: position)
      }
      code = code << 4 | UInt32(digit)
    }
    position += 6
    return code
  }
}
