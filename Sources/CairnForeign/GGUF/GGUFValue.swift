// The typed values of a GGUF file's metadata.

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// The type of a value, or of an array's elements.
enum GGUFValueType: UInt32, CaseIterable {
  case uint8 = 0
  case int8, uint16, int16, uint32, int32, float32, bool, string, array, uint64, int64, float64

  /// The bytes of the smallest value of this type.
  var smallest: Int {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16: 2
    case .uint32, .int32, .float32: 4
    case .string, .uint64, .int64, .float64: 8
    case .array: 12
    }
  }

  /// How a layout names the type.
  var name: String { "\(self)" }
}

/// A value as it stands in a file.
enum GGUFValue {
  /// One value, with its type; for an array, the type of its elements.
  case kept(MetadataValue, GGUFValueForm)
  /// An array of arrays, which `Metadata` cannot hold.
  case nested

  /// Reads a value, which has its type ahead of it. Numbers of all widths keep their value. Texts
  /// that are not UTF-8, as some tokens are, become bytes.
  static func read(_ reader: inout GGUFReader) throws(CairnError) -> GGUFValue {
    let type = try type(&reader)
    guard type == .array else {
      return .kept(try scalar(&reader, type), GGUFValueForm(type: type, isArray: false))
    }
    let element = try self.type(&reader)
    let count = try reader.count(smallest: element.smallest)
    if element == .array {
      try skipArrays(&reader, count)
      return .nested
    }
    return .kept(
      try array(&reader, element, count), GGUFValueForm(type: element, isArray: true))
  }

  private static func type(_ reader: inout GGUFReader) throws(CairnError) -> GGUFValueType {
    let number: UInt32 = try reader.integer()
    guard let type = GGUFValueType(rawValue: number) else {
      throw reader.failure(
        .invalidHeader, "a value's type is not known", expected: "0 to 12", found: "\(number)")
    }
    return type
  }

  /// Skips arrays of arrays of any depth, without recursion.
  private static func skipArrays(
    _ reader: inout GGUFReader, _ count: Int
  ) throws(CairnError) {
    var left = [count]
    while let last = left.last {
      guard last > 0 else {
        left.removeLast()
        continue
      }
      left[left.count - 1] = last - 1
      let element = try type(&reader)
      let count = try reader.count(smallest: element.smallest)
      switch element {
      case .array:
        try reader.budget.take(bytes: 2 * MemoryLayout<Int>.stride)
        left.append(count)
      case .string: for _ in 0..<count { try reader.skipText() }
      // No overflow: the count was checked against the bytes that are left.
      default: try reader.skip(count * element.smallest)
      }
    }
  }

  private static func scalar(
    _ reader: inout GGUFReader, _ type: GGUFValueType
  ) throws(CairnError) -> MetadataValue {
    switch type {
    case .uint8: return .uint(UInt64(try reader.byte()))
    case .int8: return .int(Int64(try reader.integer(Int8.self)))
    case .uint16: return .uint(UInt64(try reader.integer(UInt16.self)))
    case .int16: return .int(Int64(try reader.integer(Int16.self)))
    case .uint32: return .uint(UInt64(try reader.integer(UInt32.self)))
    case .int32: return .int(Int64(try reader.integer(Int32.self)))
    case .float32: return .float(Double(Float(bitPattern: try reader.integer())))
    case .bool: return .bool(try bool(&reader))
    case .uint64: return .uint(try reader.integer())
    case .int64: return .int(try reader.integer())
    case .float64: return .float(Double(bitPattern: try reader.integer()))
    case .string, .array:
      let bytes = try reader.text()
      return String(validating: bytes, as: UTF8.self).map(MetadataValue.string) ?? .bytes(bytes)
    }
  }

  private static func bool(_ reader: inout GGUFReader) throws(CairnError) -> Bool {
    let byte = try reader.byte()
    guard byte <= 1 else {
      throw reader.failure(
        .invalidHeader, "a truth value is neither 0 nor 1", found: "\(byte)")
    }
    return byte == 1
  }

  private static func array(
    _ reader: inout GGUFReader, _ type: GGUFValueType, _ count: Int
  ) throws(CairnError) -> MetadataValue {
    switch type {
    case .string, .array: return try texts(&reader, count)
    case .bool: return .bools(try list(&reader, count) { (r) throws(CairnError) in try bool(&r) })
    case .uint8:
      return .uints(
        try list(&reader, count) { (r) throws(CairnError) in UInt64(try r.byte()) })
    case .uint16: return .uints(try unsigned(&reader, count, UInt16.self))
    case .uint32: return .uints(try unsigned(&reader, count, UInt32.self))
    case .uint64: return .uints(try unsigned(&reader, count, UInt64.self))
    case .int8: return .ints(try signed(&reader, count, Int8.self))
    case .int16: return .ints(try signed(&reader, count, Int16.self))
    case .int32: return .ints(try signed(&reader, count, Int32.self))
    case .int64: return .ints(try signed(&reader, count, Int64.self))
    case .float32:
      return .floats(
        try list(&reader, count) { (r) throws(CairnError) in
          Double(Float(bitPattern: try r.integer()))
        })
    case .float64:
      return .floats(
        try list(&reader, count) { (r) throws(CairnError) in
          Double(bitPattern: try r.integer())
        })
    }
  }

  private static func list<T>(
    _ reader: inout GGUFReader, _ count: Int,
    _ one: (inout GGUFReader) throws(CairnError) -> T
  ) throws(CairnError) -> [T] {
    try reader.budget.take(count, of: MemoryLayout<T>.stride)
    var values: [T] = []
    values.reserveCapacity(count)
    for _ in 0..<count { values.append(try one(&reader)) }
    return values
  }

  private static func unsigned<T: FixedWidthInteger>(
    _ reader: inout GGUFReader, _ count: Int, _: T.Type
  ) throws(CairnError) -> [UInt64] {
    try list(&reader, count) { (r) throws(CairnError) in UInt64(try r.integer(T.self)) }
  }

  private static func signed<T: FixedWidthInteger>(
    _ reader: inout GGUFReader, _ count: Int, _: T.Type
  ) throws(CairnError) -> [Int64] {
    try list(&reader, count) { (r) throws(CairnError) in Int64(try r.integer(T.self)) }
  }

  private static func texts(
    _ reader: inout GGUFReader, _ count: Int
  ) throws(CairnError) -> MetadataValue {
    let parts = try list(&reader, count) { (r) throws(CairnError) in try r.text() }
    try reader.budget.take(count, of: MemoryLayout<String>.stride)
    var texts: [String] = []
    texts.reserveCapacity(count)
    for part in parts {
      guard let text = String(validating: part, as: UTF8.self) else { return .byteStrings(parts) }
      texts.append(text)
    }
    return .strings(texts)
  }
}
