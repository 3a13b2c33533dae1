// Fields one after the other out of any bytes, buffered; every read is checked against the end.

/// A place in bytes that moves on as fields are read.
package struct ByteCursor {
  /// Where bytes come from that are not in the buffer; nil if all are.
  private let source: (any ByteSource)?
  /// Where the bytes lie in the file, for messages.
  private let origin: Int
  /// The error to throw when the bytes end too soon.
  private let shortage: CairnError.Code
  /// Where the next field begins, from the start of the source.
  package private(set) var position: Int
  /// Where the last field may end.
  package let end: Int
  private var buffer: [UInt8] = []
  private var bufferStart = 0

  private static let bufferByteCount = 16 << 10

  /// A reader of the bytes in `range`, or of all bytes without one; a range beyond the source is
  /// cut.
  package init(_ source: any ByteSource, in range: Range<Int>? = nil) {
    self.source = source
    origin = 0
    shortage = .truncated
    let range = (range ?? 0..<source.count).clamped(to: 0..<source.count)
    position = range.lowerBound
    end = range.upperBound
  }

  /// A reader of bytes that were read from a file, where they lie at `offset`.
  ///
  /// - Parameter code: The error to throw when they end too soon.
  package init(_ bytes: [UInt8], at offset: Int, code: CairnError.Code) {
    source = nil
    origin = offset
    shortage = code
    position = 0
    end = bytes.count
    buffer = bytes
  }

  /// Whether a source begins with those bytes.
  package static func begins(_ source: any ByteSource, with bytes: [UInt8]) -> Bool {
    var reader = ByteCursor(source)
    return (try? reader.bytes(bytes.count)) == bytes
  }

  /// Whether nothing is left.
  package var isAtEnd: Bool { position >= end }
  /// Bytes that are left.
  package var remaining: Int { end - position }
  /// The place, for messages.
  package var location: CairnError.Location {
    .init(
      file: source?.path,
      offset: UInt64(clamping: origin.addingSaturated(position))
    )
  }

  /// An error at this place.
  package func failure(
    _ code: CairnError.Code, _ message: String, name: String? = nil, expected: String? = nil,
    found: String? = nil, advice: String? = nil
  ) -> CairnError {
    var place = location
    place.name = name
    return CairnError(
      code, message, at: place, expected: expected, found: found, advice: advice)
  }

  private func checkRemaining(_ count: Int) throws(CairnError) {
    guard count >= 0, count <= remaining else {
      throw failure(
        shortage, "the bytes end within a field",
        expected: count >= 0 ? "\(count) bytes" : "a length that can be counted",
        found: "\(remaining)",
        advice: source == nil ? nil : "The file is cut short or damaged; fetch it again")
    }
  }

  /// Makes sure that the next `count` bytes are in the buffer; the source has at least that many
  /// left.
  private mutating func fill(_ count: Int) throws(CairnError) {
    let have = bufferStart + buffer.count - position
    if position >= bufferStart, have >= count { return }
    buffer = try read(min(max(count, Self.bufferByteCount), remaining))
    bufferStart = position
  }

  /// The next `count` bytes from the source, which has at least that many left.
  private func read(_ count: Int) throws(CairnError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var span = bytes.mutableSpan
    try source?.read(at: position, into: &span)
    return bytes
  }

  /// The next byte.
  ///
  /// - Throws: `truncated` if none is left.
  package mutating func byte() throws(CairnError) -> UInt8 {
    if position >= bufferStart, position < bufferStart + buffer.count, position < end {
      position += 1
      return buffer[position - 1 - bufferStart]
    }
    try checkRemaining(1)
    try fill(1)
    position += 1
    return buffer[0]
  }

  /// The next byte, without moving on; nil at the end.
  package mutating func peek() throws(CairnError) -> UInt8? {
    guard !isAtEnd else { return nil }
    let byte = try byte()
    position -= 1
    return byte
  }

  /// The next `count` bytes. Nothing is allocated before it is known that they are there.
  ///
  /// - Throws: `truncated` if fewer are left.
  package mutating func bytes(_ count: Int) throws(CairnError) -> [UInt8] {
    try checkRemaining(count)
    guard count > 0 else { return [] }
    defer { position += count }
    if source != nil, count > Self.bufferByteCount { return try read(count) }
    try fill(count)
    let start = position - bufferStart
    return Array(buffer[start..<start + count])
  }

  /// The next little-endian integer.
  ///
  /// - Throws: `truncated`.
  @inlinable
  package mutating func integer<T: FixedWidthInteger>(
    _ type: T.Type = T.self
  ) throws(CairnError) -> T {
    T(truncatingIfNeeded: try number(MemoryLayout<T>.size))
  }

  /// The next little-endian number, of `width` bytes, at most 8.
  ///
  /// - Throws: `truncated`.
  @usableFromInline
  package mutating func number(_ width: Int) throws(CairnError) -> UInt64 {
    try checkRemaining(width)
    try fill(width)
    let value = buffer.span.number(at: position - bufferStart, width: width)
    position += width
    return value
  }

  /// Moves on by `count` bytes.
  ///
  /// - Throws: `truncated` if fewer are left.
  package mutating func skip(_ count: Int) throws(CairnError) {
    try checkRemaining(count)
    position += count
  }
}
