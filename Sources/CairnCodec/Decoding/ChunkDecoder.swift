// From a chunk's stored stream back to its elements. FORMAT.md, section "Chunks and planes".

/// Decodes the streams of chunks.
///
/// It keeps zlib's state and a buffer for planes between chunks: use one for each thread.
package struct ChunkDecoder: ~Copyable {
  private var fast = FastInflate()
  private var inflater: InflateDecoder
  private var planes: [UInt8] = []
  /// The longest buffer that is kept: a longer one costs little beside its chunk, and readers wait idle.
  private static let keptByteCount = 4 << 20

  /// A decoder of its own state.
  ///
  /// - Throws: `outOfMemory`.
  package init() throws(CodecError) {
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
  package mutating func decode(
    _ stored: Span<UInt8>, layout: ChunkLayout, into logical: inout MutableSpan<UInt8>
  ) throws(CodecError) {
    try layout.check(logicalLength: logical.count)
    try ZlibFrame.checkHeader(of: stored)
    switch layout.filter {
    case .none:
      let end = try inflate(stored, planeLength: logical.count, leavesRuns: false, into: &logical)
      let adler = Checksum.adler32(logical.span)
      try ZlibFrame.checkTrailer(of: stored, at: end, adler: adler)
    case .bytePlanes, .rotatedBytePlanes: try decodePlanes(stored, layout, into: &logical)
    }
  }

  private mutating func decodePlanes(
    _ stored: Span<UInt8>, _ layout: ChunkLayout, into logical: inout MutableSpan<UInt8>
  ) throws(CodecError) {
    let count = logical.count
    // The buffer leaves `self` meanwhile: a span of it and a call on `self` would overlap.
    var planes: [UInt8] = []
    swap(&planes, &self.planes)
    defer { if planes.count <= Self.keptByteCount { swap(&planes, &self.planes) } }
    if planes.count < count {
      planes = []  // lets the old buffer go before the new one is allocated
      planes = [UInt8](repeating: 0, count: count)
    }
    var whole = planes.mutableSpan
    var target = whole._mutatingExtracting(first: count)
    let end = try inflate(
      stored, planeLength: count / layout.planeCount, leavesRuns: true, into: &target)
    let adler = try JoinKernel.join(
      planes.span.extracting(first: count), runs: fast.runs, in: stored, layout: layout,
      into: &logical)
    try ZlibFrame.checkTrailer(of: stored, at: end, adler: adler)
  }

  /// Decodes the DEFLATE data of `stored`, except the bytes that `fast.runs` then lists; returns
  /// its end.
  private mutating func inflate(
    _ stored: Span<UInt8>, planeLength: Int, leavesRuns: Bool,
    into target: inout MutableSpan<UInt8>
  ) throws(CodecError) -> Int {
    let start = ZlibFrame.headerLength
    if let end = fast.decode(
      stored, from: start, planeLength: planeLength, leavesRuns: leavesRuns, into: &target)
    {
      return end
    }
    // zlib decides, and its message says what is wrong.
    fast.forgetRuns()
    return try inflater.decode(stored, from: start, into: &target)
  }
}
