// The two checksums of the format: CRC-32 over stored bytes, Adler-32 inside each stream.
// FORMAT.md, sections "Frames" and "Chunks and planes". Unsafe code: passing spans to zlib.

internal import CZlib

/// Checksums over bytes.
public enum Checksum {
  /// The CRC-32 of `bytes`, as in RFC 1952 section 8, PNG and IEEE 802.3.
  ///
  /// To take it over several pieces, pass each piece's result on to the next.
  ///
  /// Complexity: O(*n*).
  ///
  /// - Parameters:
  ///   - bytes: The bytes to check.
  ///   - continuing: The CRC-32 of what precedes `bytes`; 0 if nothing does.
  public static func crc32(_ bytes: Span<UInt8>, continuing: UInt32 = 0) -> UInt32 {
    // zlib reads exactly `count` bytes. It takes a null pointer for "give the initial value".
    unsafe bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return continuing }
      return UInt32(truncatingIfNeeded: unsafe crc32_z(UInt(continuing), base, buffer.count))
    }
  }

  /// The Adler-32 of `bytes`, RFC 1950 section 9.
  ///
  /// Complexity: O(*n*).
  ///
  /// - Parameters:
  ///   - bytes: The bytes to check.
  ///   - continuing: The Adler-32 of what precedes `bytes`; 1 if nothing does.
  public static func adler32(_ bytes: Span<UInt8>, continuing: UInt32 = 1) -> UInt32 {
    unsafe bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return continuing }
      return UInt32(truncatingIfNeeded: unsafe adler32_z(UInt(continuing), base, buffer.count))
    }
  }
}
