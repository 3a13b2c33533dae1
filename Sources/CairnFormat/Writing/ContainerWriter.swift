// The one-pass writer. FORMAT.md, sections 5, 6 and 17.

import CairnCodec
public import CairnSystem
public import CairnTensors

/// Writes a container from front to back: attachments, tensors as they come, index, commit record.
///
/// Nothing is visible at the target before ``finish()``; a writer that is dropped, or that has
/// failed, leaves nothing behind. Memory is bounded by a window of pieces being coded (8 MiB, or a
/// chunk a thread if that is more), at most as much again for what they are coded to, and for the
/// index 200 to 400 bytes a tensor and 32 a chunk.
///
/// The bytes depend on what is appended, in which order, and on the options, but not on the number
/// of threads. ``Container/write(_:to:options:progress:)`` appends in the canonical order.
public final class ContainerWriter {
  private let output: any ByteOutput
  private let options: WriteOptions
  private let superblock: Superblock
  private var offset = 0
  private var frameCount = 0
  private var storedCount = 0
  private var attachments: [AttachmentRecord] = []
  private var attachmentDigests = AttachmentDigests()
  private var hasAttachments = false
  private var index = IndexBuilder()
  private var queue: [Item] = []
  private var queuedByteCount = 0
  /// Memory for the queued pieces' bytes, kept from flush to flush.
  private var arena: Storage?
  private var state = State.open

  private enum State { case open, failed, finished }

  /// What is to be written, in order. Pieces are coded together, then everything is written.
  private enum Item {
    case tensor(TensorInProgress)
    case rawHeader(TensorInProgress)
    case piece(TensorInProgress, Int)
    case end(TensorInProgress)
  }

  /// A tensor whose data is being written.
  private final class TensorInProgress {
    let record: TensorRecord
    let ordinal: UInt32
    let pieces: Pieces
    let read: PieceReader
    let row: Int
    var leaf: LeafDigest?
    var inspector: ElementInspector?

    init(
      _ record: TensorRecord, ordinal: UInt32, pieces: Pieces, row: Int, digests: Bool,
      read: @escaping PieceReader
    ) {
      self.record = record
      self.ordinal = ordinal
      self.pieces = pieces
      self.row = row
      self.read = read
      if digests {
        leaf = LeafDigest(dtype: record.dtype, shape: record.shape, byteCount: record.byteCount)
      }
      if record.storageClass != .alias, ElementInspector.isNeeded(for: record.dtype) {
        inspector = ElementInspector(record)
      }
    }
  }

  /// Gives a tensor's bytes from an offset on; called from several threads.
  package typealias PieceReader =
    @Sendable (Int, inout MutableSpan<UInt8>) throws(CairnError) -> Void

  /// A writer of a file at `path`, which appears, or is replaced, when the writer has finished.
  ///
  /// - Throws: `invalidArgument` for options out of range; `alreadyExists`, `notARegularFile`,
  ///   `notFound`, `permissionDenied`, `noSpace` as the file system has it.
  public convenience init(
    path: String, options: WriteOptions = WriteOptions()
  ) throws(CairnError) {
    try options.check()
    try self.init(output: try FileOutput(path: path, options: options), options: options)
  }

  init(output: any ByteOutput, options: WriteOptions) throws(CairnError) {
    try options.check()
    self.output = output
    self.options = options
    superblock = Superblock(
      log2Alignment: options.log2Alignment, log2ChunkSize: options.log2ChunkSize,
      digests: options.digests)
    try emit(superblock.bytes)
  }

  // MARK: - What a user appends

  /// Writes what belongs to no tensor. At most once, before the first tensor.
  ///
  /// - Parameters:
  ///   - configuration: JSON, which is kept in the format's canonical form.
  ///   - generator: what writes the file; in no digest.
  /// - Throws: `invalidConfiguration`, `limitExceeded`, `duplicateName` of blobs, and what writing
  ///   throws.
  public func attach(
    metadata: Metadata = Metadata(), configuration: [UInt8]? = nil, blobs: [Blob] = [],
    generator: String? = ContainerWriter.generator
  ) throws(CairnError) {
    try guarded { () throws(CairnError) in
      guard !hasAttachments, index.count == 0 else {
        throw CairnError(
          .invalidArgument, "attachments come once, before the first tensor")
      }
      hasAttachments = true
      if let generator {
        let payload = Array(generator.utf8)
        guard payload.count <= Limits.format.noteByteCount else {
          throw CairnError(
            .limitExceeded, "the note of what writes the file is larger than the format allows",
            expected: "at most 64 KiB", found: "\(payload.count) bytes")
        }
        try write(FrameHeader(.generator, payload: payload), payload)
      }
      if !metadata.isEmpty {
        let payload = try MetadataCoding.encode(metadata)
        attachmentDigests.metadata = Digest(of: payload)
        try attach(.metadata, payload)
      }
      if let configuration {
        let payload = try ConfigurationCoding.canonical(configuration)
        guard payload.count <= Limits.format.attachmentByteCount else {
          throw CairnError(
            .limitExceeded, "the configuration is larger than the format allows",
            expected: "at most 256 MiB", found: "\(payload.count) bytes")
        }
        attachmentDigests.configuration = Digest(of: payload)
        try attach(.configuration, payload)
      }
      let sorted = blobs.sorted { $0.name < $1.name }
      for (number, blob) in sorted.enumerated() {
        guard number == 0 || sorted[number - 1].name != blob.name else {
          throw CairnError(
            .duplicateName, "two blobs have the same name", at: .init(name: blob.name.string))
        }
        let payload = try BlobCoding.encode(blob)
        attachmentDigests.blobs.append(Digest(of: payload))
        try attach(.blob, payload)
      }
    }
  }

