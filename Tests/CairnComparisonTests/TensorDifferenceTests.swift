// Differences between two tensors: counted and measured.

import CairnComparison
import CairnSystem
import CairnTensors
import Testing

@Suite("Differences between two tensors")
struct TensorDifferenceTests {
  @Test("Equal bits are no difference, whatever the type")
  func same() throws {
    for dtype in DType.allPlain {
      let zeros = try Tensor(zeros: dtype, shape: [3, 5])
      #expect(try compare(zeros, zeros) == nil)
      #expect(try compare(zeros, zeros.copied()) == nil)
    }
  }

  @Test("A difference has its place, bits, counts and distances")
  func parts() throws {
    var values = [Float](repeating: 0.5, count: 12)
    let left = try Tensor(values, shape: [3, 4])
    values[6] = Float(0.5).nextUp
    values[9] = -0.25
    let difference = try #require(try compare(left, Tensor(values, shape: [3, 4])))
    #expect(difference.name == nil && difference.otherNames.isEmpty)
    #expect(difference.dtype == .float32 && difference.shape == [3, 4])
    #expect(difference.elementCount == 12)
    #expect(difference.firstIndex == 6)
    #expect(difference.firstPosition == [1, 2])
    #expect(difference.firstBits?.left == "3f000000")
    #expect(difference.firstBits?.right == "3f000001")
    #expect(difference.firstBits?.xor == "00000001")
    #expect(difference.differingElements == 2)
    // 3f000000 and be800000 differ in two bytes.
    #expect(difference.differingBytes == 3)
    // Named, for its type: compared with a sum of literals, Swift 6.3 makes code that reads a byte
    // too much of the stack (`make test-asan`).
    let distance: UInt64 = 0x3F00_0000 + 0x3E80_0000
    #expect(difference.largestULP == distance)
    #expect(difference.maximumAbsolute == 0.75)
    #expect(difference.maximumRelative == 1.5)
    #expect(difference.nanMismatches == 0)
  }

  @Test("NaNs with equal payloads are equal")
  func equalNaNs() throws {
    let bits: [UInt64] = [0x7FC0_0001, 0xFFC0_0000, 0x7F80_0001]
    #expect(try compare(tensor(.float32, bits), tensor(.float32, bits)) == nil)
  }

  @Test("NaNs with other payloads, and NaN against a number, differ and have no distance")
  func otherNaNs() throws {
    let left = try tensor(.float32, [0x7FC0_0000, 0x7FC0_0000, 0x3F80_0000, 0])
    let right = try tensor(.float32, [0x7FC0_0001, 0x3F80_0000, 0xFFC0_0000, 0])
    let difference = try #require(try compare(left, right))
    #expect(difference.nanMismatches == 3 && difference.differingElements == 3)
    #expect(difference.largestULP == nil)
    #expect(difference.maximumAbsolute == nil && difference.maximumRelative == nil)
  }

