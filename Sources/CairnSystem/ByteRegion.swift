// A part of a block of memory.

/// A part of a block of memory, keeping the block alive.
public struct ByteRegion: Sendable {
  package private(set) var storage: Storage
  package let range: Range<Int>

  package init(_ storage: Storage, _ range: Range<Int>) {
    self.storage = storage
    self.range = range
  }

  /// The number of bytes.
  package var count: Int { range.count }

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

  /// Whether nothing else refers to the block. Mutating, because the answer holds only for as long
  /// as the caller has exclusive access to this reference.
  package mutating func isUniquelyReferenced() -> Bool { isKnownUniquelyReferenced(&storage) }

  /// Whether the block can be written: false for a mapped file.
  package var isWritable: Bool { storage.isWritable }

  /// A part of the region; nil if it is not within it.
  package func part(_ part: Range<Int>) -> ByteRegion? {
    guard part.lowerBound >= 0, part.upperBound <= count else { return nil }
    return ByteRegion(
      storage, range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound)
  }
}
