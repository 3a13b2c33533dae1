// What the limits refuse, to the byte, and texts made to exhaust a reader.

import CairnJSON
import Testing

@Suite("Limits")
struct LimitTests {
  private func nested(_ depth: Int) -> String {
    String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
  }

  private func nestedObjects(_ depth: Int) -> String {
    String(repeating: #"{"a":"#, count: depth) + "0" + String(repeating: "}", count: depth)
  }

  private func code(of text: String, _ limits: JSONLimits = JSONLimits()) -> JSONError.Code? {
    do {
      _ = try JSONValue(parsing: text, limits: limits)
      return nil
    } catch {
      return error.code
    }
  }

  @Test("128 levels are read by default, 129 are refused at the bracket that is too many")
  func defaultDepth() {
    #expect(code(of: nested(128)) == nil)
    #expect(code(of: nestedObjects(128)) == nil)
    #expect(code(of: nestedObjects(129)) == .tooDeep)
    let error = #expect(throws: JSONError.self) { try JSONValue(parsing: nested(129)) }
    #expect(error?.code == .tooDeep)
    #expect(error?.offset == 128)
  }

  @Test("The depth can be lowered, to nothing too, and raised to the greatest and no further")
  func otherDepths() throws {
    var limits = JSONLimits()
    limits.maximumDepth = 0
    #expect(code(of: "1", limits) == nil)
    #expect(code(of: "[]", limits) == .tooDeep)
    limits.maximumDepth = -1
    #expect(code(of: "[]", limits) == .tooDeep)
    limits.maximumDepth = .max
    let deepest = nested(JSONLimits.greatestDepth)
    let value = try JSONValue(parsing: deepest, limits: limits)
    #expect(try value.text(.canonical) == deepest)
    #expect(try value == JSONValue(parsing: deepest, limits: limits))
    #expect(Set([value]).contains(value))
    #expect(code(of: nested(JSONLimits.greatestDepth + 1), limits) == .tooDeep)
    let deeper = JSONValue.array([value])
    #expect(throws: JSONError.self) { try deeper.text(.compact) }
    #expect(deeper.description.contains("tooDeep"))
  }

  @Test("A hundred thousand brackets are refused, and do no harm")
  func depthBombs() {
    var limits = JSONLimits()
    limits.maximumDepth = .max
    for text in [
      String(repeating: "[", count: 100_000), nested(100_000),
      String(repeating: "{\"a\":", count: 100_000), String(repeating: "[{\"a\":", count: 100_000),
    ] {
      #expect(code(of: text) == .tooDeep)
      #expect(code(of: text, limits) == .tooDeep)
    }
  }

  @Test("A text of exactly the greatest size is read, a byte more is refused")
  func size() {
    var limits = JSONLimits()
    limits.maximumBytes = 5
    #expect(code(of: "[1,2]", limits) == nil)
    #expect(code(of: "[1,2] ", limits) == .tooLarge)
    limits.maximumBytes = -1
    #expect(code(of: "", limits) == .tooLarge)
  }

  @Test("Values are counted, containers and members' values included")
  func values() {
    var limits = JSONLimits()
    limits.maximumValues = 4
    #expect(code(of: #"[1,{"a":2}]"#, limits) == nil)
    #expect(code(of: #"[1,{"a":2},3]"#, limits) == .tooManyValues)
    limits.maximumValues = 0
    #expect(code(of: "1", limits) == .tooManyValues)
    limits.maximumValues = .max
    #expect(code(of: "1", limits) == nil)
  }

  @Test("A number of thousands of digits is refused before it is converted")
  func longNumbers() {
    let fraction = "0." + String(repeating: "1", count: 4094)
    #expect(code(of: fraction) == nil)
    #expect(code(of: fraction + "1") == .tooLarge)
    #expect(code(of: "1e" + String(repeating: "0", count: 100_000)) == .tooLarge)
    #expect(code(of: String(repeating: "9", count: 100_000)) == .tooLarge)
  }
}
