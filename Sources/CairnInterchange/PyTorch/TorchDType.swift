// The element types of PyTorch and ours.

import CairnTensors

/// The element types that a PyTorch checkpoint can name.
enum TorchDType {
  private static let storages: [String: DType] = [
    "DoubleStorage": .float64, "FloatStorage": .float32, "HalfStorage": .float16,
    "BFloat16Storage": .bfloat16, "LongStorage": .int64, "IntStorage": .int32,
    "ShortStorage": .int16, "CharStorage": .int8, "ByteStorage": .uint8, "BoolStorage": .bool,
    "ComplexDoubleStorage": .complex128, "ComplexFloatStorage": .complex64,
  ]

  /// The type of a storage's elements; nil for `UntypedStorage`, whose elements are bytes.
  static func dtype(ofStorage name: String) -> DType? {
    storages[String(name.split(separator: ".").last ?? "")]
  }

  /// The type called `torch.float32`, or such: the names are those of Keras and NumPy.
  static func dtype(named name: String) -> DType? {
    name.hasPrefix("torch.") ? DType(name: String(name.dropFirst(6))) : nil
  }
}
