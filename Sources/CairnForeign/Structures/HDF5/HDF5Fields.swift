// Fields of an HDF5 file. Its superblock gives the widths of addresses and lengths. HDF5 File
// Format Specification 3.0.

import CairnCheckpoints
import CairnContainer
import CairnSystem

/// The bytes of an HDF5 file, and how its addresses are written.
struct HDF5Bytes: Sendable {
  let source: any ByteSource
  /// Where the file's address 0 is.
  var base = 0
  /// The bytes of an address, and of a length.
  var addressWidth = 8
  var lengthWidth = 8

  static let advice = "The file is damaged or hostile; fetch it again"

  /// The range in the source of `count` bytes at an address.
  ///
  /// - Throws: `truncated` if the file ends before them.
  func range(at address: Int, count: Int) throws(CairnError) -> Range<Int> {
    let start = base.addingSaturated(address)
    guard start >= 0, count >= 0, start <= source.count, count <= source.count - start else {
      throw CairnError(
        .truncated, "the file ends before something that it refers to",
        at: .init(file: source.path, offset: UInt64(clamping: start)),
        expected: "\(count) bytes", found: "a file of \(source.count)",
        advice: "The file is cut short or damaged; fetch it again")
    }
    return start..<start + count
  }

  /// A reader of the bytes from an address on; of only `count` bytes if that is given.
  func fields(at address: Int, count: Int? = nil) throws(CairnError) -> HDF5Fields {
    guard let count else {
      let start = try range(at: address, count: 0).lowerBound
      return HDF5Fields(self, start..<source.count)
    }
    return HDF5Fields(self, try range(at: address, count: count))
  }

  /// Checks the lookup3 checksum in the four bytes after `count` bytes at an address.
  ///
  /// - Throws: `checksumMismatch`.
  func checkSum(at address: Int, count: Int) throws(CairnError) {
    let range = try range(at: address, count: count.addingSaturated(4))
    let body = range.lowerBound..<range.upperBound - 4
    let found = try source.withBytes(in: body) { Lookup3.hash($0) }
    var stored = ByteCursor(source, in: body.upperBound..<range.upperBound)
    let expected: UInt32 = try stored.integer()
    guard found == expected else {
      throw CairnError(
        .checksumMismatch, "a structure of the HDF5 file has another checksum than it records",
        at: .init(file: source.path, offset: UInt64(range.lowerBound)),
        expected: hex(expected, digits: 8), found: hex(found, digits: 8), advice: Self.advice)
    }
  }
}

/// A place in an HDF5 file that moves on as fields are read. Every read is checked against the end.
struct HDF5Fields {
  let file: HDF5Bytes
  private var reader: ByteCursor
  private let start: Int

  /// A reader of the bytes of `range`, which must be within the source.
  init(_ file: HDF5Bytes, _ range: Range<Int>) {
    self.file = file
    reader = ByteCursor(file.source, in: range)
    start = range.lowerBound
  }

  /// Bytes that were read.
  var consumed: Int { reader.position - start }
  /// Bytes that are left.
  var remaining: Int { reader.remaining }
  /// The place, for messages.
  var location: CairnError.Location { reader.location }

  /// An error at this place.
  func failure(
    _ code: CairnError.Code, _ message: String, expected: String? = nil, found: String? = nil,
    advice: String? = HDF5Bytes.advice
  ) -> CairnError {
    reader.failure(code, message, expected: expected, found: found, advice: advice)
  }

  mutating func byte() throws(CairnError) -> UInt8 { try reader.byte() }
  mutating func bytes(_ count: Int) throws(CairnError) -> [UInt8] { try reader.bytes(count) }
  mutating func skip(_ count: Int) throws(CairnError) { try reader.skip(count) }

  /// A little-endian number of 1 to 8 bytes.
  mutating func unsigned(_ width: Int) throws(CairnError) -> UInt64 {
    try reader.number(min(8, width))
  }

