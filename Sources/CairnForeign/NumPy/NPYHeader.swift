// The header of a `.npy` file, versions 1 to 3 (numpy/lib/_format_impl.py, "Format Version 1.0"):
//
//     93 4E 55 4D 50 59  01 00  76 00                 magic, version, length (u16; u32 from version 2)
//     {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }··········\n
//                                                     a Python literal, padded to a multiple of 64
//     the elements

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors

/// What a header says.
struct NPYHeader: Equatable {
  var type: NPYDType
  var isFortranOrder: Bool
  var shape: Shape
  /// The bytes ahead of the elements.
  var byteCount: Int
  var version: String

  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// The largest header that is read. NumPy itself refuses more than 10,000 bytes unless it trusts
  /// the file.
  static let maximumByteCount = 65_536

  /// Reads a header.
  ///
  /// - Throws: `truncated`, `invalidHeader`, `headerTooLarge`, `unsupported`,
  ///   `unknownDType`, `invalidShape`.
  init(_ source: any ByteSource) throws(CairnError) {
    var reader = ByteCursor(source)
    let magic = try reader.bytes(min(Self.magic.count, reader.remaining))
    guard magic == Self.magic else {
      throw CairnError(
        magic.count < Self.magic.count ? .truncated : .invalidHeader,
        "the file does not begin as a .npy file does", at: .init(file: source.path, offset: 0),
        expected: "\\x93NUMPY")
    }
    let major = try reader.byte()
    let minor = try reader.byte()
    guard (1...3).contains(major), minor == 0 else {
      throw CairnError(
        .unsupported, "the version of the .npy format is not known",
        at: .init(file: source.path, offset: 6), expected: "1.0, 2.0 or 3.0",
        found: "\(major).\(minor)")
    }
    version = "\(major).\(minor)"
    let length: Int
    if major == 1 {
      length = Int(try reader.integer(UInt16.self))
    } else {
      length = Int(try reader.integer(UInt32.self))
    }
    guard length <= Self.maximumByteCount else {
      throw CairnError(
        .headerTooLarge, "the header is larger than is allowed",
        at: .init(file: source.path, offset: 8), expected: "at most \(Self.maximumByteCount) bytes",
        found: "\(length)")
    }
    let start = reader.position
    let text = try reader.bytes(length)
    byteCount = reader.position
    var parser = PythonLiteral(text, at: start, path: source.path)
    (type, isFortranOrder, shape) = try Self.fields(&parser)
  }

  private static func fields(
    _ parser: inout PythonLiteral
  ) throws(CairnError) -> (NPYDType, Bool, Shape) {
    var type: NPYDType?
    var fortran: Bool?
    var shape: Shape?
    try parser.expect("{")
    while !parser.take("}") {
      let place = parser.location
      let key = try parser.string()
      try parser.expect(":")
      let valuePlace = parser.location
      switch key {
      case "descr" where type == nil:
        if parser.isAt("[") || parser.isAt("(") {
          throw CairnError(
            .unsupported, "the array is structured: its elements are records of several fields",
            at: valuePlace, found: parser.excerpt, advice: "Save each field as an array of its own")
        }
        type = try NPYDType(parsing: parser.string(), at: valuePlace)
      case "fortran_order" where fortran == nil: fortran = try parser.bool()
      case "shape" where shape == nil:
        do throws(CairnError) { shape = try Shape(parser.tuple()) } catch {
          throw error.located(file: valuePlace.file, offset: valuePlace.offset)
        }
      default:
        throw CairnError(
          .invalidHeader, "the header has a key that is unknown or stands there twice", at: place,
          expected: "descr, fortran_order and shape, each once", found: key.excerpt)
      }
      if !parser.take(",") {
        try parser.expect("}")
        break
      }
    }
    try parser.end()
    guard let type, let fortran, let shape else {
      throw CairnError(
        .invalidHeader, "the header lacks a key", at: parser.location,
        expected: "descr, fortran_order and shape")
    }
    return (type, fortran, shape)
  }

  /// The bytes of a header, as NumPy writes them: in the oldest version that is enough, with room
  /// for the first dimension to grow, padded to a multiple of 64.
  static func bytes(spelling: String, shape: Shape) -> [UInt8] {
    let dimensions = shape.dimensions.map { "\($0)" }
    let tuple = "(" + dimensions.joined(separator: ", ") + (shape.rank == 1 ? ",)" : ")")
    let blank = UInt8(ascii: " ")
    var text = Array("{'descr': '\(spelling)', 'fortran_order': False, 'shape': \(tuple), }".utf8)
    if let first = dimensions.first {
      text += repeatElement(blank, count: max(0, 21 - first.utf8.count))
    }
    // With at most 32 dimensions the length always fits the 16 bits of version 1.
    let unpadded = magic.count + 4 + text.count + 1
    text += repeatElement(blank, count: 64 - unpadded % 64)
    text.append(UInt8(ascii: "\n"))
    return magic + [1, 0, UInt8(text.count & 0xFF), UInt8(text.count >> 8)] + text
  }
}
