// The element types of ONNX and ours (onnx.proto, `TensorProto.DataType`).

import CairnTensors

/// The element types that an ONNX tensor can name.
enum ONNXDType {
  private static let table: [UInt64: DType] = [
    1: .float32, 2: .uint8, 3: .int8, 4: .uint16, 5: .int16, 6: .int32, 7: .int64, 8: .string,
    9: .bool, 10: .float16, 11: .float64, 12: .uint32, 13: .uint64, 14: .complex64,
    15: .complex128, 16: .bfloat16, 17: .float8E4M3FN, 18: .float8E4M3FNUZ, 19: .float8E5M2,
    20: .float8E5M2FNUZ, 21: .uint4, 22: .int4, 23: .float4E2M1FN, 24: .float8E8M0FNU,
  ]

  static func dtype(_ number: UInt64) -> DType? { table[number] }
}