  /// A number of `width` bytes that must fit an `Int`.
  mutating func number(_ width: Int) throws(CairnError) -> Int {
    let place = location
    let value = try unsigned(width)
    guard let number = Int(exactly: value) else {
      throw CairnError(
        .invalidHeader, "a number in the HDF5 file is more than can be counted", at: place,
        found: "\(value)", advice: HDF5Bytes.advice)
    }
    return number
  }

  mutating func length() throws(CairnError) -> Int { try number(file.lengthWidth) }

  /// An address; nil for the undefined address, whose bits are all set.
  mutating func address() throws(CairnError) -> Int? {
    let place = location
    let value = try unsigned(file.addressWidth)
    let undefined = UInt64.max >> UInt64(64 - 8 * file.addressWidth)
    if value == undefined { return nil }
    guard let address = Int(exactly: value) else {
      throw CairnError(
        .invalidHeader, "an address in the HDF5 file is more than can be counted", at: place,
        found: "\(value)", advice: HDF5Bytes.advice)
    }
    return address
  }

  /// The address of something that must be there.
  mutating func definedAddress() throws(CairnError) -> Int {
    guard let address = try address() else {
      throw failure(.invalidHeader, "something in the HDF5 file has no address")
    }
    return address
  }

  /// Checks that a structure begins with its signature of four letters.
  mutating func expect(_ signature: StaticString) throws(CairnError) {
    let place = location
    let found = try bytes(4)
    guard "\(signature)".utf8.elementsEqual(found) else {
      throw CairnError(
        .invalidHeader, "a structure of the HDF5 file does not begin as it must", at: place,
        expected: "\(signature)", found: String(decoding: found, as: UTF8.self).excerpt,
        advice: HDF5Bytes.advice)
    }
  }

  /// Checks a structure's version.
  @discardableResult
  mutating func version(_ known: ClosedRange<UInt8>, of what: String) throws(CairnError) -> UInt8 {
    let place = location
    let version = try byte()
    guard known.contains(version) else {
      throw CairnError(
        .unsupported, "\(what) has a version that Cairn does not know", at: place,
        expected: "\(known.lowerBound) to \(known.upperBound)", found: "\(version)")
    }
    return version
  }
}

/// The hash that protects structures of later HDF5 files: Bob Jenkins, lookup3.c, `hashlittle`.
enum Lookup3 {
  static func hash(_ bytes: Span<UInt8>) -> UInt32 {
    let seed = 0xDEAD_BEEF &+ UInt32(truncatingIfNeeded: bytes.count)
    var (a, b, c) = (seed, seed, seed)
    func word(_ offset: Int) -> UInt32 {
      let width = max(0, min(4, bytes.count - offset))
      return UInt32(truncatingIfNeeded: bytes.number(at: offset, width: width))
    }
    func rotated(_ value: UInt32, _ count: UInt32) -> UInt32 {
      value << count | value >> (32 - count)
    }
    var offset = 0
    while bytes.count - offset > 12 {
      a &+= word(offset)
      b &+= word(offset + 4)
      c &+= word(offset + 8)
      a = (a &- c) ^ rotated(c, 4)
      c &+= b
      b = (b &- a) ^ rotated(a, 6)
      a &+= c
      c = (c &- b) ^ rotated(b, 8)
      b &+= a
      a = (a &- c) ^ rotated(c, 16)
      c &+= b
      b = (b &- a) ^ rotated(a, 19)
      a &+= c
      c = (c &- b) ^ rotated(b, 4)
      b &+= a
      offset += 12
    }
    guard offset < bytes.count else { return c }
    a &+= word(offset)
    b &+= word(offset + 4)
    c &+= word(offset + 8)
    c = (c ^ b) &- rotated(b, 14)
    a = (a ^ c) &- rotated(c, 11)
    b = (b ^ a) &- rotated(a, 25)
    c = (c ^ b) &- rotated(b, 16)
    a = (a ^ c) &- rotated(c, 4)
    b = (b ^ a) &- rotated(a, 14)
    c = (c ^ b) &- rotated(b, 24)
    return c
  }
}
