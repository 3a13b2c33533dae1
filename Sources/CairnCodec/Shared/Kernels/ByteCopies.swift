// Copies between and within spans. Unsafe code: each function checks its bounds, then copies.

enum ByteCopies {
  /// Copies all of `source` to `target` from `offset` on.
  static func copy(
    _ source: Span<UInt8>, to target: inout MutableSpan<UInt8>, at offset: Int
  ) throws(CodecError) {
    guard copied(source, to: &target, at: offset) else {
      throw CodecError(.invalidArgument, "no room for \(source.count) bytes at \(offset)")
    }
  }

  /// Copies all of `source` to `target` from `offset` on, or nothing if there is no room.
  static func copied(
    _ source: Span<UInt8>, to target: inout MutableSpan<UInt8>, at offset: Int
  ) -> Bool {
    guard offset >= 0, offset <= target.count, source.count <= target.count - offset else {
      return false
    }
    // The guard shows that offset + source.count lies within the target.
    unsafe source.withUnsafeBytes { from in
      unsafe target.withUnsafeMutableBytes { to in
        guard let from = from.baseAddress, let to = to.baseAddress else { return }
        unsafe (to + offset).copyMemory(from: from, byteCount: source.count)
      }
    }
    return true
  }

  /// Copies the `count` bytes of `target` from `start` on to `offset`; some of them may be written
  /// only by this copy itself (RFC 1951 section 3.2.3). Does nothing if there is no room.
  static func repeated(
    _ count: Int, from start: Int, to target: inout MutableSpan<UInt8>, at offset: Int
  ) -> Bool {
    guard start >= 0, start < offset, offset <= target.count, count >= 0,
      count <= target.count - offset
    else { return false }
    // All that is read lies before what is written next, which ends at offset + count.
    unsafe target.withUnsafeMutableBytes { target in
      guard let base = target.baseAddress else { return }
      let distance = offset - start
      if distance == 1 {
        let byte = unsafe base.load(fromByteOffset: start, as: UInt8.self)
        unsafe (base + offset).initializeMemory(as: UInt8.self, repeating: byte, count: count)
      } else if distance >= count {
        unsafe (base + offset).copyMemory(from: base + start, byteCount: count)
      } else {
        for index in 0..<count {
          let byte = unsafe base.load(fromByteOffset: start + index, as: UInt8.self)
          unsafe base.storeBytes(of: byte, toByteOffset: offset + index, as: UInt8.self)
        }
      }
    }
    return true
  }
}
