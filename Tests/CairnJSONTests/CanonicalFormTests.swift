// The canonical form, rule by rule, and the other styles. Expected texts come from Python 3.11's
// `json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)` and `repr`.

import CairnJSON
import Testing

@Suite("Canonical form and other styles")
struct CanonicalFormTests {
  static let source =
    "{\"\\u20ac\":\"Euro\",\"\\r\":\"CR\",\"\\ufb33\":\"Hebrew\",\"1\":\"One\",\"\\ud"
    + "83d\\ude00\":\"Smiley\",\"\\u0080\":\"Control\",\"\\u00f6\":\"Latin\",\"\":0,\"a"
    + "a\":1,\"a\":2,\"B\":3,\"b\":[{\"z\":1,\"y\":{\"d\":4.50,\"c\":-0.0}},[],{}, 3333"
    + "33333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],\"s\":\"\\u20ac"
    + "$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\\u007f\\u001f\\b\\f\\t\",\"big"
    + "\":18446744073709551615,\"low\":-9223372036854775808,\"t\":true,\"f\":false,\"n"
    + "\":null}"

  static let canonical =
    "{\"\":0,\"\\r\":\"CR\",\"1\":\"One\",\"B\":3,\"a\":2,\"aa\":1,\"b\":[{\"y\":{\"c"
    + "\":-0.0,\"d\":4.5},\"z\":1},[],{},333333333.3333333,1e+30,4.5,0.002,1e-27],\"big"
    + "\":18446744073709551615,\"f\":false,\"low\":-9223372036854775808,\"n\":null,\"s"
    + "\":\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\u{7f}\\u001f\\b\\f\\t\",\"t\":true,"
    + "\"\u{80}\":\"Control\",\"\u{f6}\":\"Latin\",\"\u{20ac}\":\"Euro\",\"\u{fb33}\":"
    + "\"Hebrew\",\"\u{1f600}\":\"Smiley\"}"

