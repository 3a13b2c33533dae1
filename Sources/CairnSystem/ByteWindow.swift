// Bytes that are too many to hold at once, taken a window at a time.

/// Memory that bytes pass through, kept from one run to the next.
package struct ByteWindow {
  /// The most bytes in memory at a time, unless the caller says otherwise.
  package static let byteCount = 4 << 20

  private var memory: Storage?

  package init() {}

  /// Runs `body` on the bytes of `range`, in order and at most `step` at a time.
  ///
  /// - Parameter read: Fills its target with the bytes from an offset on.
  /// - Throws: `outOfMemory`, and what `read` and `body` throw.
  package mutating func pass(
    _ range: Range<Int>, step: Int = Self.byteCount,
    reading read: (Int, inout MutableSpan<UInt8>) throws(CairnError) -> Void,
    _ body: (Span<UInt8>) throws(CairnError) -> Void
  ) throws(CairnError) {
    var offset = range.lowerBound
    while offset < range.upperBound {
      try Cancellation.check()
      let count = min(step, range.upperBound - offset)
      let window = try room(for: count)
      try window.withMutableBytes(in: 0..<count) { (bytes) throws(CairnError) in
        try read(offset, &bytes)
      }
      try window.withBytes(in: 0..<count, body)
      offset += count
    }
  }

  private mutating func room(for count: Int) throws(CairnError) -> Storage {
    if let memory, memory.byteCount >= count { return memory }
    let fresh = try Storage(byteCount: count, zeroed: false)
    memory = fresh
    return fresh
  }
}

extension ByteSource {
  /// Runs `body` on the bytes of `range`, in order and at most `step` at a time: in place where they lie in
  /// memory.
  package func pass(
    _ range: Range<Int>, step: Int = 1 << 20, _ body: (Span<UInt8>) throws(CairnError) -> Void
  ) throws(CairnError) {
    var offset = range.lowerBound
    while offset < range.upperBound {
      try Cancellation.check()
      let end = offset + min(step, range.upperBound - offset)
      try withBytes(in: offset..<end, body)
      offset = end
    }
  }
}
