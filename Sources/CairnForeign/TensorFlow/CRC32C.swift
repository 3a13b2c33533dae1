// CRC-32C (Castagnoli, RFC 3720 appendix B.4), which zlib does not have, and TensorFlow's masked form of
// it (tensorflow/core/lib/hash/crc32c.h).

/// Checksums of TensorFlow's files.
enum CRC32C {
  private static let table: [UInt32] = (0..<256).map { index in
    var value = UInt32(index)
    for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
    return value
  }

  /// The checksum of `bytes`. `continuing` is the checksum of the bytes before them, or 0 if there
  /// are none.
  static func checksum(_ bytes: Span<UInt8>, continuing: UInt32 = 0) -> UInt32 {
    var crc = ~continuing
    let table = Self.table
    for index in bytes.indices {
      crc = table[Int(truncatingIfNeeded: (crc ^ UInt32(bytes[index])) & 0xFF)] ^ crc >> 8
    }
    return ~crc
  }

  /// A checksum in the form in which it is stored. The mask keeps checksums good if the checked
  /// bytes contain checksums themselves.
  static func masked(_ crc: UInt32) -> UInt32 { (crc >> 15 | crc << 17) &+ 0xA282_EAD8 }
}
