// Little-endian fields in and out of bytes. FORMAT.md, section 2.

import CairnSystem

extension Span<UInt8> {
  /// The little-endian integer at `offset`.
  ///
  /// - Precondition: it lies within the span. Callers read from records whose length they have
  ///   checked; what has no fixed length is read through a ``FieldCursor``, which throws.
  func field<T: FixedWidthInteger & UnsignedInteger>(_ offset: Int, as type: T.Type = T.self) -> T {
    var value: T = 0
    for byte in 0..<MemoryLayout<T>.size {
      value |= T(truncatingIfNeeded: self[offset + byte]) << T(8 * byte)
    }
    return value
  }

  /// Whether the bytes of `range` are all zero.
  func isZero(in range: Range<Int>) -> Bool {
    for index in range where self[index] != 0 { return false }
    return true
  }
}

/// Bytes being put together field by field.
struct FieldBuilder {
  private(set) var bytes: [UInt8] = []

  /// A builder with room for `capacity` bytes before it asks for more memory.
  init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

  mutating func append<T: FixedWidthInteger & UnsignedInteger>(_ value: T) {
    for byte in 0..<MemoryLayout<T>.size {
      bytes.append(UInt8(truncatingIfNeeded: value >> T(8 * byte)))
    }
  }

  mutating func append(_ more: [UInt8]) { bytes += more }

  mutating func appendZeros(_ count: Int) { bytes += repeatElement(0, count: count) }

  /// Zeros up to the next multiple of `alignment`.
  mutating func align(to alignment: Int) {
    appendZeros(padding(after: bytes.count, to: alignment))
  }

  /// Appends the CRC-32 of all bytes so far.
  mutating func appendChecksum() { append(crc32(bytes.span)) }
}

/// The zero bytes that bring `count` up to a multiple of `alignment`, a power of two.
func padding(after count: Int, to alignment: Int) -> Int { -count & (alignment - 1) }

/// Fields of variable length, read one after the other; every read is checked against the end.
struct FieldCursor {
  let bytes: [UInt8]
  private(set) var position = 0
  /// Where the bytes lie in the file, for messages.
  let offset: Int
  /// The error to throw when they end too soon.
  let code: CairnError.Code

  init(_ bytes: [UInt8], at offset: Int, code: CairnError.Code) {
    self.bytes = bytes
    self.offset = offset
    self.code = code
  }

  var isAtEnd: Bool { position == bytes.count }
  var location: CairnError.Location { .init(offset: UInt64(offset + position)) }

  func failure(_ message: String, expected: String? = nil, found: String? = nil) -> CairnError {
    CairnError(code, message, at: location, expected: expected, found: found)
  }

  mutating func take(_ count: Int) throws(CairnError) -> [UInt8] {
    guard count >= 0, count <= bytes.count - position else {
      throw failure(
        "the bytes end within a field", expected: "\(count) bytes",
        found: "\(bytes.count - position)")
    }
    let part = Array(bytes[position..<position + count])
    position += count
    return part
  }

  mutating func next<T: FixedWidthInteger & UnsignedInteger>(
    _ type: T.Type
  ) throws(CairnError) -> T {
    let field = try take(MemoryLayout<T>.size)
    return field.span.field(0)
  }
}
