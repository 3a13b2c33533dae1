// A checkpoint of any format, open for reading.

public import CairnContainer
public import CairnSystem
public import CairnTensors

/// A checkpoint of a format that ``CheckpointFormat`` knows, as a source of named tensors, with what
/// its files say of themselves.
public struct CheckpointFile: Sendable {
  /// The format's name.
  public let formatName: String
  /// The path as it was given.
  public let path: String
  private let checkpoint: any CheckpointSource
  /// Which file of a folder was opened.
  private var placeRemarks: [String] = []

  /// Opens what lies at `path`, whose format is found by its content, then by its extension, unless
  /// it is named.
  ///
  /// - Throws: `unknownFormat`, and what opening a file of that format throws.
  public static func open(
    _ path: String, format: CheckpointFormat? = nil, options: ReadOptions = ReadOptions()
  ) throws(CairnError) -> CheckpointFile {
    var place: CheckpointPlace
    do throws(CairnError) { place = try CheckpointPlace(path, options: options) } catch {
      guard error.code == .notFound,
        let found = BundlePlace.opening(prefix: path, options: options)
      else { throw error }
      place = found
    }
    var remarks: [String] = []
    if let only = try FolderFile(place, format: format) {
      (place, remarks) = (only.place, only.remarks)
    }
    try place.refuseOtherContent()
    // Not `??`, whose right side may throw any error.
    let found: CheckpointFormat
    if let format { found = format } else { found = try CheckpointFormat.detect(place) }
    do throws(CairnError) {
      return CheckpointFile(
        formatName: found.name, path: path, checkpoint: try found.open(place),
        placeRemarks: remarks)
    } catch {
      throw error.located(file: path)
    }
  }

  /// The tensors.
  public var source: any TensorSource { checkpoint }
  /// The version that the file declares, if its format has versions.
  public var version: String? { checkpoint.formatVersion }
  /// Bytes of all the checkpoint's files.
  public var fileByteCount: Int { checkpoint.fileByteCount }
  /// Whether the checkpoint is several files, whatever its format.
  public var spansFiles: Bool {
    checkpoint.spansFiles
      || CheckpointFormat.all.contains { $0.spansFiles && $0.name.isSpelt(as: formatName) }
  }
  /// The digest of the whole content, in hexadecimal, if the file has one.
  public var root: String? { checkpoint.rootDigest }

  /// What was understood, and will not be as it was once the tensors are copied: one sentence each.
  public var remarks: [String] { placeRemarks + checkpoint.remarks }

  /// The most bytes that are decoded to read one of them; 0 where elements are read as they are needed.
  public var blockByteCount: Int { checkpoint.blockByteCount }

  /// Refuses a checkpoint whose tensors come to far more bytes than its files have, before all of them
  /// are read: it may be a file of zeros, or one that is made to keep its reader busy.
  ///
  /// - Throws: `overBudget`.
  public func checkPlausible() throws(CairnError) {
    do throws(CairnError) { try CheckpointFormat.cairn.checkPlausible(source) } catch {
      throw error.located(file: path)
    }
  }

  /// What ``verify(_:progress:)`` holds the content against, in words; nil if the file has no checksums.
  public var checksums: String? { checkpoint.checksums }

  /// What the file holds and Cairn does not read.
  public var opaqueItems: [OpaqueItem] { checkpoint.opaqueItems }

  /// How a tensor is kept in the file.
  public struct Storage: Hashable, Sendable {
    /// How its bytes are coded: `raw` where they stand as they are.
    public var codec: String
    /// The bytes that it takes.
    public var storedByteCount: Int
    /// The digest of its content, in hexadecimal, if the file has one.
    public var digest: String?

    /// A tensor that is kept so.
    public init(codec: String, storedByteCount: Int, digest: String? = nil) {
      self.codec = codec
      self.storedByteCount = storedByteCount
      self.digest = digest
    }
  }

  /// How every tensor is kept, by index.
  public func storages() throws(CairnError) -> [Storage] { try checkpoint.tensorStorages() }

  /// Checks the file as far as its format allows: structure and checksums. Deep, every element is
  /// read and must be one that its type allows.
  ///
  /// - Throws: the first violation.
  public func verify(
    _ level: Container.VerificationLevel,
    progress: ProgressHandler = { (_) throws(CairnError) in }
  ) throws(CairnError) {
    do throws(CairnError) { try checkpoint.check(level, progress: progress) } catch {
      throw error.located(file: path)
    }
  }
}

extension CairnError {
  /// Whether the error says that a file's content is invalid, rather than that it could not be read
  /// at all.
  public var saysInvalid: Bool {
    switch code {
    case .notFound, .permissionDenied, .notARegularFile, .inputOutput, .outOfMemory, .overBudget,
      .invalidArgument, .interrupted, .changedWhileReading, .alreadyExists, .noSpace,
      .unknownFormat, .notACheckpoint, .unsupported, .cannotHold:
      false
    default: true
    }
  }
}
