// The forward route: every frame in order, against the grammar and against the index. FORMAT.md,
// sections 5, 7, 8 and 9 ([V]).

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// Walks over a container's frames from the superblock to the commit record.
struct StructureCheck {
  private let container: Container
  private var offset = Superblock.byteCount
  private(set) var frameCount = 0
  private var order = FrameOrderChecksum()
  private var storedCount = 0
  private var logicalCount = 0
  private var nextOrdinal: UInt32 = 0
  private var nextAttachment = 0
  private var hasGenerator = false
  private var hasIndex = false
  private var seenRows: [Bool]
  private var digests = AttachmentDigests()
  private var blobs: [(name: TensorName, offset: Int, digest: ContentDigest)] = []

  init(_ container: Container) {
    self.container = container
    seenRows = [Bool](repeating: false, count: container.count)
  }

  private var source: any ByteSource { container.source }
  private var table: PageTable { container.index.table }
  private var end: Int { container.commit.pageTableOffset }

  mutating func run(_ progress: (Int) throws(CairnError) -> Void) throws(CairnError) {
    try IndexCheck.run(container)
    while offset < end {
      let header = try FrameHeader(reading: source, at: offset)
      switch header.type {
      case .tensor: try checkTensor(header, progress)
      case .metadata, .configuration, .blob: try checkAttachment(header)
      case .index:
        try checkIndexFrame(header)
        continue
      case .padding, .raw, .blockChecksums, .chunk:
        throw misplaced(header, "does not belong to the tensor ahead of it")
      case .pageTable: throw misplaced(header, "stands ahead of the index")
      case .generator:
        guard !hasGenerator else { throw misplaced(header, "is the second of its type") }
        hasGenerator = true
        try checkNote(header)
      case .note: try checkNote(header)
      case nil:
        try checkPayload(header)
        try pass(header)
      }
      try progress(offset)
    }
    try checkEnd()
  }

  private func disagreement(
    _ message: String, at offset: Int, name: String? = nil, index: Int? = nil,
    expected: String? = nil, found: String? = nil
  ) -> CairnError {
    CairnError(
      .routesDisagree, message, at: .init(offset: UInt64(offset), name: name, index: index),
      expected: expected, found: found, advice: restoringAdvice, remedies: [.salvage])
  }

  private func misplaced(_ header: FrameHeader, _ why: String) -> CairnError {
    CairnError(
      .frameOrder, "a \(header.name) frame \(why)", at: .init(offset: UInt64(offset)))
  }

  // MARK: - Frames

  /// Passes over a frame whose payload has been checked; its padding must be zero.
  private mutating func pass(_ header: FrameHeader) throws(CairnError) {
    let start = offset + FrameHeader.byteCount + header.storedCount
    let next = offset + FrameHeader.byteCount + header.paddedCount
    guard next <= end + FrameHeader.byteCount + container.commit.pageTableCount + 63 else {
      throw misplaced(header, "reaches beyond the page table")
    }
    try source.withBytes(in: start..<next) { (bytes) throws(CairnError) in
      guard bytes.isZero(in: 0..<bytes.count) else {
        throw CairnError(
          .paddingNotZero, "the padding after a \(header.name) frame is not zero",
          at: .init(offset: UInt64(start)))
      }
    }
    offset = next
    frameCount += 1
    order.add(header.bytes)
  }

  /// Checks the CRC of a payload, in parts, whatever its length.
  private func checkPayload(_ header: FrameHeader) throws(CairnError) {
    let start = offset + FrameHeader.byteCount
    var actual: UInt32 = 0
    try source.pass(start..<start + header.storedCount) {
      actual = crc32($0, continuing: actual)
    }
    guard actual == header.checksum else {
      throw checksumMismatch(
        "the payload of a \(header.name) frame", at: start, recorded: header.checksum,
        actual: actual)
    }
  }

