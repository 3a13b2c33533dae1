// The numbers of the element types, and how each is cut into planes. FORMAT.md, section 11.

import CairnCodec
import CairnSystem
import CairnTensors

extension DType {
  private static let quantizedCode: UInt16 = 27

  /// The number that stands for the type in a file.
  var formatCode: UInt16 {
    // `allPlain` is in the order of the codes, which begin at 1.
    UInt16(DType.allPlain.firstIndex(of: self).map { $0 + 1 } ?? Int(Self.quantizedCode))
  }

  /// The block fields: zero for all but quantised types.
  var blockFields: (typeID: UInt32, elements: UInt32, bytes: UInt32) {
    guard case .quantized(let block) = self else { return (0, 0, 0) }
    return (block.typeID, block.elementCount, block.byteCount)
  }

  /// The type that those numbers stand for; nil if it is none.
  init?(formatCode: UInt16, typeID: UInt32, elements: UInt32, bytes: UInt32) {
    if formatCode == Self.quantizedCode {
      guard let block = QuantizedBlock(typeID: typeID, elementCount: elements, byteCount: bytes)
      else { return nil }
      self = .quantized(block)
    } else {
      guard formatCode > 0, formatCode <= DType.allPlain.count, typeID == 0, elements == 0,
        bytes == 0
      else { return nil }
      self = DType.allPlain[Int(formatCode) - 1]
    }
  }

  /// The bytes of the integers that planes are made of.
  var componentByteCount: Int {
    switch self {
    case .int16, .uint16, .float16, .bfloat16: 2
    case .int32, .uint32, .float32, .complex64: 4
    case .int64, .uint64, .float64, .complex128: 8
    default: 1
    }
  }

  /// Whether rotating the sign out may pay: the types with a sign ahead of an exponent.
  var rotates: Bool {
    switch self {
    case .float16, .bfloat16, .float32, .float64, .complex64, .complex128: true
    default: false
    }
  }

  /// The filter that the writer uses.
  var preferredFilter: PlaneFilter {
    rotates ? .rotatedBytePlanes : componentByteCount > 1 ? .bytePlanes : .none
  }

  /// Whether a chunk of this type may have the filter.
  func allows(_ filter: PlaneFilter) -> Bool {
    switch filter {
    case .none: true
    case .bytePlanes: componentByteCount > 1
    case .rotatedBytePlanes: rotates
    }
  }
}
