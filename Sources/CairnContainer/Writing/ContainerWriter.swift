// The one-pass writer. FORMAT.md, sections 5, 9 and 17.

package import CairnCheckpoints
import CairnCodec
package import CairnSystem
package import CairnTensors

/// Writes a container from front to back: attachments, tensors as they come, index, commit record.
///
/// Nothing is visible at the target before ``finish()``; a writer that is dropped, or that has
/// failed, leaves nothing behind. Memory is bounded by a few chunks a thread that are being coded,
/// as much again for what they are coded to, and for the index 200 to 400 bytes a tensor and 32 a
/// chunk. Tensors of up to 32 MiB in all are held until they are written.
///
/// The bytes depend on what is appended, in which order, and on the options, but not on the number
/// of threads. ``Container/write(_:to:options:progress:)`` appends in the canonical order.
package final class ContainerWriter {
  private let output: any ByteSink
  private let options: WriteOptions
  private let frames: FrameWriter
  private let tensors: TensorQueue
  private var attachments: [AttachmentRecord] = []
  private var attachmentDigests = AttachmentDigests()
  private var hasAttachments = false
  private var state = State.open

  private enum State { case open, failed, finished }

  /// Gives a tensor's bytes from an offset on; called from several threads.
  typealias PieceReader =
    @Sendable (Int, inout MutableSpan<UInt8>) throws(CairnError) -> Void

  /// A writer of a file at `path`, which appears, or is replaced, when the writer has finished.
  ///
  /// - Throws: `invalidArgument` for options out of range; `alreadyExists`, `notARegularFile`,
  ///   `notFound`, `permissionDenied`, `noSpace` as the file system has it.
  package convenience init(
    path: String, options: WriteOptions = WriteOptions()
  ) throws(CairnError) {
    try options.check()
    try self.init(output: BlockSink(options.file(at: path)), options: options)
  }

  init(output: any ByteSink, options: WriteOptions) throws(CairnError) {
    try options.check()
    self.output = output
    self.options = options
    let superblock = Superblock(
      log2Alignment: options.log2Alignment, log2ChunkSize: options.log2ChunkSize,
      digests: options.digests)
    frames = FrameWriter(output)
    tensors = TensorQueue(frames, options: options, alignment: superblock.alignment)
    try frames.emit(superblock.bytes)
  }

  // MARK: - What a user appends

  /// Writes what belongs to no tensor. At most once, before the first tensor.
  ///
  /// - Parameters:
  ///   - configuration: Kept in the format's canonical form.
  ///   - generator: what writes the file; in no digest.
  /// - Throws: `invalidConfiguration`, `limitExceeded`, `duplicateName` of blobs, and what writing
  ///   throws.
  package func attach(
    metadata: Metadata = Metadata(), configuration: ConfigurationText? = nil,
    blobs: [Blob] = [], generator: String? = ContainerWriter.generator
  ) throws(CairnError) {
    try guarded { () throws(CairnError) in
      guard !hasAttachments, tensors.index.count == 0 else {
        throw CairnError(
          .invalidArgument, "attachments come once, before the first tensor")
      }
      hasAttachments = true
      if let generator {
        let payload = Array(generator.utf8)
        guard payload.count <= ContainerLimits.format.noteByteCount else {
          throw CairnError(
            .limitExceeded, "the note of what writes the file is larger than the format allows",
            expected: "at most 64 KiB", found: "\(payload.count) bytes")
        }
        try frames.write(FrameHeader(.generator, payload: payload), payload)
      }
      if !metadata.isEmpty {
        let payload = try MetadataCoding.encode(metadata)
        attachmentDigests.metadata = ContentDigest(of: payload)
        try attach(.metadata, payload)
      }
      if let configuration {
        let payload = try configuration.canonical().text
        guard payload.count <= ContainerLimits.format.configurationByteCount else {
          throw CairnError(
            .limitExceeded, "the configuration is larger than the format allows",
            expected: "at most 16 MiB", found: "\(payload.count) bytes")
        }
        attachmentDigests.configuration = ContentDigest(of: payload)
        try attach(.configuration, payload)
      }
      let sorted = blobs.sorted { $0.name < $1.name }
      for (number, blob) in sorted.enumerated() {
        guard number == 0 || sorted[number - 1].name != blob.name else {
          throw CairnError(
            .duplicateName, "two blobs have the same name", at: .init(name: blob.name.string))
        }
        let payload = try BlobCoding.encode(blob)
        attachmentDigests.blobs.append(ContentDigest(of: payload))
        try attach(.blob, payload)
      }
    }
  }

  /// Appends a tensor.
  ///
  /// - Parameter position: its place in the order of weights; without one, the number of tensors
  ///   appended so far. In the end the positions must be 0 ..< count, each once.
  /// - Throws: `duplicateName` (from ``finish()``), `invalidElement`, and what writing throws.
  package func append(
    _ tensor: Tensor, named name: TensorName, position: Int? = nil
  ) throws(CairnError) {
    let entry = TensorEntry(
      name: name, dtype: tensor.dtype, shape: tensor.shape, byteCount: tensor.byteCount,
      position: position ?? tensors.index.count)
    try append(entry, .handedOver(tensor.memory))
  }

  /// Makes room for what is noted of so many tensors, which will be appended.
  func reserveCapacity(_ count: Int) { tensors.reserveCapacity(count) }

  /// Appends a second name for a tensor that was appended before.
  ///
  /// - Throws: `noSuchTensor` if there is no tensor called `owner`.
  package func appendAlias(
    _ name: TensorName, of owner: TensorName, position: Int? = nil
  ) throws(CairnError) {
    try guarded { () throws(CairnError) in
      let (record, ordinal) = try tensors.index.owner(owner)
      let number = tensors.index.count
      let alias = TensorRecord(
        name: name, dtype: record.dtype, shape: record.shape, byteCount: record.byteCount,
        storageClass: .alias, filter: .none, position: try Self.position(position ?? number, name),
        owner: ordinal)
      try tensors.add(alias, .reader { (_, _) throws(CairnError) in }) { (_) throws(CairnError) in }
    }
  }

  /// Appends a tensor whose bytes `content` gives, and whose digest, if there is to be one, must be
  /// that which is `kept` of it. `wrote` is told of the bytes, uncompressed, that were coded and written
  /// meanwhile, of this tensor and of earlier ones.
  func append(
    _ entry: TensorEntry, _ content: TensorContent, kept: [UInt8]? = nil,
    wrote: (Int) throws(CairnError) -> Void = { (_) throws(CairnError) in }
  ) throws(CairnError) {
    try guarded { () throws(CairnError) in
      let storage: (class: StorageClass, filter: PlaneFilter) =
        switch options.codec {
        case .raw: (.raw, .none)
        case .auto: (.chunked, entry.dtype.preferredFilter)
        }
      let record = TensorRecord(
        name: entry.name, dtype: entry.dtype, shape: entry.shape, byteCount: entry.byteCount,
        storageClass: storage.class, filter: storage.filter,
        position: try Self.position(entry.position, entry.name), owner: 0)
      // A source may be wrong about itself; a file may not.
      guard record.hasFittingByteCount else {
        throw CairnError(
          .countMismatch, "the bytes do not fill a \(entry.dtype) tensor of shape \(entry.shape)",
          at: .init(name: entry.name.string), found: "\(entry.byteCount) bytes")
      }
      try tensors.add(record, content, kept: kept, wrote: wrote)
    }
  }

  /// Writes what is still to be written, the index and the commit record, and puts the file in its
  /// place.
  ///
  /// - Throws: `duplicateName`, `invalidArgument` if the positions are no permutation, and what
  ///   writing throws.
  package func finish() throws(CairnError) -> WriteSummary {
    try finish(wrote: { (_) throws(CairnError) in }, written: { () throws(CairnError) in })
  }

  /// As above. The root digest, if there is to be one, must be that which is `kept` of the content.
  /// `wrote` is told of the rest of the tensors' bytes; `written` is called when all is written and
  /// nothing is in its place yet: the last moment to stop, by throwing, with what was there before
  /// untouched.
  func finish(
    kept: [UInt8]? = nil,
    wrote: (Int) throws(CairnError) -> Void, written: () throws(CairnError) -> Void
  ) throws(CairnError) -> WriteSummary {
    let summary = try guarded { () throws(CairnError) in
      try tensors.flush(wrote: wrote)
      let summary = try writeIndex()
      if let kept, let root = summary.root, root.bytes != kept {
        throw CairnError(
          .digestMismatch, "the content does not have the root digest that its file keeps",
          expected: kept.hexDigits, found: root.description,
          advice: "Something in it was changed; salvaging makes digests anew", remedies: [.salvage])
      }
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
      tensors.discard()
      output.discard()
      // A digest that does not match is the fault of where the tensors come from.
      throw error.code == .digestMismatch ? error : error.located(file: output.path)
    }
  }

  private func attach(_ type: AttachmentType, _ payload: [UInt8]) throws(CairnError) {
    guard attachments.count < ContainerLimits.format.attachmentCount else {
      throw CairnError(
        .limitExceeded, "there are more blobs than the format allows",
        expected: "at most \(ContainerLimits.format.attachmentCount) attachments")
    }
    let header = FrameHeader(type.frame, payload: payload)
    attachments.append(
      AttachmentRecord(
        type: type, checksum: header.checksum, frameOffset: frames.offset,
        payloadCount: payload.count))
    try frames.write(header, payload)
  }

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

  // MARK: - The end

  private func writeIndex() throws(CairnError) -> WriteSummary {
    let built = try tensors.index.build()
    let indexOffset = frames.offset
    // Twice through the index, for the header and then for the bytes: it is never in memory whole.
    var checksum: UInt32 = 0
    var pageChecksums: [UInt32] = []
    try built.forEachPage { (page) throws(CairnError) in
      checksum = crc32(page, continuing: checksum)
      pageChecksums.append(crc32(page))
    }
    try frames.emitHeader(
      FrameHeader(
        .index, storedCount: built.byteCount, logicalCount: built.byteCount, ordinal: 0,
        checksum: checksum))
    try built.forEachPage { (page) throws(CairnError) in try frames.emit(page) }
    try frames.emitPadding(after: built.byteCount)
    let table = PageTable(
      indexFrameOffset: indexOffset, entryCount: built.entryCount, blockCount: built.blockCount,
      dimensionCount: built.dimensionCount, nameByteCount: built.nameByteCount,
      pageChecksums: pageChecksums, attachments: attachments)
    let payload = table.payload
    let tableOffset = frames.offset
    try frames.write(FrameHeader(.pageTable, payload: payload), payload)
    let root =
      options.digests
      ? attachmentDigests.root(entryCount: built.entryCount) { built.entry($0) }
      : ContentDigest.none
    let commit = CommitRecord(
      fileCount: frames.offset + CommitRecord.byteCount, pageTableOffset: tableOffset,
      pageTableCount: payload.count, pageTableChecksum: crc32(payload.span),
      hasDigests: options.digests, tensorCount: tensors.index.count, frameCount: frames.frameCount,
      logicalCount: built.logicalCount, storedCount: tensors.storedCount, root: root,
      frameOrder: frames.order.value)
    try frames.emit(commit.bytes)
    return WriteSummary(
      fileByteCount: frames.offset, tensorCount: tensors.index.count,
      logicalByteCount: built.logicalCount,
      storedByteCount: tensors.storedCount, root: options.digests ? root : nil)
  }
}
