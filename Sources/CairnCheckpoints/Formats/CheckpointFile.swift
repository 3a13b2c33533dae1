// A checkpoint of any format, open for reading.

public import CairnSystem
public import CairnTensors

/// A checkpoint of a format that a ``FormatRegistry`` knows, as a source of named tensors, with what
/// its files say of themselves.
public struct CheckpointFile: Sendable {
  /// The format.
  public let format: CheckpointFormat
  /// The path as it was given.
  public let path: String
  private let checkpoint: any CheckpointSource
  /// Which file of a folder was opened.
  private let placeRemarks: [String]

  init(
    _ checkpoint: any CheckpointSource, of format: CheckpointFormat, at path: String,
    remarks: [String]
  ) {
    self.format = format
    self.path = path
    self.checkpoint = checkpoint
    self.placeRemarks = remarks
  }

  /// The format's name.
  package var formatName: String { format.name }

  /// The tensors.
  public var source: any TensorSource { checkpoint }
  /// The tensor called `name`.
  ///
  /// - Throws: as ``TensorSource/tensor(named:)``.
  public func tensor(named name: TensorName) throws(CairnError) -> Tensor {
    do throws(CairnError) { return try source.tensor(named: name) } catch {
      throw error.located(file: path)
    }
  }

  /// The part of the tensor called `name` whose index along dimension 0 is in `range`.
  ///
  /// - Throws: as ``TensorSource/tensor(named:slice:)``.
  public func tensor(
    named name: TensorName, slice range: Range<Int>
  ) throws(CairnError) -> Tensor {
    do throws(CairnError) { return try source.tensor(named: name, slice: range) } catch {
      throw error.located(file: path)
    }
  }

  /// The version that the file declares, if its format has versions.
  public var version: String? { checkpoint.formatVersion }
  /// Bytes of all the checkpoint's files.
  public var fileByteCount: Int { checkpoint.fileByteCount }
  /// Whether the checkpoint is several files, whatever its format.
  package var spansFiles: Bool { checkpoint.spansFiles || format.spansFiles }
  /// The digest of the whole content, in hexadecimal, if the file has one.
  public var rootDigest: String? { checkpoint.keptRootDigest?.hexDigits }

  /// What was understood but will not stay as it was when the tensors are copied: one sentence
  /// each.
  public var remarks: [String] {
    placeRemarks + checkpoint.remarks + format.remarks(checkpoint)
  }

  /// The most bytes that are decoded to read one of them; 0 where elements are read as they are needed.
  package var blockByteCount: Int { checkpoint.blockByteCount }

  /// Refuses a checkpoint whose tensors come to far more bytes than its files have, before all of them
  /// are read: it may be a file of zeros, or one that is made to keep its reader busy.
  ///
  /// - Throws: `overBudget`.
  package func checkPlausible() throws(CairnError) {
    do throws(CairnError) { try source.checkPlausible(tiesAreHeld: true) } catch {
      throw error.located(file: path)
    }
  }

  /// What ``verify(_:progress:)`` checks the content against, in words; nil if the file has no
  /// checksums.
  package var checksums: String? { checkpoint.checksums }

  /// What the file holds and Cairn does not read.
  public var opaqueItems: [OpaqueItem] { checkpoint.opaqueItems }

  /// How every tensor is kept, by index.
  public func storages() throws(CairnError) -> [TensorStorage] { try checkpoint.storages() }

  /// Checks the file as far as its format allows: structure and checksums. Deep, every element is
  /// read and must be one that its type allows.
  ///
  /// - Throws: the first violation.
  public func verify(
    _ level: VerificationLevel,
    progress: ProgressHandler = { _ in }
  ) throws(CairnError) {
    do throws(CairnError) { try checkpoint.check(level, progress: progress) } catch {
      throw error.located(file: path)
    }
  }
}

/// How a tensor is kept in the file.
public struct TensorStorage: Hashable, Sendable {
  /// How its bytes are coded: `raw` where they stand as they are,
  /// `alias` of another name of a tensor.
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

extension CairnError {
  /// Whether the error says that a file's content is invalid, rather than that it could not be read
  /// at all.
  package var saysInvalid: Bool {
    switch code {
    case .notFound, .permissionDenied, .notARegularFile, .inputOutput, .outOfMemory, .overBudget,
      .invalidArgument, .interrupted, .changedWhileReading, .alreadyExists, .noSpace,
      .unknownFormat, .notACheckpoint, .unsupported, .cannotHold:
      false
    default: true
    }
  }
}
