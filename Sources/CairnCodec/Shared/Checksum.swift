// The two checksums of the format: CRC-32 over stored bytes, Adler-32 inside each stream.
// FORMAT.md, sections "Frames" and "Chunks and planes". Unsafe code: passing spans to zlib.

internal import CZlib

/// Checksums over bytes.
package enum Checksum {
  /// The CRC-32 of `bytes`, as in RFC 1952 section 8, PNG and IEEE 802.3.
  ///
  /// To take it over several pieces, pass each piece's result on to the next.
  ///
  /// Complexity: O(*n*).
  ///
  /// - Parameters:
  ///   - bytes: The bytes to check.
  ///   - continuing: The CRC-32 of what precedes `bytes`; 0 if nothing does.
  package static func crc32(_ bytes: Span<UInt8>, continuing: UInt32 = 0) -> UInt32 {
    // zlib reads exactly `count` bytes. It takes a null pointer for "give the initial value".
    unsafe bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return continuing }
      let (done, checksum) = unsafe VectorKernels.crc32(base, buffer.count, continuing: continuing)
      return UInt32(
        truncatingIfNeeded: unsafe crc32_z(UInt(checksum), base + done, buffer.count - done))
    }
  }

  /// The Adler-32 of `bytes`, RFC 1950 section 9.
  ///
  /// Complexity: O(*n*).
  ///
  /// - Parameters:
  ///   - bytes: The bytes to check.
  ///   - continuing: The Adler-32 of what precedes `bytes`; 1 if nothing does.
  package static func adler32(_ bytes: Span<UInt8>, continuing: UInt32 = 1) -> UInt32 {
    unsafe bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return continuing }
      return unsafe adler32(base, buffer.count, continuing: continuing)
    }
  }

  /// The Adler-32 of the `count` bytes at `start`.
  static func adler32(
    _ start: UnsafeRawPointer, _ count: Int, continuing: UInt32
  ) -> UInt32 {
    let bytes = unsafe start.assumingMemoryBound(to: UInt8.self)
    let (done, checksum) = unsafe VectorKernels.adler32(bytes, count, continuing: continuing)
    return unsafe AdlerKernel.adler32(bytes + done, count - done, continuing: checksum)
  }

  /// The Adler-32 of two pieces one after the other, the second `count` bytes long, from theirs.
  static func adler32(_ first: UInt32, then second: UInt32, count: Int) -> UInt32 {
    let prime: UInt32 = 65_521
    // Each half is below the prime; `count` is at most 2^24, and its remainder below the prime.
    let length = UInt32(truncatingIfNeeded: count % Int(prime))
    let low = (first & 0xFFFF + second & 0xFFFF + prime - 1) % prime
    let before = UInt32(
      truncatingIfNeeded: UInt64(length) * UInt64((first & 0xFFFF) + prime - 1) % UInt64(prime))
    return ((first >> 16 + second >> 16 + before) % prime) << 16 | low
  }
}
