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
  package func withBytes<R: ~Copyable>(
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
  fileprivate static func endsEarly(
    wanted: Int, at offset: Int, of count: Int, path: String?
  ) -> CairnError {
    CairnError(
      .changedWhileReading, "the bytes end before they should",
      at: Location(file: path, offset: UInt64(clamping: offset)),
      expected: "\(wanted) bytes", found: "\(Swift.max(0, count - Swift.max(0, offset)))")
  }
}

/// A part of a block of memory, keeping the block alive.
public struct ByteRegion: Sendable {
  package private(set) var storage: Storage
  package let range: Range<Int>

  package init(_ storage: Storage, _ range: Range<Int>) {
    self.storage = storage
    self.range = range
  }

  /// The number of bytes.
  public var count: Int { range.count }

  /// Runs `body` on the bytes of `part`, counted from the region's start.
  ///
  /// - Throws: `changedWhileReading` if `part` is not within the region, and what `body` throws.
  package func withBytes<R: ~Copyable>(
    in part: Range<Int>, _ body: (Span<UInt8>) throws(CairnError) -> R
  ) throws(CairnError) -> R {
    guard part.lowerBound >= 0, part.upperBound <= count else {
      throw .endsEarly(wanted: part.count, at: part.lowerBound, of: count, path: nil)
    }
    let start = range.lowerBound
    return try storage.withBytes(
      in: start + part.lowerBound..<start + part.upperBound, body)
  }
}

/// Bytes in memory.
public struct MemoryBytes: ByteSource {
  private let region: ByteRegion

  /// A copy of `bytes`.
  ///
  /// - Throws: `outOfMemory`.
  public init(_ bytes: [UInt8]) throws(CairnError) {
    let storage = try Storage(byteCount: bytes.count, zeroed: false)
    storage.withMutableBytes(in: 0..<bytes.count) { target in target.copy(bytes.span) }
    self.init(ByteRegion(storage, 0..<bytes.count))
  }

  package init(_ region: ByteRegion) { self.region = region }

  /// The number of bytes.
  public var count: Int { region.count }
  /// None.
  public var path: String? { nil }
  /// All of them.
  public var memory: ByteRegion? { region }

  /// Fills `bytes` from `offset` on.
  ///
  /// - Throws: `changedWhileReading` if the bytes end before `bytes` is full.
  public func read(at offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError) {
    try region.read(at: offset, into: &bytes, path: nil)
  }
}

extension ByteRegion {
  /// Fills `bytes` from `offset` on, counted from the region's start; `path` is for the message.
  ///
  /// - Throws: `changedWhileReading` if the bytes end before `bytes` is full.
  package func read(
    at offset: Int, into bytes: inout MutableSpan<UInt8>, path: String?
  ) throws(CairnError) {
    let wanted = bytes.count
    guard offset >= 0, offset <= count, wanted <= count - offset else {
      throw .endsEarly(wanted: wanted, at: offset, of: count, path: path)
    }
    try withBytes(in: offset..<offset + wanted) { (source) throws(CairnError) in
      bytes.copy(source)
    }
  }
}

extension ByteRegion {
  /// Whether nothing else refers to the block. Mutating, because the answer holds only for as long
  /// as the caller has exclusive access to this reference.
  package mutating func isUniquelyReferenced() -> Bool { isKnownUniquelyReferenced(&storage) }
}

extension ByteRegion {
  /// Whether the block can be written: false for a mapped file.
  package var isWritable: Bool { storage.isWritable }

  /// A part of the region; nil if it is not within it.
  package func part(_ part: Range<Int>) -> ByteRegion? {
    guard part.lowerBound >= 0, part.upperBound <= count else { return nil }
    return ByteRegion(
      storage, range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound)
  }
}
