// Metadata in bytes and back. FORMAT.md, section 13.

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// The payload of a META frame.
enum MetadataCoding {
  private static let arrayBit: UInt8 = 0x80

  static func encode(_ metadata: Metadata) throws(CairnError) -> [UInt8] {
    var fields = ByteBuilder()
    fields.append(UInt32(metadata.count))
    for (key, value) in metadata {
      append(key, value, to: &fields)
      guard fields.bytes.count <= ContainerLimits.format.metadataByteCount else {
        throw tooLarge(metadata)
      }
    }
    return fields.bytes
  }

  private static func append(
    _ key: TensorName, _ value: MetadataValue, to fields: inout ByteBuilder
  ) {
    fields.append(UInt16(key.utf8.count))
    fields.append(key.utf8)
    encode(value, into: &fields)
  }

  /// Says what would have to be left out.
  private static func tooLarge(_ metadata: Metadata) -> CairnError {
    var total = 4
    var sizes: [(key: TensorName, count: Int)] = []
    for (key, value) in metadata {
      var fields = ByteBuilder()
      append(key, value, to: &fields)
      sizes.append((key, fields.bytes.count))
      total += fields.bytes.count
    }
    // The largest first; of equals the first by name.
    sizes.sort { $0.count != $1.count ? $0.count > $1.count : $0.key < $1.key }
    let largest = sizes.prefix(3).map { "‘\($0.key)’ takes \($0.count)" }.joined(separator: ", ")
    return CairnError(
      .limitExceeded, "the metadata is larger than the format allows",
      at: .init(name: sizes.first?.key.string),
      expected: "at most \(ContainerLimits.format.metadataByteCount) bytes", found: "\(total)",
      advice: "Leave out what is not needed: \(largest)", remedies: [.excludeMetadata])
  }

  private static func encode(_ value: MetadataValue, into fields: inout ByteBuilder) {
    switch value {
    case .bool(let one): array(1, nil, [one], &fields) { $1.append(UInt8($0 ? 1 : 0)) }
    case .int(let one): array(2, nil, [one], &fields) { $1.append(UInt64(bitPattern: $0)) }
    case .uint(let one): array(3, nil, [one], &fields) { $1.append($0) }
    case .float(let one): array(4, nil, [one], &fields) { $1.append($0.bitPattern) }
    case .string(let one): array(5, nil, [one], &fields) { bytes(Array($0.utf8), &$1) }
    case .bytes(let one): array(6, nil, [one], &fields) { bytes($0, &$1) }
    case .bools(let all): array(1, all.count, all, &fields) { $1.append(UInt8($0 ? 1 : 0)) }
    case .ints(let all): array(2, all.count, all, &fields) { $1.append(UInt64(bitPattern: $0)) }
    case .uints(let all): array(3, all.count, all, &fields) { $1.append($0) }
    case .floats(let all): array(4, all.count, all, &fields) { $1.append($0.bitPattern) }
    case .strings(let all): array(5, all.count, all, &fields) { bytes(Array($0.utf8), &$1) }
    case .byteStrings(let all): array(6, all.count, all, &fields) { bytes($0, &$1) }
    }
  }

  private static func array<T>(
    _ type: UInt8, _ count: Int?, _ values: [T], _ fields: inout ByteBuilder,
    _ encode: (T, inout ByteBuilder) -> Void
  ) {
    fields.append(count == nil ? type : type | arrayBit)
    if let count { fields.append(UInt32(truncatingIfNeeded: count)) }
    for value in values { encode(value, &fields) }
  }

  private static func bytes(_ bytes: [UInt8], _ fields: inout ByteBuilder) {
    fields.append(UInt32(truncatingIfNeeded: bytes.count))
    fields.append(bytes)
  }

