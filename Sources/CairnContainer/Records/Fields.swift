// What the container's records need beside the byte kit. FORMAT.md, section 2.

import CairnSystem

extension Span<UInt8> {
  /// Whether the bytes of `range` are all zero.
  func isZero(in range: Range<Int>) -> Bool {
    for index in range where self[index] != 0 { return false }
    return true
  }
}

extension ByteBuilder {
  /// Appends the CRC-32 of all bytes so far.
  mutating func appendChecksum() { append(crc32(bytes.span)) }
}
