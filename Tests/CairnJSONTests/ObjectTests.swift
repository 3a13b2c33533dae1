// Objects: order, look-up, equality, and keys as bytes.

import CairnJSON
import Testing

@Suite("Objects")
struct ObjectTests {
  @Test("Keys keep the order of the text")
  func order() throws {
    let value = try JSONValue(parsing: #"{"z":1,"a":2,"m":3,"b":4}"#)
    #expect(value.objectValue?.map(\.key) == ["z", "a", "m", "b"])
    #expect(try value.text(.compact) == #"{"z":1,"a":2,"m":3,"b":4}"#)
  }

  @Test(
    "Canonically equivalent keys of different bytes are two keys",
    arguments: [("\u{e9}", "e\u{301}"), ("\u{212b}", "\u{c5}"), ("\u{ac00}", "\u{1100}\u{1161}")])
  func equivalentKeys(_ one: String, _ other: String) throws {
    #expect(one == other, "equal for String")
    let value = try JSONValue(parsing: "{\"\(one)\":1,\"\(other)\":2}")
    #expect(value[one] == 1)
    #expect(value[other] == 2)
    #expect(value.objectValue?.count == 2)
    #expect(JSONValue.string(one) != .string(other))
    #expect(([one: 1] as JSONValue) != [other: 1])
    #expect(Set([JSONValue.string(one), .string(other)]).count == 2)

    // The same in an object that is large enough to be hashed.
    var large = JSONObject()
    for number in 0..<100 { large["\(number)"] = 0 }
    large[one] = 1
    large[other] = 2
    #expect(large.count == 102)
    #expect(large[one] == 1)
    #expect(large[other] == 2)
  }

  @Test("Permuted combining marks, which String takes for one key, are told apart quickly")
  func hashFlooding() throws {
    // Marks of different classes in any order are canonically equivalent: 6! keys, all equal.
    let marks: [Character] = ["\u{301}", "\u{323}", "\u{334}", "\u{327}", "\u{31b}", "\u{345}"]
    var orders: [[Character]] = [[]]
    for mark in marks {
      orders = orders.flatMap { order in
        (0...order.count).map { place in
          var longer = order
          longer.insert(mark, at: place)
          return longer
        }
      }
    }
    let keys = orders.map { order in
      var key = String.UnicodeScalarView()
      key.append("a")
      for mark in order { key.append(contentsOf: mark.unicodeScalars) }
      return String(key)
    }
    #expect(keys.count == 720)
    #expect(Set(keys).count == 1)
    let text = "{" + keys.map { "\"\($0)\":0" }.joined(separator: ",") + "}"
    #expect(try JSONValue(parsing: text).objectValue?.count == 720)
  }

  @Test("An object of 50,000 keys is read and every key found; a duplicate in it is refused")
  func manyKeys() throws {
    let members = (0..<50_000).map { "\"model.layers.\($0).weight\":\($0)" }
    let text = "{" + members.joined(separator: ",")
    let object = try #require(try JSONValue(parsing: text + "}").objectValue)
    #expect(object.count == 50_000)
    for number in 0..<50_000 where object["model.layers.\(number).weight"]?.intValue != number {
      Issue.record("key \(number)")
    }
    #expect(object["model.layers.50000.weight"] == nil)
    let error = #expect(throws: JSONError.self) {
      try JSONValue(parsing: text + ",\"model.layers.25000.weight\":0}")
    }
    #expect(error?.code == .duplicateKey)
    #expect(error?.offset == text.utf8.count + 1)
  }

