// Types, shapes, attributes and texts as bytes of an HDF5 file. Specification, III.E, IV.A.2.

import CairnCheckpoints
import CairnSystem
package import CairnTensors

/// The content of the messages that the writer makes.
package enum HDF5Encoding {
  static func dataspace(_ dimensions: [Int]) -> [UInt8] {
    var fields = ByteBuilder([2, UInt8(clamping: dimensions.count), 0, dimensions.isEmpty ? 0 : 1])
    for dimension in dimensions { fields.append(UInt64(dimension)) }
    return fields.bytes
  }

  private static func integer(_ width: Int, isSigned: Bool) -> [UInt8] {
    number([0x10, isSigned ? 8 : 0, 0, 0], width: width)
  }

  private static func float(
    _ width: Int, exponent: (place: UInt8, count: UInt8), bias: UInt32
  ) -> [UInt8] {
    var fields = ByteBuilder(number([0x11, 0x20, UInt8(8 * width - 1), 0], width: width))
    fields.append([exponent.place, exponent.count, 0, exponent.place])
    fields.append(bias)
    return fields.bytes
  }

  /// The beginning of integers and floats: their class, their bytes, and that all bits count.
  private static func number(_ head: [UInt8], width: Int) -> [UInt8] {
    var fields = ByteBuilder(head)
    fields.append(UInt32(width))
    fields.append(UInt16(0))
    fields.append(UInt16(8 * width))
    return fields.bytes
  }

  /// A compound of a real and an imaginary part, as h5py writes it.
  private static func complex(_ part: [UInt8], width: Int) -> [UInt8] {
    var fields = ByteBuilder([0x16, 2, 0, 0])
    fields.append(UInt32(2 * width))
    for (name, offset) in [("r", 0), ("i", width)] {
      fields.append(Array(name.utf8) + [UInt8](repeating: 0, count: 7))
      fields.append(UInt32(offset))
      fields.append([UInt8](repeating: 0, count: 28) + part)
    }
    return fields.bytes
  }

  /// An enumeration of FALSE and TRUE, as h5py writes it.
  private static let truth: [UInt8] =
    [0x18, 2, 0, 0, 1, 0, 0, 0] + integer(1, isSigned: true)
    + Array("FALSE\0\0\0TRUE\0\0\0\0".utf8) + [0, 1]

  private static let int64 = integer(8, isSigned: true)
  private static let uint64 = integer(8, isSigned: false)
  private static let float32 = float(4, exponent: (23, 8), bias: 127)
  private static let float64 = float(8, exponent: (52, 11), bias: 1_023)

  private static func opaque(_ count: Int) -> [UInt8] {
    var fields = ByteBuilder([0x15, 0, 0, 0])
    fields.append(UInt32(clamping: count))
    return fields.bytes
  }

  /// Texts of any length, in UTF-8, ending with a NUL.
  private static let text: [UInt8] = [
    0x19, 1, 1, 0, 16, 0, 0, 0, 0x10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0,
  ]

  /// The type of a tensor's elements.
  ///
  /// - Throws: `cannotHold` for types that Keras could not read.
  static func datatype(_ dtype: DType, of name: String) throws(CairnError) -> [UInt8] {
    switch dtype {
    case .bool: truth
    case .int8, .int16, .int32, .int64: integer((dtype.bitWidth ?? 8) / 8, isSigned: true)
    case .uint8, .uint16, .uint32, .uint64: integer((dtype.bitWidth ?? 8) / 8, isSigned: false)
    case .float16: float(2, exponent: (10, 5), bias: 15)
    case .float32: float32
    case .float64: float64
    // Keras stores the bits as opaque bytes, and an attribute says what they are.
    case .bfloat16: opaque(2)
    case .complex64: complex(float32, width: 4)
    case .complex128: complex(float64, width: 8)
    default:
      throw CairnError(
        .cannotHold, "hdf5 has no element type \(dtype)", at: .init(name: name),
        advice: "Write a .cairn file, or cast the tensor first")
    }
  }

  /// The type of an attribute's value, the number of values if it is a list, and the bytes of all.
  ///
  /// - Throws: `cannotHold` for a value that no attribute can hold.
  private static func form(
    of value: MetadataValue, as name: String
  ) throws(CairnError) -> (type: [UInt8], count: Int?, byteCount: Int) {
    for text in value.texts where text.utf8.contains(0) {
      throw refusal(name, "a text with a NUL in it")
    }
    switch value {
    case .bool: return (truth, nil, 1)
    case .bools(let values): return (truth, values.count, values.count)
    case .int: return (int64, nil, 8)
    case .ints(let values): return (int64, values.count, 8 * values.count)
    case .uint: return (uint64, nil, 8)
    case .uints(let values): return (uint64, values.count, 8 * values.count)
    case .float: return (float64, nil, 8)
    case .floats(let values): return (float64, values.count, 8 * values.count)
    case .string: return (text, nil, HDF5TextHeap.referenceByteCount)
    case .strings(let texts):
      return (text, texts.count, HDF5TextHeap.referenceByteCount * texts.count)
    case .bytes(let bytes):
      guard !bytes.isEmpty else { throw refusal(name, "bytes that are none") }
      return (opaque(bytes.count), nil, bytes.count)
    case .byteStrings: throw refusal(name, "a list of byte strings")
    }
  }

  /// An attribute's message without the value.
  ///
  /// - Throws: `cannotHold` for a value of more than 64 KB, and for byte strings of several
  ///   lengths.
  private static func head(
    _ name: String, _ value: MetadataValue
  ) throws(CairnError) -> ByteBuilder {
    let (type, count, byteCount) = try form(of: value, as: name)
    guard canName(name) else { throw refusal(name, "a name that is empty, too long or has a NUL") }
    let space = dataspace(count.map { [$0] } ?? [])
    let nameBytes = Array(name.utf8) + [0]
    var fields = ByteBuilder([3, 0])
    for part in [nameBytes, type, space] { fields.append(UInt16(clamping: part.count)) }
    fields.append(UInt8(1))
    for part in [nameBytes, type, space] { fields.append(part) }
    guard byteCount <= Int(UInt16.max) - fields.bytes.count else {
      throw refusal(name, "a value of more than 64 KB")
    }
    return fields
  }

  /// An attribute's message.
  ///
  /// - Throws: `cannotHold` for a value of more than 64 KB, and for byte strings of several lengths.
  static func attribute(
    _ name: String, _ value: MetadataValue, _ texts: inout HDF5TextHeap
  ) throws(CairnError) -> [UInt8] {
    var fields = try head(name, value)
    switch value {
    case .bool(let value): fields.append(UInt8(value ? 1 : 0))
    case .bools(let values): for value in values { fields.append(UInt8(value ? 1 : 0)) }
    case .int(let value): fields.append(UInt64(bitPattern: value))
    case .ints(let values): for value in values { fields.append(UInt64(bitPattern: value)) }
    case .uint(let value): fields.append(value)
    case .uints(let values): for value in values { fields.append(value) }
    case .float(let value): fields.append(value.bitPattern)
    case .floats(let values): for value in values { fields.append(value.bitPattern) }
    case .string(let text): fields.append(texts.reference(text))
    case .strings(let all): for text in all { fields.append(texts.reference(text)) }
    case .bytes(let bytes): fields.append(bytes)
    case .byteStrings(let parts): for part in parts { fields.append(part) }
    }
    return fields.bytes
  }

  /// Whether an attribute can have that name and value.
  package static func canHold(_ name: String, _ value: MetadataValue) -> Bool {
    reason(against: name, value) == nil
  }

  /// Why no attribute can have that name and value; nil if one can.
  package static func reason(against name: String, _ value: MetadataValue) -> String? {
    do throws(CairnError) {
      _ = try head(name, value)
      return nil
    } catch {
      return error.message.dropping(prefix: refusalPrefix) ?? error.message
    }
  }

  /// Whether an attribute can have that name.
  package static func canName(_ name: String) -> Bool {
    (1...32_000).contains(name.utf8.count) && !name.utf8.contains(0)
  }

  private static let refusalPrefix = "an HDF5 attribute has no place for "

  private static func refusal(_ name: String, _ what: String) -> CairnError {
    CairnError(
      .cannotHold, refusalPrefix + what, at: .init(name: name.excerpt),
      advice: "Write a .cairn file, or accept the loss of metadata", remedies: [.acceptLoss])
  }
}

