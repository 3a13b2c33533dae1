// One member of a ZIP archive: what the central directory says of it, checked against its local
// header. PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.9 (descriptor), 4.3.12
// (central).

import CairnCheckpoints
import CairnSystem

/// The fields that the central directory and a local header have in common.
struct ZipFields {
  var flags: UInt16
  var method: UInt16
  var crc: UInt32
  var stored: UInt32
  var plain: UInt32
  var nameCount: UInt16
  var extraCount: UInt16

  /// Reads them, beginning with the flags; the time and the date are skipped.
  init(_ reader: inout ByteCursor) throws(CairnError) {
    flags = try reader.integer()
    method = try reader.integer()
    try reader.skip(4)
    crc = try reader.integer()
    stored = try reader.integer()
    plain = try reader.integer()
    nameCount = try reader.integer()
    extraCount = try reader.integer()
  }
}

/// A member of an archive.
struct ZipMember: Sendable {
  /// How a member's bytes are coded.
  enum Method: UInt16, Sendable {
    case stored = 0
    case deflated = 8

    var name: String { self == .stored ? "stored" : "deflated" }
  }

  var name: String
  var method: Method
  var flags: UInt16
  var crc: UInt32
  /// Bytes in the archive.
  var storedByteCount: Int
  /// Bytes of the content.
  var byteCount: Int
  /// Where its local header begins.
  var headerOffset: Int
  /// Where its data begins.
  var dataOffset = 0
  /// Where the parts of the member end: its data and, if there is one, the descriptor.
  var end = 0

  var isFolder: Bool { name.utf8.last == UInt8(ascii: "/") }

  static let localSignature: UInt32 = 0x0403_4B50
  static let descriptorSignature: UInt32 = 0x0807_4B50
  static let descriptorFlag: UInt16 = 1 << 3
  static let utf8Flag: UInt16 = 1 << 11

  /// DEFLATE cannot expand more than 1,032 times.
  static let largestExpansion = 1_032

  /// Reads the local header and checks it against the central directory.
  mutating func checkLocalHeader(
    in source: any ByteSource, nameBytes: [UInt8], before limit: Int
  ) throws(CairnError) {
    var reader = ByteCursor(source, in: min(headerOffset, limit)..<limit)
    let start = reader.location
    func disagree(_ what: String, _ expected: String, _ found: String) -> CairnError {
      CairnError(
        .invalidArchive, "the local header gives another \(what) than the central directory",
        at: .init(file: source.path, offset: start.offset, name: name), expected: expected,
        found: found, advice: ZipArchive.advice)
    }
    let signature: UInt32 = try reader.integer()
    guard signature == Self.localSignature else {
      throw CairnError(
        .invalidArchive, "a member does not begin with a local header",
        at: .init(file: source.path, offset: start.offset, name: name), expected: "PK\\x03\\x04",
        advice: ZipArchive.advice)
    }
    try reader.skip(2)
    let fields = try ZipFields(&reader)
    guard fields.method == method.rawValue else {
      throw disagree("method", "\(method.rawValue)", "\(fields.method)")
    }
    guard fields.flags == flags else {
      throw disagree("set of flags", "\(flags)", "\(fields.flags)")
    }
    let localName = try reader.bytes(Int(fields.nameCount))
    guard localName == nameBytes else {
      throw disagree("name", name.excerpt, String(decoding: localName, as: UTF8.self).excerpt)
    }
    var sizes = ZipExtra.Sizes(stored: fields.stored, plain: fields.plain, offset: 0)
    try ZipExtra.apply(try reader.bytes(Int(fields.extraCount)), to: &sizes, at: start, name: name)
    dataOffset = reader.position
    let hasDescriptor = flags & Self.descriptorFlag != 0
    if !(hasDescriptor && fields.crc == 0 && sizes.stored == 0 && sizes.plain == 0) {
      // With a descriptor they are zero, or correct already, as some writers do it.
      guard hasDescriptor && fields.crc == 0 || fields.crc == crc else {
        throw disagree("CRC-32", hex(crc, digits: 8), hex(fields.crc, digits: 8))
      }
      guard sizes.stored == UInt64(storedByteCount) || hasDescriptor && sizes.stored == 0,
        sizes.plain == UInt64(byteCount) || hasDescriptor && sizes.plain == 0
      else {
        throw disagree(
          "size", "\(storedByteCount) and \(byteCount)", "\(sizes.stored) and \(sizes.plain)")
      }
    }
    try reader.skip(storedByteCount)
    end = reader.position
    if hasDescriptor { end += try descriptorByteCount(&reader) }
  }

  /// The length of the data descriptor: with or without a signature, sizes of 4 or 8 bytes.
  private func descriptorByteCount(_ reader: inout ByteCursor) throws(CairnError) -> Int {
    let place = reader.location
    let bytes = try reader.bytes(min(24, reader.remaining))
    func matches(_ signature: Bool, wide: Bool) -> Bool {
      var expected: [UInt8] = []
      if signature { expected.append(littleEndian: Self.descriptorSignature) }
      expected.append(littleEndian: crc)
      expected.append(littleEndian: UInt64(storedByteCount), width: wide ? 8 : 4)
      expected.append(littleEndian: UInt64(byteCount), width: wide ? 8 : 4)
      return bytes.starts(with: expected)
    }
    if matches(true, wide: true) { return 24 }
    if matches(false, wide: true) { return 20 }
    let fits = storedByteCount <= UInt32.max && byteCount <= UInt32.max
    if fits, matches(true, wide: false) { return 16 }
    if fits, matches(false, wide: false) { return 12 }
    throw CairnError(
      .invalidArchive, "the data descriptor disagrees with the central directory",
      at: .init(file: place.file, offset: place.offset, name: name), advice: ZipArchive.advice)
  }
}

/// The extra field of a header: only the sizes of ZIP64 (section 4.5.3) matter here.
enum ZipExtra {
  /// The sizes and the offset of a header, before and after the extra field is applied.
  struct Sizes {
    var stored: UInt64
    var plain: UInt64
    var offset: UInt64

    init(stored: UInt32, plain: UInt32, offset: UInt32) {
      self.stored = UInt64(stored)
      self.plain = UInt64(plain)
      self.offset = UInt64(offset)
    }
  }

  /// Replaces what is 2^32 - 1 by what the ZIP64 field says.
  static func apply(
    _ extra: [UInt8], to sizes: inout Sizes, at place: CairnError.Location, name: String
  ) throws(CairnError) {
    let saturated = UInt64(UInt32.max)
    var found = false
    do throws(CairnError) {
      var reader = ByteCursor(try MemoryBytes(extra))
      // Fewer than four bytes at the end are padding, not a field; tools that align data leave
      // them.
      while reader.remaining >= 4 {
        let id: UInt16 = try reader.integer()
        let count: UInt16 = try reader.integer()
        guard id == 1 else {
          try reader.skip(Int(count))
          continue
        }
        guard !found else { throw reader.failure(.invalidArchive, "two ZIP64 fields") }
        found = true
        let end = reader.position + Int(count)
        if sizes.plain == saturated { sizes.plain = try reader.integer() }
        if sizes.stored == saturated { sizes.stored = try reader.integer() }
        if sizes.offset == saturated { sizes.offset = try reader.integer() }
        guard reader.position <= end else {
          throw reader.failure(.invalidArchive, "the ZIP64 field is too short")
        }
        try reader.skip(end - reader.position)
      }
    } catch {
      throw CairnError(
        .invalidArchive, "the extra field of a header is broken: \(error.message)",
        at: .init(file: place.file, offset: place.offset, name: name), advice: ZipArchive.advice)
    }
  }
}
