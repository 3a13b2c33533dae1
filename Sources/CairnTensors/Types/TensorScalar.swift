// The Swift types that a tensor's elements can be read and written as.

/// A Swift type that has a ``DType``.
///
/// The conformances are fixed: those of this module. Any bits are a valid value of each type but
/// `Bool`, whose bytes are checked before they are read as such.
public protocol TensorScalar: BitwiseCopyable, Sendable {
  /// The element type of tensors of this scalar.
  static var dtype: DType { get }
}

extension Bool: TensorScalar {
  /// `bool`
  public static var dtype: DType { .bool }
}
extension Int8: TensorScalar {
  /// `int8`
  public static var dtype: DType { .int8 }
}
extension Int16: TensorScalar {
  /// `int16`
  public static var dtype: DType { .int16 }
}
extension Int32: TensorScalar {
  /// `int32`
  public static var dtype: DType { .int32 }
}
extension Int64: TensorScalar {
  /// `int64`
  public static var dtype: DType { .int64 }
}
extension UInt8: TensorScalar {
  /// `uint8`
  public static var dtype: DType { .uint8 }
}
extension UInt16: TensorScalar {
  /// `uint16`
  public static var dtype: DType { .uint16 }
}
extension UInt32: TensorScalar {
  /// `uint32`
  public static var dtype: DType { .uint32 }
}
extension UInt64: TensorScalar {
  /// `uint64`
  public static var dtype: DType { .uint64 }
}
#if !(os(macOS) && arch(x86_64))
  extension Float16: TensorScalar {
    /// `float16`
    public static var dtype: DType { .float16 }
  }
#endif
extension BFloat16: TensorScalar, BitwiseCopyable {
  /// `bfloat16`
  public static var dtype: DType { .bfloat16 }
}
extension Float: TensorScalar {
  /// `float32`
  public static var dtype: DType { .float32 }
}
extension Double: TensorScalar {
  /// `float64`
  public static var dtype: DType { .float64 }
}