  /// Appends a tensor.
  ///
  /// - Parameter position: its place in the order of weights; without one, the number of tensors
  ///   appended so far. In the end the positions must be 0 ..< count, each once.
  /// - Throws: `duplicateName` (from ``finish()``), `invalidElement`, and what writing throws.
  public func append(
    _ tensor: Tensor, named name: TensorName, position: Int? = nil
  ) throws(CairnError) {
    let entry = TensorEntry(
      name: name, dtype: tensor.dtype, shape: tensor.shape, byteCount: tensor.byteCount,
      position: position ?? index.count)
    try append(entry) { (offset, bytes) throws(CairnError) in
      tensor.copyBytes(from: offset, into: &bytes)
    }
  }

  /// Appends a second name for a tensor that was appended before.
  ///
  /// - Throws: `noSuchTensor` if there is no tensor called `owner`.
  public func appendAlias(
    _ name: TensorName, of owner: TensorName, position: Int? = nil
  ) throws(CairnError) {
    try guarded { () throws(CairnError) in
      let (record, ordinal) = try index.owner(owner)
      let number = index.count
      let alias = TensorRecord(
        name: name, dtype: record.dtype, shape: record.shape, byteCount: record.byteCount,
        storageClass: .alias, filter: .none, position: try Self.position(position ?? number, name),
        owner: ordinal)
      try enqueue(alias) { (_, _) throws(CairnError) in }
    }
  }

  /// Appends a tensor whose bytes `read` gives. `wrote` is told of the bytes, uncompressed, that
  /// were coded and written meanwhile, of this tensor and of earlier ones.
  package func append(
    _ entry: TensorEntry, read: @escaping PieceReader,
    wrote: (Int) throws(CairnError) -> Void = { (_) throws(CairnError) in }
  ) throws(CairnError) {
    try guarded { () throws(CairnError) in
      let isRaw = options.codec == .raw
      let record = TensorRecord(
        name: entry.name, dtype: entry.dtype, shape: entry.shape, byteCount: entry.byteCount,
        storageClass: isRaw ? .raw : .chunked,
        filter: isRaw ? .none : entry.dtype.preferredFilter,
        position: try Self.position(entry.position, entry.name), owner: 0)
      // A source may be wrong about itself; a file may not.
      guard record.hasFittingByteCount else {
        throw CairnError(
          .countMismatch, "the bytes do not fill a \(entry.dtype) tensor of shape \(entry.shape)",
          at: .init(name: entry.name.string), found: "\(entry.byteCount) bytes")
      }
      try enqueue(record, read: read, wrote: wrote)
    }
  }

  /// Writes what is still to be written, the index and the commit record, and puts the file in its
  /// place.
  ///
  /// - Throws: `duplicateName`, `invalidArgument` if the positions are no permutation, and what
  ///   writing throws.
  public func finish() throws(CairnError) -> WriteSummary {
    try finish { () throws(CairnError) in }
  }

  /// As above. `written` is called when all is written and nothing is in its place yet: the last
  /// moment to stop, by throwing, with what was there before untouched.
  func finish(_ written: () throws(CairnError) -> Void) throws(CairnError) -> WriteSummary {
    let summary = try guarded { () throws(CairnError) in
      try flush()
      let summary = try writeIndex()
      try written()
      try output.commit()
      return summary
    }
    state = .finished
    return summary
  }

  /// Runs a step; after a failure no further step is possible.
  private func guarded<R>(_ step: () throws(CairnError) -> R) throws(CairnError) -> R {
    guard state == .open else {
      throw CairnError(
        .invalidArgument, state == .failed ? "the writer has failed" : "the writer has finished",
        at: .init(file: output.path))
    }
    do throws(CairnError) { return try step() } catch {
      state = .failed
      queue = []
      arena = nil
      output.discard()
      throw error.located(file: output.path)
    }
  }

  // MARK: - Frames

