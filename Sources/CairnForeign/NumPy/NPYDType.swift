// NumPy's type descriptors and ours, both ways (numpy/lib/_format_impl.py, `descr_to_dtype`).

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// An element type as the header of a `.npy` file spells it: `<f4`, `|b1`, `>i8`.
struct NPYDType: Equatable {
  var dtype: DType
  /// The bytes of a number whose byte order must be reversed; 1 if there is nothing to reverse.
  var swappedWidth = 1
  /// How texts are laid out in the file, if the elements are texts.
  var texts: NPYTexts?

  /// Letter and bytes, and the type. NumPy writes no byte order for one byte, and `<` for more.
  private static let table: [(code: String, dtype: DType)] = [
    ("b1", .bool), ("i1", .int8), ("i2", .int16), ("i4", .int32), ("i8", .int64), ("u1", .uint8),
    ("u2", .uint16), ("u4", .uint32), ("u8", .uint64), ("f2", .float16), ("f4", .float32),
    ("f8", .float64), ("c8", .complex64), ("c16", .complex128),
  ]

  /// The other letters that `numpy.dtype()` accepts, with their meaning on 64-bit Linux.
  private static let letters: [ByteKey: DType] = [
    "?": .bool, "b": .int8, "h": .int16, "i": .int32, "l": .int64, "q": .int64, "n": .int64,
    "p": .int64, "B": .uint8, "H": .uint16, "I": .uint32, "L": .uint64, "Q": .uint64,
    "N": .uint64, "P": .uint64, "e": .float16, "f": .float32, "d": .float64, "F": .complex64,
    "D": .complex128,
  ]

  /// The names that `numpy.dtype()` accepts. They have no byte order.
  private static let names: [ByteKey: DType] = [
    "bool": .bool, "bool_": .bool, "int8": .int8, "byte": .int8, "int16": .int16, "short": .int16,
    "int32": .int32, "intc": .int32, "int64": .int64, "int": .int64, "int_": .int64,
    "intp": .int64, "long": .int64, "longlong": .int64, "uint8": .uint8, "ubyte": .uint8,
    "uint16": .uint16, "ushort": .uint16, "uint32": .uint32, "uintc": .uint32, "uint64": .uint64,
    "uint": .uint64, "uintp": .uint64, "ulong": .uint64, "ulonglong": .uint64,
    "float16": .float16, "half": .float16, "float32": .float32, "single": .float32,
    "float64": .float64, "double": .float64, "float": .float64, "complex64": .complex64,
    "csingle": .complex64, "complex128": .complex128, "cdouble": .complex128,
    "complex": .complex128,
  ]

  /// The type that `text` describes.
  ///
  /// No byte order, `=` and `|` all mean the machine's own, which is little-endian.
  ///
  /// `<V2` is bfloat16: ml_dtypes gives its types the letter of raw bytes with a byte order.
  /// NumPy's own raw bytes never have a byte order, and bfloat16 is the only two-byte type of
  /// ml_dtypes. It has more than a dozen one-byte types, which a file does not tell apart.
  ///
  /// - Throws: `unsupported` for elements that are not plain numbers, with the type's name;
  ///   `unknownDType`.
  init(parsing text: String, at place: CairnError.Location) throws(CairnError) {
    let bytes = Array(text.utf8)
    let order = bytes.first.flatMap { Array("<>|=".utf8).contains($0) ? $0 : nil }
    let code = ByteKey(order == nil ? bytes : Array(bytes.dropFirst()))
    let isBigEndian = order == UInt8(ascii: ">")
    if code == "V2", order == UInt8(ascii: "<") || isBigEndian {
      self.init(dtype: .bfloat16, swappedWidth: isBigEndian ? 2 : 1)
      return
    }
    if let texts = NPYTexts(code, isBigEndian: isBigEndian) {
      self.init(dtype: .string, swappedWidth: 1)
      self.texts = texts
      return
    }
    let found =
      Self.table.first { ByteKey($0.code) == code }?.dtype ?? Self.letters[code]
      ?? (order == nil ? Self.names[code] : nil)
    guard let found else { throw Self.refusal(of: code, order, text, at: place) }
    let width = (found.bitWidth ?? 8) / 8
    self.init(dtype: found, swappedWidth: isBigEndian ? (found.isComplex ? width / 2 : width) : 1)
  }

  private init(dtype: DType, swappedWidth: Int) {
    self.dtype = dtype
    self.swappedWidth = swappedWidth
  }

  private static func refusal(
    of code: ByteKey, _ order: UInt8?, _ text: String, at place: CairnError.Location
  ) -> CairnError {
    let name = code.text
    let what: String? =
      switch name {
      case "O", "O4", "O8", "object", "object_": "Python objects, which are pickled code"
      case "S", "S0", "a", "a0", "U", "U0", "str", "str_", "bytes", "bytes_", "unicode":
        "texts without room for a character"
      case "T": "texts of any length, which NumPy does not write"
      case "V1" where order == UInt8(ascii: "<"):
        "an ml_dtypes type of one byte, and the file does not say which (float8, int4 …)"
      case "f12", "f16", "g", "longdouble", "float96", "float128": "floats of more than 64 bits"
      case "c24", "c32", "G", "clongdouble", "complex192", "complex256":
        "complex numbers of more than 128 bits"
      default:
        switch code.bytes.first {
        case UInt8(ascii: "M"), UInt8(ascii: "m"): "dates or time spans"
        case UInt8(ascii: "V"): "raw bytes"
        case UInt8(ascii: "S"), UInt8(ascii: "a"), UInt8(ascii: "U"):
          "texts without room for a character, or with more than can be counted"
        default: nil
        }
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
