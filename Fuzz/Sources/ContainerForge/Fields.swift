// Little-endian fields of bytes that may be anything. FORMAT.md, section 2.

internal import CFuzzing

extension [UInt8] {
  /// The little-endian integer of `width` bytes at `offset`; 0 where the bytes end before it does.
  func field(_ offset: Int, _ width: Int) -> UInt64 {
    guard offset >= 0, offset <= count - width else { return 0 }
    return (0..<width).reduce(0) { $0 | UInt64(self[offset + $1]) << UInt64(8 * $1) }
  }

  /// As ``field(_:_:)``, as an Int; values beyond the largest Int become that.
  func integer(_ offset: Int, _ width: Int) -> Int { Int(clamping: field(offset, width)) }

  /// Sets the little-endian integer of `width` bytes at `offset`, if it lies within the bytes.
  mutating func setField(_ offset: Int, _ width: Int, to value: UInt64) {
    guard offset >= 0, offset <= count - width else { return }
    for byte in 0..<width {
      self[offset + byte] = UInt8(truncatingIfNeeded: value >> UInt64(8 * byte))
    }
  }

  mutating func setField(_ offset: Int, _ width: Int, to value: Int) {
    setField(offset, width, to: UInt64(bitPattern: Int64(value)))
  }

  mutating func append(_ value: Int, width: Int) {
    let start = count
    self += repeatElement(0, count: width)
    setField(start, width, to: value)
  }

  mutating func align(to alignment: Int) {
    self += repeatElement(0, count: -count & (alignment - 1))
  }

  /// The CRC-32 of `range`, which lies within the bytes.
  func crc32(_ range: Range<Int>) -> UInt64 {
    unsafe withUnsafeBufferPointer { bytes in
      let part = unsafe UnsafeBufferPointer(rebasing: bytes[range])
      return UInt64(unsafe cairn_crc32(part.baseAddress, part.count))
    }
  }

  /// `offset..<offset + length`, if that lies within the bytes.
  func range(_ offset: Int, _ length: Int) -> Range<Int>? {
    guard offset >= 0, length >= 0, offset <= count, length <= count - offset else { return nil }
    return offset..<offset + length
  }
}
