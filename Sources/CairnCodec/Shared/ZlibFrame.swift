// What RFC 1950 puts around DEFLATE data: two header bytes before, the Adler-32 after.
// FORMAT.md, section "Chunks and planes".

enum ZlibFrame {
  /// The header that our encoder writes: method 8, 32-KiB window, no dictionary, fastest level.
  static let header: [UInt8] = [0x78, 0x01]
  static let headerLength = 2
  static let trailerLength = 4

  /// Checks the header of `stored`, RFC 1950 section 2.2.
  static func checkHeader(of stored: Span<UInt8>) throws(CodecError) {
    guard stored.count >= headerLength else {
      throw CodecError(
        .streamTooShort, "\(stored.count) bytes do not hold a zlib header", offset: stored.count)
    }
    let (method, flags) = (stored[0], stored[1])
    guard method & 0x0F == 8, method >> 4 <= 7 else {
      throw CodecError(
        .notZlib, "compression method and window size \(method) are not DEFLATE's", offset: 0)
    }
    guard (UInt16(method) << 8 | UInt16(flags)).isMultiple(of: 31) else {
      throw CodecError(.notZlib, "the check bits of the zlib header are wrong", offset: 1)
    }
    guard flags & 0x20 == 0 else {
      throw CodecError(.presetDictionary, "the stream needs a preset dictionary", offset: 1)
    }
  }

  /// Writes the Adler-32 that a stream ends with.
  static func writeTrailer(
    _ adler: UInt32, to target: inout MutableSpan<UInt8>, at offset: Int
  ) {
    for index in 0..<trailerLength {
      target[offset + index] = UInt8(truncatingIfNeeded: adler >> UInt32(24 - 8 * index))
    }
  }

  /// Checks that `stored` ends with an Adler-32, which begins at `offset`, and that it is `adler`.
  static func checkTrailer(
    of stored: Span<UInt8>, at offset: Int, adler: UInt32
  ) throws(CodecError) {
    let room = stored.count - offset
    guard room >= trailerLength else {
      throw CodecError(
        .streamTooShort, "the stored bytes end within the Adler-32", offset: stored.count)
    }
    guard room == trailerLength else {
      throw CodecError(
        .trailingBytes, "\(room - trailerLength) bytes follow the end of the stream",
        offset: offset + trailerLength)
    }
    var expected: UInt32 = 0
    for i in 0..<trailerLength { expected = expected << 8 | UInt32(stored[offset + i]) }
    guard adler == expected else {
      throw CodecError(
        .checksumMismatch, "the decoded bytes do not have the stream's Adler-32", offset: offset)
    }
  }
}
