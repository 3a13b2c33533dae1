// From a chunk's elements to the stream that is stored. FORMAT.md, section "Chunks and planes".

/// Codes chunks as RFC 1950 streams.
///
/// It keeps zlib's state and its buffers between chunks: use one a thread. What it writes depends
/// on the chunk, the layout, and the versions of Cairn and of the system's zlib only.
public struct ChunkEncoder: ~Copyable {
  private var planes: [UInt8] = []
  private var assembler: StreamAssembler

  /// An encoder of its own state.
  ///
  /// - Throws: `outOfMemory`.
  public init() throws(CodecError) {
    assembler = try StreamAssembler()
  }

  /// The longest stream that is worth keeping for a chunk of `logicalLength` bytes.
  ///
  /// A stream must save 1/64 of the chunk and 32 bytes at least; a chunk that saves less is stored
  /// raw, which costs its reader nothing. Negative if no stream can be worth it.
  public static func largestWorthwhileLength(for logicalLength: Int) -> Int {
    logicalLength - max(logicalLength / 64, 32)
  }

  /// Codes one chunk.
  ///
  /// Complexity: O(*n*).
  ///
  /// - Parameters:
  ///   - logical: The chunk's elements, little-endian.
  ///   - layout: How they are taken apart.
  /// - Returns: The stream, or `nil` if it would be longer than
  ///   ``largestWorthwhileLength(for:)``: the chunk is then to be stored raw.
  /// - Throws: `invalidArgument` if `logical` is not a whole number of elements or longer than
  ///   ``ChunkLayout/largestLogicalLength``, or if zlib fails.
  public mutating func encode(
    _ logical: Span<UInt8>, layout: ChunkLayout
  ) throws(CodecError) -> [UInt8]? {
    try layout.check(logicalLength: logical.count)
    let limit = Self.largestWorthwhileLength(for: logical.count)
    guard limit > ZlibFrame.headerLength + ZlibFrame.trailerLength else { return nil }
    guard layout.filter != .none else {
      return try assembler.assemble(logical, planeCount: 1, limit: limit)
    }
    // The buffer leaves `self` meanwhile: a span of it and a call on the assembler would overlap.
    var planes: [UInt8] = []
    swap(&planes, &self.planes)
    defer { swap(&planes, &self.planes) }
    if planes.count < logical.count { planes = [UInt8](repeating: 0, count: logical.count) }
    var whole = planes.mutableSpan
    var target = whole._mutatingExtracting(first: logical.count)
    try PlaneKernels.split(logical, layout: layout, into: &target)
    return try assembler.assemble(
      planes.span.extracting(first: logical.count), planeCount: layout.planeCount, limit: limit)
  }
}