  @Test("Duplicates are found at every size, below and above where the keys are hashed")
  func duplicatesAtEverySize() {
    for count in 1...40 {
      let members = (0..<count).map { "\"\($0)\":\($0)" }.joined(separator: ",")
      for number in [0, count / 2, count - 1] {
        let error = #expect(throws: JSONError.self) {
          try JSONValue(parsing: "{\(members),\"\(number)\":0}")
        }
        #expect(error?.code == .duplicateKey)
      }
    }
  }

  @Test("Setting keeps the place, a new key is appended, nil removes")
  func mutation() {
    for count in [3, 12, 13, 14, 40] {
      var object = JSONObject()
      for number in 0..<count { object["k\(number)"] = .integer(Int64(number)) }
      let before = object
      object["k1"] = "new"
      #expect(object.map(\.key) == before.map(\.key))
      #expect(object["k1"] == "new")
      object["k0"] = nil
      object["absent"] = nil
      #expect(object.count == count - 1)
      #expect(object["k0"] == nil)
      #expect(object["k\(count - 1)"]?.intValue == count - 1)
      object["k0"] = .null
      #expect(object.map(\.key).last == "k0")
      #expect(object["k0"] == .some(.null))
      #expect(before["k0"] == 0, "a copy is not changed")
      #expect(before["k1"] == 1)
    }
  }

  @Test("Objects are equal whatever their order, arrays are not")
  func equality() throws {
    for count in [2, 30] {
      let members = (0..<count).map { "\"\($0)\":[\($0)]" }
      let one = try JSONValue(parsing: "{\(members.joined(separator: ","))}")
      let other = try JSONValue(parsing: "{\(members.reversed().joined(separator: ","))}")
      #expect(one == other)
      #expect(one.hashValue == other.hashValue)
      #expect(try one.text(.canonical) == other.text(.canonical))
      #expect(try one.text(.compact) != other.text(.compact))
    }
    #expect((["a": 1, "b": 2] as JSONValue) != ["a": 2, "b": 1])
    #expect((["a": 1] as JSONValue) != ["a": 1, "b": nil])
    #expect((["a": nil] as JSONValue) != ["b": nil])
    #expect(([1, 2] as JSONValue) != [2, 1])
  }

  @Test("Values are equal exactly when their canonical texts are")
  func equalityIsThatOfCanonicalTexts() throws {
    let values: [JSONValue] = [
      nil, true, false, 0, 1, -1, 0.0, .double(-0.0), 1.0, .double(.nan), .double(-.nan),
      .double(.infinity), .double(-.infinity), .double(.leastNonzeroMagnitude),
      .integer(.max), .integer(.min), .unsigned(.max), .unsigned(1),
      .unsigned(UInt64(Int64.max)), .unsigned(UInt64(Int64.max) + 1), .double(0x1p63),
      "", "0", "1", "null", "\u{e9}", "e\u{301}", [], [[]], [nil], [:], ["": nil], ["a": 1],
      ["a": 1, "b": 2], ["b": 2, "a": 1], [1, 2], [2, 1],
    ]
    for one in values {
      for other in values {
        let sameText =
          try one.utf8(.canonical, allowNonFiniteNumbers: true)
          == other.utf8(.canonical, allowNonFiniteNumbers: true)
        #expect((one == other) == sameText, "\(one) and \(other)")
        if one == other { #expect(one.hashValue == other.hashValue) }
      }
    }
  }

  @Test("Accessors answer for their own kind, and integers convert to doubles")
  func accessors() {
    let value: JSONValue = ["s": "x", "i": 3, "d": 2.5, "b": true, "a": [1], "o": [:], "n": nil]
    #expect(value["s"]?.stringValue == "x")
    #expect(value["i"]?.intValue == 3)
    #expect(value["i"]?.doubleValue == 3.0)
    #expect(value["d"]?.doubleValue == 2.5)
    #expect(value["d"]?.intValue == nil)
    #expect(value["b"]?.boolValue == true)
    #expect(value["b"]?.intValue == nil)
    #expect(value["i"]?.boolValue == nil)
    #expect(value["a"]?.arrayValue == [1])
    #expect(value["o"]?.objectValue?.isEmpty == true)
    #expect(value["n"]?.isNull == true)
    #expect(value["absent"] == nil)
    #expect(value["s"]?["x"] == nil)
    #expect(value.objectValue?.first?.key == "s")
    #expect(JSONValue.unsigned(.max).intValue == nil)
    #expect(JSONValue.unsigned(.max).doubleValue == 0x1p64)
    #expect(JSONValue.double(1.0).intValue == nil)
    #expect(value.stringValue == nil && value.arrayValue == nil && !value.isNull)
  }
}
