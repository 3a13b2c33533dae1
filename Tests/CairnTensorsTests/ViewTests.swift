// Shapes, slices and what an element type demands of its bytes.

import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite struct ShapeTests {
  @Test(
    arguments: [
      ([], 1, "()"), ([3], 3, "(3,)"), ([2, 3], 6, "(2, 3)"), ([0], 0, "(0,)"),
      ([1 << 47, 1 << 47, 0], 0, "(140737488355328, 140737488355328, 0)"),
      ([0, 1 << 47, 1 << 47, 1 << 47], 0, nil),
      ([1 << 47, 1 << 15], 1 << 62, nil), ([Int](repeating: 1, count: 32), 1, nil),
    ] as [([Int], Int, String?)])
  func `a shape has so many elements`(_ dimensions: [Int], _ count: Int, _ text: String?) throws {
    let shape = try Shape(dimensions)
    #expect(shape.elementCount == count)
    #expect(shape.rank == dimensions.count)
    if let text { #expect(shape.description == text) }
  }

  @Test(arguments: [
    [-1], [1 << 48], [Int.max], [Int.min, 0], [1 << 47, 1 << 47], [3, -1, 0],
    [Int](repeating: 1, count: 33), [1 << 32, 1 << 31],
  ])
  func `a shape that no tensor can have is refused`(_ dimensions: [Int]) {
    #expect(code { _ = try Shape(dimensions) } == .invalidShape)
  }
}

@Suite struct SliceTests {
  @Test(arguments: [0..<3, 0..<1, 1..<3, 2..<2, 0..<0, 3..<3])
  func `a slice holds the rows it names`(_ range: Range<Int>) throws {
    let tensor = try Tensor((0..<12).map { Int16($0) }, shape: [3, 2, 2])
    let slice = try tensor.slice(range)
    #expect(slice.shape.dimensions == [range.count, 2, 2])
    #expect(try slice.scalars() == (4 * range.lowerBound..<4 * range.upperBound).map { Int16($0) })
  }

  @Test func `a slice of a slice counts from the slice`() throws {
    let tensor = try Tensor((0..<10).map { Int8($0) })
    #expect(try tensor.slice(2..<9).slice(3..<5).scalars() == [5, 6] as [Int8])
  }

  @Test(arguments: [-1..<1, 0..<4, 3..<4, 4..<4, 0..<Int.max, Int.min..<0])
  func `a range outside dimension 0 is refused`(_ range: Range<Int>) throws {
    #expect(code { _ = try Tensor(zeros: .int8, shape: [3]).slice(range) } == .invalidArgument)
    #expect(code { _ = try Tensor(zeros: .int8, shape: []).slice(range) } == .invalidArgument)
  }

  @Test func `a dimension of 0 can be sliced`() throws {
    #expect(try Tensor(zeros: .int8, shape: [0, 3]).slice(0..<0).shape == [0, 3])
    #expect(try Tensor(zeros: .int8, shape: [3, 0]).slice(1..<2).shape == [1, 0])
    #expect(try Tensor(zeros: .int4, shape: [3, 0]).slice(1..<2).byteCount == 0)
  }

  @Test func `elements of less than a byte are sliced at whole groups`() throws {
    let values = (0..<20).map { UInt8($0 % 16) }
    let tensor = try Tensor(values).cast(to: .uint4)
    for range in [0..<8, 8..<16, 8..<20, 16..<20, 0..<20, 3..<3] {
      let slice = try tensor.slice(range)
      #expect(try slice.cast(to: .uint8).scalars() == Array(values[range]))
    }
    for range in [1..<8, 0..<7, 2..<20] {
      #expect(code { _ = try tensor.slice(range) } == .noConversion)
    }
    let six = try Tensor(zeros: .float6E2M3FN, shape: [4, 4])
    #expect(try six.slice(2..<4).byteCount == 6)
    #expect(code { _ = try six.slice(1..<2) } == .noConversion)
  }

  @Test func `strings are sliced only whole, blocks only between blocks`() throws {
    let strings = try Tensor(strings: ["a", "bc"])
    #expect(try strings.slice(0..<2) == strings)
    #expect(try strings.slice(1..<1).byteStrings() == [])
    #expect(code { _ = try strings.slice(0..<1) } == .noConversion)
    let block = DType.quantized(
      try #require(QuantizedBlock(typeID: 2, elementCount: 32, byteCount: 18)))
    let rows = try Tensor(zeros: block, shape: [4, 16])
    #expect(try rows.slice(2..<4).byteCount == 18)
    #expect(code { _ = try rows.slice(1..<3) } == .noConversion)
  }
}

@Suite struct ElementRuleTests {
  @Test func `a bool byte is 0 or 1`() throws {
    #expect(code { _ = try Tensor(dtype: .bool, shape: [3], bytes: [0, 1, 1]) } == nil)
    var found: CairnError?
    do throws(CairnError) {
      _ = try Tensor(dtype: .bool, shape: [3], bytes: [0, 1, 2])
    } catch { found = error }
    #expect(found?.code == .invalidElement)
    #expect(found?.location.index == 2)
  }

  @Test(
    arguments: [
      (DType.int4, 3, [0xFF, 0x0F], true), (.int4, 3, [0xFF, 0x1F], false),
      (.uint4, 1, [0x10], false), (.uint4, 2, [0xFF], true),
      (.float4E2M1FN, 1, [0x0F], true), (.float4E2M1FN, 1, [0x80], false),
      (.float6E2M3FN, 1, [0x3F], true), (.float6E2M3FN, 1, [0x40], false),
      (.float6E3M2FN, 2, [0xFF, 0x0F], true), (.float6E3M2FN, 2, [0xFF, 0x10], false),
      (.float6E3M2FN, 3, [0xFF, 0xFF, 0x03], true), (.float6E3M2FN, 3, [0xFF, 0xFF, 0x04], false),
      (.float6E3M2FN, 4, [0xFF, 0xFF, 0xFF], true), (.int4, 0, [], true),
    ] as [(DType, Int, [UInt8], Bool)])
  func `bits after the last element are zero`(
    _ dtype: DType, _ count: Int, _ bytes: [UInt8], _ isValid: Bool
  ) {
    #expect(
      code { _ = try Tensor(dtype: dtype, shape: [count], bytes: bytes) }
        == (isValid ? nil : .invalidElement))
  }

  private func ends(_ ends: [UInt64], then bytes: [UInt8]) -> [UInt8] {
    ends.flatMap { end in (0..<8).map { UInt8(truncatingIfNeeded: end >> UInt64(8 * $0)) } } + bytes
  }

  @Test(
    arguments: [
      ([1, 3], 3, true), ([0, 0], 0, true), ([3, 3], 3, true), ([2, 1], 1, false),
      ([1, 2], 3, false), ([1, 4], 3, false), ([.max, 3], 3, false), ([0, .max], 3, false),
      ([1 << 63, 1 << 63], 3, false),
    ] as [([UInt64], Int, Bool)])
  func `string ends ascend and meet the bytes`(
    _ values: [UInt64], _ count: Int, _ isValid: Bool
  ) {
    let bytes = ends(values, then: [UInt8](repeating: 0x41, count: count))
    #expect(
      code { _ = try Tensor(dtype: .string, shape: [values.count], bytes: bytes) }
        == (isValid ? nil : .invalidElement))
  }

  @Test(arguments: [2, 1_000, 1 << 47, Int.max, Int.max / 8 + 1])
  func `more strings than there are bytes for are refused at once`(_ count: Int) {
    let bytes = [UInt8](repeating: 0, count: 8)
    #expect(
      code { try ElementRules.check(bytes.span, dtype: .string, elementCount: count) }
        == .invalidElement)
  }

  @Test func `strings come back byte for byte`() throws {
    let strings = ["", "a", "é", "e\u{301}", String(repeating: "x", count: 1_000), ""]
    let tensor = try Tensor(strings: strings, shape: [2, 3])
    #expect(try tensor.byteStrings() == strings.map { Array($0.utf8) })
    #expect(try Tensor(zeros: .string, shape: [2]).byteStrings() == [[], []])
    #expect(try Tensor(strings: []).byteStrings() == [])
  }
}

