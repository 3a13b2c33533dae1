// The key of a part of a partitioned variable (`EncodeTensorNameSlice`, encoded as in
// tensorflow/core/lib/strings/ordered_code.cc).

/// Keys of parts.
enum SliceKey {
  /// The key of a part of the tensor called `name`.
  static func bytes(_ name: [UInt8], _ slice: BundleEntry.Slice) -> [UInt8] {
    var key = unsigned(0)
    for byte in name {
      switch byte {
      case 0: key += [0, 0xFF]
      case 0xFF: key += [0xFF, 0]
      default: key.append(byte)
      }
    }
    key += [0, 1] + unsigned(UInt64(slice.count))
    for (start, length) in slice {
      key += signed(Int64(start)) + signed(Int64(length ?? -1))
    }
    return key
  }

  /// The number of bytes, then the bytes, most significant first.
  private static func unsigned(_ value: UInt64) -> [UInt8] {
    let count = (64 - value.leadingZeroBitCount + 7) / 8
    return [UInt8(count)]
      + (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
  }

  /// As many leading one bits as there are bytes, then the number, most significant byte first.
  private static func signed(_ value: Int64) -> [UInt8] {
    let magnitude = value < 0 ? ~value : value
    if magnitude < 64 { return [0x80 ^ UInt8(truncatingIfNeeded: value)] }
    let bits = 64 - magnitude.leadingZeroBitCount + 1
    let count = (bits + 6) / 7
    // Sign-extended to ten bytes; the last `count` of them are used.
    let wide = (0..<10).reversed().map { place -> UInt8 in
      place >= 8 ? (value < 0 ? 0xFF : 0) : UInt8(truncatingIfNeeded: value >> Int64(8 * place))
    }
    var bytes = Array(wide.suffix(count))
    let header: [(UInt8, UInt8)] = [
      (0, 0), (0x80, 0), (0xC0, 0), (0xE0, 0), (0xF0, 0), (0xF8, 0), (0xFC, 0), (0xFE, 0),
      (0xFF, 0), (0xFF, 0x80), (0xFF, 0xC0),
    ]
    bytes[0] ^= header[count].0
    bytes[1] ^= header[count].1
    return bytes
  }
}
