// Little-endian fields of bytes that may be anything, and checksums. FORMAT.md, section 2.

extension [UInt8] {
  /// The little-endian integer of `width` bytes at `offset`; 0 where the bytes end before it does.
  package func field(_ offset: Int, _ width: Int) -> UInt64 {
    guard offset >= 0, offset <= count - width else { return 0 }
    return (0..<width).reduce(0) { $0 | UInt64(self[offset + $1]) << UInt64(8 * $1) }
  }

  /// As ``field(_:_:)``, as an Int; values beyond the largest Int become that.
  package func integer(_ offset: Int, _ width: Int) -> Int { Int(clamping: field(offset, width)) }

  /// Sets the little-endian integer of `width` bytes at `offset`, if it lies within the bytes.
  package mutating func setField(_ offset: Int, _ width: Int, to value: UInt64) {
    guard offset >= 0, offset <= count - width else { return }
    for byte in 0..<width {
      self[offset + byte] = UInt8(truncatingIfNeeded: value >> UInt64(8 * byte))
    }
  }

  package mutating func setField(_ offset: Int, _ width: Int, to value: Int) {
    setField(offset, width, to: UInt64(bitPattern: Int64(value)))
  }

  package mutating func append(_ value: Int, width: Int) {
    let start = count
    self += repeatElement(0, count: width)
    setField(start, width, to: value)
  }

  mutating func align(to alignment: Int) {
    self += repeatElement(0, count: -count & (alignment - 1))
  }

  /// The CRC-32 of `range`, which lies within the bytes (RFC 1952, section 8).
  package func crc32(_ range: Range<Int>) -> UInt64 {
    let table = crcOfByte
    var crc = UInt32.max
    for place in range { crc = crc >> 8 ^ table[Int((crc ^ UInt32(self[place])) & 0xFF)] }
    return UInt64(~crc)
  }

  /// Sets the CRC-32 in the last four of the `count` bytes at `offset`: superblock, frame header,
  /// commit record.
  package mutating func seal(_ offset: Int, _ count: Int) {
    guard let record = range(offset, count) else { return }
    let end = record.upperBound - 4
    setField(end, 4, to: crc32(record.lowerBound..<end))
  }

  /// `offset..<offset + length`, if that lies within the bytes.
  package func range(_ offset: Int, _ length: Int) -> Range<Int>? {
    guard offset >= 0, length >= 0, offset <= count, length <= count - offset else { return nil }
    return offset..<offset + length
  }

  /// With one bit of the byte at `offset` flipped.
  package func flipped(at offset: Int) -> [UInt8] {
    var copy = self
    copy[offset] ^= 0x10
    return copy
  }
}

private let crcOfByte: [UInt32] = (0..<256).map { byte in
  (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0xEDB8_8320 }
}
