// Texts that RFC 8259 allows, and the values they are. In the spirit of JSONTestSuite's y_ cases.

import CairnJSON
import Testing

@Suite("Texts that are accepted")
struct AcceptedTextTests {
  static let texts: [(String, JSONValue)] = [
    // Scalars on their own.
    ("null", .null),
    ("true", true),
    ("false", false),
    ("0", 0),
    (#""""#, ""),
    (#"" ""#, " "),
    // White space.
    (" \t\r\n1 \t\r\n", 1),
    ("[ ]", []),
    ("{ }", [:]),
    (" [ 1 , 2 ] ", [1, 2]),
    ("{ \"a\" : 1 , \"b\" : 2 }", ["a": 1, "b": 2]),
    ("\n{\n\"a\"\n:\n1\n}\n", ["a": 1]),
    // Arrays.
    ("[]", []),
    ("[null]", [nil]),
    ("[1,2,3]", [1, 2, 3]),
    ("[[],[[]],{}]", [[], [[]], [:]]),
    (#"[null,1,"1",1.5,true,[],{}]"#, [nil, 1, "1", 1.5, true, [], [:]]),
    // Objects.
    ("{}", [:]),
    (#"{"":0}"#, ["": 0]),
    (#"{"a":{"a":{"a":null}}}"#, ["a": ["a": ["a": nil]]]),
    (#"{"a":1,"A":2,"a ":3}"#, ["a": 1, "A": 2, "a ": 3]),
    (#"{"a\u0000":1,"a":2}"#, ["a\u{0}": 1, "a": 2]),
    (#"{"x":[{"id":"1"}],"y":[]}"#, ["x": [["id": "1"]], "y": []]),
    // Integers.
    ("-1", -1),
    ("10", 10),
    ("9223372036854775807", .integer(.max)),
    ("-9223372036854775808", .integer(.min)),
    ("9223372036854775808", .unsigned(9_223_372_036_854_775_808)),
    ("18446744073709551615", .unsigned(.max)),
    // Numbers with a fraction or an exponent are doubles.
    ("-0", .double(-0.0)),
    ("0.0", 0.0),
    ("1.0", 1.0),
    ("0e1", 0.0),
    ("0e+1", 0.0),
    ("1e3", 1000.0),
    ("1E3", 1000.0),
    ("1e+3", 1000.0),
    ("1E-2", 0.01),
    ("123.456e-2", 1.23456),
    ("1e0000000000000000000000000000000000002", 100.0),
    // Strings.
    (#""a""#, "a"),
    (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
    (#""\u0041\u00e9\u00E9\u20ac""#, "Aéé€"),
    (#""\u0000""#, "\u{0}"),
    (#""\u007f""#, "\u{7f}"),
    (#""\ud834\udd1e""#, "𝄞"),
    (#""\uD83D\uDE00\uD83d\uDe01""#, "😀😁"),
    (#""\udbff\udfff""#, "\u{10FFFF}"),
    (#""\ufffe\uffff""#, "\u{FFFE}\u{FFFF}"),
    (#""\\u0041""#, #"\u0041"#),
    (#""\"""#, "\""),
    (#""//*""#, "//*"),
    ("\"\u{7f}\"", "\u{7f}"),
    ("\"\u{80}\u{7ff}\u{800}\u{d7ff}\"", "\u{80}\u{7ff}\u{800}\u{d7ff}"),
    ("\"\u{e000}\u{ffff}\u{10000}\u{10ffff}\"", "\u{e000}\u{ffff}\u{10000}\u{10ffff}"),
    ("\"\u{2028}\u{2029}\u{feff}\"", "\u{2028}\u{2029}\u{feff}"),
    ("\"日本語, ελληνικά, עברית\"", "日本語, ελληνικά, עברית"),
    ("\"e\u{301}\"", "e\u{301}"),
  ]

  @Test("A text of the grammar becomes its value", arguments: texts)
  func value(of text: String, is value: JSONValue) throws {
    #expect(try JSONValue(parsing: text) == value)
  }

  @Test("Every style of writing reads back as the same value", arguments: texts)
  func roundTrip(of text: String, is value: JSONValue) throws {
    for style in [JSONStyle.canonical, .compact, .pretty] {
      let written = try value.text(style)
      #expect(try JSONValue(parsing: written) == value, "\(written)")
      #expect(try JSONValue(parsing: written).text(style) == written)
    }
  }

  @Test("Bytes, a span of them and a string are read alike")
  func sources() throws {
    let text = #"{"a":[1,2.5,"é"]}"#
    let bytes = Array(text.utf8)
    #expect(try JSONValue(parsing: bytes) == JSONValue(parsing: text))
    #expect(try JSONValue(parsing: bytes.span) == JSONValue(parsing: text))
    #expect(try JSONValue(parsing: bytes.span.extracting(5..<17)) == [1, 2.5, "é"])
  }

  @Test("NaN and the infinities are read where they are allowed, as Python writes them")
  func nonFinite() throws {
    var limits = JSONLimits()
    limits.allowNonFiniteNumbers = true
    let value = try JSONValue(parsing: "[NaN,Infinity,-Infinity, -1]", limits: limits)
    #expect(value == [.double(.nan), .double(.infinity), .double(-.infinity), -1])
    for text in ["nan", "-NaN", "+Infinity", "inf", "-Inf", "Infinit", "Na", "INFINITY", "NaN0"] {
      #expect(throws: JSONError.self) { try JSONValue(parsing: text, limits: limits) }
    }
  }
}
