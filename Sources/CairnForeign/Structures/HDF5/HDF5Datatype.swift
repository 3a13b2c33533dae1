// The types of elements and attributes. Specification, IV.A.2.d.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors

/// A type, as far as Cairn needs it.
enum HDF5Datatype: Hashable, Sendable {
  /// Numbers with the bits of a tensor's type; `swappedWidth` is their width if they are
  /// big-endian.
  case plain(DType, swappedWidth: Int)
  /// Texts of a fixed number of bytes. Padding is what follows the first NUL, or the NULs or spaces
  /// at the end.
  case fixedText(byteCount: Int, padding: Padding)
  /// Texts in the global heap.
  case text
  /// A fixed number of bytes, with the writer's description of them.
  case opaque(byteCount: Int, tag: String)
  /// Anything else, by name.
  case other(String, byteCount: Int)

  enum Padding: Hashable, Sendable { case nulTerminated, nul, space }

  /// The bytes of an element in the file; for texts in the heap, those of the reference.
  func byteCount(_ file: HDF5Bytes) -> Int {
    switch self {
    case .plain(let dtype, _): (dtype.bitWidth ?? 8) / 8
    case .fixedText(let byteCount, _), .opaque(let byteCount, _), .other(_, let byteCount):
      byteCount
    case .text: 8 + file.addressWidth
    }
  }

  /// The name, for messages.
  var name: String {
    switch self {
    case .plain(let dtype, _): dtype.name
    case .fixedText, .text: "text"
    case .opaque(let count, let tag):
      "opaque bytes (\(count)\(tag.isEmpty ? "" : ", " + tag.excerpt))"
    case .other(let name, _): name
    }
  }

  private static let maximumDepth = 8

  /// Reads a type.
  ///
  /// - Throws: `invalidHeader`, `truncated`, `unsupported` for a version that is not known.
  init(_ fields: inout HDF5Fields, depth: Int = 0) throws(CairnError) {
    guard depth < Self.maximumDepth else {
      throw fields.failure(.limitExceeded, "a type of the HDF5 file is nested too deep")
    }
    let start = fields.location
    let head = try fields.byte()
    let version = head >> 4
    guard (1...5).contains(version) else {
      throw CairnError(
        .unsupported, "a type has a version that Cairn does not know", at: start,
        expected: "1 to 5", found: "\(version)")
    }
    let bits = UInt32(try fields.unsigned(3))
    let size = try fields.number(4)
    guard size > 0 else {
      throw CairnError(
        .invalidHeader, "a type has elements of no bytes", at: start, advice: HDF5Bytes.advice)
    }
    switch head & 15 {
    case 0: self = try Self.integer(&fields, bits: bits, size: size)
    case 1: self = try Self.float(&fields, bits: bits, size: size)
    case 2: self = .other("time", byteCount: size)
    case 3:
      self = .fixedText(
        byteCount: size,
        padding: bits & 15 == 0 ? .nulTerminated : bits & 15 == 1 ? .nul : .space)
    case 4: self = .other("bit field", byteCount: size)
    case 5:
      let tag = try fields.bytes(min(fields.remaining, Int(bits & 0xFF))).prefix { $0 != 0 }
      self = .opaque(byteCount: size, tag: String(decoding: tag, as: UTF8.self))
    case 6: self = try Self.compound(&fields, version, Int(bits & 0xFFFF), size, depth)
    case 7: self = .other("reference", byteCount: size)
    case 8: self = try Self.enumeration(&fields, version, Int(bits & 0xFFFF), size, depth)
    case 9:
      self = bits & 15 == 1 ? .text : .other("sequence of variable length", byteCount: size)
      // The library accepts only what it writes: a length, an address and a number.
      guard size == 8 + fields.file.addressWidth else {
        throw CairnError(
          .invalidHeader, "a reference to the heap has a size that it cannot have", at: start,
          expected: "\(8 + fields.file.addressWidth)", found: "\(size)", advice: HDF5Bytes.advice)
      }
    case 10: self = .other("array", byteCount: size)
    case 11: self = try Self.complex(&fields, size, depth)
    default: self = .other("class \(head & 15)", byteCount: size)
    }
  }

  private static func integer(
    _ fields: inout HDF5Fields, bits: UInt32, size: Int
  ) throws(CairnError) -> Self {
    let offset = try fields.number(2)
    let precision = try fields.number(2)
    let isSigned = bits & 8 != 0
    let types: [Int: (DType, DType)] = [
      1: (.uint8, .int8), 2: (.uint16, .int16), 4: (.uint32, .int32), 8: (.uint64, .int64),
    ]
    guard offset == 0, precision == 8 * size, let pair = types[size] else {
      return .other("integer of \(precision) bits in \(size) bytes", byteCount: size)
    }
    return .plain(isSigned ? pair.1 : pair.0, swappedWidth: bits & 1 == 0 ? 1 : size)
  }

  private static func float(
    _ fields: inout HDF5Fields, bits: UInt32, size: Int
  ) throws(CairnError) -> Self {
    let other = Self.other("floating-point number of \(size) bytes", byteCount: size)
    let offset = try fields.number(2)
    let precision = try fields.number(2)
    let layout = try fields.bytes(4).map(Int.init)
    let bias = try fields.number(4)
    // Required: little- or big-endian, an implied first bit, the sign in the highest bit.
    guard bits & 0x40 == 0, offset == 0, precision == 8 * size,
      Int(bits >> 8 & 0xFF) == precision - 1
    else { return other }
    // For each type: place and size of the exponent, place and size of the mantissa, bias.
    let known: [(DType, [Int], Int)] = [
      (.float16, [10, 5, 0, 10], 15), (.bfloat16, [7, 8, 0, 7], 127),
      (.float32, [23, 8, 0, 23], 127), (.float64, [52, 11, 0, 52], 1023),
      (.float8E5M2, [2, 5, 0, 2], 15), (.float8E4M3FN, [3, 4, 0, 3], 7),
    ]
    guard bits >> 4 & 3 == 2,
      let found = known.first(where: {
        $0.0.bitWidth == precision && $0.1 == layout && $0.2 == bias
      })
    else { return other }
    return .plain(found.0, swappedWidth: bits & 1 == 0 ? 1 : size)
  }

