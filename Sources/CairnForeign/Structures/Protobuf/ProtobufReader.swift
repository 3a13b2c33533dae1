// Protocol Buffers' wire format (protobuf.dev/programming-guides/encoding), as far as ONNX and
// TensorFlow need it: the fields of a message, one after the other, without a schema. This is one
// page of code. The runtime of swift-protobuf with generated messages would first read a whole
// model into memory.

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// A place in a message.
struct ProtobufReader {
  /// One field.
  struct Field {
    /// The value behind the tag.
    enum Value {
      case varint(UInt64)
      case fixed64(UInt64)
      case fixed32(UInt32)
      /// A text, bytes, a message or packed numbers: where they are in the source.
      case bytes(Range<Int>)
    }

    var number: Int
    var value: Value
    var place: CairnError.Location

    /// Where the bytes are, if the field is of that kind.
    var range: Range<Int>? { if case .bytes(let range) = value { range } else { nil } }
    /// The number, if the field is one of variable length.
    var varint: UInt64? { if case .varint(let value) = value { value } else { nil } }
  }

  let source: any ByteSource
  private var reader: ByteCursor

  /// A reader of the message at `range`; without a range, of the whole source.
  init(_ source: any ByteSource, in range: Range<Int>? = nil) {
    self.source = source
    reader = ByteCursor(source, in: range)
  }

  /// The next field; nil at the end of the message.
  ///
  /// - Throws: `truncated`, `invalidHeader` for a tag that is not valid.
  mutating func next() throws(CairnError) -> Field? {
    guard !reader.isAtEnd else { return nil }
    let place = reader.location
    let tag = try varint()
    let number = Int(clamping: tag >> 3)
    guard (1..<1 << 29).contains(number) else {
      throw CairnError(
        .invalidHeader, "a field of the message has no valid number", at: place, found: "\(number)",
        advice: "The file is damaged; fetch it again")
    }
    switch tag & 7 {
    case 0: return Field(number: number, value: .varint(try varint()), place: place)
    case 1: return Field(number: number, value: .fixed64(try reader.integer()), place: place)
    case 5: return Field(number: number, value: .fixed32(try reader.integer()), place: place)
    case 2:
      let count = Int(clamping: try varint())
      let start = reader.position
      try reader.skip(count)
      return Field(number: number, value: .bytes(start..<start + count), place: place)
    default:
      throw CairnError(
        .invalidHeader, "a field of the message is of a kind that is not used", at: place,
        expected: "0, 1, 2 or 5", found: "\(tag & 7)",
        advice: "The file is damaged; fetch it again")
    }
  }

  /// A number of variable length: 7 bits a byte, at most 10 bytes.
  mutating func varint() throws(CairnError) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      let byte = try reader.byte()
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 {
        guard shift < 63 || byte <= 1 else { break }
        return value
      }
    }
    throw reader.failure(.invalidHeader, "a number has more than 64 bits")
  }

  /// The next `count` bytes, which are not a field.
  mutating func take(_ count: Int) throws(CairnError) -> [UInt8] { try reader.bytes(count) }

  /// The bytes that are left.
  var remaining: Int { reader.remaining }
  /// Whether nothing is left.
  var isAtEnd: Bool { reader.isAtEnd }

  /// The bytes at `range`.
  func bytes(_ range: Range<Int>) throws(CairnError) -> [UInt8] {
    try source.withBytes(in: range) { $0.array }
  }

  /// The bytes at `range`; nil if they are more than `limit`.
  func bytes(_ range: Range<Int>, limit: Int) throws(CairnError) -> [UInt8]? {
    range.count <= limit ? try bytes(range) : nil
  }

  /// The bytes of the name at `range`; nil if it is longer than a tensor's name may be.
  func name(_ range: Range<Int>) throws(CairnError) -> [UInt8]? {
    try bytes(range, limit: TensorName.maximumByteCount)
  }
}
