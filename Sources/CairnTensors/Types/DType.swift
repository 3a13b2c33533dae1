// The element types. FORMAT.md, "Dtypes", gives the table; `CairnContainer` maps them to codes.

/// The type of a tensor's elements, spelt as Keras and NumPy (with ml_dtypes) do.
///
/// A type without a Swift scalar (the sub-byte kinds, complex, string, quantised blocks) is stored,
/// copied and compared by its bits all the same.
public enum DType: Hashable, Sendable {
  /// A byte that is 0 or 1.
  case bool
  /// Signed integers, two's complement.
  case int4, int8, int16, int32, int64
  /// Unsigned integers.
  case uint4, uint8, uint16, uint32, uint64
  /// IEEE 754 binary16, and the upper half of binary32.
  case float16, bfloat16
  /// IEEE 754 binary32 and binary64.
  case float32, float64
  /// Two floats: the real part, then the imaginary part.
  case complex64, complex128
  /// OCP 8-bit floats (arXiv:2209.05433): 4 exponent bits without infinity; 5 with; and the
  /// variants without negative zero.
  case float8E4M3FN, float8E5M2, float8E4M3FNUZ, float8E5M2FNUZ
  /// OCP microscaling: an exponent alone, and the 6- and 4-bit floats.
  case float8E8M0FNU, float6E2M3FN, float6E3M2FN, float4E2M1FN
  /// Byte strings of any length, stored as one 64-bit end offset an element, then all bytes.
  case string
  /// Opaque quantised blocks: kept, never interpreted.
  case quantized(QuantizedBlock)

  /// All types but the quantised ones, in the order of their format codes.
  public static let allPlain: [DType] = [
    .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .bfloat16,
    .float32, .float64, .complex64, .complex128, .float8E4M3FN, .float8E5M2, .float8E4M3FNUZ,
    .float8E5M2FNUZ, .float8E8M0FNU, .float6E2M3FN, .float6E3M2FN, .float4E2M1FN, .int4, .uint4,
    .string,
  ]

  /// The name in Keras, NumPy or ml_dtypes: `float32`, `bfloat16`, `float8_e4m3fn` …
  public var name: String {
    switch self {
    case .bool: "bool"
    case .int4: "int4"
    case .int8: "int8"
    case .int16: "int16"
    case .int32: "int32"
    case .int64: "int64"
    case .uint4: "uint4"
    case .uint8: "uint8"
    case .uint16: "uint16"
    case .uint32: "uint32"
    case .uint64: "uint64"
    case .float16: "float16"
    case .bfloat16: "bfloat16"
    case .float32: "float32"
    case .float64: "float64"
    case .complex64: "complex64"
    case .complex128: "complex128"
    case .float8E4M3FN: "float8_e4m3fn"
    case .float8E5M2: "float8_e5m2"
    case .float8E4M3FNUZ: "float8_e4m3fnuz"
    case .float8E5M2FNUZ: "float8_e5m2fnuz"
    case .float8E8M0FNU: "float8_e8m0fnu"
    case .float6E2M3FN: "float6_e2m3fn"
    case .float6E3M2FN: "float6_e3m2fn"
    case .float4E2M1FN: "float4_e2m1fn"
    case .string: "string"
    case .quantized(let block):
      "quantized(\(block.typeID):\(block.elementCount)x\(block.byteCount)B)"
    }
  }

  /// The type of that name, if it is one of ``allPlain``.
  public init?(name: String) {
    guard let found = Self.allPlain.first(where: { $0.name == name }) else { return nil }
    self = found
  }

  /// The bits of one element; nil for strings and quantised blocks.
  public var bitWidth: Int? {
    switch self {
    case .int4, .uint4, .float4E2M1FN: 4
    case .float6E2M3FN, .float6E3M2FN: 6
    case .bool, .int8, .uint8, .float8E4M3FN, .float8E5M2, .float8E4M3FNUZ, .float8E5M2FNUZ,
      .float8E8M0FNU:
      8
    case .int16, .uint16, .float16, .bfloat16: 16
    case .int32, .uint32, .float32: 32
    case .int64, .uint64, .float64, .complex64: 64
    case .complex128: 128
    case .string, .quantized: nil
    }
  }

  /// The smallest run of bytes that begins and ends between elements: one element, one block, or
  /// eight elements of a sub-byte type. Strings have no such run: 1.
  public var granule: (bytes: Int, elements: Int) {
    switch self {
    case .string: (1, 1)
    case .quantized(let block): (Int(block.byteCount), Int(block.elementCount))
    default:
      switch bitWidth ?? 8 {
      case 4: (4, 8)
      case 6: (6, 8)
      case let bits: (bits / 8, 1)
      }
    }
  }

  /// The bytes that `elementCount` elements take; nil for strings, if it overflows, or if quantised
  /// elements do not fill whole blocks.
  public func byteCount(elements elementCount: Int) -> Int? {
    guard elementCount >= 0 else { return nil }
    switch self {
    case .string: return nil
    case .quantized(let block):
      let (blocks, rest) = elementCount.quotientAndRemainder(dividingBy: Int(block.elementCount))
      guard rest == 0 else { return nil }
      let (bytes, overflow) = blocks.multipliedReportingOverflow(by: Int(block.byteCount))
      return overflow ? nil : bytes
    default:
      guard let bitWidth else { return nil }
      if bitWidth >= 8 {
        let (bytes, overflow) = elementCount.multipliedReportingOverflow(by: bitWidth / 8)
        return overflow ? nil : bytes
      }
      let (bits, overflow) = elementCount.multipliedReportingOverflow(by: bitWidth)
      return overflow ? nil : bits / 8 + (bits % 8 == 0 ? 0 : 1)
    }
  }

  /// Whether the type is one of IEEE's or the small floating-point kinds.
  public var isFloatingPoint: Bool {
    switch self {
    case .float16, .bfloat16, .float32, .float64, .float8E4M3FN, .float8E5M2, .float8E4M3FNUZ,
      .float8E5M2FNUZ, .float8E8M0FNU, .float6E2M3FN, .float6E3M2FN, .float4E2M1FN:
      true
    default: false
    }
  }

  /// Whether the type is a signed or unsigned integer (not `bool`).
  public var isInteger: Bool {
    switch self {
    case .int4, .int8, .int16, .int32, .int64, .uint4, .uint8, .uint16, .uint32, .uint64: true
    default: false
    }
  }
}

extension DType: CustomStringConvertible {
  /// ``name``.
  public var description: String { name }
}

/// The layout of one block of a quantised type: which type it is in its own ecosystem, how many
/// elements a block holds and how many bytes it takes.
public struct QuantizedBlock: Hashable, Sendable {
  /// The number of the type where it comes from (`GGML_TYPE_Q4_0` is 2).
  public let typeID: UInt32
  /// Elements a block, at least 1.
  public let elementCount: UInt32
  /// Bytes a block, at least 1.
  public let byteCount: UInt32

  /// The block, or nil if a count is 0 or above 65,536.
  public init?(typeID: UInt32, elementCount: UInt32, byteCount: UInt32) {
    guard (1...65_536).contains(elementCount), (1...65_536).contains(byteCount) else { return nil }
    self.typeID = typeID
    self.elementCount = elementCount
    self.byteCount = byteCount
  }
}