  /// A member's name, padded to a multiple of eight bytes in all versions but the third.
  private static func memberName(
    _ fields: inout HDF5Fields, _ version: UInt8
  ) throws(CairnError) -> [UInt8] {
    var name: [UInt8] = []
    while true {
      let byte = try fields.byte()
      if byte == 0 { break }
      name.append(byte)
    }
    if version < 3 { try fields.skip((8 - (name.count + 1) % 8) % 8) }
    return name
  }

  /// A complex number as h5py writes it, or a type that is only named.
  private static func compound(
    _ fields: inout HDF5Fields, _ version: UInt8, _ memberCount: Int, _ size: Int, _ depth: Int
  ) throws(CairnError) -> Self {
    let other = Self.other("compound of \(memberCount) members", byteCount: size)
    guard memberCount == 2 else { return other }
    var members: [(name: [UInt8], offset: Int, type: HDF5Datatype)] = []
    for _ in 0..<2 {
      let name = try memberName(&fields, version)
      var width = 4
      if version >= 3 {
        width = 1
        while width < 4, size >> (8 * width) > 0 { width += 1 }
      }
      let offset = try fields.number(width)
      if version == 1 {
        guard try fields.byte() == 0 else { return other }
        try fields.skip(27)
      }
      members.append((name, offset, try HDF5Datatype(&fields, depth: depth + 1)))
    }
    guard members[0].name == Array("r".utf8), members[1].name == Array("i".utf8),
      members[0].type == members[1].type, members[0].offset == 0,
      case .plain(let part, let swapped) = members[0].type,
      part == .float32 || part == .float64, let width = part.bitWidth.map({ $0 / 8 }),
      members[1].offset == width, size == 2 * width
    else { return other }
    return .plain(part == .float32 ? .complex64 : .complex128, swappedWidth: swapped)
  }

  /// A complex number of the class for them, made of two numbers of one type.
  private static func complex(
    _ fields: inout HDF5Fields, _ size: Int, _ depth: Int
  ) throws(CairnError) -> Self {
    let part = try HDF5Datatype(&fields, depth: depth + 1)
    guard case .plain(let dtype, let swapped) = part,
      dtype == .float32 || dtype == .float64, size == 2 * ((dtype.bitWidth ?? 0) / 8)
    else { return .other("complex number of \(size) bytes", byteCount: size) }
    return .plain(dtype == .float32 ? .complex64 : .complex128, swappedWidth: swapped)
  }

  /// A truth value as h5py writes it, or a type that is only named.
  private static func enumeration(
    _ fields: inout HDF5Fields, _ version: UInt8, _ memberCount: Int, _ size: Int, _ depth: Int
  ) throws(CairnError) -> Self {
    let other = Self.other("enumeration of \(memberCount) values", byteCount: size)
    let base = try HDF5Datatype(&fields, depth: depth + 1)
    guard memberCount == 2, size == 1, case .plain(let dtype, _) = base,
      dtype == .int8 || dtype == .uint8
    else { return other }
    let names = [try memberName(&fields, version), try memberName(&fields, version)]
    let values = try fields.bytes(2)
    guard names == [Array("FALSE".utf8), Array("TRUE".utf8)], values == [0, 1] else {
      return other
    }
    return .plain(.bool, swappedWidth: 1)
  }
}

/// How many elements there are, and in which shape.
struct HDF5Dataspace: Hashable, Sendable {
  /// Nil if there are no elements and no shape.
  var dimensions: [Int]?
  /// What each dimension may grow to; nil for an unbounded one.
  var greatest: [Int?] = []

  /// Reads the message.
  init(_ fields: inout HDF5Fields) throws(CairnError) {
    let version = try fields.version(1...2, of: "a dataspace")
    let rank = try fields.number(1)
    let flags = try fields.byte()
    let kind = try fields.byte()
    if version == 1 { try fields.skip(4) }
    guard rank <= Shape.maximumRank else {
      throw fields.failure(
        .limitExceeded, "an array has too many dimensions",
        expected: "at most \(Shape.maximumRank)", found: "\(rank)")
    }
    if version == 2, kind == 2 { return }
    var dimensions: [Int] = []
    for _ in 0..<rank { dimensions.append(try fields.length()) }
    self.dimensions = dimensions
    greatest = dimensions
    guard flags & 1 != 0 else { return }
    let unbounded = UInt64.max >> UInt64(64 - 8 * fields.file.lengthWidth)
    for axis in 0..<rank {
      let bound = try fields.unsigned(fields.file.lengthWidth)
      guard bound == unbounded || Int(exactly: bound).map({ $0 >= dimensions[axis] }) ?? false
      else {
        throw fields.failure(.invalidShape, "an array is larger than it may become")
      }
      greatest[axis] = bound == unbounded ? nil : Int(bound)
    }
  }

  /// The shape.
  ///
  /// - Throws: `invalidShape`; `unsupported` if there is none.
  func shape(at place: CairnError.Location) throws(CairnError) -> Shape {
    guard let dimensions else {
      throw CairnError(
        .unsupported, "an array without a shape (a null dataspace) is no tensor", at: place)
    }
    do throws(CairnError) { return try Shape(dimensions) } catch {
      throw error.located(file: place.file, offset: place.offset)
    }
  }
}
