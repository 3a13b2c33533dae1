// The numbers of the element types, and how each is cut into planes. FORMAT.md, section 11.

import CairnCodec
import CairnSystem
import CairnTensors

extension DType {
  /// The block fields: zero for all but quantised types.
  var blockFields: (typeID: UInt32, elements: UInt32, bytes: UInt32) {
    guard case .quantized(let block) = self else { return (0, 0, 0) }
    return (block.typeID, block.elementCount, block.byteCount)
  }

  /// The type that those numbers stand for; nil if it is none.
  init?(formatCode: UInt16, typeID: UInt32, elements: UInt32, bytes: UInt32) {
    if let block = QuantizedBlock(typeID: typeID, elementCount: elements, byteCount: bytes) {
      self = .quantized(block)
      guard formatCode == row.code else { return nil }
    } else {
      guard typeID == 0, elements == 0, bytes == 0 else { return nil }
      self.init(code: formatCode)
    }
  }

  /// The filter that the writer uses.
  var preferredFilter: PlaneFilter {
    let row = row
    return row.rotates ? .rotatedBytePlanes : row.planes > 1 ? .bytePlanes : .none
  }

  /// Whether a chunk of this type may have the filter.
  func allows(_ filter: PlaneFilter) -> Bool {
    switch filter {
    case .none: true
    case .bytePlanes: row.planes > 1
    case .rotatedBytePlanes: row.rotates
    }
  }
}
