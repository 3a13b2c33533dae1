// Tensors on their way into a container: pieces are coded on many threads and written in order
// meanwhile. FORMAT.md, sections 9 and 10.

import CairnCheckpoints
import CairnCodec
import CairnSystem
import CairnTensors

/// Writes tensors' frames and gathers the index.
///
/// Tensors are queued until there are many, or until too much memory is held for them; what is not in
/// memory is read when its turn comes.
final class TensorQueue {
  private let frames: FrameWriter
  private let options: WriteOptions
  private let alignment: Int
  private let buffers: BufferPool
  private(set) var index = IndexBuilder()
  private(set) var storedCount = 0
  private var items: [Item] = []
  /// The bytes that are kept in memory for the queue's sake.
  private var heldByteCount = 0

  /// What is to be written, in order.
  private enum Item {
    case tensor(TensorInProgress)
    case rawHeader(TensorInProgress)
    case piece(TensorInProgress, Int)
    case end(TensorInProgress)
  }

  /// Bytes that are held and items that are queued at most before they are written.
  private static let heldCapacity = 32 << 20
  private static let itemCapacity = 4_096
  /// What a piece takes up beside its bytes, in bytes, generously.
  private static let pieceOverhead = 4_096

  init(_ frames: FrameWriter, options: WriteOptions, alignment: Int) {
    self.frames = frames
    self.options = options
    self.alignment = alignment
    // Raw tensors are read a mebibyte at a time, whatever the chunks would be.
    let largest =
      switch options.codec {
      case .raw: Pieces.mebibyte
      case .auto: max(Pieces.mebibyte, 1 << options.log2ChunkSize)
      }
    buffers = BufferPool(byteCount: max(largest, ChunkEncoder.capacity(for: largest)))
  }

  /// Makes room for what is noted of so many tensors.
  func reserveCapacity(_ count: Int) { index.reserveCapacity(count) }

  /// Queues a tensor. `wrote` is told of the bytes, uncompressed, that are written meanwhile, of
  /// this tensor and of earlier ones.
  func add(
    _ record: TensorRecord, _ content: TensorContent, kept: [UInt8]? = nil,
    wrote: (Int) throws(CairnError) -> Void
  ) throws(CairnError) {
    let ordinal = UInt32(clamping: index.count)
    let tensor = TensorInProgress(
      record, ordinal: ordinal, row: try index.add(record, ordinal: ordinal),
      log2ChunkSize: options.log2ChunkSize, digests: options.digests, content: content, kept: kept)
    items.append(.tensor(tensor))
    if tensor.sharesFrame { items.append(.rawHeader(tensor)) }
    for piece in 0..<tensor.pieces.count {
      items.append(.piece(tensor, piece))
      if items.count >= Self.itemCapacity { try flush(wrote: wrote) }
    }
    items.append(.end(tensor))
    if case .handedOver(let memory) = content { heldByteCount += memory.count }
    if items.count >= Self.itemCapacity || heldByteCount >= Self.heldCapacity {
      try flush(wrote: wrote)
    }
  }

  /// Codes and writes all that is queued; `wrote` is told of each piece.
  func flush(wrote: (Int) throws(CairnError) -> Void) throws(CairnError) {
    var jobs: [PieceJob] = []
    var places: [Int] = []
    for (place, item) in items.enumerated() {
      guard case .piece(let tensor, let piece) = item else { continue }
      jobs.append(
        PieceJob(
          record: tensor.record, range: tensor.pieces.range(of: piece),
          digested: tensor.digested(with: piece), content: tensor.content))
      places.append(place)
    }
    var written = 0
    try inOrder(
      jobs.map { buffers.size(of: $0.range.count) + Self.pieceOverhead },
      window: orderedWindow(of: options.threads) * (buffers.byteCount + Self.pieceOverhead),
      threads: options.threads,
      makeWorker: { () throws(CairnError) in PieceCoder() },
      produce: { [jobs, buffers] (coder, number) throws(CairnError) in
        try coder.code(jobs[number], buffers)
      },
      consume: { (number, coded) throws(CairnError) in
        for place in written..<places[number] { try write(items[place], nil) }
        try write(items[places[number]], coded)
        written = places[number] + 1
        for buffer in coded.buffers { buffers.giveBack(buffer) }
        try wrote(coded.bytes.count)
      })
    for place in written..<items.count { try write(items[place], nil) }
    items.removeAll(keepingCapacity: true)
    heldByteCount = 0
  }

