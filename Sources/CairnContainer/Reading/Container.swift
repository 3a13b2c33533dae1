// A container, open for reading: the route from the end of the file. FORMAT.md, section 1.

package import CairnCheckpoints
import CairnCodec
package import CairnSystem
package import CairnTensors

/// A `.cairn` file or a container in memory, opened and checked at level *open*; tensors are read,
/// and checked, when they are asked for, from any thread.
///
/// Tensors are numbered in ascending order of their names.
package struct Container: Sendable {
  let source: any ByteSource
  let superblock: Superblock
  let commit: CommitRecord
  let index: TensorIndex
  let options: ReadOptions
  private let readers = BlockReaderPool()

  /// Key-values about the whole.
  package let metadata: Metadata
  /// The model's configuration, in canonical form; nil in a file of tensors alone.
  package var configuration: [UInt8]? { parsed?.text }
  private let parsed: ConfigurationText?

  /// Opens the file at `path`.
  ///
  /// - Throws: `notFound`, `permissionDenied`, `notARegularFile`; what section 8 of FORMAT.md calls
  ///   [O], each with the byte offset.
  /// - Complexity: O(1) reads, whatever the number of tensors: superblock, commit record, page
  ///   table, metadata and configuration.
  package init(path: String, options: ReadOptions = ReadOptions()) throws(CairnError) {
    let file = try FileBytes(path: path, access: options.access, files: options.files)
    try self.init(file, options: options)
  }

  /// Opens the container that `source` holds.
  package init(
    _ source: any ByteSource, options: ReadOptions = ReadOptions()
  ) throws(CairnError) {
    self.source = source
    self.options = options
    do throws(CairnError) {
      superblock = try Superblock(reading: source)
      let commitOffset = try CommitSearch.locate(in: source)
      commit = try CommitRecord(readingAt: commitOffset, of: source)
      let table = try Self.pageTable(source, commit, options.limits)
      guard table.entryCount == commit.tensorCount else {
        throw CairnError(
          .invalidCommitRecord, "the commit record counts other tensors than the index",
          at: .init(offset: UInt64(commitOffset + 48)), expected: "\(table.entryCount)",
          found: "\(commit.tensorCount)")
      }
      guard superblock.hasDigests == commit.hasDigests else {
        throw CairnError(
          .invalidCommitRecord, "superblock and commit record differ about digests",
          at: .init(offset: UInt64(commitOffset + 36)))
      }
      index = TensorIndex(table, in: source)
      metadata = try Self.metadata(source, table)
      parsed = try Self.configuration(source, table, options.limits)
    } catch {
      throw error.located(file: source.path)
    }
  }

  private static func pageTable(
    _ source: any ByteSource, _ commit: CommitRecord, _ limits: ContainerLimits
  ) throws(CairnError) -> PageTable {
    let header = try FrameHeader(reading: source, at: commit.pageTableOffset)
    guard header.type == .pageTable, header.storedCount == commit.pageTableCount,
      header.checksum == commit.pageTableChecksum
    else {
      throw CairnError(
        .routesDisagree, "the commit record and the page table's frame disagree",
        at: .init(offset: UInt64(commit.pageTableOffset)),
        expected: "PTAB of \(commit.pageTableCount) bytes",
        found: "\(header.name) of \(header.storedCount)")
    }
    guard header.storedCount <= PageTable.largestByteCount else {
      throw CairnError(
        .limitExceeded, "the page table is larger than the format allows",
        at: .init(offset: UInt64(commit.pageTableOffset + 8)),
        expected: "at most \(PageTable.largestByteCount) bytes", found: "\(header.storedCount)")
    }
    let payload = try source.payload(of: header, at: commit.pageTableOffset)
    return try PageTable(
      payload: payload, at: commit.pageTableOffset + FrameHeader.byteCount, limits: limits)
  }

  /// The payload of an attachment, checked against its record.
  private static func payload(
    _ record: AttachmentRecord, _ source: any ByteSource
  ) throws(CairnError) -> [UInt8] {
    let header = try FrameHeader(reading: source, at: record.frameOffset)
    guard header.type == record.type.frame, header.storedCount == record.payloadCount,
      header.checksum == record.checksum
    else {
      throw CairnError(
        .routesDisagree, "an attachment's record and its frame disagree",
        at: .init(offset: UInt64(record.frameOffset)),
        expected: "\(record.type.frame.rawValue) of \(record.payloadCount) bytes",
        found: "\(header.name) of \(header.storedCount)")
    }
    return try source.payload(of: header, at: record.frameOffset)
  }

  private static func metadata(
    _ source: any ByteSource, _ table: PageTable
  ) throws(CairnError) -> Metadata {
    guard let record = table.attachments.first(where: { $0.type == .metadata }) else {
      return Metadata()
    }
    return try MetadataCoding.decode(
      payload(record, source), at: record.frameOffset + FrameHeader.byteCount)
  }

  private static func configuration(
    _ source: any ByteSource, _ table: PageTable, _ limits: ContainerLimits
  ) throws(CairnError) -> ConfigurationText? {
    guard let record = table.attachments.first(where: { $0.type == .configuration }) else {
      return nil
    }
    return try ConfigurationCoding.parse(
      payload(record, source), at: record.frameOffset + FrameHeader.byteCount, limits: limits)
  }

  // MARK: - What the file says of itself

  /// The bytes that every container begins with.
  package static var signature: [UInt8] { Superblock.magic }

  /// The path, or nil for memory.
  package var path: String? { source.path }
  /// Bytes of the whole file.
  package var fileByteCount: Int { source.count }
  /// The format's version: 1.minor.
  package var version: (major: Int, minor: Int) {
    (Int(Superblock.majorVersion), Int(superblock.minorVersion))
  }
  /// Bytes of all tensors uncompressed, aliases not counted.
  package var logicalByteCount: Int { commit.logicalCount }
  /// Bytes that the tensors' data takes in the file.
  package var storedByteCount: Int { commit.storedCount }
  /// log2 of the largest number of bytes in a chunk.
  package var log2ChunkSize: Int { superblock.log2ChunkSize }
  /// log2 of the alignment of raw tensors.
  package var log2Alignment: Int { superblock.log2Alignment }
  /// The identity of the content, if the file has digests.
  package var root: ContentDigest? { commit.hasDigests ? commit.root : nil }

  /// The bytes that a file of honest tensors decodes to at most: 64 times its size and 64 MiB. A file of
  /// zeros may need more; a file from a stranger should not.
  package var plausibleByteCount: Int { .plausible(ofFile: source.count) }

  /// How the tensor at `index` is kept.
  package func storage(at index: Int) throws(CairnError) -> TensorStorage {
    try locating { () throws(CairnError) in
      try checkIndex(index)
      let entry = try self.index.entry(index)
      let digest = commit.hasDigests ? try self.index.owner(of: entry).digest.description : nil
      guard entry.record.ownsData else {
        return TensorStorage(codec: "alias", storedByteCount: 0, digest: digest)
      }
      let blocks = try self.index.blocks(
        0..<entry.record.pieces(log2ChunkSize: log2ChunkSize).count, of: entry,
        log2ChunkSize: log2ChunkSize)
      let stored = blocks.reduce(0) { $0 + $1.storedCount }
      let codec: String
      switch (entry.record.storageClass, entry.record.filter) {
      case (.chunked, _) where stored == entry.record.byteCount: codec = "stored"
      case (.chunked, .none): codec = "zlib"
      case (.chunked, .bytePlanes): codec = "planes+zlib"
      case (.chunked, .rotatedBytePlanes): codec = "rotated planes+zlib"
      case (.raw, _), (.alias, _): codec = "raw"
      }
      return TensorStorage(codec: codec, storedByteCount: stored, digest: digest)
    }
  }

  /// How every tensor is kept, by index.
  ///
  /// Complexity: proportional to the tensors and blocks that the file has. This holds even for a
  /// file whose tensors all claim the same blocks: it is refused.
  package func storages() throws(CairnError) -> [TensorStorage] {
    var left = index.table.blockCount
    var storages: [TensorStorage] = []
    for number in 0..<count {
      let entry = try locating { () throws(CairnError) in try index.entry(number) }
      if entry.record.ownsData {
        guard entry.blockCount <= left else {
          throw CairnError(
            .invalidIndex, "the tensors have more blocks than the index",
            at: .init(
              file: source.path, offset: UInt64(index.table.blocksStart + index.table.indexStart),
              name: entry.record.name.string),
            expected: "\(index.table.blockCount) in all", advice: restoringAdvice,
            remedies: [.salvage])
        }
        left -= entry.blockCount
      }
      storages.append(try storage(at: number))
    }
    return storages
  }
}

