// NumPy's type descriptors and ours, both ways (numpy/lib/_format_impl.py, `descr_to_dtype`).

import CairnSystem
import CairnTensors

/// An element type as the header of a `.npy` file spells it: `<f4`, `|b1`, `>i8`.
struct NPYDType: Equatable {
  var dtype: DType
  /// The bytes of a number that must be turned round; 1 where there is nothing to turn.
  var swappedWidth = 1
  /// How texts lie in the file, if the elements are texts.
  var texts: NPYTexts?

  /// Letter, bytes, type: what NumPy writes without a byte order for one byte and with `<` for more.
  private static let table: [(code: String, dtype: DType)] = [
    ("b1", .bool), ("i1", .int8), ("i2", .int16), ("i4", .int32), ("i8", .int64), ("u1", .uint8),
    ("u2", .uint16), ("u4", .uint32), ("u8", .uint64), ("f2", .float16), ("f4", .float32),
    ("f8", .float64), ("c8", .complex64), ("c16", .complex128),
  ]

  /// The type that `text` describes.
  ///
  /// `<V2` is bfloat16: ml_dtypes gives its types the letter of raw bytes with a byte order, which
  /// NumPy's own raw bytes never have, and bfloat16 is its only type of two bytes. Of one byte it has
  /// more than a dozen, which a file does not tell apart.
  ///
  /// - Throws: `unsupported` for what holds no plain numbers, by its name; `unknownDType`.
  init(parsing text: String, at place: CairnError.Location) throws(CairnError) {
    var order = text.first
    var code = text
    if let first = order, "<>|=".contains(first) { code.removeFirst() } else { order = nil }
    if code == "V2", order == "<" || order == ">" {
      self.init(dtype: .bfloat16, swappedWidth: order == ">" ? 2 : 1)
      return
    }
    if let texts = NPYTexts(code, order: order) {
      self.init(dtype: .string, swappedWidth: 1)
      self.texts = texts
      return
    }
    guard let found = Self.table.first(where: { $0.code == code }) else {
      throw Self.refusal(of: code, order, text, at: place)
    }
    let width = (found.dtype.bitWidth ?? 8) / 8
    guard width == 1 || order == "<" || order == ">" else {
      throw CairnError(
        .unknownDType, "the element type does not say its byte order", at: place,
        expected: "‘<\(code)’ or ‘>\(code)’", found: text.excerpt)
    }
    let isComplex = found.dtype == .complex64 || found.dtype == .complex128
    self.init(
      dtype: found.dtype, swappedWidth: order == ">" ? (isComplex ? width / 2 : width) : 1)
  }

  private init(dtype: DType, swappedWidth: Int) {
    self.dtype = dtype
    self.swappedWidth = swappedWidth
  }

  private static func refusal(
    of code: String, _ order: Character?, _ text: String, at place: CairnError.Location
  ) -> CairnError {
    let what: String? =
      switch code.first {
      case "O": "Python objects, which are pickled code"
      case "S", "a", "U": "texts without room for a character, or without a byte order"
      case "M", "m": "dates or time spans"
      case "V" where code == "V1" && order == "<":
        "an ml_dtypes type of one byte, and the file does not say which (float8, int4 …)"
      case "V": "raw bytes"
      case "f" where code == "f12" || code == "f16": "floats of more than 64 bits"
      case "c" where code == "c24" || code == "c32": "complex numbers of more than 128 bits"
      default: nil
      }
    guard let what else {
      return CairnError(
        .unknownDType, "the element type is not known", at: place, found: text.excerpt)
    }
    return CairnError(
      .unsupported, "the elements are \(what)", at: place, found: text.excerpt,
      advice: "Convert the array with NumPy first")
  }

  /// How a header spells `dtype`; nil for types that NumPy's format does not have.
  static func spelling(of dtype: DType) -> String? {
    if dtype == .bfloat16 { return "<V2" }
    guard let found = table.first(where: { $0.dtype == dtype }) else { return nil }
    return (dtype.bitWidth == 8 ? "|" : "<") + found.code
  }
}
