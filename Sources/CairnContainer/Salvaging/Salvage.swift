// Everything that is intact in a damaged file. FORMAT.md, appendix A.

public import CairnCheckpoints
public import CairnSystem
package import CairnTensors

/// What is intact in a `.cairn` file that is damaged, cut short or was never finished, and a list of what
/// is lost.
///
/// ```swift
/// let salvage = try Salvage(path: "broken.cairn")
/// for loss in salvage.losses { print(loss) }
/// if !salvage.isEmpty {
///   var sink = try CheckpointFormat.cairn.writer(to: "recovered.cairn")
///   try sink.write(salvage.source)
/// }
/// ```
///
/// It is not a way to load a file: opening a damaged one fails, and nothing falls back on this.
/// A tensor is here if its description and every block of its data are intact, found through what is
/// left of the index or of the frames; every block has been read and decoded once. Reading one can
/// fail afterwards only if the file changes. Positions are 0 to the count − 1 in the old order;
/// tensors are numbered in ascending order of their names.
public struct Salvage: Sendable {
  /// What is lost, or may have been there: attachments, then tensors by their ordinals, then parts of
  /// the file, each once. Empty if nothing is.
  public let losses: [SalvageLoss]
  package let recovered: SalvagedTensors

  /// Salvages the file at `path`.
  ///
  /// - Throws: `notFound`, `permissionDenied`, `notARegularFile`; `unsupportedVersion` and
  ///   `unsupportedFeature` for an intact file from the future; what stopped `progress`. Damage,
  ///   bytes that the system cannot read included, is no error, nor is a file of which nothing is
  ///   left: see ``isEmpty``.
  /// - Complexity: O(bytes of the file and of its tensors). Memory: a window of 16 MiB (or a chunk)
  ///   and three chunks a thread; 200 to 600 bytes a tensor and 300 a chunk; one attachment at a time.
  public init(
    path: String, options: SalvageOptions = SalvageOptions(),
    progress: ProgressHandler = { _ in }
  ) throws(CairnError) {
    let reading = options.reading
    let file = try FileBytes(path: path, access: reading.access, files: reading.files)
    try self.init(file, options: options, progress: progress)
  }

  /// Salvages the container that `source` holds.
  ///
  /// - Throws: as ``init(path:options:progress:)``, and what reading `source` throws but
  ///   `inputOutput`.
  public init(
    _ source: any ByteSource, options: SalvageOptions = SalvageOptions(),
    progress: ProgressHandler = { _ in }
  ) throws(CairnError) {
    let source = UnreadableAsZeros(source)
    do throws(CairnError) {
      let examination = try Examination(source, options: options, progress: progress)
      losses = examination.losses
      recovered = SalvagedTensors(examination, of: source, threads: options.reading.threads)
    } catch {
      throw error.located(file: source.path)
    }
  }

  /// What was recovered, as a source of tensors that can be written like any other.
  public var source: any TensorSource { recovered }

  /// Whether nothing at all was recovered: no tensor, metadata, configuration or blob.
  public var isEmpty: Bool { recovered.isEmpty }
}