extension Container: TensorSource {
  /// The number of tensors, aliases included.
  package var count: Int { index.count }

  /// Metadata and configuration; the blobs, read when somebody asks for them; a remark that notes
  /// are not copied, if there are any.
  package var attachments: Attachments {
    Attachments(
      metadata: metadata, parsed: parsed,
      blobs: Blobs { () throws(CairnError) in try readBlobs() }, remarks: noteRemarks)
  }

  private func readBlobs() throws(CairnError) -> [Blob] {
    try locating { () throws(CairnError) in
      var blobs: [Blob] = []
      for record in index.table.attachments where record.type == .blob {
        blobs.append(
          try BlobCoding.decode(
            Self.payload(record, source), at: record.frameOffset + FrameHeader.byteCount,
            limits: options.limits))
      }
      return blobs.sorted { $0.name < $1.name }
    }
  }

  /// What the index says of the tensor at `index`.
  ///
  /// - Throws: `noSuchTensor`; `checksumMismatch` of the index's pages; `invalidIndex`,
  ///   `invalidTensorRecord`, `invalidDType`, `limitExceeded`, `invalidName`.
  package func entry(at index: Int) throws(CairnError) -> TensorEntry {
    try locating { () throws(CairnError) in
      try checkIndex(index)
      let entry = try self.index.entry(index)
      let owner =
        entry.record.ownsData ? nil : try self.index.owner(of: entry).record.name
      return TensorEntry(
        name: entry.record.name, dtype: entry.record.dtype, shape: entry.record.shape,
        byteCount: entry.record.byteCount, position: Int(entry.record.position), aliasOf: owner)
    }
  }

