// CRC-32, its spelling in messages, and what to do where it is wrong.

import CairnCodec
import CairnSystem

/// The CRC-32 of `bytes`.
func crc32(_ bytes: Span<UInt8>) -> UInt32 { Checksum.crc32(bytes) }

/// The CRC-32 of bytes that follow on others whose CRC-32 is `checksum`.
func crc32(_ bytes: Span<UInt8>, continuing checksum: UInt32) -> UInt32 {
  Checksum.crc32(bytes, continuing: checksum)
}

/// A CRC as eight hexadecimal digits.
func hexText(_ value: UInt32) -> String { hex(value, digits: 8) }

/// What to do with a damaged file.
let restoringAdvice =
  "Restore the file from a copy, or recover what is intact with `cairn salvage`"
