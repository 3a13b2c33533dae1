// Patterns of names and the rules made of them.

import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@testable import CairnEditing

@Suite struct NamePatternTests {
  @Test(
    arguments: [
      // (pattern, name, what is captured; nil if it does not match)
      ("a.b", "a.b", []), ("a.b", "axb", nil), ("a.b", "a.bc", nil), ("*", "", [""]),
      ("*", "a/b.c", ["a/b.c"]), ("*.bias", "x.y.bias", ["x.y"]), ("*.bias", "x.bias.y", nil),
      ("*.*", "a.b.c", ["a", "b.c"]), ("*.*.c", "a.b.x.c", ["a", "b.x"]),
      ("**", "ab", ["", "ab"]), ("a*b*c", "a1b2b3c", ["1", "2b3"]), ("?", "é", ["é"]),
      ("?", "", nil), ("?", "ab", nil), ("layer_[0-9]*", "layer_12", ["1", "2"]),
      ("layer_[!0-9]", "layer_1", nil), ("[]]", "]", ["]"]), ("[a-]", "-", ["-"]),
      ("[!]]", "x", ["x"]), (#"\*"#, "*", []), (#"\*"#, "x", nil), (#"a\[0]"#, "a[0]", []),
      ("e\u{301}", "é", nil), ("re:b", "abc", []), ("re:^b", "abc", nil),
      (#"re:(\d+)"#, "a12", ["12"]), ("re:^.$", "e\u{301}", nil),
    ] as [(String, String, [String]?)])
  func `A pattern matches as it is described`(
    pattern: String, name: String, captures: [String]?
  ) throws {
    let found = try NamePattern(pattern).finder()(name)
    #expect(found.first.map { $0.captures.dropFirst().map(String.init) } == captures)
  }

  @Test(arguments: ["", "re:", "re:(", "re:*", "[", "[a", "[z-a]", "[!", #"a\"#])
  func `A pattern that is none is refused`(text: String) {
    #expect(code { _ = try NamePattern(text) } == .invalidArgument)
  }

  @Test func `A pattern of many wildcards takes no time to fail`() throws {
    let name = String(repeating: "a", count: 1_000)
    let pattern = String(repeating: "*a", count: 30) + "b"
    #expect(try NamePattern(pattern).finder()(name).isEmpty)
  }

  @Test func `A name is a pattern of itself alone`() throws {
    let pattern = NamePattern(exactly: "a*[0]")
    #expect(try pattern.finder()("a*[0]").map { $0.captures.map(String.init) } == [["a*[0]"]])
    #expect(try pattern.finder()("ab0").isEmpty && pattern.finder()("a*[0]b").isEmpty)
    #expect(try NamePattern(exactly: "\u{E9}").finder()("e\u{301}").isEmpty)
  }

  @Test(
    arguments: [
      ("*.gamma", "$1.weight", "norm.gamma", "norm.weight"),
      ("*.gamma", "$1.weight", "gamma", nil), ("?b*", "$2-$1-$0", "abc", "c-a-abc"),
      ("re:^", "model.", "x", "model.x"), ("re:a", "$$", "banana", "b$n$n$"),
      (#"re:(\w)\.(\w)"#, "$2.$1", "a.b.c.d", "b.a.d.c"), ("x", "", "x", ""),
      ("a", "é", "a", "é"),
    ] as [(String, String, String, String?)])
  func `A name becomes what its rule says`(
    pattern: String, replacement: String, name: String, result: String?
  ) throws {
    let rule = try RenamingRule(NamePattern(pattern), to: replacement)
    #expect(try rule.renamer()(name) == result)
  }

  @Test func `One name becomes another, dollar signs and all`() throws {
    let rename = try RenamingRule("a*", to: "$1").renamer()
    #expect(try rename("a*") == "$1" && rename("ab") == nil)
  }

  @Test(arguments: ["$", "$x"])
  func `A replacement that is none is refused`(text: String) {
    #expect(code { _ = try RenamingRule(NamePattern("a"), to: text) } == .invalidArgument)
  }

  @Test func `A capture that the pattern does not have is refused`() throws {
    let rename = try RenamingRule(NamePattern("a"), to: "$1$$").renamer()
    let error = #expect(throws: CairnError.self) { _ = try rename("a") }
    #expect(error?.code == .invalidArgument && error?.found == #""a=>$1$$""#)
  }

  @Test(arguments: [[0, 0], [1], [1, 2], [-1, 0]])
  func `An order of dimensions that is none is refused`(axes: [Int]) {
    #expect(code { _ = try TransposingRule(NamePattern("a"), axes: axes) } == .invalidArgument)
  }

  /// Numbers of a type: all bit patterns of up to 8 bits, a sample of 16.
  private func sample(_ dtype: DType) throws -> Tensor {
    let width = try #require(dtype.bitWidth)
    if width < 8 {
      let count = 1 << width
      let bytes = try Tensor(dtype: .uint8, shape: [count], bytes: (0..<count).map { UInt8($0) })
      // Bit patterns as small integers, packed by the cast.
      let packed = try bytes.cast(to: .uint4).bytes
      if width == 4 { return try Tensor(dtype: dtype, shape: [count], bytes: packed) }
      var bits = [UInt8](repeating: 0, count: count * 6 / 8)
      for value in 0..<count {
        for bit in 0..<6 where value >> bit & 1 == 1 {
          bits[(value * 6 + bit) / 8] |= 1 << UInt8((value * 6 + bit) % 8)
        }
      }
      return try Tensor(dtype: dtype, shape: [count], bytes: bits)
    }
    if width == 8 {
      let count = dtype == .bool ? 2 : 256
      return try Tensor(
        dtype: dtype, shape: [count], bytes: (0..<count).map { UInt8(truncatingIfNeeded: $0) })
    }
    let values = (0..<65_536).filter { $0 % 97 == 0 || $0 % 0x400 < 2 || $0 % 0x400 == 0x3FF }
    return try Tensor(
      dtype: dtype, shape: [values.count],
      bytes: values.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] })
  }

  private static let plain = DType.allPlain.filter { $0 != .string && !$0.isComplex }

  @Test(arguments: plain.filter { ($0.bitWidth ?? 64) <= 16 })
  func `A cast is called exact if and only if every number comes out the same`(
    source: DType
  ) throws {
    let tensor = try sample(source)
    let numbers = try tensor.cast(to: .float64).scalars(of: Double.self)
    for target in Self.plain {
      var isExact = true
      do throws(CairnError) {
        let cast = try tensor.cast(to: target).cast(to: .float64).scalars(of: Double.self)
        isExact = zip(numbers, cast).allSatisfy {
          $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN)
        }
      } catch {
        #expect(error.code == .notRepresentable)
        isExact = false
      }
      #expect(CastPrecision.isExact(from: source, to: target) == isExact, "\(source) to \(target)")
    }
  }

  @Test func `Wide types are in each other as IEEE's are`() {
    for (source, target, isExact) in [
      (.float32, .float64, true), (.float64, .float32, false), (.int32, .float64, true),
      (.int64, .float64, false), (.uint32, .int64, true), (.uint64, .int64, false),
      (.float32, .complex64, true), (.float64, .complex64, false), (.complex64, .complex128, true),
      (.complex128, .complex64, false), (.complex64, .float64, false), (.int32, .float32, false),
    ] as [(DType, DType, Bool)] {
      #expect(CastPrecision.isExact(from: source, to: target) == isExact, "\(source) to \(target)")
    }
  }
}
