// CRC-32, its spelling in messages, and what to do where it is wrong.

import CairnCodec
import CairnSystem

/// The CRC-32 of `bytes`.
func crc32(_ bytes: Span<UInt8>) -> UInt32 { Checksum.crc32(bytes) }

/// The CRC-32 of bytes that follow on others whose CRC-32 is `checksum`.
func crc32(_ bytes: Span<UInt8>, continuing checksum: UInt32) -> UInt32 {
  Checksum.crc32(bytes, continuing: checksum)
}

/// What binds the frames of a file to their order: the CRC-32 of the last four bytes of each header.
///
/// Those are the CRC of the rest. With whole headers, all of their bits would cancel out: the
/// CRC-32 of any bytes followed by their own CRC-32 is always the same.
struct FrameOrderChecksum {
  private(set) var value: UInt32 = 0

  /// Adds the next frame, given its header.
  mutating func add(_ header: [UInt8]) {
    value = crc32(header.span.extracting(last: 4), continuing: value)
  }
}

/// A CRC as eight hexadecimal digits.
func hexText(_ value: UInt32) -> String { hex(value, digits: 8) }

/// What to do with a damaged file.
let restoringAdvice = "Restore the file from a copy, or recover what is intact"
