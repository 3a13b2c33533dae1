// The table of element types: FORMAT.md, section 11, and what else is to be known of each. A new type
// is a case of `DType`, a row here and its place in `allPlain`; whatever asks for bits, planes, checks,
// casts, printing or comparing asks the row.

/// The properties of an element type.
package struct DTypeRow: Sendable {
  /// What elements stand for.
  package enum Kind: Sendable {
    /// True or false.
    case truth
    /// Integers, two's complement if signed.
    case integer(isSigned: Bool)
    /// Floating-point numbers.
    case float(FloatFormat)
    /// Two floating-point numbers each: the real part, then the imaginary one.
    case complex(FloatFormat)
    /// Byte strings of any length.
    case strings
    /// Blocks that are not interpreted.
    case blocks
  }

  /// What a type demands of its bytes.
  package enum Rule: Sendable {
    /// Nothing: any bits are elements.
    case none
    /// Every byte is 0 or 1.
    case zeroOrOne
    /// The bits behind the last element are zero up to the end of the byte.
    case zeroPadding
    /// The end offsets ascend, and the last is that of the bytes.
    case ascendingEnds
  }

  /// The number that stands for the type in a container. Never changed, never given away again.
  package let code: UInt16
  /// The name in Keras, NumPy or ml_dtypes.
  package let name: String
  /// The bits of an element; nil where elements have no common size.
  package let bits: Int?
  /// The planes that elements are cut into: the bytes of an element, or of half a complex one.
  package let planes: Int
  /// Whether planes may be cut from elements with the sign rotated out: it stands ahead of an exponent.
  package let rotates: Bool
  /// What elements stand for.
  package let kind: Kind
  /// What the bytes must be like.
  package let rule: Rule

  fileprivate init(
    _ code: UInt16, _ name: String, _ kind: Kind, bits: Int?, planes: Int = 1,
    rotates: Bool = false,
    rule: Rule = .none
  ) {
    self.code = code
    self.name = name
    self.kind = kind
    self.bits = bits
    self.planes = planes
    self.rotates = rotates
    self.rule = rule
  }
}

extension DType {
  /// All types but the quantised ones, in the order of their codes.
  package static let allPlain: [DType] = [
    .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .bfloat16,
    .float32, .float64, .complex64, .complex128, .float8E4M3FN, .float8E5M2, .float8E4M3FNUZ,
    .float8E5M2FNUZ, .float8E8M0FNU, .float6E2M3FN, .float6E3M2FN, .float4E2M1FN, .int4, .uint4,
    .string,
  ]

  /// The properties of the type.
  package var row: DTypeRow {
    typealias Row = DTypeRow
    return switch self {
    case .bool: Row(1, "bool", .truth, bits: 8, rule: .zeroOrOne)
    case .int8: Row(2, "int8", .integer(isSigned: true), bits: 8)
    case .int16: Row(3, "int16", .integer(isSigned: true), bits: 16, planes: 2)
    case .int32: Row(4, "int32", .integer(isSigned: true), bits: 32, planes: 4)
    case .int64: Row(5, "int64", .integer(isSigned: true), bits: 64, planes: 8)
    case .uint8: Row(6, "uint8", .integer(isSigned: false), bits: 8)
    case .uint16: Row(7, "uint16", .integer(isSigned: false), bits: 16, planes: 2)
    case .uint32: Row(8, "uint32", .integer(isSigned: false), bits: 32, planes: 4)
    case .uint64: Row(9, "uint64", .integer(isSigned: false), bits: 64, planes: 8)
    case .float16: Row(10, "float16", .float(.binary16), bits: 16, planes: 2, rotates: true)
    case .bfloat16: Row(11, "bfloat16", .float(.brain16), bits: 16, planes: 2, rotates: true)
    case .float32: Row(12, "float32", .float(.binary32), bits: 32, planes: 4, rotates: true)
    case .float64: Row(13, "float64", .float(.binary64), bits: 64, planes: 8, rotates: true)
    case .complex64: Row(14, "complex64", .complex(.binary32), bits: 64, planes: 4, rotates: true)
    case .complex128:
      Row(15, "complex128", .complex(.binary64), bits: 128, planes: 8, rotates: true)
    case .float8E4M3FN:
      Row(16, "float8_e4m3fn", .float(FloatFormat(4, 3, bias: 7, .allOnes)), bits: 8)
    case .float8E5M2: Row(17, "float8_e5m2", .float(FloatFormat(5, 2, bias: 15, .ieee)), bits: 8)
    case .float8E4M3FNUZ:
      Row(18, "float8_e4m3fnuz", .float(FloatFormat(4, 3, bias: 8, .minusZero)), bits: 8)
    case .float8E5M2FNUZ:
      Row(19, "float8_e5m2fnuz", .float(FloatFormat(5, 2, bias: 16, .minusZero)), bits: 8)
    case .float8E8M0FNU:
      Row(
        20, "float8_e8m0fnu", .float(FloatFormat(8, 0, bias: 127, .allOnes, hasSign: false)),
        bits: 8)
    case .float6E2M3FN:
      Row(
        21, "float6_e2m3fn", .float(FloatFormat(2, 3, bias: 1, .none)), bits: 6, rule: .zeroPadding)
    case .float6E3M2FN:
      Row(
        22, "float6_e3m2fn", .float(FloatFormat(3, 2, bias: 3, .none)), bits: 6, rule: .zeroPadding)
    case .float4E2M1FN:
      Row(
        23, "float4_e2m1fn", .float(FloatFormat(2, 1, bias: 1, .none)), bits: 4, rule: .zeroPadding)
    case .int4: Row(24, "int4", .integer(isSigned: true), bits: 4, rule: .zeroPadding)
    case .uint4: Row(25, "uint4", .integer(isSigned: false), bits: 4, rule: .zeroPadding)
    case .string: Row(26, "string", .strings, bits: nil, rule: .ascendingEnds)
    case .quantized: Row(Self.quantizedCode, "quantized", .blocks, bits: nil)
    }
  }

  /// The type with that code, if it is one of ``allPlain``.
  package init?(code: UInt16) {
    guard code < Self.byCode.count, let found = Self.byCode[Int(code)] else { return nil }
    self = found
  }

  /// The largest code of any type, quantised blocks included.
  package static let largestCode = max(UInt16(byCode.count - 1), quantizedCode)

  private static let quantizedCode: UInt16 = 27

  private static let byCode: [DType?] = {
    let last = allPlain.map { Int($0.row.code) }.max() ?? 0
    var types = [DType?](repeating: nil, count: last + 1)
    for type in allPlain { types[Int(type.row.code)] = type }
    return types
  }()
}
