// The value of a `Constant` node that is not stored as a tensor (ONNX, operator `Constant`).

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// A number, a text, or a list of them, as the tensor that the node produces.
struct ONNXConstant {
  let elements: HeldElements
  let dtype: DType
  let dimensions: [Int]

  /// The value of the attribute at `range`; nil if a constant has no attribute of that key.
  init?(
    _ source: any ByteSource, _ range: Range<Int>, key: [UInt8], budget: Budget
  ) throws(CairnError) {
    var reader = ProtobufReader(source, in: range)
    var bytes: [UInt8] = []
    var texts: [[UInt8]] = []
    func add(_ more: [UInt8]) throws(CairnError) {
      try budget.take(bytes: more.count)
      bytes += more
    }
    switch String(decoding: key, as: UTF8.self) {
    case "value_float", "value_floats": dtype = .float32
    case "value_int", "value_ints": dtype = .int64
    case "value_string", "value_strings": dtype = .string
    default: return nil
    }
    let isList = key.last == UInt8(ascii: "s")
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (2, .fixed32(let bits)) where !isList, (7, .fixed32(let bits)) where isList:
        if dtype == .float32 { try add(bits.littleEndianBytes) }
      case (7, .bytes(let range)) where isList && dtype == .float32:
        try budget.take(bytes: range.count)
        bytes += try reader.bytes(range)
      case (3, .varint(let value)) where !isList, (8, .varint(let value)) where isList:
        if dtype == .int64 { try add(value.littleEndianBytes) }
      case (8, .bytes(let range)) where isList && dtype == .int64:
        var packed = ProtobufReader(source, in: range)
        while !packed.isAtEnd { try add(packed.varint().littleEndianBytes) }
      case (4, .bytes(let range)) where !isList, (9, .bytes(let range)) where isList:
        guard dtype == .string else { break }
        try budget.take(bytes: range.count.addingSaturated(48))
        texts.append(try reader.bytes(range))
      default: break
      }
    }
    let width = dtype == .float32 ? 4 : 8
    let count = dtype == .string ? texts.count : bytes.count / width
    guard isList || count == 1, dtype == .string || bytes.count % width == 0 else {
      throw CairnError(
        .invalidHeader, "a constant has no value, or more than one",
        at: .init(file: source.path, offset: UInt64(range.lowerBound)))
    }
    elements = try dtype == .string ? HeldElements(texts: texts) : HeldElements(bytes)
    dimensions = isList ? [count] : []
  }
}
