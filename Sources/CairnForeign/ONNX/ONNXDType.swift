// The element types of ONNX and ours (onnx.proto, `TensorProto.DataType`).

import CairnSystem
import CairnTensors

/// An element type that an ONNX tensor can name.
struct ONNXDType {
  /// The type here.
  var dtype: DType
  /// Whether the elements have 2 bits each. There is no such type here: they become elements of 8
  /// bits.
  var isTwoBit = false

  private static let table: [UInt64: ONNXDType] = [
    1: .init(dtype: .float32), 2: .init(dtype: .uint8), 3: .init(dtype: .int8),
    4: .init(dtype: .uint16), 5: .init(dtype: .int16), 6: .init(dtype: .int32),
    7: .init(dtype: .int64), 8: .init(dtype: .string), 9: .init(dtype: .bool),
    10: .init(dtype: .float16), 11: .init(dtype: .float64), 12: .init(dtype: .uint32),
    13: .init(dtype: .uint64), 14: .init(dtype: .complex64), 15: .init(dtype: .complex128),
    16: .init(dtype: .bfloat16), 17: .init(dtype: .float8E4M3FN),
    18: .init(dtype: .float8E4M3FNUZ), 19: .init(dtype: .float8E5M2),
    20: .init(dtype: .float8E5M2FNUZ), 21: .init(dtype: .uint4), 22: .init(dtype: .int4),
    23: .init(dtype: .float4E2M1FN), 24: .init(dtype: .float8E8M0FNU),
    25: .init(dtype: .uint8, isTwoBit: true), 26: .init(dtype: .int8, isTwoBit: true),
    27: .init(dtype: .float6E2M3FN), 28: .init(dtype: .float6E3M2FN),
  ]

  init(dtype: DType, isTwoBit: Bool = false) {
    self.dtype = dtype
    self.isTwoBit = isTwoBit
  }

  /// The type of that number; nil for one that is not known.
  init?(_ number: UInt64) {
    guard let found = Self.table[number] else { return nil }
    self = found
  }

  /// The bytes that this many elements take in the file; nil if the number overflows.
  func storedByteCount(elements: Int) -> Int? {
    isTwoBit ? elements / 4 + (elements % 4 == 0 ? 0 : 1) : dtype.byteCount(elements: elements)
  }
}

/// Integers of 2 bits, four in a byte, the first in the lowest bits, shown as one byte each.
struct TwoBitElements: ElementBytes {
  let base: any ElementBytes
  let isSigned: Bool
  /// The number of elements.
  let count: Int

  func read(from offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError) {
    guard bytes.count > 0 else { return }
    let first = offset / 4
    let last = (offset + bytes.count - 1) / 4
    let packed = try Storage(byteCount: last - first + 1, zeroed: false)
    try packed.withMutableBytes(in: 0..<packed.byteCount) { (target) throws(CairnError) in
      try base.read(from: first, into: &target)
    }
    packed.withBytes(in: 0..<packed.byteCount) { source in
      for place in 0..<bytes.count {
        let element = offset + place
        let bits = source[element / 4 - first] >> UInt8(2 * (element % 4)) & 3
        bytes[place] = isSigned && bits > 1 ? bits | 0xFC : bits
      }
    }
  }
}
