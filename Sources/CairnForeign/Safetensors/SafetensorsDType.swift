// The element types of safetensors and ours, both ways (safetensors 0.8.0, `tensor.rs`, `Dtype`).

import CairnSystem
package import CairnTensors

/// The element types that a safetensors file can name.
package enum SafetensorsDType {
  /// Each type with its spelling in a header, in the order in which the format's own library
  /// declares them: by rising alignment, which decides how it lays out a file.
  ///
  /// `F8_E4M3` is the kind without infinities (ml_dtypes: `float8_e4m3fn`). The format does not say
  /// how the elements of `F4` and `F6` are packed; their bytes are kept as they are.
  private static let table: [(name: String, dtype: DType)] = [
    ("BOOL", .bool), ("F4", .float4E2M1FN), ("F6_E2M3", .float6E2M3FN),
    ("F6_E3M2", .float6E3M2FN), ("U8", .uint8), ("I8", .int8), ("F8_E5M2", .float8E5M2),
    ("F8_E4M3", .float8E4M3FN), ("F8_E8M0", .float8E8M0FNU), ("F8_E4M3FNUZ", .float8E4M3FNUZ),
    ("F8_E5M2FNUZ", .float8E5M2FNUZ), ("I16", .int16), ("U16", .uint16), ("F16", .float16),
    ("BF16", .bfloat16), ("I32", .int32), ("U32", .uint32), ("F32", .float32), ("C64", .complex64),
    ("F64", .float64), ("I64", .int64), ("U64", .uint64),
  ]

  /// The type that a header calls `name`.
  package static func dtype(named name: String) -> DType? {
    table.first { $0.name.utf8.elementsEqual(name.utf8) }?.dtype
  }

  /// How a header spells `dtype`, and its rank in the order of alignment; nil for the types that
  /// the format does not have: int4, uint4, complex128, string, quantised blocks.
  package static func spelling(of dtype: DType) -> (name: String, rank: Int)? {
    table.firstIndex { $0.dtype == dtype }.map { (table[$0].name, $0) }
  }

  /// All spellings, for messages.
  package static var names: String { table.map(\.name).joined(separator: " ") }

  /// The bytes that a tensor takes, counted as the format's own library counts: dimension by
  /// dimension from the left, in 64 bits. So `[0, 2^40, 2^40]` has none, but `[2^40, 2^40, 0]`
  /// overflows.
  ///
  /// If the two counts differ, it is better to refuse a file than to read one that the format's own
  /// library refuses.
  /// own library refuses.
  package static func size(of dtype: DType, dimensions: [Int]) -> Size {
    guard dimensions.allSatisfy({ $0 >= 0 }), let width = dtype.bitWidth,
      let product = dimensions.lazy.map({ UInt64(clamping: $0) }).product(),
      let bits = product.multiplied(by: UInt64(width))
    else { return .overflow }
    guard bits % 8 == 0 else { return .partialByte }
    return .bytes(Int(bits / 8))
  }

  /// The result of counting the bytes of a tensor.
  package enum Size: Hashable {
    /// That many bytes.
    case bytes(Int)
    /// Elements of less than a byte do not fill whole bytes, which the format requires.
    case partialByte
    /// The number does not fit 64 bits.
    case overflow
  }
}
