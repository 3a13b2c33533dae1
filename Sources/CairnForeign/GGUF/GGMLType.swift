// The element types of GGUF and ours (ggml/include/ggml.h, `ggml_type`; gguf, `GGML_QUANT_SIZES`).

import CairnTensors

/// The element types that a GGUF file can name.
enum GGMLType {
  private static let plain: [(id: UInt32, dtype: DType)] = [
    (0, .float32), (1, .float16), (24, .int8), (25, .int16), (26, .int32), (27, .int64),
    (28, .float64), (30, .bfloat16),
  ]

  /// Number, name, elements of a block, bytes of a block.
  private static let blocks: [(id: UInt32, name: String, elements: UInt32, bytes: UInt32)] = [
    (2, "Q4_0", 32, 18), (3, "Q4_1", 32, 20), (6, "Q5_0", 32, 22), (7, "Q5_1", 32, 24),
    (8, "Q8_0", 32, 34), (9, "Q8_1", 32, 40), (10, "Q2_K", 256, 84), (11, "Q3_K", 256, 110),
    (12, "Q4_K", 256, 144), (13, "Q5_K", 256, 176), (14, "Q6_K", 256, 210),
    (15, "Q8_K", 256, 292), (16, "IQ2_XXS", 256, 66), (17, "IQ2_XS", 256, 74),
    (18, "IQ3_XXS", 256, 98), (19, "IQ1_S", 256, 50), (20, "IQ4_NL", 32, 18),
    (21, "IQ3_S", 256, 110), (22, "IQ2_S", 256, 82), (23, "IQ4_XS", 256, 136),
    (29, "IQ1_M", 256, 56), (34, "TQ1_0", 256, 54), (35, "TQ2_0", 256, 66), (39, "MXFP4", 32, 17),
    (40, "NVFP4", 64, 36), (41, "Q1_0", 128, 18),
  ]

  /// Types that llama.cpp once had and has removed.
  private static let former: [UInt32: String] = [
    4: "Q4_2", 5: "Q4_3", 31: "Q4_0_4_4", 32: "Q4_0_4_8", 33: "Q4_0_8_8", 36: "IQ4_NL_4_4",
    37: "IQ4_NL_4_8", 38: "IQ4_NL_8_8",
  ]

  /// The type with that number.
  static func dtype(_ id: UInt32) -> DType? {
    if let plain = plain.first(where: { $0.id == id }) { return plain.dtype }
    guard let found = blocks.first(where: { $0.id == id }) else { return nil }
    return QuantizedBlock(
      typeID: found.id, elementCount: found.elements, byteCount: found.bytes
    ).map(DType.quantized)
  }

  /// The number of a type; nil for types that GGUF does not have.
  static func number(of dtype: DType) -> UInt32? {
    if case .quantized(let block) = dtype { return name(of: block) == nil ? nil : block.typeID }
    return plain.first { $0.dtype == dtype }?.id
  }

  /// The name of a quantised type: `Q4_K`.
  static func name(of block: QuantizedBlock) -> String? {
    blocks.first {
      $0.id == block.typeID && $0.elements == block.elementCount && $0.bytes == block.byteCount
    }?.name
  }

  /// A description of a number that ``dtype(_:)`` does not know.
  static func unknownName(_ id: UInt32) -> String {
    former[id].map { "\($0), which llama.cpp no longer has" } ?? "ggml type \(id)"
  }
}