extension MetadataValue {
  /// The texts of a value.
  var texts: [String] {
    switch self {
    case .string(let text): [text]
    case .strings(let texts): texts
    default: []
    }
  }
}

/// The texts of all attributes, in collections of a global heap.
struct HDF5TextHeap {
  /// The most objects in a collection: fewer than an object's number can count.
  private static let objectLimit = 60_000
  private static let headByteCount = 16
  /// The bytes of a reference to a text, its length and place, which is stored in place of a value.
  static let referenceByteCount = 16
  private static let nothing = [UInt8](repeating: 0, count: referenceByteCount)

  private var texts: [[UInt8]] = []
  private var references: [[UInt8]] = []
  private var next = 0

  /// Takes the texts, in the order in which they will be needed.
  mutating func collect(_ values: [MetadataValue]) {
    for value in values { texts += value.texts.map { Array($0.utf8) } }
  }

  /// The collections, for a heap that will begin at `address`.
  mutating func layOut(from address: Int) -> [UInt8] {
    var heap: [UInt8] = []
    var place = 0
    while place < texts.count {
      let part = texts[place..<min(texts.count, place + Self.objectLimit)]
      let start = address + heap.count
      var objects = ByteBuilder()
      for (number, text) in part.enumerated() {
        Self.appendObject(number + 1, references: 1, byteCount: text.count, to: &objects)
        objects.append(text)
        objects.align(to: 8)
        var reference = ByteBuilder(capacity: Self.referenceByteCount)
        reference.append(UInt32(clamping: text.count))
        reference.append(UInt64(start))
        reference.append(UInt32(number + 1))
        references.append(text.isEmpty ? Self.nothing : reference.bytes)
      }
      // The library wants collections of at least 4,096 bytes. An object of number 0 fills them up.
      let used = Self.headByteCount + objects.bytes.count
      let whole = max(4_096, used + Self.headByteCount)
      var collection = ByteBuilder(Array("GCOL".utf8) + [1, 0, 0, 0])
      collection.append(UInt64(whole))
      collection.append(objects.bytes)
      Self.appendObject(0, references: 0, byteCount: whole - used, to: &collection)
      collection.appendZeros(whole - collection.bytes.count)
      heap += collection.bytes
      place += part.count
    }
    return heap
  }

  /// The head of an object of a collection.
  private static func appendObject(
    _ number: Int, references: UInt16, byteCount: Int, to fields: inout ByteBuilder
  ) {
    fields.append(UInt16(number))
    fields.append(references)
    fields.append(UInt32(0))
    fields.append(UInt64(byteCount))
  }

  /// The reference to the next text: its length and place.
  mutating func reference(_ text: String) -> [UInt8] {
    defer { next += 1 }
    return next < references.count ? references[next] : Self.nothing
  }
}