  private mutating func checkNote(_ header: FrameHeader) throws(CairnError) {
    let limits = container.options.limits
    guard header.storedCount <= min(limits.noteByteCount, ContainerLimits.format.noteByteCount)
    else {
      throw CairnError(
        .limitExceeded, "a note is larger than is allowed",
        at: .init(offset: UInt64(offset + 8)), found: "\(header.storedCount) bytes")
    }
    let text = try source.payload(of: header, at: offset)
    guard String(validating: text, as: UTF8.self) != nil else {
      throw CairnError(
        .invalidFrame, "a \(header.name) frame is not valid UTF-8",
        at: .init(offset: UInt64(offset + FrameHeader.byteCount)))
    }
    try pass(header)
  }

  private mutating func checkAttachment(_ header: FrameHeader) throws(CairnError) {
    guard nextAttachment < table.attachments.count else {
      throw disagreement("a \(header.name) frame is not in the page table", at: offset)
    }
    let record = table.attachments[nextAttachment]
    guard record.frameOffset == offset, record.type.frame == header.type,
      record.payloadCount == header.storedCount, record.checksum == header.checksum
    else {
      throw disagreement(
        "an attachment's frame and its record in the page table disagree", at: offset,
        expected:
          "\(record.type.frame.rawValue) of \(record.payloadCount) bytes at \(record.frameOffset)",
        found: "\(header.name) of \(header.storedCount)")
    }
    nextAttachment += 1
    let payload = try source.payload(of: header, at: offset)
    let digest = ContentDigest(of: payload)
    switch record.type {
    case .metadata: digests.metadata = digest
    case .configuration:
      try ConfigurationCoding.checkCanonical(payload, at: offset + FrameHeader.byteCount)
      digests.configuration = digest
    case .blob:
      let blob = try BlobCoding.decode(
        payload, at: offset + FrameHeader.byteCount, limits: container.options.limits)
      blobs.append((blob.name, offset, digest))
    }
    try pass(header)
  }

  // MARK: - Tensors

  private mutating func checkTensor(
    _ header: FrameHeader, _ progress: (Int) throws(CairnError) -> Void
  ) throws(CairnError) {
    guard header.ordinal == nextOrdinal else {
      throw CairnError(
        .frameOrder, "the ordinals of the tensors do not ascend by one",
        at: .init(offset: UInt64(offset + 24)), expected: "\(nextOrdinal)",
        found: "\(header.ordinal)")
    }
    guard header.storedCount <= TensorRecord.largestByteCount else {
      throw CairnError(
        .limitExceeded, "a tensor header is larger than rank and name can make it",
        at: .init(offset: UInt64(offset + 8)), found: "\(header.storedCount) bytes")
    }
    nextOrdinal += 1
    let payload = try source.payload(of: header, at: offset)
    let record = try TensorRecord(
      framePayload: payload, at: offset + FrameHeader.byteCount)
    guard let row = try container.index.row(of: record.name) else {
      throw disagreement(
        "a tensor is not in the index", at: offset, name: record.name.string)
    }
    let entry = try container.index.entry(row)
    var expected = entry.record
    if !expected.ownsData {
      expected.owner = try container.index.entry(Int(expected.owner)).ordinal
    }
    guard expected == record, entry.ordinal == header.ordinal, entry.frameOffset == offset,
      !seenRows[row]
    else {
      throw disagreement(
        "a tensor's header and its index entry disagree", at: offset, name: record.name.string)
    }
    seenRows[row] = true
    try pass(header)
    guard record.ownsData else { return }
    guard let sum = logicalCount.adding(record.byteCount) else {
      throw CairnError(
        .limitExceeded, "the tensors have more bytes than can be counted",
        at: .init(offset: UInt64(offset)))
    }
    logicalCount = sum
    guard record.byteCount > 0 else { return }
    switch record.storageClass {
    case .raw: try checkRaw(entry, progress)
    case .chunked: try checkChunks(entry, progress)
    case .alias: break
    }
  }

