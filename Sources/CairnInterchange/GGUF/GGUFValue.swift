// The typed values of a GGUF file's metadata.

import CairnSystem
import CairnTensors

/// Values of the key-values.
enum GGUFValue {
  private static let string: UInt32 = 8
  private static let array: UInt32 = 9

  /// The bytes of a text: a length and so many bytes.
  static func bytes(_ reader: inout SourceReader) throws(CairnError) -> [UInt8] {
    try reader.bytes(Int(clamping: reader.integer(UInt64.self)))
  }

  /// A value with its type ahead of it. Numbers of all widths keep their value; texts that are no UTF-8,
  /// as some tokens are, are bytes.
  static func read(
    _ reader: inout SourceReader, key: Metadata.Key
  ) throws(CairnError) -> MetadataValue {
    do throws(CairnError) {
      let type: UInt32 = try reader.integer()
      if type == array { return try readArray(&reader) }
      if type == string {
        let bytes = try bytes(&reader)
        return String(validating: bytes, as: UTF8.self).map(MetadataValue.string) ?? .bytes(bytes)
      }
      return try scalar(&reader, type)
    } catch {
      throw error.located(name: key.string)
    }
  }

  private static func scalar(
    _ reader: inout SourceReader, _ type: UInt32
  ) throws(CairnError) -> MetadataValue {
    switch type {
    case 0: return .uint(UInt64(try reader.byte()))
    case 1: return .int(Int64(try reader.integer(Int8.self)))
    case 2: return .uint(UInt64(try reader.integer(UInt16.self)))
    case 3: return .int(Int64(try reader.integer(Int16.self)))
    case 4: return .uint(UInt64(try reader.integer(UInt32.self)))
    case 5: return .int(Int64(try reader.integer(Int32.self)))
    case 6: return .float(Double(Float(bitPattern: try reader.integer())))
    case 7:
      let byte = try reader.byte()
      guard byte <= 1 else {
        throw reader.failure(
          .invalidHeader, "a truth value is neither 0 nor 1", found: "\(byte)",
          advice: GGUFHeader.advice)
      }
      return .bool(byte == 1)
    case 10: return .uint(try reader.integer())
    case 11: return .int(try reader.integer())
    case 12: return .float(Double(bitPattern: try reader.integer()))
    default:
      throw reader.failure(
        .invalidHeader, "a value's type is not known", expected: "0 to 12", found: "\(type)",
        advice: GGUFHeader.advice)
    }
  }

  private static func readArray(_ reader: inout SourceReader) throws(CairnError) -> MetadataValue {
    let type: UInt32 = try reader.integer()
    guard type != array else {
      throw reader.failure(.unsupported, "a value is an array of arrays")
    }
    let smallest: [UInt32: Int] = [
      0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 8: 8, 10: 8, 11: 8, 12: 8,
    ]
    let count: UInt64 = try reader.integer()
    guard count <= UInt64(reader.remaining / (smallest[type] ?? 1)) else {
      throw reader.failure(
        .truncated, "the file is too short for an array", found: "\(count) elements",
        advice: GGUFHeader.advice)
    }
    if type == string { return try texts(&reader, Int(count)) }
    var bools: [Bool] = []
    var ints: [Int64] = []
    var uints: [UInt64] = []
    var floats: [Double] = []
    for _ in 0..<count {
      switch try scalar(&reader, type) {
      case .bool(let value): bools.append(value)
      case .int(let value): ints.append(value)
      case .uint(let value): uints.append(value)
      case .float(let value): floats.append(value)
      default: break
      }
    }
    switch type {
    case 7: return .bools(bools)
    case 1, 3, 5, 11: return .ints(ints)
    case 6, 12: return .floats(floats)
    case 0, 2, 4, 10: return .uints(uints)
    default: return try scalar(&reader, type)
    }
  }

  private static func texts(
    _ reader: inout SourceReader, _ count: Int
  ) throws(CairnError) -> MetadataValue {
    var parts: [[UInt8]] = []
    parts.reserveCapacity(count)
    for _ in 0..<count { parts.append(try bytes(&reader)) }
    var texts: [String] = []
    texts.reserveCapacity(count)
    for part in parts {
      guard let text = String(validating: part, as: UTF8.self) else { return .byteStrings(parts) }
      texts.append(text)
    }
    return .strings(texts)
  }
}