  @Test("The canonical text is the one that Python writes")
  func agreesWithPython() throws {
    #expect(try JSONValue(parsing: Self.source).text(.canonical) == Self.canonical)
    #expect(
      try JSONValue(parsing: Self.source).utf8(.canonical) == Array(Self.canonical.utf8))
    #expect(try JSONValue(parsing: Self.canonical).text(.compact) == Self.canonical)
  }

  @Test("Keys are sorted by bytes: not as UTF-16, not by locale, a prefix first")
  func keyOrder() throws {
    let keys = [
      "", "\u{1}", " ", "\"", "1", "10", "2", "A", "B", "a", "aa", "ab", "b", "e\u{301}", "\u{80}",
      "\u{e9}", "\u{20ac}", "\u{e000}", "\u{fb33}", "\u{1f600}", "\u{10ffff}",
    ]
    var object = JSONObject()
    for key in keys.reversed() { object[key] = .null }
    let sorted = try JSONValue(parsing: JSONValue.object(object).text(.canonical))
    let found = sorted.objectValue?.map { Array($0.key.utf8) }
    #expect(found == keys.map { Array($0.utf8) })
  }

  // As JSON, the bits that Python's `float` makes of it, and its `repr`.
  static let doubles: [(String, UInt64, String)] = [
    ("0.0", 0x0000000000000000, "0.0"),
    ("-0.0", 0x8000000000000000, "-0.0"),
    ("1.0", 0x3ff0000000000000, "1.0"),
    ("0.1", 0x3fb999999999999a, "0.1"),
    ("1e5", 0x40f86a0000000000, "100000.0"),
    ("1E+5", 0x40f86a0000000000, "100000.0"),
    ("123456789012345678901234567890.0", 0x45f8ee90ff6c373e, "1.2345678901234568e+29"),
    ("1e-400", 0x0000000000000000, "0.0"),
    ("-1e-400", 0x8000000000000000, "-0.0"),
    ("5e-324", 0x0000000000000001, "5e-324"),
    ("2.4703282292062327e-324", 0x0000000000000000, "0.0"),
    ("2.4703282292062328e-324", 0x0000000000000001, "5e-324"),
    ("1.7976931348623157e308", 0x7fefffffffffffff, "1.7976931348623157e+308"),
    ("1.7976931348623158e308", 0x7fefffffffffffff, "1.7976931348623157e+308"),
    ("9007199254740993.0", 0x4340000000000000, "9007199254740992.0"),
    ("9007199254740992.5", 0x4340000000000000, "9007199254740992.0"),
    ("2.2250738585072011e-308", 0x000fffffffffffff, "2.225073858507201e-308"),
    ("2.2250738585072014e-308", 0x0010000000000000, "2.2250738585072014e-308"),
    ("0.3", 0x3fd3333333333333, "0.3"),
    ("1e23", 0x44b52d02c7e14af6, "1e+23"),
    ("8.5e-5", 0x3f164840e1719f80, "8.5e-05"),
    ("1e22", 0x4480f0cf064dd592, "1e+22"),
    ("6.02214076e23", 0x44dfe185ca57c517, "6.02214076e+23"),
    ("1.00000000000000011102230246251565404236316680908203125", 0x3ff0000000000000, "1.0"),
    (
      "1.00000000000000011102230246251565404236316680908203126", 0x3ff0000000000001,
      "1.0000000000000002"
    ),
    ("0e99999999999999999999", 0x0000000000000000, "0.0"),
    ("1e-99999999999999999999", 0x0000000000000000, "0.0"),
    ("100000000000000000000.0", 0x4415af1d78b58c40, "1e+20"),
    ("-123.456e-7", 0xbee9e3fe580f5494, "-1.23456e-05"),
    ("3.0517578125e-05", 0x3f00000000000000, "3.0517578125e-05"),
    ("0.0001", 0x3f1a36e2eb1c432d, "0.0001"),
    ("0.00001", 0x3ee4f8b588e368f1, "1e-05"),
    ("0.00012345", 0x3f202e4b6ce5dc68, "0.00012345"),
    ("0.000099999", 0x3f1a36d1bd105b06, "9.9999e-05"),
    ("1e15", 0x430c6bf526340000, "1000000000000000.0"),
    ("1e16", 0x4341c37937e08000, "1e+16"),
    ("1e17", 0x4376345785d8a000, "1e+17"),
    ("9999999999999998.0", 0x4341c37937e07fff, "9999999999999998.0"),
    ("999999999999999.9", 0x430c6bf52633ffff, "999999999999999.9"),
    ("1234567890123456.0", 0x43118b54f22aeb00, "1234567890123456.0"),
    ("12345678901234567.0", 0x4345ee2a2eb5a5c4, "1.2345678901234568e+16"),
    ("1e21", 0x444b1ae4d6e2ef50, "1e+21"),
    ("1.5e-7", 0x3e8421f5f40d8376, "1.5e-07"),
    ("1e100", 0x54b249ad2594c37d, "1e+100"),
    ("-1e-100", 0xab2bff2ee48e0530, "-1e-100"),
    ("4.35", 0x4011666666666666, "4.35"),
    ("0.1e1", 0x3ff0000000000000, "1.0"),
    ("299792458.0", 0x41b1de784a000000, "299792458.0"),
    ("1.401298464324817e-45", 0x36a0000000000000, "1.401298464324817e-45"),
    ("3.4028234663852886e+38", 0x47efffffe0000000, "3.4028234663852886e+38"),
    ("0.30000000000000004", 0x3fd3333333333334, "0.30000000000000004"),
    ("2.5e-8", 0x3e5ad7f29abcaf48, "2.5e-08"),
    ("5e-5", 0x3f0a36e2eb1c432d, "5e-05"),
  ]

  @Test("A double is the nearest, and written as Python's repr writes it", arguments: doubles)
  func double(_ text: String, _ bits: UInt64, _ canonical: String) throws {
    guard case .double(let value) = try JSONValue(parsing: text) else {
      Issue.record("\(text) is no double")
      return
    }
    #expect(value.bitPattern == bits)
    #expect(try JSONValue.double(value).text(.canonical) == canonical)
    #expect(try JSONValue(parsing: canonical) == .double(value))
  }

  @Test("Every power of two, its neighbours, and random doubles read back bit for bit")
  func doublesRoundTrip() throws {
    var patterns: [UInt64] = []
    for exponent: UInt64 in 0..<0x7FF {
      let power = exponent << 52
      patterns += [power, power + 1, power | 0xF_FFFF_FFFF_FFFF]
    }
    // The generator of Knuth's MMIX: the same numbers on each run.
    var random: UInt64 = 1
    for _ in 0..<5000 {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      patterns.append(random)
    }
    for pattern in patterns {
      let value = Double(bitPattern: pattern)
      guard value.isFinite else { continue }
      let text = try JSONValue.double(value).text(.canonical)
      guard case .double(let back) = try JSONValue(parsing: text), back.bitPattern == pattern
      else {
        Issue.record("\(text)")
        continue
      }
    }
  }

  static let integers: [(JSONValue, String)] = [
    (0, "0"), (-1, "-1"), (.integer(.min), "-9223372036854775808"),
    (.integer(.max), "9223372036854775807"), (.unsigned(.max), "18446744073709551615"),
    (.unsigned(5), "5"),
  ]

  @Test("Integers are plain decimal", arguments: integers)
  func integer(_ value: JSONValue, _ text: String) throws {
    #expect(try value.text(.canonical) == text)
  }

  @Test("Each character below U+0020 has its one escape, the others have none")
  func escapes() throws {
    let short: [UInt8: String] = [8: "b", 9: "t", 10: "n", 12: "f", 13: "r"]
    for code in UInt8.min...0x7F {
      let character = String(Unicode.Scalar(code))
      let hexadecimal = String(code, radix: 16)
      let expected =
        switch code {
        case 0x22, 0x5C: "\\" + character
        case 0..<0x20:
          short[code].map { "\\" + $0 }
            ?? "\\u" + String(repeating: "0", count: 4 - hexadecimal.count) + hexadecimal
        default: character
        }
      for style in [JSONStyle.canonical, .compact, .pretty] {
        #expect(try JSONValue.string(character).text(style) == "\"\(expected)\"")
      }
    }
  }

  @Test("Nothing is normalised")
  func notNormalised() throws {
    #expect(try JSONValue("e\u{301}").utf8(.canonical) == [0x22, 0x65, 0xCC, 0x81, 0x22])
    #expect(try JSONValue("\u{e9}").utf8(.canonical) == [0x22, 0xC3, 0xA9, 0x22])
  }

  @Test("Numbers that JSON doesn't have are written only where they are allowed")
  func nonFinite() throws {
    for (value, text) in [
      (Double.nan, "NaN"), (-.nan, "NaN"), (.signalingNaN, "NaN"),
      (.infinity, "Infinity"), (-.infinity, "-Infinity"),
    ] {
      let array: JSONValue = [1, .double(value)]
      let error = #expect(throws: JSONError.self) { try array.text(.canonical) }
      #expect(error?.code == .nonFiniteNumber)
      #expect(error?.offset == 3)
      #expect(try array.text(.canonical, allowNonFiniteNumbers: true) == "[1,\(text)]")
      #expect(array.description == "[1,\(text)]")
    }
  }

  @Test("Pretty text has a line for each member and element, in their order")
  func pretty() throws {
    let value: JSONValue = [
      "b": [1, [], [:], ["x": nil]], "a": "é\n", "": ["c": [[1.5]]],
    ]
    #expect(
      try value.text(.pretty) == #"""
        {
          "b": [
            1,
            [],
            {},
            {
              "x": null
            }
          ],
          "a": "é\n",
          "": {
            "c": [
              [
                1.5
              ]
            ]
          }
        }
        """#)
    #expect(try value.text(.compact) == #"{"b":[1,[],{},{"x":null}],"a":"é\n","":{"c":[[1.5]]}}"#)
    #expect(value.description == (try value.text(.compact)))
    #expect(value.objectValue?.description == value.description)
  }
}
