// Random access to bytes, wherever they are: an open file, a mapped file, memory.

/// Bytes of known length that can be read at any position, from any thread.
public protocol ByteSource: Sendable {
  /// The number of bytes.
  var count: Int { get }
  /// The path, for messages; nil for memory.
  var path: String? { get }
  /// Fills `bytes` from `offset` on.
  ///
  /// - Throws: ``CairnError``, `changedWhileReading` if the bytes end before `bytes` is full.
  func read(at offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError)
  /// The memory that holds the bytes, if they lie in memory; views of it need no copy.
  var memory: ByteRegion? { get }
}

extension ByteSource {
  /// Runs `body` on the bytes of `range`: in place where they lie in memory, else on a copy.
  public func withBytes<R: ~Copyable>(
    in range: Range<Int>, _ body: (Span<UInt8>) throws(CairnError) -> R
  ) throws(CairnError) -> R {
    // Before anything is allocated: a range may come from a stranger's file.
    try checkBytes(count: range.count, at: range.lowerBound)
    if let memory { return try memory.withBytes(in: range, body) }
    let copy = try Storage(byteCount: range.count, zeroed: false)
    try copy.withMutableBytes(in: 0..<range.count) { (bytes) throws(CairnError) in
      try read(at: range.lowerBound, into: &bytes)
    }
    return try copy.withBytes(in: 0..<range.count, body)
  }

  /// Checks that `wanted` bytes from `offset` on are within the source.
  ///
  /// - Throws: `changedWhileReading`.
  func checkBytes(count wanted: Int, at offset: Int) throws(CairnError) {
    guard offset >= 0, offset <= count, wanted <= count - offset else {
      throw CairnError.endsEarly(wanted: wanted, at: offset, of: count, path: path)
    }
  }
}

extension CairnError {
  static func endsEarly(
    wanted: Int, at offset: Int, of count: Int, path: String?
  ) -> CairnError {
    CairnError(
      .changedWhileReading, "the bytes end before they should",
      at: Location(file: path, offset: UInt64(clamping: offset)),
      expected: "\(wanted) bytes", found: "\(Swift.max(0, count - Swift.max(0, offset)))")
  }
}
