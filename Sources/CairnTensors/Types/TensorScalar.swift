// The Swift types that a tensor's elements can be read and written as.

/// A Swift type that has a ``DType``.
/// The conformances are fixed: those of this module. Any bits are a valid value of each type except
/// `Bool`, whose bytes are checked before they are read as such.
public protocol TensorScalar: BitwiseCopyable, Sendable {
  /// The element type of tensors of this scalar.
  static var dtype: DType { get }
}

/// A scalar of this module.
protocol PlainScalar: TensorScalar {
  static var plain: DType { get }
}

extension PlainScalar {
  /// The one plain type of that Swift type.
  public static var dtype: DType { plain }
}

extension Bool: PlainScalar { static var plain: DType { .bool } }
extension Int8: PlainScalar { static var plain: DType { .int8 } }
extension Int16: PlainScalar { static var plain: DType { .int16 } }
extension Int32: PlainScalar { static var plain: DType { .int32 } }
extension Int64: PlainScalar { static var plain: DType { .int64 } }
extension UInt8: PlainScalar { static var plain: DType { .uint8 } }
extension UInt16: PlainScalar { static var plain: DType { .uint16 } }
extension UInt32: PlainScalar { static var plain: DType { .uint32 } }
extension UInt64: PlainScalar { static var plain: DType { .uint64 } }
#if !(os(macOS) && arch(x86_64))
  extension Float16: PlainScalar { static var plain: DType { .float16 } }
#endif
extension BFloat16: PlainScalar, BitwiseCopyable { static var plain: DType { .bfloat16 } }
extension Float: PlainScalar { static var plain: DType { .float32 } }
extension Double: PlainScalar { static var plain: DType { .float64 } }
