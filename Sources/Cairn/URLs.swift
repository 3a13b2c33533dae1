// Files by URL, and elements as Data, for apps.

public import CairnCheckpoints
import CairnModelFiles
public import CairnModels
public import CairnSystem
public import CairnTensors

// Both modules have URL and Data; the smaller one is enough.
#if canImport(FoundationEssentials)
  public import FoundationEssentials
#else
  public import Foundation
#endif

extension URL {
  /// The path of a file's URL.
  ///
  /// - Throws: `invalidPath` for a URL of anything else.
  fileprivate func filePath() throws(CairnError) -> String {
    guard isFileURL else {
      throw CairnError(
        .invalidPath, "the URL is not that of a file", found: absoluteString,
        advice: "Fetch the file first")
    }
    return path(percentEncoded: false)
  }
}

extension CheckpointFile {
  /// Opens the checkpoint at a file's URL, as ``open(_:format:options:)`` of its path.
  public static func open(
    _ url: URL, format: CheckpointFormat? = nil, options: ReadOptions = ReadOptions()
  ) throws(CairnError) -> CheckpointFile {
    try open(url.filePath(), format: format, options: options)
  }
}

extension NamedTensors {
  /// Everything in the checkpoint at a file's URL, read into memory.
  public init(
    contentsOf url: URL, format: CheckpointFormat? = nil, options: ReadOptions = ReadOptions(),
    budget: Int? = nil
  ) throws(CairnError) {
    try self.init(
      contentsOf: url.filePath(), format: format, options: options, budget: budget)
  }
}

extension TensorSource {
  /// Writes everything that the source has to a file's URL, as ``write(to:format:options:accepting:progress:)``.
  @discardableResult
  public func write(
    to url: URL, format: CheckpointFormat? = nil, options: WriteOptions = WriteOptions(),
    accepting losses: AcceptedLosses = [],
    progress: ProgressHandler = { _ in }
  ) throws(CairnError) -> Int {
    try write(
      to: url.filePath(), format: format, options: options, accepting: losses, progress: progress)
  }
}

extension Model {
  /// Saves the model to a file's URL, as ``save(to:format:metadata:options:accepting:progress:)``.
  public func save(
    to url: URL, format: CheckpointFormat? = nil, metadata: Metadata = Metadata(),
    options: WriteOptions = WriteOptions(), accepting losses: AcceptedLosses = [],
    progress: ProgressHandler = { _ in }
  ) throws(CairnError) {
    try save(
      to: url.filePath(), format: format, metadata: metadata, options: options,
      accepting: losses, progress: progress)
  }

  /// The model in the file at a URL, as ``load(from:registry:budget:limits:options:)``.
  public static func load(
    from url: URL, registry: LayerRegistry = .standard, budget: Int? = nil,
    limits: ModelLimits = ModelLimits(), options: ReadOptions = ReadOptions()
  ) throws(CairnError) -> Model {
    try load(
      from: url.filePath(), registry: registry, budget: budget, limits: limits, options: options)
  }
}

extension Tensor {
  /// A tensor of the given type and shape with a copy of `data` as its elements, little-endian.
  ///
  /// - Throws: `countMismatch` if the number of bytes does not fit; `invalidElement`.
  public init(dtype: DType, shape: Shape, data: Data) throws(CairnError) {
    try self.init(dtype: dtype, shape: shape, bytes: Array(data))
  }

  /// The bytes of the elements: a copy.
  public var data: Data { Data(bytes) }
}

extension MemoryBytes {
  /// A copy of `data`.
  ///
  /// - Throws: `outOfMemory`.
  public init(_ data: Data) throws(CairnError) { try self.init(Array(data)) }

  /// All bytes: a copy.
  public var data: Data { Data(array) }
}