  private func emit(_ bytes: [UInt8]) throws(CairnError) { try emit(bytes.span) }

  private func emit(_ bytes: Span<UInt8>) throws(CairnError) {
    try output.append(bytes)
    offset += bytes.count
  }

  private func emitPadding(after count: Int) throws(CairnError) {
    let zeros = padding(after: count, to: 64)
    if zeros > 0 { try emit([UInt8](repeating: 0, count: zeros)) }
  }

  private func emitHeader(_ header: FrameHeader) throws(CairnError) {
    try emit(header.bytes)
    frameCount += 1
  }

  private func write(_ header: FrameHeader, _ payload: [UInt8]) throws(CairnError) {
    try emitHeader(header)
    try emit(payload)
    try emitPadding(after: payload.count)
  }

  private func attach(_ type: FrameType, _ payload: [UInt8]) throws(CairnError) {
    guard attachments.count < Limits.format.attachmentCount else {
      throw CairnError(
        .limitExceeded, "there are more blobs than the format allows",
        expected: "at most \(Limits.format.attachmentCount) attachments")
    }
    let header = FrameHeader(type, payload: payload)
    attachments.append(
      AttachmentRecord(
        type: type, checksum: header.checksum, frameOffset: offset, payloadCount: payload.count))
    try write(header, payload)
  }

  // MARK: - Tensors

  /// A place in the order of weights as a file has it; whether it is below the number of tensors is
  /// known in the end.
  private static func position(
    _ position: Int, _ name: TensorName
  ) throws(CairnError) -> UInt32 {
    guard let position = UInt32(exactly: position) else {
      throw CairnError(
        .invalidArgument, "a place in the order of weights is out of range",
        at: .init(name: name.string), expected: "0 to count − 1", found: "\(position)")
    }
    return position
  }

  private func enqueue(
    _ record: TensorRecord, read: @escaping PieceReader,
    wrote: (Int) throws(CairnError) -> Void = { (_) throws(CairnError) in }
  ) throws(CairnError) {
    let ordinal = UInt32(clamping: index.count)
    let row = try index.add(record, ordinal: ordinal)
    let pieces = record.pieces(log2ChunkSize: options.log2ChunkSize)
    let tensor = TensorInProgress(
      record, ordinal: ordinal, pieces: pieces, row: row,
      digests: options.digests && record.storageClass != .alias, read: read)
    queue.append(.tensor(tensor))
    if record.storageClass == .raw, record.byteCount > 0 { queue.append(.rawHeader(tensor)) }
    for piece in 0..<pieces.count {
      queue.append(.piece(tensor, piece))
      queuedByteCount += pieces.range(of: piece).count
      if queuedByteCount >= window {
        let count = queuedByteCount
        try flush()
        try wrote(count)
      }
    }
    queue.append(.end(tensor))
    if queue.count >= 4_096 { try flush() }
  }

  private var window: Int {
    max(8 << 20, options.threads.count << options.log2ChunkSize)
  }

  /// Codes all queued pieces in parallel, then writes the queue in order.
  private func flush() throws(CairnError) {
    struct Job: Sendable {
      var record: TensorRecord
      var range: Range<Int>
      var digests: Bool
      var read: PieceReader
      /// Where its bytes lie in the arena.
      var place: Range<Int>
    }
    let arena = try arena(byteCount: queuedByteCount)
    var jobs: [Job] = []
    var end = 0
    for item in queue {
      guard case .piece(let tensor, let piece) = item else { continue }
      let range = tensor.pieces.range(of: piece)
      jobs.append(
        Job(
          record: tensor.record, range: range,
          digests: tensor.leaf != nil && tensor.pieces.endBetweenSegments, read: tensor.read,
          place: end..<end + range.count))
      end += range.count
    }
    let coded = Results<CodedPiece>(count: jobs.count)
    try inParallel(
      jobs.count, threads: options.threads,
      makeWorker: { () throws(CairnError) in try PieceCoder() }
    ) { [jobs] (coder, number) throws(CairnError) in
      let job = jobs[number]
      // The places are disjoint, so no two threads write one byte.
      try arena.withMutableBytes(in: job.place) { (bytes) throws(CairnError) in
        try job.read(job.range.lowerBound, &bytes)
      }
      coded[number] = try arena.withBytes(in: job.place) {
        (bytes) throws(CairnError) in
        let stream = try coder.code(bytes, of: job.record)
        return CodedPiece(
          stream: stream, checksum: stream.map { crc32($0.span) } ?? crc32(bytes),
          segments: job.digests ? segmentDigests(of: bytes) : nil)
      }
    }
    var number = 0
    for item in queue {
      switch item {
      case .tensor(let tensor):
        index.setFrameOffset(offset, row: tensor.row)
        let payload = tensor.record.framePayload
        try write(FrameHeader(.tensor, payload: payload, ordinal: tensor.ordinal), payload)
      case .rawHeader(let tensor): try writeRawHeader(tensor)
      case .piece(let tensor, let piece):
        guard let result = coded[number] else { continue }
        try arena.withBytes(in: jobs[number].place) { (bytes) throws(CairnError) in
          try write(result, bytes, tensor, piece)
        }
        number += 1
      case .end(let tensor): try close(tensor)
      }
    }
    queue.removeAll(keepingCapacity: true)
    queuedByteCount = 0
  }