  private func dataHeader(
    _ type: FrameType, of entry: IndexEntry, chunk: Int = 0
  ) throws(CairnError) -> FrameHeader {
    let header = try FrameHeader(reading: source, at: offset)
    guard header.type == type, header.ordinal == entry.ordinal, Int(header.chunk) == chunk else {
      throw CairnError(
        .frameOrder, "a tensor's data is not where it belongs",
        at: .init(offset: UInt64(offset), name: entry.record.name.string, index: chunk),
        expected: "\(type.rawValue) \(chunk) of tensor \(entry.ordinal)",
        found: "\(header.name) \(header.chunk) of tensor \(header.ordinal)")
    }
    return header
  }

  private mutating func checkChunks(
    _ entry: IndexEntry, _ progress: (Int) throws(CairnError) -> Void
  ) throws(CairnError) {
    let log2ChunkSize = container.log2ChunkSize
    let count = entry.record.pieces(log2ChunkSize: log2ChunkSize).count
    let name = entry.record.name.string
    for number in 0..<count {
      let block = try container.index.blocks(
        number..<number + 1, of: entry, log2ChunkSize: log2ChunkSize)[0]
      let header = try dataHeader(.chunk, of: entry, chunk: number)
      guard block.offset == offset + FrameHeader.byteCount,
        block.storedCount == header.storedCount, block.logicalCount == header.logicalCount,
        block.checksum == header.checksum
      else {
        throw disagreement(
          "a chunk's frame and its block record disagree", at: offset, name: name, index: number)
      }
      do throws(CairnError) { try checkPayload(header) } catch {
        throw error.located(name: name, index: number)
      }
      storedCount += header.storedCount
      try pass(header)
      try progress(offset)
    }
  }

  private mutating func checkRaw(
    _ entry: IndexEntry, _ progress: (Int) throws(CairnError) -> Void
  ) throws(CairnError) {
    let name = entry.record.name.string
    let alignment = container.superblock.alignment
    var header: FrameHeader
    // The gap that would be left if the raw frame began here. If there is one, a single padding
    // frame of exactly that length fills it.
    let gap = padding(after: offset + FrameHeader.byteCount, to: alignment)
    if gap > 0 {
      header = try dataHeader(.padding, of: entry)
      guard header.storedCount == gap - FrameHeader.byteCount else {
        throw CairnError(
          .invalidFrame, "a padding frame is not as long as the alignment needs",
          at: .init(offset: UInt64(offset + 8), name: name),
          expected: "\(gap - FrameHeader.byteCount) bytes", found: "\(header.storedCount)")
      }
      let start = offset + FrameHeader.byteCount
      try source.withBytes(in: start..<start + header.storedCount) { (bytes) throws(CairnError) in
        guard bytes.isZero(in: 0..<bytes.count) else {
          throw CairnError(
            .paddingNotZero, "a padding frame is not zero", at: .init(offset: UInt64(start)))
        }
      }
      try checkPayload(header)
      try pass(header)
    }
    header = try dataHeader(.raw, of: entry)
    let start = offset + FrameHeader.byteCount
    guard header.storedCount == entry.record.byteCount else {
      throw disagreement(
        "a raw tensor's frame has another length than the tensor", at: offset + 8, name: name,
        expected: "\(entry.record.byteCount)", found: "\(header.storedCount)")
    }
    let pieces = Pieces.blocks(of: entry.record.byteCount)
    let blocks = try container.index.blocks(
      0..<pieces.count, of: entry, log2ChunkSize: container.log2ChunkSize)
    for (number, block) in blocks.enumerated() {
      guard block.offset == start + pieces.range(of: number).lowerBound else {
        throw disagreement(
          "a raw tensor's block record points elsewhere", at: offset, name: name, index: number,
          expected: "\(start + pieces.range(of: number).lowerBound)", found: "\(block.offset)")
      }
      let actual = try source.withBytes(in: block.offset..<block.offset + block.storedCount) {
        bytes in crc32(bytes)
      }
      guard actual == block.checksum else {
        throw checksumMismatch(
          "a block", at: block.offset, recorded: block.checksum, actual: actual
        ).located(name: name, index: number)
      }
      try progress(block.offset)
    }
    storedCount += header.storedCount
    try pass(header)
    let trailer = try dataHeader(.blockChecksums, of: entry)
    guard trailer.storedCount == 4 * blocks.count else {
      throw disagreement(
        "a raw tensor has another number of checksums than blocks", at: offset + 8, name: name,
        expected: "\(4 * blocks.count) bytes", found: "\(trailer.storedCount)")
    }
    let checksums = try source.payload(of: trailer, at: offset)
    for (number, block) in blocks.enumerated() {
      let recorded: UInt32 = checksums.span.field(4 * number)
      guard recorded == block.checksum else {
        throw disagreement(
          "a block's checksum is another in the frame than in the index",
          at: offset + FrameHeader.byteCount + 4 * number, name: name, index: number,
          expected: hexText(block.checksum), found: hexText(recorded))
      }
    }
    try pass(trailer)
  }

