// The values and distances of floating-point bits, against NumPy and ml_dtypes.

import CairnCheckpoints
import CairnComparison
import CairnForeign
import CairnJSON
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite("Floating-point bits")
struct FloatLayoutTests {
  @Test(
    "Every pattern of the small kinds has the value that ml_dtypes gives it",
    arguments: [
      (DType.float8E4M3FN, [127, 255]), (.float8E5M2, [125, 126, 127, 253, 254, 255]),
      (.float8E4M3FNUZ, [128]), (.float8E5M2FNUZ, [128]), (.float8E8M0FNU, [255]),
      (.float6E2M3FN, []), (.float6E3M2FN, []), (.float4E2M1FN, []),
    ] as [(DType, [Int])])
  func values(_ dtype: DType, _ nans: [Int]) throws {
    let layout = try #require(FloatLayout(dtype))
    let file = try SafetensorsFile(path: fixtures + "/tensors/casts.safetensors")
    let patterns = try file.tensor(named: TensorName("to_float32/\(dtype)"))
    let table = try patterns.scalars(of: UInt32.self).map(Float.init(bitPattern:))
    #expect(table.count == 1 << (dtype.bitWidth ?? 0))
    for (bits, expected) in table.enumerated() {
      #expect(layout.isNaN(UInt64(bits)) == nans.contains(bits))
      #expect(expected.isNaN == nans.contains(bits))
      if !expected.isNaN {
        #expect(layout.value(UInt64(bits)).bitPattern == Double(expected).bitPattern, "\(bits)")
      }
    }
  }

  @Test("Every float16 and bfloat16 pattern has its value")
  func sixteenBits() throws {
    let (half, brain) = (try #require(FloatLayout(.float16)), try #require(FloatLayout(.bfloat16)))
    for bits in 0...UInt16.max {
      let float = Float(bitPattern: UInt32(bits) << 16)
      #expect(brain.isNaN(UInt64(bits)) == float.isNaN)
      if !float.isNaN {
        #expect(brain.value(UInt64(bits)).bitPattern == Double(float).bitPattern)
      }
      #if arch(x86_64) || arch(arm64)
        #if !(os(macOS) && arch(x86_64))
          let value = Float16(bitPattern: bits)
          #expect(half.isNaN(UInt64(bits)) == value.isNaN)
          if !value.isNaN {
            #expect(half.value(UInt64(bits)).bitPattern == Double(value).bitPattern)
          }
        #endif
      #endif
    }
  }

  @Test(
    "Neighbours in value are at distance 1, in every small kind",
    arguments: [
      DType.float8E4M3FN, .float8E5M2, .float8E4M3FNUZ, .float8E5M2FNUZ, .float8E8M0FNU,
      .float6E2M3FN, .float6E3M2FN, .float4E2M1FN, .float16, .bfloat16,
    ])
  func neighbours(_ dtype: DType) throws {
    let layout = try #require(FloatLayout(dtype))
    let width = try #require(dtype.bitWidth)
    let numbers = (0..<UInt64(1) << UInt64(width)).filter { !layout.isNaN($0) }
      .sorted { layout.value($0) < layout.value($1) }
    for (a, b) in zip(numbers, numbers.dropFirst()) {
      let isZeroTwice = layout.value(a) == layout.value(b)
      #expect(layout.distance(a, b) == (isZeroTwice ? 0 : 1))
      #expect(layout.distance(b, a) == layout.distance(a, b))
    }
  }

  @Test(
    "Distances that NumPy counts",
    arguments: [
      (DType.float32, 0x3F80_0000, 0x3F80_0001, 1),
      (.float32, 0xBF80_0000, 0x3F80_0000, 2_130_706_432),
      (.float32, 0x3DCC_CCCD, 0x3E99_999A, 13_421_773), (.float32, 0x8000_0000, 0, 0),
      (.float32, 0x8000_0001, 1, 2), (.float32, 0x7F7F_FFFF, 0x7F80_0000, 1),
      (.float64, 0x3FF0_0000_0000_0000, 0x3FF0_0000_0000_0001, 1),
      (.float64, 0x3FB9_9999_9999_999A, 0x3FC9_9999_9999_999A, 4_503_599_627_370_496),
      (.float64, 0xBFF8_0000_0000_0000, 0x4004_0000_0000_0000, 9_222_246_136_947_933_184),
      (.float64, 0xFFEF_FFFF_FFFF_FFFF, 0x7FEF_FFFF_FFFF_FFFF, 18_437_736_874_454_810_622),
      (.float16, 0x3C00, 0x3E00, 512), (.float16, 0x8001, 0x7BFF, 31_744),
    ] as [(DType, UInt64, UInt64, UInt64)])
  func distances(_ dtype: DType, _ left: UInt64, _ right: UInt64, _ ulp: UInt64) throws {
    let layout = try #require(FloatLayout(dtype))
    #expect(layout.distance(left, right) == ulp)
    #expect(layout.distance(right, left) == ulp)
  }

  @Test("Types that are no floats have no layout")
  func others() {
    for dtype in DType.allPlain where !dtype.isFloatingPoint {
      #expect((FloatLayout(dtype) == nil) == (dtype != .complex64 && dtype != .complex128))
    }
  }
}
