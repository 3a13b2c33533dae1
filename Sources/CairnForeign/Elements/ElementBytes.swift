// Where the elements of a tensor come from, in the order and form in which a `TensorSource` gives
// them: row-major and little-endian.

import CairnCheckpoints
package import CairnSystem

/// The bytes of a tensor's elements, read in any order, from any thread.
package protocol ElementBytes: Sendable {
  /// The number of bytes.
  var count: Int { get }
  /// Fills `bytes` from `offset` on. The caller has checked that there are enough bytes.
  func read(from offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError)
  /// The memory that holds the bytes as they are, if there is any.
  func memory() throws(CairnError) -> ByteRegion?
}

extension ElementBytes {
  /// The default: nothing is in memory.
  package func memory() throws(CairnError) -> ByteRegion? { nil }

  /// Runs `body` on the bytes of `range`, in order and at most `step` at a time.
  func pass(
    _ range: Range<Int>, step: Int, _ body: (Span<UInt8>) throws(CairnError) -> Void
  ) throws(CairnError) {
    var window = ByteWindow()
    try window.pass(
      range, step: step,
      reading: { (offset, bytes) throws(CairnError) in try read(from: offset, into: &bytes) }, body)
  }

  /// All bytes, in memory: in place if they are there, otherwise read.
  package func region() throws(CairnError) -> ByteRegion {
    if let region = try memory() { return region }
    let storage = try Storage(byteCount: count, zeroed: false)
    try storage.withMutableBytes(in: 0..<count) { (bytes) throws(CairnError) in
      try read(from: 0, into: &bytes)
    }
    return ByteRegion(storage, 0..<count)
  }
}

/// A part of other bytes, such as of a file.
struct PartOfFile: ElementBytes {
  private let source: any ByteSource
  private let range: Range<Int>

  /// The bytes of `range`.
  ///
  /// - Throws: `truncated` if the source ends before the range does.
  init(_ source: any ByteSource, at offset: Int, count: Int) throws(CairnError) {
    guard offset >= 0, count >= 0, offset <= source.count, count <= source.count - offset else {
      throw CairnError(
        .truncated, "the file ends before the tensor does",
        at: .init(file: source.path, offset: UInt64(clamping: offset)),
        expected: "\(count) bytes", found: "\(max(0, source.count - max(0, offset)))",
        advice: "The file is cut short or damaged; fetch it again")
    }
    self.source = source
    range = offset..<offset + count
  }

  var count: Int { range.count }

  func read(from offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError) {
    try source.read(at: range.lowerBound + offset, into: &bytes)
  }

  func memory() throws(CairnError) -> ByteRegion? { source.memory?.part(range) }
}

/// A part of the bytes of another tensor or storage.
struct PartOfElements: ElementBytes {
  let base: any ElementBytes
  /// Lies within the base.
  let range: Range<Int>

  var count: Int { range.count }

  func read(from offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError) {
    try base.read(from: range.lowerBound + offset, into: &bytes)
  }

  func memory() throws(CairnError) -> ByteRegion? { try base.memory()?.part(range) }
}

/// Bytes in memory.
struct HeldElements: ElementBytes {
  let held: ByteRegion

  init(_ bytes: [UInt8]) throws(CairnError) {
    let storage = try Storage(byteCount: bytes.count, zeroed: false)
    storage.withMutableBytes(in: 0..<bytes.count) { target in target.copy(bytes.span) }
    held = ByteRegion(storage, 0..<bytes.count)
  }

  var count: Int { held.count }

  func read(from offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError) {
    try held.read(at: offset, into: &bytes, path: nil)
  }

  func memory() throws(CairnError) -> ByteRegion? { held }
}

/// Runs `body` on whole elements. If `bytes` begins and ends between elements of `width` bytes,
/// `body` gets `bytes` itself. Otherwise it gets a copy of the elements that `bytes` touches, and
/// the part that was asked for is copied back.
///
/// - Parameter total: the bytes of all elements, a multiple of `width`.
package func withWholeElements(
  width: Int, from offset: Int, of total: Int, _ bytes: inout MutableSpan<UInt8>,
  _ body: (Int, inout MutableSpan<UInt8>) throws(CairnError) -> Void
) throws(CairnError) {
  let head = offset % width
  guard head != 0 || bytes.count % width != 0 else { return try body(offset, &bytes) }
  let first = offset - head
  let end = min(total, (offset + bytes.count + width - 1) / width * width)
  let whole = try Storage(byteCount: end - first, zeroed: false)
  try whole.withMutableBytes(in: 0..<end - first) { (elements) throws(CairnError) in
    try body(first, &elements)
  }
  whole.withBytes(in: head..<head + bytes.count) { bytes.copy($0) }
}

/// Big-endian elements, whose bytes are reversed as they are read.
struct SwappedElements: ElementBytes {
  let base: any ElementBytes
  /// The bytes of one number: half an element if the element is complex.
  let width: Int

  var count: Int { base.count }

  func read(from offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError) {
    try withWholeElements(width: width, from: offset, of: count, &bytes) {
      (start, elements) throws(CairnError) in
      try base.read(from: start, into: &elements)
      var first = 0
      while first + width <= elements.count {
        for step in 0..<width / 2 {
          let byte = elements[first + step]
          elements[first + step] = elements[first + width - 1 - step]
          elements[first + width - 1 - step] = byte
        }
        first += width
      }
    }
  }
}
