// Fields one after the other out of any bytes, buffered; every read is checked against the end.

import CairnCheckpoints
package import CairnSystem

/// A place in a source of bytes that moves on as fields are read.
package struct SourceReader {
  private let source: any ByteSource
  /// Where the next field begins, from the start of the source.
  package private(set) var position: Int
  /// Where the last field may end.
  package let end: Int
  private var buffer: [UInt8] = []
  private var bufferStart = 0

  private static let bufferByteCount = 16 << 10

  /// A reader of the bytes of `range`, all of them unless given; a range beyond the source is cut.
  package init(_ source: any ByteSource, in range: Range<Int>? = nil) {
    self.source = source
    let range = (range ?? 0..<source.count).clamped(to: 0..<source.count)
    position = range.lowerBound
    end = range.upperBound
  }

  /// Whether a source begins with those bytes.
  package static func begins(_ source: any ByteSource, with bytes: [UInt8]) -> Bool {
    var reader = SourceReader(source)
    return (try? reader.bytes(bytes.count)) == bytes
  }

  /// Whether nothing is left.
  package var isAtEnd: Bool { position >= end }
  /// Bytes that are left.
  package var remaining: Int { end - position }
  /// The place, for messages.
  package var location: CairnError.Location {
    .init(file: source.path, offset: UInt64(clamping: position))
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
        .truncated, "the bytes end within a field",
        expected: count >= 0 ? "\(count) bytes" : "a length that can be counted",
        found: "\(remaining)", advice: "The file is cut short or damaged; fetch it again")
    }
  }

  /// Makes sure that the next `count` bytes, of which there are as many, are in the buffer.
  private mutating func fill(_ count: Int) throws(CairnError) {
    let have = bufferStart + buffer.count - position
    if position >= bufferStart, have >= count { return }
    let wanted = min(max(count, Self.bufferByteCount), remaining)
    var next = [UInt8](repeating: 0, count: wanted)
    var span = next.mutableSpan
    try source.read(at: position, into: &span)
    buffer = next
    bufferStart = position
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

  /// The next `count` bytes. They are there before anything is allocated for them.
  ///
  /// - Throws: `truncated` if fewer are left.
  package mutating func bytes(_ count: Int) throws(CairnError) -> [UInt8] {
    try checkRemaining(count)
    if count <= Self.bufferByteCount {
      guard count > 0 else { return [] }
      try fill(count)
      let start = position - bufferStart
      position += count
      return Array(buffer[start..<start + count])
    }
    var bytes = [UInt8](repeating: 0, count: count)
    var span = bytes.mutableSpan
    try source.read(at: position, into: &span)
    position += count
    return bytes
  }

  /// The next little-endian integer.
  ///
  /// - Throws: `truncated`.
  package mutating func integer<T: FixedWidthInteger>(
    _ type: T.Type = T.self
  ) throws(CairnError) -> T {
    let count = MemoryLayout<T>.size
    try checkRemaining(count)
    try fill(count)
    var value: T = 0
    for byte in 0..<count {
      value |= T(truncatingIfNeeded: buffer[position - bufferStart + byte]) << T(8 * byte)
    }
    position += count
    return value
  }

  /// Moves on by `count` bytes.
  ///
  /// - Throws: `truncated` if fewer are left.
  package mutating func skip(_ count: Int) throws(CairnError) {
    try checkRemaining(count)
    position += count
  }

  /// The next line without its line feed, of at most `limit` bytes.
  ///
  /// - Throws: `truncated` if there is no line feed; `invalidHeader` if the line is too long.
  package mutating func line(limit: Int) throws(CairnError) -> [UInt8] {
    let start = location
    var line: [UInt8] = []
    while true {
      let byte = try byte()
      if byte == UInt8(ascii: "\n") { return line }
      guard line.count < limit else {
        throw CairnError(
          .invalidHeader, "a line is too long", at: start, expected: "at most \(limit) bytes")
      }
      line.append(byte)
    }
  }
}
