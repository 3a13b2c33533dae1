// A checkpoint file of any format, open for reading.

public import CairnFormat
public import CairnSystem
public import CairnTensors

/// A file of a format that ``CheckpointFormat`` knows, as a source of named tensors, with what the
/// file says of itself.
public struct CheckpointFile: Sendable {
  /// The format's name.
  public let formatName: String
  /// The version that the file declares, if its format has versions.
  public let version: String?
  /// The path as it was given.
  public let path: String
  /// Bytes of the whole file.
  public let fileByteCount: Int
  /// The tensors.
  public let source: any TensorSource

  /// Opens the file at `path`, whose format is found by its content, then by its extension, unless
  /// it is named.
  ///
  /// - Throws: `unknownFormat`, and what opening a file of that format throws.
  public static func open(
    _ path: String, format: CheckpointFormat? = nil, options: ReadOptions = ReadOptions()
  ) throws(CairnError) -> CheckpointFile {
    // Opened once: a file that is replaced between two openings would be read as what it was.
    let file = try FileBytes(path: path, access: options.access, files: options.files)
    if let format { return try format.open(file, options) }
    return try CheckpointFormat.detect(file).open(file, options)
  }

  /// How a tensor is kept in the file.
  public struct Storage: Hashable, Sendable {
    /// How its bytes are coded: `raw` where they stand as they are.
    public var codec: String
    /// The bytes that it takes.
    public var storedByteCount: Int
    /// The digest of its content, in hexadecimal, if the file has one.
    public var digest: String?
  }

  /// How every tensor is kept, by index.
  public func storages() throws(CairnError) -> [Storage] {
    if let container = source as? Container {
      return try container.storages().map { summary in
        Storage(
          codec: summary.codec, storedByteCount: summary.storedByteCount,
          digest: summary.digest?.description)
      }
    }
    var storages: [Storage] = []
    for index in 0..<source.count {
      storages.append(Storage(codec: "raw", storedByteCount: try source.entry(at: index).byteCount))
    }
    return storages
  }

  /// The digest of the whole content, in hexadecimal, if the file has one.
  public var root: String? { (source as? Container)?.root?.description }

  /// Checks the file as far as its format allows: a container's structure and checksums; opening a
  /// file of another format has checked its header already. Deep, every element is read and must be
  /// one that its type allows.
  ///
  /// - Throws: the first violation.
  public func verify(
    _ level: Container.VerificationLevel,
    progress: ProgressHandler = { (_) throws(CairnError) in }
  ) throws(CairnError) {
    if let container = source as? Container {
      _ = try container.verify(level, progress: progress)
    } else if level == .deep {
      try ElementCheck.run(source, progress: progress)
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
      .unknownFormat:
      false
    default: true
    }
  }
}
