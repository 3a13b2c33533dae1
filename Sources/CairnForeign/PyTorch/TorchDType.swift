// The element types of PyTorch and ours.

import CairnSystem
import CairnTensors

/// An element type that a PyTorch checkpoint can name, and the type here.
struct TorchDType: Hashable {
  /// The type here.
  var dtype: DType
  /// The elements here for one element there. A type that holds several numbers adds a last
  /// dimension, or makes the last one longer.
  var count = 1
  /// Whether the type is kept under another type's name.
  var isOther = false

  /// The bytes of one element in PyTorch.
  var width: Int { ((dtype.bitWidth ?? 8) * count + 7) / 8 }
  /// The bytes of a number whose order a big-endian machine reverses.
  var numberWidth: Int {
    dtype.isComplex ? width / 2 : (dtype.bitWidth ?? 8) / 8
  }

  /// Whether elements are pairs of a real and an imaginary part.
  var isComplex: Bool {
    dtype.isComplex || dtype == .float16 && count == 2
  }
  /// Whether each number has one bit for its sign.
  var hasSigns: Bool {
    switch dtype {
    case .float16, .bfloat16, .float32, .float64, .complex64, .complex128: true
    default: false
    }
  }

  private static let storages: [(name: String, type: TorchDType)] = [
    ("Double", .init(dtype: .float64)), ("Float", .init(dtype: .float32)),
    ("Half", .init(dtype: .float16)), ("BFloat16", .init(dtype: .bfloat16)),
    ("Long", .init(dtype: .int64)), ("Int", .init(dtype: .int32)),
    ("Short", .init(dtype: .int16)), ("Char", .init(dtype: .int8)),
    ("Byte", .init(dtype: .uint8)), ("Bool", .init(dtype: .bool)),
    ("ComplexDouble", .init(dtype: .complex128)), ("ComplexFloat", .init(dtype: .complex64)),
    ("QInt8", .init(dtype: .int8)), ("QUInt8", .init(dtype: .uint8)),
    ("QInt32", .init(dtype: .int32)), ("QUInt4x2", .init(dtype: .uint8)),
    ("QUInt2x4", .init(dtype: .uint8)),
  ]

  /// Types of PyTorch that Cairn does not have: numbers of fewer bits that take a byte each, raw
  /// bits, and pairs.
  private static let others: [(name: String, type: TorchDType)] = [
    ("complex32", .init(dtype: .float16, count: 2, isOther: true)),
    ("chalf", .init(dtype: .float16, count: 2, isOther: true)),
    ("float4_e2m1fn_x2", .init(dtype: .float4E2M1FN, count: 2, isOther: true)),
    ("qint8", .init(dtype: .int8)), ("quint8", .init(dtype: .uint8)),
    ("qint32", .init(dtype: .int32)), ("quint4x2", .init(dtype: .uint8)),
    ("quint2x4", .init(dtype: .uint8)),
    ("bits16", .init(dtype: .uint16, isOther: true)),
    ("bits8", .init(dtype: .uint8, isOther: true)),
    ("bits1x8", .init(dtype: .uint8, isOther: true)),
    ("bits2x4", .init(dtype: .uint8, isOther: true)),
    ("bits4x2", .init(dtype: .uint8, isOther: true)),
  ]

  /// The type of a storage's elements; nil for an unknown name. `UntypedStorage` has bytes.
  static func dtype(ofStorage name: String) -> TorchDType? {
    guard let last = ByteKey(name).split(at: ".").last?.text, last.utf8.count > 7 else {
      return nil
    }
    let kind = String(decoding: last.utf8.dropLast("Storage".utf8.count), as: UTF8.self)
    if kind.isEmpty || kind == "Untyped" { return TorchDType(dtype: .uint8) }
    return storages.first { $0.name == kind }?.type
  }

  /// The type of a name such as `torch.float32`. The names are mostly those of Keras and NumPy.
  static func dtype(named name: String) -> TorchDType? {
    guard name.utf8.starts(with: "torch.".utf8) else { return nil }
    let name = String(name.dropFirst("torch.".count))
    if let other = others.first(where: { $0.name == name })?.type { return other }
    // PyTorch uses a byte for each number of these types.
    for (prefix, dtype) in [("uint", DType.uint8), ("int", DType.int8)] {
      if let bits = Int(name.dropFirst(prefix.count)), name == "\(prefix)\(bits)",
        (1..<8).contains(bits)
      {
        return TorchDType(dtype: dtype, isOther: true)
      }
    }
    guard let dtype = DType(name: name), let bits = dtype.bitWidth, bits >= 8 else { return nil }
    return TorchDType(dtype: dtype)
  }
}