@Suite struct DTypeTests {
  @Test func `every plain type has a name of its own and is found by it`() {
    #expect(Set(DType.allPlain.map(\.name)).count == 26)
    for dtype in DType.allPlain { #expect(DType(name: dtype.name) == dtype) }
    #expect(DType(name: "float31") == nil)
    #expect(DType(name: "quantized(2:32x18B)") == nil)
  }

  @Test(
    arguments: [
      (DType.int4, 3, 2), (.int4, Int.max, nil), (.float6E2M3FN, 3, 3), (.float6E2M3FN, 4, 3),
      (.float64, 1 << 60, nil), (.float64, 3, 24), (.complex128, 3, 48), (.string, 3, nil),
      (.bool, -1, nil), (.bool, Int.max, Int.max), (.int4, 1 << 61, nil), (.int4, 1 << 60, 1 << 59),
    ] as [(DType, Int, Int?)])
  func `elements take so many bytes, or more than can be counted`(
    _ dtype: DType, _ count: Int, _ bytes: Int?
  ) {
    #expect(dtype.byteCount(elements: count) == bytes)
  }

  @Test func `blocks have bounds, and are filled whole`() throws {
    #expect(QuantizedBlock(typeID: 0, elementCount: 0, byteCount: 1) == nil)
    #expect(QuantizedBlock(typeID: 0, elementCount: 1, byteCount: 0) == nil)
    #expect(QuantizedBlock(typeID: 0, elementCount: 65_537, byteCount: 1) == nil)
    let block = DType.quantized(
      try #require(QuantizedBlock(typeID: 2, elementCount: 32, byteCount: 18)))
    #expect(block.byteCount(elements: 64) == 36)
    #expect(block.byteCount(elements: 63) == nil)
    #expect(block.byteCount(elements: Int.max - 31) == (Int.max - 31) / 32 * 18)
  }
}