  @Test("Minus zero differs from zero, at distance 0")
  func zeros() throws {
    let difference = try #require(
      try compare(Tensor([0.0, 0.0] as [Double]), Tensor([0.0, -0.0] as [Double])))
    #expect(difference.firstIndex == 1)
    #expect(difference.firstBits?.xor == "8000000000000000")
    #expect(difference.largestULP == 0)
    #expect(difference.maximumAbsolute == 0 && difference.maximumRelative == 0)
    #expect(difference.differingBytes == 1)
  }

  @Test("An infinity is infinitely far, and the neighbour of the largest number")
  func infinities() throws {
    let difference = try #require(
      try compare(
        Tensor([Float.greatestFiniteMagnitude]), Tensor([Float.infinity])))
    #expect(difference.largestULP == 1)
    #expect(difference.maximumAbsolute == .infinity && difference.maximumRelative == .infinity)
  }

  @Test(
    "The largest distance of each type",
    arguments: [
      (DType.float32, 0x3F80_0000, 0x3F80_0001, 1, 0x1p-23, 1.1920927533992823e-07),
      (.float32, 0x3DCC_CCCD, 0x3E99_999A, 13_421_773, 0.20000001043081284, 0.6666666749450892),
      (.float64, 0xBFF8_0000_0000_0000, 0x4004_0000_0000_0000, 9_222_246_136_947_933_184, 4, 1.6),
      (.float16, 0x3C00, 0x3E00, 512, 0.5, 0.3333333333333333),
      (.bfloat16, 0x3F80, 0x3F82, 2, 0x1p-6, 0.015384615384615385),
      (.float8E4M3FN, 0x38, 0x3A, 2, 0.25, 0.2), (.float8E5M2, 0x3C, 0xBC, 120, 2, 2),
      (.float8E4M3FNUZ, 0x00, 0x01, 1, 0x1p-10, 1), (.float8E8M0FNU, 0x7F, 0x81, 2, 3, 0.75),
    ] as [(DType, UInt64, UInt64, UInt64, Double, Double)])
  func floats(
    _ dtype: DType, _ left: UInt64, _ right: UInt64, _ ulp: UInt64, _ absolute: Double,
    _ relative: Double
  ) throws {
    let difference = try #require(try compare(tensor(dtype, [left]), tensor(dtype, [right])))
    #expect(difference.largestULP == ulp)
    #expect(difference.maximumAbsolute == absolute)
    #expect(difference.maximumRelative == relative)
  }

  @Test("Integers have distances, also across their whole range, and no ULP")
  func integers() throws {
    let signed = try #require(
      try compare(Tensor([Int64.min, 5]), Tensor([Int64.max, 5])))
    #expect(signed.maximumAbsolute == 0x1p64 && signed.largestULP == nil)
    #expect(signed.maximumRelative == 2)
    let bytes = try #require(try compare(Tensor([-128, 3] as [Int8]), Tensor([127, 7] as [Int8])))
    #expect(bytes.maximumAbsolute == 255 && bytes.differingElements == 2)
    #expect(bytes.firstBits?.left == "80" && bytes.firstBits?.xor == "ff")
    let unsigned = try #require(
      try compare(Tensor([UInt64.max]), Tensor([UInt64.max - 1])))
    #expect(unsigned.maximumAbsolute == 1)
    let small = try #require(try compare(Tensor([3] as [UInt16]), Tensor([1] as [UInt16])))
    #expect(small.maximumAbsolute == 2 && small.maximumRelative == 2.0 / 3)
  }

  @Test("Bools differ by their bits alone")
  func bools() throws {
    let difference = try #require(
      try compare(Tensor([true, true, false]), Tensor([true, false, true])))
    #expect(difference.differingElements == 2 && difference.firstIndex == 1)
    #expect(difference.firstBits?.left == "01" && difference.firstBits?.right == "00")
    #expect(difference.largestULP == nil && difference.maximumAbsolute == nil)
  }

  @Test("A complex number is one element of two parts")
  func complex() throws {
    let left = try Tensor(
      dtype: .complex64, shape: [2], bytes: tensor(.float32, [1, 2, 3, 0x3F80_0000]).bytes)
    let right = try Tensor(
      dtype: .complex64, shape: [2], bytes: tensor(.float32, [1, 2, 5, 0x4000_0000]).bytes)
    let difference = try #require(try compare(left, right))
    #expect(difference.elementCount == 2 && difference.differingElements == 1)
    #expect(difference.firstIndex == 1)
    #expect(difference.firstBits?.left == "00000003,3f800000")
    #expect(difference.firstBits?.xor == "00000006,7f800000")
    #expect(difference.largestULP == 0x80_0000)
    #expect(difference.maximumAbsolute == 1)
  }

  @Test(
    "Packed elements are found where they straddle bytes",
    arguments: [
      (DType.int4, [0x21, 0x43], [0x21, 0xF3], 3, 1, "4", "f", "b", 5.0),
      (.uint4, [0x21, 0x43], [0x2F, 0x43], 0, 1, "1", "f", "e", 14.0),
      (.float4E2M1FN, [0x00, 0x70], [0x00, 0x60], 3, 1, "7", "6", "1", 2.0),
      // Elements of 6 bits: 0, 1, 2, 3 against 0, 33, 2, 3; the second straddles bytes 0 and 1.
      (.float6E3M2FN, [0x40, 0x20, 0x0C], [0x40, 0x28, 0x0C], 1, 1, "01", "21", "20", 0.125),
    ] as [(DType, [UInt8], [UInt8], Int, Int, String, String, String, Double)])
  func packed(
    _ dtype: DType, _ left: [UInt8], _ right: [UInt8], _ index: Int, _ count: Int, _ a: String,
    _ b: String, _ xor: String, _ absolute: Double
  ) throws {
    let difference = try #require(
      try compare(
        Tensor(dtype: dtype, shape: [4], bytes: left),
        Tensor(dtype: dtype, shape: [4], bytes: right)))
    #expect(difference.firstIndex == index && difference.differingElements == count)
    #expect(difference.firstBits?.left == a && difference.firstBits?.right == b)
    #expect(difference.firstBits?.xor == xor)
    #expect(difference.maximumAbsolute == absolute)
  }

  @Test("A quantised block is one element; its bytes stand from the first different one on")
  func quantized() throws {
    let block = try #require(QuantizedBlock(typeID: 2, elementCount: 32, byteCount: 18))
    var bytes = [UInt8](repeating: 7, count: 54)
    let left = try Tensor(dtype: .quantized(block), shape: [3, 32], bytes: bytes)
    bytes[18 + 16] = 9
    bytes[36] = 8
    let right = try Tensor(dtype: .quantized(block), shape: [3, 32], bytes: bytes)
    let difference = try #require(try compare(left, right))
    #expect(difference.elementCount == 3 && difference.differingElements == 2)
    #expect(difference.firstIndex == 1 && difference.firstPosition == [1, 0])
    #expect(difference.firstBits?.left == "0707" && difference.firstBits?.right == "0907")
    #expect(difference.differingBytes == 2)
  }

  @Test("Strings differ by bytes and by length")
  func strings() throws {
    let left = try Tensor(strings: ["a", "", "caf\u{E9}", "same", "x"])
    let right = try Tensor(strings: ["a", "", "cafe\u{301}", "same", "y"])
    let difference = try #require(try compare(left, right))
    #expect(difference.differingElements == 2 && difference.firstIndex == 2)
    #expect(difference.firstBits == nil && difference.differingBytes == nil)
    #expect(try compare(left, left.copied()) == nil)
    #expect(try compare(Tensor(strings: []), Tensor(strings: [])) == nil)
  }

  @Test("Every string that differs is found among many")
  func manyStrings() throws {
    var texts = (0..<70_000).map { "text \($0)" }
    let left = try Tensor(strings: texts)
    for index in [0, 32_767, 32_768, 40_001, 69_999] { texts[index] = "TEXT \(index)" }
    texts[50_000] = ""
    let difference = try #require(try compare(left, Tensor(strings: texts)))
    #expect(difference.differingElements == 6 && difference.firstIndex == 0)
  }

  @Test("The first difference is found at every place of a tensor")
  func everyPlace() throws {
    let left = try Tensor([UInt16](repeating: 1, count: 5_000))
    for index in stride(from: 0, to: 5_000, by: 7) {
      var right = left
      try right.setElement(at: [index], to: UInt16(2))
      let difference = try #require(try compare(left, right))
      #expect(difference.firstIndex == index && difference.differingElements == 1)
    }
  }

  @Test("Other types and shapes are an error")
  func mismatches() throws {
    let floats = try Tensor([1, 2] as [Float])
    #expect(throws: CairnError.self) { try compare(floats, Tensor([1, 2] as [Int32])) }
    #expect(throws: CairnError.self) { try compare(floats, floats.reshaped(to: [1, 2])) }
  }

  @Test("Variables are compared by their values")
  func variables() throws {
    let left = Variable(try Tensor([1, 2] as [Float]))
    let right = try left.deepCopy()
    #expect(try compare(left, right) == nil)
    try right.assign(Tensor([1, 3] as [Float]))
    #expect(try compare(left, right)?.firstIndex == 1)
  }
}

