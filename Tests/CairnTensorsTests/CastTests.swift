// Conversions between element types: the rules that the goldens of NumPy do not cover.

import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite struct CastTests {
  private static let numbers: [DType] = DType.allPlain.filter { $0 != .string }
  private static let complex: [DType] = [.complex64, .complex128]

  private func cast<T: TensorScalar, U: TensorScalar>(_ values: [T], _: U.Type) throws -> [U] {
    try Tensor(values).cast(to: U.dtype).scalars()
  }

  // MARK: - Which conversions there are

  @Test(arguments: numbers, numbers)
  func `small whole numbers pass between every two types unchanged`(
    _ source: DType, _ target: DType
  ) throws {
    if Self.complex.contains(source), !Self.complex.contains(target) { return }
    // 0 and 1 are in every type, but e8m0 has no 0; 17 of them leave a packed group unfinished.
    let values = [UInt8](
      (0..<17).map { source == .float8E8M0FNU || target == .float8E8M0FNU ? 1 : $0 % 2 })
    let start = try Tensor(values)
    let (there, direct) = (try start.cast(to: source).cast(to: target), try start.cast(to: target))
    #expect(there == direct)
    #expect(there.dtype == target && there.shape == [17])
    if !Self.complex.contains(target) { #expect(try there.cast(to: .uint8) == start) }
  }

  @Test(arguments: numbers)
  func `an empty tensor and a scalar can be cast`(_ target: DType) throws {
    #expect(try Tensor(zeros: .int32, shape: [3, 0]).cast(to: target).shape == [3, 0])
    #expect(try Tensor(scalar: Int8(1)).cast(to: target).shape == .scalar)
  }

  @Test(arguments: complex, numbers.filter { !complex.contains($0) && $0 != .bool })
  func `complex numbers are not cast to real ones`(_ source: DType, _ target: DType) throws {
    #expect(code { _ = try Tensor(zeros: source, shape: [2]).cast(to: target) } == .noConversion)
  }

  @Test(arguments: numbers)
  func `strings and blocks are not cast`(_ other: DType) throws {
    let block = DType.quantized(
      try #require(QuantizedBlock(typeID: 2, elementCount: 32, byteCount: 18)))
    let strings = try Tensor(strings: ["1"])
    let blocks = try Tensor(zeros: block, shape: [32])
    #expect(code { _ = try strings.cast(to: other) } == .noConversion)
    #expect(code { _ = try blocks.cast(to: other) } == .noConversion)
    #expect(code { _ = try Tensor(zeros: other, shape: [32]).cast(to: .string) } == .noConversion)
    #expect(code { _ = try Tensor(zeros: other, shape: [32]).cast(to: block) } == .noConversion)
    #expect(try strings.cast(to: .string) == strings)
    #expect(try blocks.cast(to: block) == blocks)
  }

  // MARK: - Integers

  @Test func `integers wrap as in NumPy`() throws {
    let values: [Int64] = [-1, 128, 255, 256, 65_535, 1 << 40, .min, .max]
    // numpy: np.array(values).astype(...)
    #expect(try cast(values, Int8.self) == [-1, -128, -1, 0, -1, 0, 0, -1])
    #expect(try cast(values, UInt8.self) == [255, 128, 255, 0, 255, 0, 0, 255])
    #expect(try cast(values, Int16.self) == [-1, 128, 255, 256, -1, 0, 0, -1])
    #expect(
      try cast(values, UInt32.self)
        == [4_294_967_295, 128, 255, 256, 65_535, 0, 0, 4_294_967_295])
    #expect(try cast([UInt64.max, 1 << 63], Int64.self) == [-1, .min])
    #expect(try cast([Int8](-128...127), UInt64.self).last == 127)
    #expect(try cast([Int8(-1)], UInt64.self) == [.max])
  }

  @Test func `four-bit integers wrap and are packed low half first`() throws {
    let tensor = try Tensor([Int32]([-8, -1, 7, 8, 17]))
    #expect(try tensor.cast(to: .int4).bytes == [0xF8, 0x87, 0x01])
    #expect(try tensor.cast(to: .int4).cast(to: .int8).scalars() == [Int8]([-8, -1, 7, -8, 1]))
    #expect(try tensor.cast(to: .uint4).cast(to: .uint8).scalars() == [UInt8]([8, 15, 7, 8, 1]))
  }

  @Test func `six-bit floats are packed in order with zeros after the last`() throws {
    // e2m3: 1 is 0b001_000, 7.5 is 0b011_111, -0 is 0b100_000.
    let bytes = try Tensor([Float]([1, 7.5, -0.0, 1, 7.5])).cast(to: .float6E2M3FN).bytes
    #expect(bytes == packed([0b001_000, 0b011_111, 0b100_000, 0b001_000, 0b011_111], bitWidth: 6))
    #expect(bytes.count == 4 && bytes[3] == 0b011_111)
  }

  @Test func `integers become the nearest float in one rounding`() throws {
    // 2^24 + 1 is a tie; 2^53 + 1 too; the last is a tie in float32 but for its lowest bit, which
    // float64 cannot hold: rounding twice would go down.
    let value: Int64 = (1 << 62) + (1 << 38) + 1
    #expect(
      try cast([Int64]([(1 << 25) + 1, (1 << 24) + 3]), Float.self) == [33_554_432, 16_777_220])
    #expect(
      try cast([Int64]([(1 << 53) + 1, (1 << 53) + 3, -(1 << 53) - 1]), Double.self)
        == [9_007_199_254_740_992, 9_007_199_254_740_996, -9_007_199_254_740_992])
    #expect(try cast([value, -value], Float.self) == [0x1.000002p62, -0x1.000002p62])
    #expect(try cast([value - 1], Float.self) == [0x1p62])
    #expect(try cast([UInt64.max], Double.self) == [0x1p64])
    // bfloat16 keeps 8 bits: 2^62 + 2^54 is a tie, broken by the 1.
    let tie: Int64 = (1 << 62) + (1 << 54)
    let found = try cast([tie, tie + 1, tie - 1], BFloat16.self).map { Double($0) }
    #expect(found == [0x1p62, 0x1.02p62, 0x1p62])
    #expect(
      try cast([Int32]([65_519, 65_520, 2_049]), Float16.self) == [65_504, .infinity, 2_048])
  }

  // MARK: - Floats

  @Test func `float64 is rounded once, not by way of float32`() throws {
    // Just above the tie between 1 and the next bfloat16; float32 would drop the 2^-40.
    let above = 1 + 0x1p-8 + 0x1p-40
    #expect(try cast([above], BFloat16.self).map { Double($0) } == [1 + 0x1p-7])
    #expect(try cast([1 + 0x1p-8], BFloat16.self).map { Double($0) } == [1])
    #expect(try cast([1 + 0x1p-11 + 0x1p-40], Float16.self) == [Float16(1 + 0x1p-10)])
    #expect(try cast([1 + 0x1p-11], Float16.self) == [1])
    // The same for float8 (4 bits, and 3) and float4 (2 bits), and below the smallest normal.
    let small = try Tensor([1 + 0x1p-4 + 0x1p-40, 1 + 0x1p-4]).cast(to: .float8E4M3FN)
    #expect(try small.cast(to: .float64).scalars() == [1.125, 1])
    let four = try Tensor([1.25 + 0x1p-40, 1.25, 0.25, 0.25 + 0x1p-40]).cast(to: .float4E2M1FN)
    #expect(try four.cast(to: .float64).scalars() == [1.5, 1, 0, 0.5])
    #expect(try cast([0x1p-25, 0x1p-25 + 0x1p-70], Float16.self) == [0, 0x1p-24])
    #expect(BFloat16(above).bitPattern == 0x3F81)
  }

  @Test func `every float64 near a tie rounds to 16 bits as exact arithmetic says`() throws {
    // Between neighbours a < b of bfloat16: the tie goes to the even pattern, one bit of float64
    // beside it to the nearer.
    for pattern in stride(from: UInt16(0), to: 0x7F00, by: 37) {
      let (a, b) = (BFloat16(bitPattern: pattern), BFloat16(bitPattern: pattern + 1))
      let middle = (Double(a) + Double(b)) / 2
      let even = pattern & 1 == 0 ? pattern : pattern + 1
      #expect(BFloat16(middle).bitPattern == even)
      #expect(BFloat16(middle.nextUp).bitPattern == pattern + 1)
      #expect(BFloat16(middle.nextDown).bitPattern == pattern)
    }
  }

  @Test func `NaN keeps sign and upper payload where the type has room`() throws {
    let nan = Float(bitPattern: 0xFFA1_2345)
    #expect(try cast([nan], BFloat16.self)[0].bitPattern == 0xFFE1)
    #expect(try cast([nan], Float16.self)[0].bitPattern == 0xFE00 | 0x109)
    #expect(try cast([nan], Double.self)[0].bitPattern == 0xFFFC_2468_A000_0000)
    #expect(try cast([Float(bitPattern: 0x7F80_0001)], BFloat16.self)[0].bitPattern == 0x7FC0)
    #expect(try cast([Float(bitPattern: 0x7F80_0001)], Float16.self)[0].bitPattern == 0x7E00)
    #expect(try cast([Double(bitPattern: 0x7FF0_0000_0000_0001)], Float.self)[0].isNaN)
    #expect(try cast([BFloat16(bitPattern: 0xFF81)], Float.self)[0].bitPattern == 0xFF81_0000)
  }

  @Test(arguments: [DType.float6E2M3FN, .float6E3M2FN, .float4E2M1FN])
  func `NaN has no counterpart in a kind without it`(_ target: DType) throws {
    var values = [Float](repeating: 1, count: 3_000)
    values[2_500] = .nan
    var found: CairnError?
    do throws(CairnError) { _ = try Tensor(values).cast(to: target) } catch { found = error }
    #expect(found?.code == .notRepresentable)
    #expect(found?.location.index == 2_500)
  }

  @Test(arguments: [
    (DType.float8E4M3FN, Float.nan), (.float8E5M2, .infinity), (.float8E4M3FNUZ, .nan),
    (.float8E5M2FNUZ, .nan), (.float6E2M3FN, 7.5), (.float6E3M2FN, 28), (.float4E2M1FN, 6),
    (.float16, .infinity), (.bfloat16, .infinity), (.float8E8M0FNU, .nan),
  ])
  func `what is too large becomes what ml_dtypes makes of it`(
    _ target: DType, _ expected: Float
  ) throws {
    for value in [3.4e38, 1e300, .infinity] {
      let tensor = try Tensor([value, -value]).cast(to: target)
      let found: [Float] = try tensor.cast(to: .float32).scalars()
      if expected.isNaN {
        #expect(found[0].isNaN && found[1].isNaN)
      } else if target == .bfloat16, value == 3.4e38 {
        #expect(found[0] == .infinity)
      } else {
        #expect(found == [expected, -expected])
      }
    }
  }

  @Test func `e8m0 holds powers of two, and rounds as ml_dtypes does`() throws {
    // ml_dtypes 0.6, array.astype(float8_e8m0fnu).view(uint8)
    let values: [Float] = [
      1, 1.4999, 1.5, 3, 2.9999, 6, 0, -0.0, -1, .infinity, 0x1p-127, 0x1p-149,
    ]
    let expected: [UInt8] = [127, 127, 128, 129, 128, 130, 255, 255, 255, 255, 0, 0]
    #expect(try Tensor(values).cast(to: .float8E8M0FNU).bytes == expected)
    let edges: [Float] = [
      Float(bitPattern: 0x0040_0001), 0x1.8p-127, 0x1p-126, 0x1.7ffffep127, 0x1.8p127,
    ]
    #expect(try Tensor(edges).cast(to: .float8E8M0FNU).bytes == [1, 1, 1, 254, 255])
    let integers: [Int64] = [0, 1, 2, 3, 5, 6, 7, 12, 11, .max]
    #expect(
      try Tensor(integers).cast(to: .float8E8M0FNU).bytes
        == [255, 127, 128, 129, 129, 130, 130, 131, 130, 190])
  }

  // MARK: - Floats to integers

  @Test func `floats are cut toward zero`() throws {
    let values: [Double] = [0, -0.0, 0.99, -0.99, 1.5, -1.5, 126.999]
    #expect(try cast(values, Int8.self) == [0, 0, 0, 0, 1, -1, 126])
    #expect(try cast([-0.99, 255.99], UInt8.self) == [0, 255])
    #expect(try cast([-9.223372036854775808e18], Int64.self) == [.min])
    #expect(try cast([0x1.fffffffffffffp63], UInt64.self) == [0xFFFF_FFFF_FFFF_F800])
    #expect(try cast([0x1.fffffep62 as Float], Int64.self) == [0x7FFF_FF80_0000_0000])
    #expect(try cast([-128.9, 127.9], Int8.self) == [-128, 127])
    let nibbles = try Tensor([-8.9, 7.9, -0.5]).cast(to: .int4)
    #expect(try nibbles.cast(to: .int8).scalars() == [Int8]([-8, 7, 0]))
  }

  @Test(arguments: [
    (DType.int8, 128.0), (.int8, -129), (.uint8, -1), (.uint8, 256), (.int16, 32_768),
    (.uint16, 65_536), (.int32, 2_147_483_648), (.int32, -2_147_483_649), (.uint32, 4_294_967_296),
    (.int64, 0x1p63), (.int64, -0x1.0000000000001p63), (.uint64, 0x1p64), (.uint64, -1),
    (.int4, 8), (.int4, -9), (.uint4, 16), (.uint4, -1), (.int32, .nan), (.int64, .infinity),
    (.uint8, -.infinity), (.int4, .nan),
  ])
  func `a float that is out of the integers' range is refused with its index`(
    _ target: DType, _ value: Double
  ) throws {
    var values = [Double](repeating: 1, count: 5_000)
    values[4_321] = value
    values[4_999] = value
    var found: CairnError?
    do throws(CairnError) { _ = try Tensor(values).cast(to: target) } catch { found = error }
    #expect(found?.code == .notRepresentable)
    #expect(found?.location.index == 4_321)
  }

  // MARK: - Bool and complex

  @Test func `bool is whether a number is not zero`() throws {
    let values: [Float] = [0, -0.0, 1, 0x1p-149, -3, .infinity, .nan]
    let expected = [false, false, true, true, true, true, true]
    #expect(try cast(values, Bool.self) == expected)
    #expect(try cast(values.map(Double.init), Bool.self) == expected)
    #expect(try cast([UInt64]([0, 1 << 63]), Bool.self) == [false, true])
    #expect(try cast([Int16]([256, 0]), Bool.self) == [true, false])
    #expect(try cast([true, false], Float.self) == [1, 0])
    #expect(try cast([true, false], Int64.self) == [1, 0])
    let complex = try Tensor(
      dtype: .complex64, shape: [3], bytes: Tensor([Float]([0, 0, 0, .nan, 2, 0])).bytes)
    #expect(try complex.cast(to: .bool).scalars() == [false, true, true])
  }

  @Test func `complex numbers change width by parts, and reals get the imaginary part 0`() throws {
    let parts: [Double] = [1.5, -2.5, 1e300, 1 + 0x1p-30]
    let wide = try Tensor(dtype: .complex128, shape: [2], bytes: Tensor(parts).bytes)
    let narrow = try wide.cast(to: .complex64)
    #expect(narrow.bytes == (try Tensor([Float]([1.5, -2.5, .infinity, 1])).bytes))
    #expect(
      try narrow.cast(to: .complex128).bytes == Tensor([1.5, -2.5, Double.infinity, 1]).bytes)
    #expect(
      try Tensor([Int8]([3, -4])).cast(to: .complex64).bytes
        == Tensor([Float]([3, 0, -4, 0])).bytes)
  }

  // MARK: - Where the bytes lie

  @Test func `a view that is not aligned is cast all the same`() throws {
    let whole = try Tensor((0..<4_099).map { Int8(truncatingIfNeeded: $0) })
    let bytes = try whole.slice(3..<4_099)
    let expected = (3..<4_099).map { Float(Int8(truncatingIfNeeded: $0)) }
    #expect(try bytes.cast(to: .float32).scalars() == expected)
    let halves = try Tensor((0..<33).map { Float16($0) }).slice(1..<33)
    #expect(try halves.cast(to: .float32).scalars() == (1..<33).map { Float($0) })
    let storage = try Tensor([1, 2, 3] as [Float]).cast(to: .bfloat16)
    #expect(storage.storageIdentity.addresses.lowerBound % 64 == 0)
  }
}
