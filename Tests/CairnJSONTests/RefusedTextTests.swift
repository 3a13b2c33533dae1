// Texts that are refused, with the code and the offset of the first wrong byte. In the spirit of
// JSONTestSuite's n_ cases, and of its i_ cases where this parser chooses to refuse.

import CairnJSON
import Testing

@Suite("Texts that are refused")
struct RefusedTextTests {
  static let texts: [(String, JSONError.Code, Int)] = [
    // Nothing, or not enough.
    ("", .unexpectedEnd, 0),
    (" ", .unexpectedEnd, 1),
    ("[", .unexpectedEnd, 1),
    ("{", .unexpectedEnd, 1),
    ("\"", .unexpectedEnd, 1),
    ("-", .unexpectedEnd, 1),
    ("[1", .unexpectedEnd, 2),
    ("[1,", .unexpectedEnd, 3),
    ("{\"a\"", .unexpectedEnd, 4),
    ("{\"a\":", .unexpectedEnd, 5),
    ("{\"a\":1", .unexpectedEnd, 6),
    ("{\"a\":1,", .unexpectedEnd, 7),
    ("tru", .unexpectedEnd, 3),
    ("nul", .unexpectedEnd, 3),
    ("\"\\", .unexpectedEnd, 2),
    ("\"\\u00", .unexpectedEnd, 5),
    ("\"\\ud800\\", .unexpectedEnd, 8),
    ("1.", .unexpectedEnd, 2),
    ("1e", .unexpectedEnd, 2),
    ("1e+", .unexpectedEnd, 3),
    // Too much.
    ("1 2", .trailingBytes, 2),
    ("{}x", .trailingBytes, 2),
    ("[]]", .trailingBytes, 2),
    ("{}}", .trailingBytes, 2),
    ("[1],", .trailingBytes, 3),
    ("null null", .trailingBytes, 5),
    ("truee", .trailingBytes, 4),
    ("\"\"\"", .trailingBytes, 2),
    ("[]\u{0}", .trailingBytes, 2),
    ("{} // comment", .trailingBytes, 3),
    ("1_000", .trailingBytes, 1),
    ("0x1F", .trailingBytes, 1),
    ("1f", .trailingBytes, 1),
    // The wrong thing.
    ("]", .unexpectedByte, 0),
    ("}", .unexpectedByte, 0),
    (",", .unexpectedByte, 0),
    (":", .unexpectedByte, 0),
    ("'a'", .unexpectedByte, 0),
    ("a", .unexpectedByte, 0),
    ("True", .unexpectedByte, 0),
    ("NULL", .unexpectedByte, 1),
    ("nan", .unexpectedByte, 1),
    ("trUe", .unexpectedByte, 2),
    ("/**/1", .unexpectedByte, 0),
    ("#1", .unexpectedByte, 0),
    ("\u{feff}1", .unexpectedByte, 0),
    ("\u{a0}1", .unexpectedByte, 0),
    ("\u{c}1", .unexpectedByte, 0),
    ("\u{b}1", .unexpectedByte, 0),
    ("\u{0}", .unexpectedByte, 0),
    // Arrays.
    ("[,]", .unexpectedByte, 1),
    ("[1,]", .unexpectedByte, 3),
    ("[,1]", .unexpectedByte, 1),
    ("[1,,2]", .unexpectedByte, 3),
    ("[1 2]", .unexpectedByte, 3),
    ("[1:2]", .unexpectedByte, 2),
    ("[1}", .unexpectedByte, 2),
    ("[\"a\":1]", .unexpectedByte, 4),
    ("[1;2]", .unexpectedByte, 2),
    ("[a]", .unexpectedByte, 1),
    ("[[1,2]", .unexpectedEnd, 6),
    // Objects.
    ("{,}", .unexpectedByte, 1),
    ("{1:1}", .unexpectedByte, 1),
    ("{a:1}", .unexpectedByte, 1),
    ("{'a':1}", .unexpectedByte, 1),
    ("{null:1}", .unexpectedByte, 1),
    ("{\"a\"}", .unexpectedByte, 4),
    ("{\"a\",1}", .unexpectedByte, 4),
    ("{\"a\" 1}", .unexpectedByte, 5),
    ("{\"a\":}", .unexpectedByte, 5),
    ("{\"a\"::1}", .unexpectedByte, 5),
    ("{\"a\":1,}", .unexpectedByte, 7),
    ("{\"a\":1,,\"b\":2}", .unexpectedByte, 7),
    ("{\"a\":1 \"b\":2}", .unexpectedByte, 7),
    ("{\"a\":1]", .unexpectedByte, 6),
    ("{\"a\":1:2}", .unexpectedByte, 6),
    ("{[]:1}", .unexpectedByte, 1),
    // Numbers.
    ("+1", .unexpectedByte, 0),
    (".5", .unexpectedByte, 0),
    ("01", .invalidNumber, 0),
    ("-01", .invalidNumber, 0),
    ("00", .invalidNumber, 0),
    ("[012.5]", .invalidNumber, 1),
    ("[-]", .invalidNumber, 2),
    ("--1", .invalidNumber, 1),
    ("-a", .invalidNumber, 1),
    ("-.5", .invalidNumber, 1),
    ("[1.]", .invalidNumber, 3),
    ("1.e3", .invalidNumber, 2),
    ("1..2", .invalidNumber, 2),
    ("1.2.3", .trailingBytes, 3),
    ("[1e]", .invalidNumber, 3),
    ("[1e+]", .invalidNumber, 4),
    ("1e+-2", .invalidNumber, 3),
    ("1e1.5", .trailingBytes, 3),
    ("1ee2", .invalidNumber, 2),
    ("１", .unexpectedByte, 0),
    ("[1 000]", .unexpectedByte, 3),
    ("[18446744073709551616]", .invalidNumber, 1),
    ("[-9223372036854775809]", .invalidNumber, 1),
    ("-18446744073709551616", .invalidNumber, 0),
    ("100000000000000000000000000000000000000", .invalidNumber, 0),
    ("1e309", .invalidNumber, 0),
    ("[-1e309]", .invalidNumber, 1),
    ("1e99999999999999999999", .invalidNumber, 0),
    ("1.7976931348623159e308", .invalidNumber, 0),
    ("NaN", .nonFiniteNumber, 0),
    ("[Infinity]", .nonFiniteNumber, 1),
    ("[-Infinity]", .nonFiniteNumber, 1),
    // Strings.
    ("\"a\nb\"", .controlCharacter, 2),
    ("\"\u{0}\"", .controlCharacter, 1),
    ("\"\t\"", .controlCharacter, 1),
    ("\"\u{1f}\"", .controlCharacter, 1),
    (#""\a""#, .invalidEscape, 1),
    (#""\'""#, .invalidEscape, 1),
    (#""\x41""#, .invalidEscape, 1),
    (#""\U0041""#, .invalidEscape, 1),
    (#""\0""#, .invalidEscape, 1),
    ("\"\\\u{e9}\"", .invalidEscape, 1),
    (#""\u""#, .invalidEscape, 1),
    (#""\u004""#, .invalidEscape, 1),
    (#""\u00g0""#, .invalidEscape, 1),
    (#""\u{41}""#, .invalidEscape, 1),
    (#""\u+041""#, .invalidEscape, 1),
    (#""\ud800""#, .invalidEscape, 1),
    (#""ab\udc00""#, .invalidEscape, 3),
    (#""\ud800a""#, .invalidEscape, 1),
    (#""\ud800\n""#, .invalidEscape, 1),
    (#""\ud800\u0041""#, .invalidEscape, 1),
    (#""\ud800\ud800""#, .invalidEscape, 1),
    (#""\udc00\ud800""#, .invalidEscape, 1),
    (#""\ud83d\u00zz""#, .invalidEscape, 7),
    // Duplicate keys: the offset of the second.
    (#"{"a":1,"a":1}"#, .duplicateKey, 7),
    (#"{"a":1,"b":2, "a":3}"#, .duplicateKey, 14),
    (#"{"a":1,"\u0061":2}"#, .duplicateKey, 7),
    (#"{"":1,"":2}"#, .duplicateKey, 6),
    (#"[{"é":1,"\u00e9":2}]"#, .duplicateKey, 9),
    (#"{"a":{"b":1},"c":{"b":1,"b":2}}"#, .duplicateKey, 24),
  ]

  @Test("A text against the grammar is refused, and the error says why and where", arguments: texts)
  func refused(_ text: String, _ code: JSONError.Code, _ offset: Int) {
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
    #expect(error?.code == code)
    #expect(error?.offset == offset)
  }

  static let illFormed: [[UInt8]] = [
    [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x20], [0xC2, 0xC2],
    [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xE2, 0x82], [0xE2, 0x82, 0x20],
    [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
    [0xF0, 0x9F, 0x98], [0xF0, 0x9F, 0x20, 0x80], [0xF4, 0x90, 0x80, 0x80],
    [0xF5, 0x80, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFE], [0xFF],
  ]

  @Test("A string that is not UTF-8 is refused, in a value and in a key", arguments: illFormed)
  func notUTF8(_ bytes: [UInt8]) {
    let quote = UInt8(ascii: "\"")
    let error = #expect(throws: JSONError.self) {
      try JSONValue(parsing: [quote, UInt8(ascii: "a")] + bytes + [quote])
    }
    #expect(error?.code == .invalidUTF8)
    #expect(error?.offset == 2)
    #expect(throws: JSONError.self) {
      try JSONValue(parsing: Array("{\"".utf8) + bytes + Array("\":1}".utf8))
    }
    #expect(throws: JSONError.self) { try JSONValue(parsing: [quote] + bytes) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: bytes) }
  }

  @Test("UTF-16 and a cut byte order mark are refused")
  func otherEncodings() {
    for bytes: [UInt8] in [
      [0xFF, 0xFE, 0x31, 0], [0xFE, 0xFF, 0, 0x31], [0x31, 0], [0xEF, 0xBB], [0xEF, 0xBB, 0xBF],
    ] {
      #expect(throws: JSONError.self) { try JSONValue(parsing: bytes) }
    }
  }

  static let whole =
    #"{"a":[1,-2.5e-3,"x\u00e9\ud83d\ude00€",true,false,null],"é":{"":{}},"n":[[],[0]]}"#

  @Test("A text that is cut at any byte is refused")
  func truncation() throws {
    let bytes = Array(Self.whole.utf8)
    _ = try JSONValue(parsing: bytes)
    for length in bytes.indices {
      #expect(throws: JSONError.self, "\(length)") {
        try JSONValue(parsing: bytes.span.extracting(first: length))
      }
    }
  }

  @Test("Whatever single byte is changed, the parser answers, and what it accepts round-trips")
  func everySubstitution() throws {
    var bytes = Array(Self.whole.utf8)
    for place in bytes.indices {
      let original = bytes[place]
      for byte in UInt8.min...UInt8.max {
        bytes[place] = byte
        guard let value = try? JSONValue(parsing: bytes) else { continue }
        let again = try JSONValue(parsing: value.utf8(.canonical))
        if again != value { Issue.record("byte \(place) as \(byte)") }
      }
      bytes[place] = original
    }
  }

  @Test("A message shows a stranger's key in ASCII, and not all of it")
  func messages() {
    let key = "\u{1b}[2J" + String(repeating: "k", count: 200)
    let escaped = "\\u001b" + key.dropFirst()
    let error = #expect(throws: JSONError.self) {
      try JSONValue(parsing: "{\"\(escaped)\":1,\"\(escaped)\":2}")
    }
    #expect(error?.description.utf8.contains(0x1B) == false)
    #expect((error?.description.count ?? 0) < 140)
    #expect(
      JSONError(.duplicateKey, "the key \"a\" for the second time", offset: 7).description
        == "the key \"a\" for the second time at byte 7 (duplicateKey)")
  }
}