  /// Forgets what is queued.
  func discard() {
    items = []
    buffers.empty()
  }

  private func write(_ item: Item, _ coded: CodedPiece?) throws(CairnError) {
    switch item {
    case .tensor(let tensor):
      index.setFrameOffset(frames.offset, row: tensor.row)
      let payload = tensor.record.framePayload
      try frames.write(FrameHeader(.tensor, payload: payload, ordinal: tensor.ordinal), payload)
    case .rawHeader(let tensor): try writeRawHeader(tensor)
    case .piece(let tensor, let piece):
      if let coded { try write(coded, tensor, piece) }
    case .end(let tensor): try close(tensor)
    }
  }

  private func writeRawHeader(_ tensor: TensorInProgress) throws(CairnError) {
    let header = FrameHeader.byteCount
    let gap = padding(after: frames.offset + header, to: alignment)
    if gap > 0 {
      // The gap is a multiple of 64, so a padding frame's own header always fits.
      let payload = [UInt8](repeating: 0, count: gap - header)
      try frames.write(
        FrameHeader(.padding, payload: payload, ordinal: tensor.ordinal), payload)
    }
    let count = tensor.record.byteCount
    try frames.emitHeader(
      FrameHeader(
        .raw, storedCount: count, logicalCount: count, ordinal: tensor.ordinal, checksum: nil))
  }

  private func write(
    _ coded: CodedPiece, _ tensor: TensorInProgress, _ piece: Int
  ) throws(CairnError) {
    let logical = coded.bytes.count
    let stored = coded.stream?.count ?? logical
    let isChunk = tensor.record.storageClass.codesPieces
    if isChunk {
      try frames.emitHeader(
        FrameHeader(
          .chunk, storedCount: stored, logicalCount: logical, ordinal: tensor.ordinal,
          chunk: UInt32(clamping: piece), checksum: coded.checksum))
    }
    index.addBlock(
      BlockRecord(
        offset: frames.offset, storedCount: stored, logicalCount: logical,
        checksum: coded.checksum),
      row: tensor.row)
    storedCount += stored
    try tensor.absorb(coded)
    try (coded.stream ?? coded.bytes).withBytes(in: 0..<stored) { (bytes) throws(CairnError) in
      try frames.emit(bytes)
    }
    if isChunk { try frames.emitPadding(after: stored) }
  }

  private func close(_ tensor: TensorInProgress) throws(CairnError) {
    let digest = try tensor.finish()
    if tensor.sharesFrame {
      try frames.emitPadding(after: tensor.record.byteCount)
      var checksums = ByteBuilder()
      for checksum in index.checksums(row: tensor.row) { checksums.append(checksum) }
      try frames.write(
        FrameHeader(.blockChecksums, payload: checksums.bytes, ordinal: tensor.ordinal),
        checksums.bytes)
    }
    guard let digest else { return }
    if let kept = tensor.kept, digest.bytes != kept {
      throw CairnError(
        .digestMismatch, "the tensor does not have the digest that its file keeps of it",
        at: .init(name: tensor.record.name.string), expected: kept.hexDigits,
        found: digest.description,
        advice: "It was changed; salvaging keeps what can still be trusted", remedies: [.salvage])
    }
    index.setDigest(digest, row: tensor.row)
  }
}

/// Blocks of memory that are used again and again.
final class BufferPool: Sendable {
  /// The size of the blocks that are kept.
  let byteCount: Int
  private let free = Lock<[Storage]>([])

  init(byteCount: Int) { self.byteCount = byteCount }

  /// The size of the block that ``take(_:)`` gives for `count` bytes. Small ones are made for the
  /// purpose: many of them may be needed at once.
  func size(of count: Int) -> Int { count < byteCount / 4 ? count : byteCount }

  /// A block of at least `count` bytes, if that is not more than the pool's size.
  func take(_ count: Int) throws(CairnError) -> Storage {
    guard size(of: count) == byteCount else { return try Storage(byteCount: count, zeroed: false) }
    if let buffer = free.withLock({ $0.popLast() }) { return buffer }
    return try Storage(byteCount: byteCount, zeroed: false)
  }

  func giveBack(_ buffer: Storage) {
    if buffer.byteCount == byteCount { free.withLock { $0.append(buffer) } }
  }

  func empty() { free.withLock { $0 = [] } }
}
