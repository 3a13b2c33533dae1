// From a chunk's elements to the stream that is stored. FORMAT.md, section "Chunks and planes".

/// Codes chunks as RFC 1950 streams.
///
/// It keeps its buffers between chunks: use one for each thread. What it writes depends on the chunk, the
/// layout, and the version of Cairn only.
package struct ChunkEncoder: ~Copyable {
  private var sample = PlaneSample()
  private var planes: [UInt8] = []
  private var stream: [UInt8] = []
  private var assembler = StreamAssembler()

  /// An encoder of its own state.
  package init() {}

  /// The longest stream that is worth keeping for a chunk of `logicalLength` bytes.
  ///
  /// A stream must save 1/64 of the chunk and 32 bytes at least; a chunk that saves less is stored
  /// raw, which costs its reader nothing. Negative if no stream can be worth it.
  package static func largestWorthwhileLength(for logicalLength: Int) -> Int {
    logicalLength - max(logicalLength / 64, 32)
  }

  /// The bytes that `encode(_:layout:into:)` needs for a chunk of `logicalLength` bytes: those of
  /// the longest stream and some that are overwritten on the way.
  package static func capacity(for logicalLength: Int) -> Int {
    max(0, largestWorthwhileLength(for: logicalLength)) + workingRoom
  }

  private static let workingRoom = 1024

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
  ///   ``ChunkLayout/largestLogicalLength``.
  package mutating func encode(
    _ logical: Span<UInt8>, layout: ChunkLayout
  ) throws(CodecError) -> [UInt8]? {
    // The buffer leaves `self` meanwhile: a span of it and a call on `self` would overlap.
    var stream: [UInt8] = []
    swap(&stream, &self.stream)
    defer { swap(&stream, &self.stream) }
    let capacity = Self.capacity(for: logical.count)
    if stream.count < capacity {
      stream = []  // lets the old buffer go before the new one is allocated
      stream = [UInt8](repeating: 0, count: capacity)
    }
    var target = stream.mutableSpan
    return try encode(logical, layout: layout, into: &target).map { Array(stream[..<$0]) }
  }

  /// Codes one chunk to the start of `stream`.
  ///
  /// Complexity: O(*n*).
  ///
  /// - Parameters:
  ///   - logical: The chunk's elements, little-endian.
  ///   - layout: How they are taken apart.
  ///   - stream: At least ``capacity(for:)`` bytes; what follows the stream is not specified.
  /// - Returns: The length of the stream, or `nil` if it would be longer than
  ///   ``largestWorthwhileLength(for:)``: the chunk is then to be stored raw.
  /// - Throws: `invalidArgument` if `logical` is not a whole number of elements or longer than
  ///   ``ChunkLayout/largestLogicalLength``, or if `stream` is too short.
  package mutating func encode(
    _ logical: Span<UInt8>, layout: ChunkLayout, into stream: inout MutableSpan<UInt8>
  ) throws(CodecError) -> Int? {
    try layout.check(logicalLength: logical.count)
    guard stream.count >= Self.capacity(for: logical.count) else {
      throw CodecError(
        .invalidArgument, "\(stream.count) bytes are too few for the stream of a chunk")
    }
    let limit = Self.largestWorthwhileLength(for: logical.count)
    guard limit > ZlibFrame.headerLength + ZlibFrame.trailerLength else { return nil }
    var target = stream._mutatingExtracting(first: Self.capacity(for: logical.count))
    let noise = try sample.noise(in: logical, layout: layout)
    let leading = noise.prefix { $0 }.count
    guard leading < noise.count else { return nil }

    for index in 0..<ZlibFrame.headerLength { target[index] = ZlibFrame.header[index] }
    var writer = BitWriter(at: ZlibFrame.headerLength)
    let isCoded: Bool
    let adler: UInt32
    switch layout.filter {
    case .none:
      adler = Checksum.adler32(logical)
      isCoded = try assembler.assemble(logical, noise: noise[...], with: &writer, to: &target)
    case .bytePlanes, .rotatedBytePlanes:
      var planes: [UInt8] = []
      swap(&planes, &self.planes)
      defer { swap(&planes, &self.planes) }
      let rest = logical.count / noise.count * (noise.count - leading)
      if planes.count < rest { planes = [UInt8](repeating: 0, count: rest) }
      var whole = planes.mutableSpan
      var restTarget = whole._mutatingExtracting(first: rest)
      adler = try split(
        logical, layout, leading, to: &target, with: &writer, rest: &restTarget)
      isCoded = try assembler.assemble(
        planes.span.extracting(first: rest), noise: noise[leading...], with: &writer, to: &target)
    }
    guard isCoded, writer.end + ZlibFrame.trailerLength <= limit else { return nil }
    ZlibFrame.writeTrailer(adler, to: &target, at: writer.end)
    return writer.end + ZlibFrame.trailerLength
  }

  /// Splits the chunk, its `leading` first planes as stored blocks of the stream, the others to
  /// `rest`; returns the Adler-32 of all planes.
  private func split(
    _ logical: Span<UInt8>, _ layout: ChunkLayout, _ leading: Int,
    to target: inout MutableSpan<UInt8>, with writer: inout BitWriter,
    rest: inout MutableSpan<UInt8>
  ) throws(CodecError) -> UInt32 {
    let stored = logical.count / layout.planeCount * leading
    let end = writer.end + StoredBlocks.length(of: stored)
    StoredBlocks.writeHeaders(of: stored, to: &target, at: writer.end)
    var blocks = target._mutatingExtracting(writer.end..<end)
    writer.end = end
    return try SplitKernel.split(
      logical, layout: layout, storedPlanes: leading, storedBlocks: &blocks, rest: &rest)
  }
}