  /// The index of the tensor called `name`.
  ///
  /// - Complexity: O(log count) pages of the index.
  package func index(of name: TensorName) throws(CairnError) -> Int? {
    try locating { () throws(CairnError) in try index.row(of: name) }
  }

  /// Fills `bytes` with the tensor's elements from byte `offset` on. Blocks that are needed in part
  /// are read and checked whole.
  ///
  /// - Throws: `noSuchTensor`, `invalidArgument`; `checksumMismatch`, `corruptChunk`, `invalidIndex`.
  package func read(
    at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    do throws(CairnError) {
      try checkIndex(index)
      let entry = try self.index.owner(of: self.index.entry(index))
      try readOwner(entry, from: offset, into: &bytes)
    } catch {
      throw error.located(file: source.path)
    }
  }

  private func readOwner(
    _ entry: IndexEntry, from offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    let record = entry.record
    let wanted = bytes.count
    guard offset >= 0, offset <= record.byteCount, wanted <= record.byteCount - offset else {
      throw CairnError(
        .invalidArgument, "bytes outside the tensor were asked for",
        at: .init(name: record.name.string), expected: "within 0..<\(record.byteCount)",
        found: "\(wanted) bytes from \(offset)")
    }
    let pieces = record.pieces(log2ChunkSize: log2ChunkSize)
    let numbers = pieces.indices(touching: offset..<offset + wanted)
    let blocks = try index.blocks(numbers, of: entry, log2ChunkSize: log2ChunkSize)
    // What each block gives, counted from the block's start and from the target's.
    let parts = numbers.map { number in
      let range = pieces.range(of: number)
      let shared = range.clamped(to: offset..<offset + wanted)
      return (
        inBlock: shared.lowerBound - range.lowerBound..<shared.upperBound - range.lowerBound,
        inTarget: shared.lowerBound - offset..<shared.upperBound - offset
      )
    }
    let (source, readers) = (source, readers)
    if parts.count == 1 {
      // Tiny tensors and small windows: nothing is gained by asking for threads.
      return try readers.read(
        blocks[0], number: numbers.lowerBound, of: record, part: parts[0].inBlock, from: source,
        into: &bytes)
    }
    try fillInParallel(&bytes, parts: parts.map(\.inTarget), threads: options.threads) {
      (number, target) throws(CairnError) in
      try readers.read(
        blocks[number], number: numbers.lowerBound + number, of: record,
        part: parts[number].inBlock, from: source, into: &target)
    }
  }

  /// Checks the checksums of all blocks of the tensor at `index`, without decoding any.
  ///
  /// - Throws: `checksumMismatch` with the block's offset and number.
  package func checkBlocks(at index: Int) throws(CairnError) {
    try locating { () throws(CairnError) in
      try checkIndex(index)
      let entry = try self.index.owner(of: self.index.entry(index))
      let name = entry.record.name.string
      let count = entry.record.pieces(log2ChunkSize: log2ChunkSize).count
      let blocks = try self.index.blocks(0..<count, of: entry, log2ChunkSize: log2ChunkSize)
      let source = source
      try inParallel(count, threads: options.threads) { (number) throws(CairnError) in
        let block = blocks[number]
        try source.withBytes(in: block.offset..<block.offset + block.storedCount) {
          (bytes) throws(CairnError) in
          let actual = crc32(bytes)
          guard actual == block.checksum else {
            throw checksumMismatch(
              "a block", at: block.offset, recorded: block.checksum, actual: actual
            ).located(name: name, index: number)
          }
        }
      }
    }
  }
}
