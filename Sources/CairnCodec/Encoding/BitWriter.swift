// Bits into bytes, the lowest first: RFC 1951 section 3.1.1.

/// A place in a buffer to which bits are written one after the other.
struct BitWriter {
  /// The byte that the next whole byte goes to.
  var end: Int
  /// The bits that do not fill a byte yet, in the lowest places.
  var pending: UInt64 = 0
  /// How many those are: 0 to 7 between calls.
  var pendingCount = 0

  /// A writer that begins at byte `end`.
  init(at end: Int) { self.end = end }

  /// Writes the `count` lowest bits of `value`, at most 32; those above must be 0.
  mutating func put(_ value: UInt32, _ count: Int, to target: inout MutableSpan<UInt8>) {
    pending |= UInt64(value) << UInt64(pendingCount)
    pendingCount += count
    while pendingCount >= 8 {
      target[end] = UInt8(truncatingIfNeeded: pending)
      end += 1
      pending >>= 8
      pendingCount -= 8
    }
  }

  /// Fills the current byte with zeros.
  mutating func align(_ target: inout MutableSpan<UInt8>) {
    if pendingCount > 0 { put(0, 8 - pendingCount, to: &target) }
  }

  /// Writes a stored block of no bytes, which ends at a byte boundary (zlib's Z_SYNC_FLUSH).
  mutating func putEmptyBlock(to target: inout MutableSpan<UInt8>) {
    put(0, 3, to: &target)
    align(&target)
    put(0xFFFF_0000, 32, to: &target)
  }
}
