// Types, shapes, attributes and texts in the bytes of an HDF5 file. Specification, III.E, IV.A.2.

import CairnCheckpoints
import CairnSystem
package import CairnTensors

/// What the writer puts into messages.
package enum HDF5Encoding {
  static func dataspace(_ dimensions: [Int]) -> [UInt8] {
    var fields = HDF5ByteFields()
    fields.bytes = [2, UInt8(clamping: dimensions.count), 0, dimensions.isEmpty ? 0 : 1]
    for dimension in dimensions { fields.add(UInt64(dimension)) }
    return fields.bytes
  }

  private static func integer(_ width: Int, isSigned: Bool) -> [UInt8] {
    var fields = HDF5ByteFields()
    fields.bytes = [0x10, isSigned ? 8 : 0, 0, 0]
    fields.add(UInt32(width), UInt16(0), UInt16(8 * width))
    return fields.bytes
  }

  private static func float(
    _ width: Int, exponent: (place: UInt8, count: UInt8), bias: UInt32
  ) -> [UInt8] {
    var fields = HDF5ByteFields()
    fields.bytes = [0x11, 0x20, UInt8(8 * width - 1), 0]
    fields.add(UInt32(width), UInt16(0), UInt16(8 * width))
    fields.bytes += [exponent.place, exponent.count, 0, exponent.place]
    fields.add(bias)
    return fields.bytes
  }

  /// A compound of a real and an imaginary part, as h5py has it.
  private static func complex(_ part: [UInt8], width: Int) -> [UInt8] {
    var fields = HDF5ByteFields()
    fields.bytes = [0x16, 2, 0, 0]
    fields.add(UInt32(2 * width))
    for (name, offset) in [("r", 0), ("i", width)] {
      fields.bytes += Array(name.utf8) + [UInt8](repeating: 0, count: 7)
      fields.add(UInt32(offset))
      fields.bytes += [UInt8](repeating: 0, count: 28) + part
    }
    return fields.bytes
  }

  /// An enumeration of FALSE and TRUE, as h5py has it.
  private static var truth: [UInt8] {
    var fields = HDF5ByteFields()
    fields.bytes = [0x18, 2, 0, 0]
    fields.add(UInt32(1))
    fields.bytes += integer(1, isSigned: true)
    fields.bytes += Array("FALSE\0\0\0".utf8) + Array("TRUE\0\0\0\0".utf8) + [0, 1]
    return fields.bytes
  }

  private static func opaque(_ count: Int) -> [UInt8] {
    var fields = HDF5ByteFields()
    fields.bytes = [0x15, 0, 0, 0]
    fields.add(UInt32(clamping: count))
    return fields.bytes
  }

  /// Texts of any length, UTF-8, that end with a NUL.
  private static var text: [UInt8] {
    var fields = HDF5ByteFields()
    fields.bytes = [0x19, 1, 1, 0]
    fields.add(UInt32(16))
    return fields.bytes + [0x10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0]
  }

  /// The type of a tensor's elements.
  ///
  /// - Throws: `cannotHold` for types that Keras could not read.
  static func datatype(_ dtype: DType, of name: String) throws(CairnError) -> [UInt8] {
    switch dtype {
    case .bool: truth
    case .int8, .int16, .int32, .int64: integer((dtype.bitWidth ?? 8) / 8, isSigned: true)
    case .uint8, .uint16, .uint32, .uint64: integer((dtype.bitWidth ?? 8) / 8, isSigned: false)
    case .float16: float(2, exponent: (10, 5), bias: 15)
    case .float32: float(4, exponent: (23, 8), bias: 127)
    case .float64: float(8, exponent: (52, 11), bias: 1_023)
    // Keras keeps the bits as opaque bytes and says in an attribute what they are.
    case .bfloat16: opaque(2)
    case .complex64: complex(float(4, exponent: (23, 8), bias: 127), width: 4)
    case .complex128: complex(float(8, exponent: (52, 11), bias: 1_023), width: 8)
    default:
      throw CairnError(
        .cannotHold, "hdf5 has no element type \(dtype)", at: .init(name: name),
        advice: "Write a .cairn file, or cast the tensor first")
    }
  }

  /// An attribute's message.
  ///
  /// - Throws: `cannotHold` for a value of more than 64 KB, and for byte strings of several lengths.
  static func attribute(
    _ name: String, _ value: MetadataValue, _ texts: inout HDF5TextHeap
  ) throws(CairnError) -> [UInt8] {
    var data = HDF5ByteFields()
    let type: [UInt8]
    var count: Int?
    switch value {
    case .bool(let value): (type, data.bytes) = (truth, [value ? 1 : 0])
    case .bools(let values):
      (type, data.bytes, count) = (truth, values.map { $0 ? 1 : 0 }, values.count)
    case .int(let value):
      type = integer(8, isSigned: true)
      data.add(UInt64(bitPattern: value))
    case .ints(let values):
      (type, count) = (integer(8, isSigned: true), values.count)
      for value in values { data.add(UInt64(bitPattern: value)) }
    case .uint(let value):
      type = integer(8, isSigned: false)
      data.add(value)
    case .uints(let values):
      (type, count) = (integer(8, isSigned: false), values.count)
      for value in values { data.add(value) }
    case .float(let value):
      type = float(8, exponent: (52, 11), bias: 1_023)
      data.add(value.bitPattern)
    case .floats(let values):
      (type, count) = (float(8, exponent: (52, 11), bias: 1_023), values.count)
      for value in values { data.add(value.bitPattern) }
    case .string(let value):
      type = text
      data.bytes = texts.reference(value)
    case .strings(let values):
      (type, count) = (text, values.count)
      for value in values { data.bytes += texts.reference(value) }
    case .bytes(let bytes):
      guard !bytes.isEmpty else { throw refusal(name, "bytes that are none") }
      (type, data.bytes) = (opaque(bytes.count), bytes)
    case .byteStrings: throw refusal(name, "a list of byte strings")
    }
    for text in value.texts where text.utf8.contains(0) {
      throw refusal(name, "a text with a NUL in it")
    }
    let space = dataspace(count.map { [$0] } ?? [])
    guard canName(name) else { throw refusal(name, "a name that is empty, too long or has a NUL") }
    let nameBytes = Array(name.utf8) + [0]
    var fields = HDF5ByteFields()
    fields.bytes = [3, 0]
    fields.add(UInt16(clamping: nameBytes.count), UInt16(clamping: type.count))
    fields.add(UInt16(clamping: space.count))
    fields.bytes += [1] + nameBytes + type + space + data.bytes
    guard fields.bytes.count <= Int(UInt16.max) else {
      throw refusal(name, "a value of more than 64 KB")
    }
    return fields.bytes
  }

  /// Whether an attribute can be called so, and have that value.
  package static func canHold(_ name: String, _ value: MetadataValue) -> Bool {
    reason(against: name, value) == nil
  }

  /// What it is that no attribute has a place for; nil if it can be called so, and have that value.
  package static func reason(against name: String, _ value: MetadataValue) -> String? {
    var heap = HDF5TextHeap()
    do throws(CairnError) {
      _ = try attribute(name, value, &heap)
      return nil
    } catch {
      return error.message.dropping(prefix: refusalPrefix) ?? error.message
    }
  }

  /// Whether an attribute can be called so.
  package static func canName(_ name: String) -> Bool {
    (1...32_000).contains(name.utf8.count) && !name.utf8.contains(0)
  }

  private static let refusalPrefix = "an HDF5 attribute has no place for "

  private static func refusal(_ name: String, _ what: String) -> CairnError {
    CairnError(
      .cannotHold, refusalPrefix + what, at: .init(name: name.excerpt),
      advice: "Write a .cairn file, or accept the loss (--lossy; metadata)")
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
  /// What an object's number can count, with room to spare.
  private static let objectLimit = 60_000
  private static let headByteCount = 16

  private var texts: [[UInt8]] = []
  private var references: [[UInt8]] = []
  private var next = 0

  /// Takes the texts, in the order in which they will be asked for.
  mutating func collect(_ values: [MetadataValue]) {
    for value in values { texts += value.texts.map { Array($0.utf8) } }
  }

  /// The collections, which will lie at an address.
  mutating func layOut(from address: Int) -> [UInt8] {
    var heap: [UInt8] = []
    var place = 0
    while place < texts.count {
      let part = texts[place..<min(texts.count, place + Self.objectLimit)]
      let start = address + heap.count
      var objects = HDF5ByteFields()
      for (number, text) in part.enumerated() {
        objects.add(UInt16(number + 1), UInt16(1), UInt32(0), UInt64(text.count))
        objects.bytes += text + [UInt8](repeating: 0, count: (8 - text.count % 8) % 8)
        var reference = HDF5ByteFields()
        reference.add(UInt32(clamping: text.count), UInt64(start), UInt32(number + 1))
        references.append(text.isEmpty ? [UInt8](repeating: 0, count: 16) : reference.bytes)
      }
      // The library wants collections of at least 4,096 bytes, filled by an object of number 0.
      var collection = HDF5ByteFields()
      let used = Self.headByteCount + objects.bytes.count
      let whole = max(4_096, used + Self.headByteCount)
      collection.bytes = Array("GCOL".utf8) + [1, 0, 0, 0]
      collection.add(UInt64(whole))
      collection.bytes += objects.bytes
      collection.add(UInt16(0), UInt16(0), UInt32(0), UInt64(whole - used))
      collection.bytes += [UInt8](repeating: 0, count: whole - collection.bytes.count)
      heap += collection.bytes
      place += part.count
    }
    return heap
  }

  /// The next text's length, and where it is.
  mutating func reference(_ text: String) -> [UInt8] {
    defer { next += 1 }
    return next < references.count ? references[next] : [UInt8](repeating: 0, count: 16)
  }
}
