// Stored DEFLATE blocks, RFC 1951 section 3.2.4, cut by rule: 65,535 bytes each, the last shorter.
// FORMAT.md, section "Chunks and planes". Written here so that no zlib's choice can move them.

enum StoredBlocks {
  /// The most bytes that a stored block can hold.
  static let capacity = 65_535
  /// A block's header when it begins at a byte boundary: three bits, padding, LEN, NLEN.
  static let headerLength = 5

  /// The bytes that `count` bytes take as stored blocks.
  static func length(of count: Int) -> Int {
    count + (count + capacity - 1) / capacity * headerLength
  }

  /// Writes `bytes` as stored blocks to `target` from `offset` on.
  ///
  /// - Parameter isLast: Whether the last block ends the DEFLATE data.
  /// - Returns: The offset after the last block.
  static func write(
    _ bytes: Span<UInt8>, isLast: Bool, to target: inout MutableSpan<UInt8>, at offset: Int
  ) throws(CodecError) -> Int {
    var (start, end) = (0, offset)
    while start < bytes.count {
      let count = min(capacity, bytes.count - start)
      let isFinal = isLast && start + count == bytes.count
      let length = UInt16(count)
      target[end] = isFinal ? 1 : 0
      target[end + 1] = UInt8(truncatingIfNeeded: length)
      target[end + 2] = UInt8(truncatingIfNeeded: length >> 8)
      target[end + 3] = UInt8(truncatingIfNeeded: ~length)
      target[end + 4] = UInt8(truncatingIfNeeded: ~length >> 8)
      end += headerLength
      try PlaneKernels.copy(bytes.extracting(start..<start + count), to: &target, at: end)
      start += count
      end += count
    }
    return end
  }
}