/// The tensors of a damaged file that are intact, or intact in part.
package struct SalvagedTensors: FileBacked {
  /// Key-values about the whole; none if they are lost.
  package let metadata: Metadata
  /// The model's configuration, in canonical form; nil if it is lost.
  package let configuration: [UInt8]?

  private let source: any ByteSource
  private let threads: Threads
  /// Ascending by name.
  private let tensors: [SalvagedTensor]
  /// The places in `tensors` by ordinal.
  private let places: [UInt32: Int]
  private let blobPlaces: [AttachmentRecovery.BlobPlace]

  init(_ examination: Examination, of source: any ByteSource, threads: Threads) {
    metadata = examination.attachments.metadata
    configuration = examination.attachments.configuration
    blobPlaces = examination.attachments.blobs
    tensors = examination.tensors
    self.source = source
    self.threads = threads
    places = Dictionary(
      uniqueKeysWithValues: tensors.enumerated().map { ($1.ordinal, $0) })
  }

  /// The damaged file.
  package var filePath: String? { source.path }

  var isEmpty: Bool {
    tensors.isEmpty && metadata.isEmpty && configuration == nil && blobPlaces.isEmpty
  }

  /// The number of tensors that were recovered, aliases included.
  package var count: Int { tensors.count }

  /// What was recovered beside tensors. Blobs are read anew each time: `checksumMismatch`,
  /// `changedWhileReading` if the file has changed.
  package var attachments: Attachments {
    let (source, places) = (source, blobPlaces)
    return Attachments(
      metadata: metadata, configuration: configuration,
      blobs: Blobs { () throws(CairnError) in
        do throws(CairnError) {
          return try places.map { (place) throws(CairnError) in try place.read(from: source) }
        } catch {
          throw error.located(file: source.path)
        }
      })
  }

  /// As ``Container/plausibleByteCount``.
  package var plausibleByteCount: Int { .plausible(ofFile: source.count) }

  /// What is known of the tensor at `index`.
  ///
  /// - Throws: `noSuchTensor`.
  package func entry(at index: Int) throws(CairnError) -> TensorEntry {
    try checkIndex(index)
    let record = tensors[index].record
    let owner = record.ownsData ? nil : places[record.owner]
    return TensorEntry(
      name: record.name, dtype: record.dtype, shape: record.shape, byteCount: record.byteCount,
      position: Int(record.position), aliasOf: owner.map { tensors[$0].record.name })
  }

  /// The index of the tensor called `name`.
  ///
  /// - Complexity: O(log count).
  package func index(of name: TensorName) throws(CairnError) -> Int? {
    let index = tensors.firstIndex(ascending: { !($0.record.name < name) })
    return index < tensors.count && tensors[index].record.name == name ? index : nil
  }

  /// Fills `bytes` with the tensor's elements from byte `offset` on; zeros where the tensor was kept
  /// in part.
  ///
  /// - Throws: `noSuchTensor`, `invalidArgument`; `checksumMismatch`, `corruptChunk`,
  ///   `changedWhileReading` if the file has changed.
  package func read(
    at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    try checkRange(of: entry(at: index), from: offset, count: bytes.count)
    var tensor = tensors[index]
    // An alias has its owner's filter and storage class.
    if !tensor.record.ownsData, let owner = places[tensor.record.owner] {
      tensor = tensors[owner]
    }
    do throws(CairnError) {
      try tensor.read(from: offset, into: &bytes, of: source, threads: threads)
    } catch {
      throw error.located(file: source.path)
    }
  }
}

extension SalvagedTensor {
  /// Fills `bytes` from byte `offset` of the tensor on, which has as many.
  fileprivate func read(
    from offset: Int, into bytes: inout MutableSpan<UInt8>, of source: any ByteSource,
    threads: Threads
  ) throws(CairnError) {
    let wanted = offset..<offset + bytes.count
    let numbers = pieces.indices(touching: wanted)
    let first = blocks.firstIndex(ascending: { $0.number >= numbers.lowerBound })
    let touched = blocks[first...].prefix { $0.number < numbers.upperBound }
    if touched.count < numbers.count { for index in bytes.indices { bytes[index] = 0 } }
    let parts = touched.map { block in
      let range = pieces.range(of: block.number)
      let shared = range.clamped(to: wanted)
      return (
        inBlock: shared.lowerBound - range.lowerBound..<shared.upperBound - range.lowerBound,
        inTarget: shared.lowerBound - offset..<shared.upperBound - offset
      )
    }
    try fillInParallel(
      &bytes, parts: parts.map(\.inTarget), threads: threads,
      makeWorker: { () throws(CairnError) in try BlockReader() }
    ) { (reader, number, target) throws(CairnError) in
      let block = touched[touched.startIndex + number]
      try reader.read(
        block.block, number: block.number, of: record, part: parts[number].inBlock, from: source,
        into: &target)
    }
  }
}