  // MARK: - The end

  private mutating func checkIndexFrame(_ header: FrameHeader) throws(CairnError) {
    hasIndex = true
    guard offset == table.indexFrameOffset, header.storedCount == table.indexByteCount else {
      throw disagreement(
        "the index is not where the page table says", at: offset,
        expected: "\(table.indexByteCount) bytes at \(table.indexFrameOffset)",
        found: "\(header.storedCount) bytes")
    }
    try checkPayload(header)
    try pass(header)
    guard offset == end else {
      throw CairnError(
        .frameOrder, "the page table does not follow directly on the index",
        at: .init(offset: UInt64(offset)), expected: "\(end)")
    }
  }

  private mutating func checkEnd() throws(CairnError) {
    let commit = container.commit
    let commitOffset = commit.fileCount - CommitRecord.byteCount
    // The page table says where the index is; a frame of another type may stand there.
    guard hasIndex else {
      throw disagreement(
        "there is no INDX frame where the page table says", at: table.indexFrameOffset)
    }
    guard offset == end, offset > table.indexFrameOffset else {
      throw CairnError(
        .frameOrder, "the frames do not end where the page table begins",
        at: .init(offset: UInt64(offset)), expected: "\(end)")
    }
    // Its payload was checked when the file was opened.
    try pass(try FrameHeader(reading: source, at: offset))
    guard Int(nextOrdinal) == container.count, nextAttachment == table.attachments.count else {
      throw disagreement(
        "tensors or attachments of the index have no frames", at: table.indexStart,
        expected: "\(container.count) and \(table.attachments.count)",
        found: "\(nextOrdinal) and \(nextAttachment)")
    }
    guard commit.frameCount == frameCount, commit.storedCount == storedCount,
      commit.logicalCount == logicalCount
    else {
      throw disagreement(
        "the commit record's totals are not those of the frames", at: commitOffset + 56,
        expected: "\(frameCount) frames, \(logicalCount) and \(storedCount) bytes",
        found: "\(commit.frameCount), \(commit.logicalCount) and \(commit.storedCount)")
    }
    guard commit.frameOrder == order.value else {
      throw disagreement(
        "the frames are not those, in the order, that the commit record was written for",
        at: commitOffset + 112, expected: hexText(commit.frameOrder), found: hexText(order.value))
    }
    let sorted = blobs.sorted { ($0.name, $0.offset) < ($1.name, $1.offset) }
    for (before, blob) in zip(sorted, sorted.dropFirst()) where before.name == blob.name {
      throw CairnError(
        .duplicateName, "two blobs have the same name",
        at: .init(offset: UInt64(blob.offset), name: blob.name.string))
    }
    digests.blobs = sorted.map(\.digest)
    guard commit.hasDigests else { return }
    let index = container.index
    let root = try digests.root(entryCount: index.count) { (row) throws(CairnError) in
      try index.entry(row)
    }
    guard root == commit.root else {
      throw CairnError(
        .digestMismatch, "the root digest is not that of the content",
        at: .init(offset: UInt64(commitOffset + 80)), expected: root.description,
        found: commit.root.description)
    }
  }
}
