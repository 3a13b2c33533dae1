// The messages in a bundle's index (tensorflow/core/protobuf/tensor_bundle.proto).

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// `BundleEntryProto`: where a tensor's bytes are.
struct BundleEntry {
  /// A part of a partitioned variable: start and length in each dimension. No length means all of
  /// the dimension.
  typealias Slice = [(start: Int, length: Int?)]

  var type: UInt64 = 0
  var dimensions: [Int] = []
  var shard = 0
  var offset = 0
  var byteCount = 0
  var crc: UInt32 = 0
  var slices: [Slice] = []

  init(_ bytes: [UInt8]) throws(CairnError) {
    let source = try MemoryBytes(bytes)
    var reader = ProtobufReader(source)
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (1, .varint(let value)): type = value
      case (2, .bytes(let range)): try readShape(source, range)
      case (3, .varint(let value)): shard = Int(clamping: value)
      case (4, .varint(let value)): offset = Int(clamping: value)
      case (5, .varint(let value)): byteCount = Int(clamping: value)
      case (6, .fixed32(let value)): crc = value
      case (7, .bytes(let range)): slices.append(try Self.slice(source, range))
      default: break
      }
    }
  }

  private mutating func readShape(
    _ source: any ByteSource, _ range: Range<Int>
  ) throws(CairnError) {
    var reader = ProtobufReader(source, in: range)
    while let field = try reader.next() {
      if field.number == 3, field.varint == 1 {
        throw CairnError(.invalidShape, "a tensor's shape is not known")
      }
      guard field.number == 2, let range = field.range else { continue }
      var size = 0
      var dimension = ProtobufReader(source, in: range)
      while let field = try dimension.next() {
        if field.number == 1, let value = field.varint { size = Int(truncatingIfNeeded: value) }
      }
      dimensions.append(size)
    }
  }

  /// `TensorSliceProto`: a start and a length for each dimension.
  private static func slice(
    _ source: any ByteSource, _ range: Range<Int>
  ) throws(CairnError) -> Slice {
    var slice: Slice = []
    var reader = ProtobufReader(source, in: range)
    while let field = try reader.next() {
      guard field.number == 1, let range = field.range else { continue }
      var extent: (start: Int, length: Int?) = (0, nil)
      var inner = ProtobufReader(source, in: range)
      while let field = try inner.next() {
        if field.number == 1, let value = field.varint { extent.start = Int(clamping: value) }
        if field.number == 2, let value = field.varint { extent.length = Int(clamping: value) }
      }
      slice.append(extent)
    }
    return slice
  }

  private static let types: [UInt64: DType] = [
    1: .float32, 2: .float64, 3: .int32, 4: .uint8, 5: .int16, 6: .int8, 7: .string,
    8: .complex64, 9: .int64, 10: .bool, 14: .bfloat16, 17: .uint16, 18: .complex128, 19: .float16,
    22: .uint32, 23: .uint64, 24: .float8E5M2, 25: .float8E4M3FN,
  ]

  /// The number of a type in TensorFlow's list (tensorflow/core/framework/types.proto); nil for types that are
  /// not in it.
  static func number(of dtype: DType) -> Int? {
    types.first { $0.value == dtype }.map { Int($0.key) }
  }

  private static let refused: [UInt64: String] = [
    11: "qint8", 12: "quint8", 13: "qint32", 15: "qint16", 16: "quint16", 20: "resource",
    21: "variant", 29: "int4", 30: "uint4",
  ]

  /// The type of the elements.
  ///
  /// - Throws: `unsupported` for elements that are not plain numbers, with the type's name;
  ///   `unknownDType`.
  func dtype() throws(CairnError) -> DType {
    if let dtype = Self.types[type] { return dtype }
    if let name = Self.refused[type] {
      throw CairnError(.unsupported, "the elements are of a type that is not read", found: name)
    }
    throw CairnError(.unknownDType, "the element type is not known", found: "type \(type)")
  }
}