  /// Reads a payload that lies at `offset`.
  static func decode(_ payload: [UInt8], at offset: Int) throws(CairnError) -> Metadata {
    var cursor = ByteCursor(payload, at: offset, code: .invalidMetadata)
    let count = try cursor.integer(UInt32.self)
    guard count > 0 else {
      throw cursor.failure(
        .invalidMetadata, "the metadata has no pairs", expected: "no META frame at all")
    }
    var metadata = Metadata()
    var last: TensorName?
    for _ in 0..<count {
      let location = cursor.location
      let length = Int(try cursor.integer(UInt16.self))
      let bytes = try cursor.bytes(length)
      let key: TensorName
      do throws(CairnError) { key = try TensorName(utf8: bytes) } catch {
        throw error.located(offset: location.offset)
      }
      if let last, !(last < key) {
        throw CairnError(
          last == key ? .duplicateName : .invalidMetadata, "the keys do not ascend",
          at: .init(offset: location.offset, name: key.string), expected: "above ‘\(last)’")
      }
      last = key
      metadata[key] = try value(&cursor)
    }
    guard cursor.isAtEnd else {
      throw cursor.failure(.invalidMetadata, "the metadata goes on after its last pair")
    }
    return metadata
  }

  private static func value(_ cursor: inout ByteCursor) throws(CairnError) -> MetadataValue {
    let location = cursor
    let type = try cursor.integer(UInt8.self)
    switch type {
    case 1: return .bool(try bool(&cursor))
    case 2: return .int(Int64(bitPattern: try cursor.integer(UInt64.self)))
    case 3: return .uint(try cursor.integer(UInt64.self))
    case 4: return .float(Double(bitPattern: try cursor.integer(UInt64.self)))
    case 5: return .string(try string(&cursor))
    case 6: return .bytes(try bytes(&cursor))
    case 1 | arrayBit: return .bools(try values(&cursor, bool))
    case 2 | arrayBit:
      return .ints(
        try values(&cursor) { (cursor) throws(CairnError) in
          Int64(bitPattern: try cursor.integer(UInt64.self))
        })
    case 3 | arrayBit:
      return .uints(
        try values(&cursor) { (cursor) throws(CairnError) in try cursor.integer(UInt64.self) })
    case 4 | arrayBit:
      return .floats(
        try values(&cursor) { (cursor) throws(CairnError) in
          Double(bitPattern: try cursor.integer(UInt64.self))
        })
    case 5 | arrayBit: return .strings(try values(&cursor, string))
    case 6 | arrayBit: return .byteStrings(try values(&cursor, bytes))
    default:
      throw location.failure(
        .invalidMetadata, "a value has a type that the format does not define",
        expected: "1 to 6, plus 128 for an array",
        found: "\(type)")
    }
  }

  private static func values<T>(
    _ cursor: inout ByteCursor, _ one: (inout ByteCursor) throws(CairnError) -> T
  ) throws(CairnError) -> [T] {
    let count = try cursor.integer(UInt32.self)
    // No reservation: a hostile count ends at the end of the bytes, each value taking at least one.
    var values: [T] = []
    for _ in 0..<count { values.append(try one(&cursor)) }
    return values
  }

  private static func bool(_ cursor: inout ByteCursor) throws(CairnError) -> Bool {
    let location = cursor
    let byte = try cursor.integer(UInt8.self)
    guard byte <= 1 else {
      throw location.failure(.invalidMetadata, "a bool is neither 0 nor 1", found: "\(byte)")
    }
    return byte == 1
  }

  private static func bytes(_ cursor: inout ByteCursor) throws(CairnError) -> [UInt8] {
    let count = try cursor.integer(UInt32.self)
    return try cursor.bytes(Int(count))
  }

  private static func string(_ cursor: inout ByteCursor) throws(CairnError) -> String {
    let location = cursor
    let bytes = try bytes(&cursor)
    guard let string = String(validating: bytes, as: UTF8.self) else {
      throw location.failure(.invalidMetadata, "a string is not valid UTF-8")
    }
    return string
  }
}