@Suite("Tolerance")
struct ToleranceTests {
  private func differs(
    _ a: [Double], _ b: [Double], absolute: Double = 0, relative: Double = 0
  ) throws -> Int {
    let tolerance = try Tolerance(absolute: absolute, relative: relative)
    return try compare(Tensor(a), Tensor(b), tolerance: tolerance)?.differingElements ?? 0
  }

  @Test("Numbers within it are the same, as math.isclose has it")
  func close() throws {
    #expect(try differs([1], [1.5], absolute: 0.5) == 0)
    #expect(try differs([1], [1.5], absolute: 0.4999) == 1)
    #expect(try differs([100], [101], relative: 0.01) == 0)
    #expect(try differs([100], [101], relative: 0.0099) == 1)
    #expect(try differs([-0.0], [0]) == 0)
    #expect(try differs([0], [.leastNonzeroMagnitude]) == 1)
  }

  @Test("An infinity is close to itself only, a NaN to every NaN")
  func specials() throws {
    #expect(try differs([.infinity], [1e308], absolute: 1e308) == 1)
    #expect(try differs([.infinity], [-.infinity], relative: 1) == 1)
    #expect(
      try differs([Double(nan: 1, signaling: false)], [Double(nan: 2, signaling: false)]) == 0)
    #expect(try differs([.nan], [0], absolute: 1e300) == 1)
  }

  @Test("What is beyond it is counted and measured alone")
  func counts() throws {
    let difference = try #require(
      try compare(
        Tensor([1, 2, 3] as [Float]), Tensor([1.1, 2, 5] as [Float]),
        tolerance: Tolerance(absolute: 0.2)))
    #expect(difference.differingElements == 1 && difference.firstIndex == 2)
    #expect(difference.maximumAbsolute == 2)
  }

  @Test("Integers are numbers, bools are not")
  func otherTypes() throws {
    let tolerance = try Tolerance(absolute: 1)
    #expect(try compare(Tensor([1] as [Int8]), Tensor([2] as [Int8]), tolerance: tolerance) == nil)
    #expect(try compare(Tensor([UInt8(1)]), Tensor([UInt8(3)]), tolerance: tolerance) != nil)
    #expect(try compare(Tensor([true]), Tensor([false]), tolerance: tolerance) != nil)
  }

  @Test("A bound that is none is refused", arguments: [-1, .nan, .infinity] as [Double])
  func bounds(_ bound: Double) {
    #expect(throws: CairnError.self) { try Tolerance(absolute: bound) }
    #expect(throws: CairnError.self) { try Tolerance(relative: bound) }
  }
}