  /// Memory of at least `byteCount` bytes.
  ///
  /// One block for all pieces: blocks of their own, each as large as the largest piece that ever had
  /// its number, would grow with every other mixture of large and small tensors.
  private func arena(byteCount: Int) throws(CairnError) -> Storage {
    if let arena, arena.byteCount >= byteCount { return arena }
    arena = nil
    let fresh = try Storage(byteCount: byteCount, zeroed: false)
    arena = fresh
    return fresh
  }

  private func writeRawHeader(_ tensor: TensorInProgress) throws(CairnError) {
    let header = FrameHeader.byteCount
    let gap = padding(after: offset + header, to: superblock.alignment)
    if gap > 0 {
      // The gap is a multiple of 64, so a padding frame's own header always fits.
      let payload = [UInt8](repeating: 0, count: gap - header)
      try write(FrameHeader(.padding, payload: payload, ordinal: tensor.ordinal), payload)
    }
    let count = tensor.record.byteCount
    try emitHeader(
      FrameHeader(
        .raw, storedCount: count, logicalCount: count, ordinal: tensor.ordinal, checksum: nil))
  }

  private func write(
    _ coded: CodedPiece, _ bytes: Span<UInt8>, _ tensor: TensorInProgress, _ piece: Int
  ) throws(CairnError) {
    let logical = bytes.count
    let stored = coded.stream?.count ?? logical
    if tensor.record.storageClass == .chunked {
      try emitHeader(
        FrameHeader(
          .chunk, storedCount: stored, logicalCount: logical, ordinal: tensor.ordinal,
          chunk: UInt32(clamping: piece), checksum: coded.checksum))
    }
    index.addBlock(
      BlockRecord(
        offset: offset, storedCount: stored, logicalCount: logical, checksum: coded.checksum),
      row: tensor.row)
    storedCount += stored
    try tensor.inspector?.inspect(bytes)
    if let segments = coded.segments {
      for segment in segments { tensor.leaf?.absorb(segment: segment) }
    } else {
      tensor.leaf?.absorb(bytes)
    }
    if let stream = coded.stream { try emit(stream) } else { try emit(bytes) }
    if tensor.record.storageClass == .chunked { try emitPadding(after: stored) }
  }

  private func close(_ tensor: TensorInProgress) throws(CairnError) {
    try tensor.inspector?.finish()
    if tensor.record.storageClass == .raw, tensor.record.byteCount > 0 {
      try emitPadding(after: tensor.record.byteCount)
      var checksums = FieldBuilder()
      for checksum in index.checksums(row: tensor.row) { checksums.append(checksum) }
      try write(
        FrameHeader(.blockChecksums, payload: checksums.bytes, ordinal: tensor.ordinal),
        checksums.bytes)
    }
    if var leaf = tensor.leaf { index.setDigest(leaf.finish(), row: tensor.row) }
  }

  // MARK: - The end

  private func writeIndex() throws(CairnError) -> WriteSummary {
    let built = try index.build()
    let indexOffset = offset
    try write(FrameHeader(.index, payload: built.bytes), built.bytes)
    let pages = PageTable.pages(of: built.bytes.count)
    let table = PageTable(
      indexFrameOffset: indexOffset, entryCount: index.count, blockCount: built.blockCount,
      dimensionCount: built.dimensionCount, nameByteCount: built.nameByteCount,
      pageChecksums: (0..<pages.count).map {
        crc32(built.bytes.span.extracting(pages.range(of: $0)))
      }, attachments: attachments)
    let payload = table.payload
    let tableOffset = offset
    try write(FrameHeader(.pageTable, payload: payload), payload)
    let root =
      options.digests
      ? attachmentDigests.root(entryCount: index.count) { built.entries[$0] } : Digest.none
    let commit = CommitRecord(
      fileCount: offset + CommitRecord.byteCount, pageTableOffset: tableOffset,
      pageTableCount: payload.count, pageTableChecksum: crc32(payload.span),
      hasDigests: options.digests, tensorCount: index.count, frameCount: frameCount,
      logicalCount: built.logicalCount, storedCount: storedCount, root: root)
    try emit(commit.bytes)
    return WriteSummary(
      fileByteCount: offset, tensorCount: index.count, logicalByteCount: built.logicalCount,
      storedByteCount: storedCount, root: options.digests ? root : nil)
  }
}
