// The element types. What is to be known of each stands in the table, `DTypeTable.swift`.

import CairnSystem

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

  /// The name in Keras, NumPy or ml_dtypes: `float32`, `bfloat16`, `float8_e4m3fn` …
  public var name: String {
    guard case .quantized(let block) = self else { return row.name }
    return "quantized(\(block.typeID):\(block.elementCount)x\(block.byteCount)B)"
  }

  /// The type of that name, if it is one of those without a block.
  public init?(name: String) {
    guard let found = Self.allPlain.first(where: { $0.name == name }) else { return nil }
    self = found
  }

  /// The bits of one element; nil for strings and quantised blocks.
  package var bitWidth: Int? { row.bits }

  /// The smallest run of bytes that begins and ends between elements: one element, one block, or
  /// eight elements of a sub-byte type. Strings have no such run: 1.
  package var granule: (bytes: Int, elements: Int) {
    if case .quantized(let block) = self { return (Int(block.byteCount), Int(block.elementCount)) }
    guard let bits = bitWidth else { return (1, 1) }
    return bits < 8 ? (bits, 8) : (bits / 8, 1)
  }

  /// The bytes that `elementCount` elements take; nil for strings, if it overflows, or if quantised
  /// elements do not fill whole blocks.
  public func byteCount(elements elementCount: Int) -> Int? {
    guard elementCount >= 0 else { return nil }
    if case .quantized(let block) = self {
      let (blocks, rest) = elementCount.quotientAndRemainder(dividingBy: Int(block.elementCount))
      guard rest == 0 else { return nil }
      return blocks.multiplied(by: Int(block.byteCount))
    }
    guard let bitWidth else { return nil }
    if bitWidth >= 8 { return elementCount.multiplied(by: bitWidth / 8) }
    return elementCount.multiplied(by: bitWidth).map { $0 / 8 + ($0 % 8 == 0 ? 0 : 1) }
  }

  /// Whether the type is one of IEEE's or the small floating-point kinds.
  public var isFloatingPoint: Bool {
    if case .float = row.kind { true } else { false }
  }

  /// Whether the type is a signed or unsigned integer (not `bool`).
  public var isInteger: Bool {
    if case .integer = row.kind { true } else { false }
  }

  /// Whether the type is complex64 or complex128.
  package var isComplex: Bool {
    if case .complex = row.kind { true } else { false }
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
  package init?(typeID: UInt32, elementCount: UInt32, byteCount: UInt32) {
    guard (1...65_536).contains(elementCount), (1...65_536).contains(byteCount) else { return nil }
    self.typeID = typeID
    self.elementCount = elementCount
    self.byteCount = byteCount
  }
}
