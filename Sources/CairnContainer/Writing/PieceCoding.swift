// One piece of a tensor on its way into a file or out of it: checked, digested, coded. This is what
// runs on many threads; nothing in it depends on any other piece.

import CairnCodec
import CairnSystem
import CairnTensors

/// A piece to be coded.
struct PieceJob: Sendable {
  var record: TensorRecord
  /// Which of the tensor's bytes.
  var range: Range<Int>
  /// The bytes of the tensor whose segments are digested with this piece; nil if segments are not
  /// digested by pieces. For content in memory, a piece digests the segments of the pieces after it
  /// too, and those digest none.
  var digested: Range<Int>?
  var content: TensorContent
}

/// What became of a piece's bytes.
struct CodedPiece: Sendable {
  /// The bytes themselves.
  var bytes: ByteRegion
  /// The stream, or nil if the bytes are kept as they are.
  var stream: ByteRegion?
  /// The buffers that the bytes were read into and the stream was written to, if any: to be given
  /// back.
  var buffers: [Storage]
  /// The CRC-32 of what is stored.
  var checksum: UInt32
  /// The digests of the segments that the job digests, if pieces end between segments.
  var segments: [ContentDigest]?
}

/// Codes pieces. Each thread has its own.
struct PieceCoder: ~Copyable {
  private var encoder = ChunkEncoder()

  /// Reads a piece, if it is not in memory, and codes it.
  mutating func code(_ job: PieceJob, _ buffers: BufferPool) throws(CairnError) -> CodedPiece {
    let (bytes, buffer) = try Self.bytes(of: job, buffers)
    let segments = try Self.segments(of: job, bytes)
    return try bytes.withBytes(in: 0..<bytes.count) { (span) throws(CairnError) in
      let stream = try stream(of: span, job.record, buffers)
      let stored = stream ?? bytes
      return CodedPiece(
        bytes: bytes, stream: stream, buffers: [buffer, stream?.storage].compactMap { $0 },
        checksum: try stored.withBytes(in: 0..<stored.count) { crc32($0) },
        segments: segments)
    }
  }

  /// The digests of the segments that the job digests; `bytes` are the piece.
  private static func segments(
    of job: PieceJob, _ bytes: ByteRegion
  ) throws(CairnError) -> [ContentDigest]? {
    guard let digested = job.digested else { return nil }
    let region =
      switch job.content {
      case .memory(let memory), .handedOver(let memory):
        try part(digested, of: memory, job.record)
      case .reader: bytes
      }
    return try region.withBytes(in: 0..<region.count) { segmentDigests(of: $0) }
  }

  private static func bytes(
    of job: PieceJob, _ buffers: BufferPool
  ) throws(CairnError) -> (ByteRegion, Storage?) {
    switch job.content {
    case .memory(let memory), .handedOver(let memory):
      return (try part(job.range, of: memory, job.record), nil)
    case .reader(let read):
      let buffer = try buffers.take(job.range.count)
      // Taken from the pool: no other thread has it.
      try buffer.withMutableBytes(in: 0..<job.range.count) { (bytes) throws(CairnError) in
        try read(job.range.lowerBound, &bytes)
      }
      return (ByteRegion(buffer, 0..<job.range.count), buffer)
    }
  }

  private static func part(
    _ range: Range<Int>, of memory: ByteRegion, _ record: TensorRecord
  ) throws(CairnError) -> ByteRegion {
    guard let part = memory.part(range) else {
      throw CairnError(
        .countMismatch, "a tensor has fewer bytes in memory than it says",
        at: .init(name: record.name.string), expected: "\(record.byteCount) bytes",
        found: "\(memory.count)")
    }
    return part
  }

  private mutating func stream(
    of bytes: Span<UInt8>, _ record: TensorRecord, _ buffers: BufferPool
  ) throws(CairnError) -> ByteRegion? {
    guard record.storageClass.codesPieces else { return nil }
    // Used again and again: fresh pages for every stream would cost as much as coding it.
    let buffer = try buffers.take(ChunkEncoder.capacity(for: bytes.count))
    do throws(CodecError) {
      let layout = try record.layout()
      // Taken from the pool: no other thread has it.
      let count = try buffer.withMutableBytes(in: 0..<buffer.byteCount) {
        (target) throws(CodecError) in
        try encoder.encode(bytes, layout: layout, into: &target)
      }
      if let count { return ByteRegion(buffer, 0..<count) }
    } catch {
      throw error.located(name: record.name.string)
    }
    buffers.giveBack(buffer)
    return nil
  }
}

extension TensorRecord {
  /// What checks the tensor's elements, from the first byte on.
  func inspector() -> ElementInspector {
    ElementInspector(name: name, dtype: dtype, shape: shape, byteCount: byteCount)
  }

  /// How chunks are cut into planes.
  func layout() throws(CodecError) -> ChunkLayout {
    try ChunkLayout(filter: filter, elementSize: filter.hasPlanes ? dtype.row.planes : 1)
  }
}

extension CodecError {
  /// The failure as an error of the format.
  func located(at offset: Int? = nil, name: String? = nil) -> CairnError {
    let code: CairnError.Code =
      switch self.code {
      case .outOfMemory: .outOfMemory
      case .invalidArgument: .invalidArgument
      default: .corruptChunk
      }
    let place = offset.map { UInt64($0 + (self.offset ?? 0)) }
    return CairnError(
      code, "a chunk does not decode: \(message)",
      at: .init(offset: place, name: name),
      advice: code == .corruptChunk ? restoringAdvice : nil, cause: self)
  }
}

/// Whether the pieces' borders are also borders of digest segments, so that each piece can be
/// digested by itself.
extension Pieces {
  var endBetweenSegments: Bool {
    pieceByteCount % Pieces.mebibyte == 0 || byteCount <= Swift.min(pieceByteCount, Pieces.mebibyte)
  }
}
