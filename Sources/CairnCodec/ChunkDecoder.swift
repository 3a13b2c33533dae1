// From a chunk's stored stream back to its elements. FORMAT.md, section "Chunks and planes".

/// Decodes the streams of chunks.
///
/// It keeps zlib's state and a buffer for planes between chunks: use one a thread.
public struct ChunkDecoder: ~Copyable {
  private var inflater: InflateDecoder
  private var planes: [UInt8] = []

  /// A decoder of its own state.
  ///
  /// - Throws: `outOfMemory`.
  public init() throws(CodecError) {
    inflater = try InflateDecoder()
  }

  /// Decodes one chunk: an RFC 1950 stream of its planes.
  ///
  /// Any valid stream without a preset dictionary will do, whatever wrote it and whichever block
  /// types it uses. It must end exactly with `stored` and give exactly as many bytes as `logical`
  /// has. Memory: the planes, as many bytes as `logical` has, and zlib's 48 KiB at most.
  ///
  /// Complexity: O(*n*).
  ///
  /// - Parameters:
  ///   - stored: The stream.
  ///   - layout: The layout that the chunk was coded with.
  ///   - logical: Where the elements go; what it holds after an error is not specified.
  /// - Throws: any code of ``CodecError``; `invalidArgument` if `logical` is not a whole number of
  ///   elements or longer than ``ChunkLayout/largestLogicalLength``.
  public mutating func decode(
    _ stored: Span<UInt8>, layout: ChunkLayout, into logical: inout MutableSpan<UInt8>
  ) throws(CodecError) {
    try layout.check(logicalLength: logical.count)
    try ZlibFrame.checkHeader(of: stored)
    guard layout.filter != .none else {
      let end = try inflater.decode(stored, from: ZlibFrame.headerLength, into: &logical)
      try ZlibFrame.checkTrailer(of: stored, at: end, decoded: logical.span)
      return
    }
    let count = logical.count
    // The buffer leaves `self` meanwhile: a span of it and a call on the inflater would overlap.
    var planes: [UInt8] = []
    swap(&planes, &self.planes)
    defer { swap(&planes, &self.planes) }
    if planes.count < count {
      planes = []  // lets the old buffer go before the new one is allocated
      planes = [UInt8](repeating: 0, count: count)
    }
    var whole = planes.mutableSpan
    var target = whole._mutatingExtracting(first: count)
    let end = try inflater.decode(stored, from: ZlibFrame.headerLength, into: &target)
    let decoded = planes.span.extracting(first: count)
    try ZlibFrame.checkTrailer(of: stored, at: end, decoded: decoded)
    try PlaneKernels.join(decoded, layout: layout, into: &logical)
  }
}
