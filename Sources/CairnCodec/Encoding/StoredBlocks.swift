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

  /// Writes `bytes` as stored blocks; one not at a byte boundary takes a byte less for its header.
  ///
  /// - Parameter isLast: Whether the last block ends the DEFLATE data.
  /// - Returns: false if `target` may have no room; something may have been written then.
  static func write(
    _ bytes: Span<UInt8>, isLast: Bool, with writer: inout BitWriter,
    to target: inout MutableSpan<UInt8>
  ) throws(CodecError) -> Bool {
    guard length(of: bytes.count) < target.count - writer.end else { return false }
    var start = 0
    while start < bytes.count {
      let count = min(capacity, bytes.count - start)
      let isFinal = isLast && start + count == bytes.count
      writeHeader(of: count, isFinal: isFinal, with: &writer, to: &target)
      try ByteCopies.copy(
        bytes.extracting(start..<start + count), to: &target, at: writer.end)
      start += count
      writer.end += count
    }
    return true
  }

  /// Writes the headers of stored blocks of `count` bytes that begin at the byte boundary `offset`
  /// and are not the last; their bytes are left as they are.
  static func writeHeaders(
    of count: Int, to target: inout MutableSpan<UInt8>, at offset: Int
  ) {
    var writer = BitWriter(at: offset)
    for start in stride(from: 0, to: count, by: capacity) {
      let own = min(capacity, count - start)
      writeHeader(of: own, isFinal: false, with: &writer, to: &target)
      writer.end += own
    }
  }

  private static func writeHeader(
    of count: Int, isFinal: Bool, with writer: inout BitWriter,
    to target: inout MutableSpan<UInt8>
  ) {
    writer.put(isFinal ? 1 : 0, 3, to: &target)
    writer.align(&target)
    let length = UInt32(count)
    writer.put(length | (~length & 0xFFFF) << 16, 32, to: &target)
  }
}
