// Long operations for callers that must not block: the same work, on Cairn's own threads.

public import CairnCheckpoints
public import CairnComparison
public import CairnContainer
public import CairnModelFiles
public import CairnModels
public import CairnSystem
public import CairnTensors

/// Reports progress from a thread other than the caller's.
public typealias AsyncProgressHandler = @Sendable (WorkProgress) throws -> Void

extension CheckpointFile {
  /// Opens a checkpoint without blocking the caller's thread, as ``open(_:format:options:)``.
  ///
  /// - Throws: `CancellationError` if the task is cancelled.
  public static func open(
    _ path: String, format: CheckpointFormat? = nil, options: ReadOptions = ReadOptions()
  ) async throws -> CheckpointFile {
    try await onOwnThread { () throws(CairnError) in
      try open(path, format: format, options: options)
    }
  }

  /// Opens a checkpoint whose bytes are anywhere, without blocking the caller's thread, as
  /// ``open(_:named:format:options:)``.
  ///
  /// - Throws: `CancellationError` if the task is cancelled.
  public static func open(
    _ source: any ByteSource, named name: String? = nil, format: CheckpointFormat? = nil,
    options: ReadOptions = ReadOptions()
  ) async throws -> CheckpointFile {
    try await onOwnThread { () throws(CairnError) in
      try open(source, named: name, format: format, options: options)
    }
  }

  /// Checks the file without blocking the caller's thread, as ``verify(_:progress:)``.
  ///
  /// - Throws: the first violation; `CancellationError` if the task is cancelled.
  public func verify(
    _ level: VerificationLevel, progress: @escaping AsyncProgressHandler = { _ in }
  ) async throws {
    try await onOwnThread { () throws(CairnError) in try verify(level, progress: progress) }
  }
}

extension NamedTensors {
  /// Reads a checkpoint into memory without blocking the caller's thread, as
  /// ``init(contentsOf:format:options:budget:)``.
  ///
  /// - Throws: `CancellationError` if the task is cancelled.
  public init(
    contentsOf path: String, format: CheckpointFormat? = nil, options: ReadOptions = ReadOptions(),
    budget: Int? = nil
  ) async throws {
    self = try await onOwnThread { () throws(CairnError) in
      try NamedTensors(contentsOf: path, format: format, options: options, budget: budget)
    }
  }

  /// A deep copy, made without blocking the caller's thread, as ``deepCopy(options:)``.
  ///
  /// - Throws: `outOfMemory`; `CancellationError` if the task is cancelled.
  public func deepCopy(options: WriteOptions = .inMemory) async throws -> NamedTensors {
    try await onOwnThread { () throws(CairnError) in try deepCopy(options: options) }
  }
}

extension TensorSource {
  /// Writes everything that the source has, without blocking the caller's thread, as
  /// ``write(to:format:options:accepting:progress:)``. With a ``CheckpointFile/source`` this
  /// converts a checkpoint.
  ///
  /// - Throws: `CancellationError` if the task is cancelled: then a file at `path` is as it was
  ///   before, and nothing else is left.
  @discardableResult
  public func write(
    to path: String, format: CheckpointFormat? = nil, options: WriteOptions = WriteOptions(),
    accepting losses: AcceptedLosses = [],
    progress: @escaping AsyncProgressHandler = { _ in }
  ) async throws -> Int {
    try await onOwnThread { () throws(CairnError) in
      try write(
        to: path, format: format, options: options, accepting: losses, progress: progress)
    }
  }
}

extension Model {
  /// Saves the model as it is at the moment of the call, without blocking the caller's thread, as
  /// ``save(to:format:metadata:options:accepting:progress:)``. An assignment to a variable
  /// meanwhile does not change the file, and copies only that variable.
  ///
  /// - Throws: `CancellationError` if the task is cancelled: then a file at `path` is as it was
  ///   before, and nothing else is left.
  public func save(
    to path: String, format: CheckpointFormat? = nil, metadata: Metadata = Metadata(),
    options: WriteOptions = WriteOptions(), accepting losses: AcceptedLosses = [],
    progress: @escaping AsyncProgressHandler = { _ in }
  ) async throws {
    let tensors = try ModelTensors(self, metadata: metadata)
    try await onOwnThread { () throws(CairnError) in
      try Self.save(
        tensors, to: path, format: format, options: options, accepting: losses,
        progress: progress)
    }
  }

  /// Loads a model without blocking the caller's thread, as
  /// ``load(from:registry:budget:limits:options:)``.
  ///
  /// - Throws: `CancellationError` if the task is cancelled.
  public static func load(
    from path: String, registry: LayerRegistry = .standard, budget: Int? = nil,
    limits: ModelLimits = ModelLimits(), options: ReadOptions = ReadOptions()
  ) async throws -> Model {
    try await onOwnThread { () throws(CairnError) in
      try load(from: path, registry: registry, budget: budget, limits: limits, options: options)
    }
  }

  /// Replaces the weights by those of a file without blocking the caller's thread, as
  /// ``loadWeights(from:loading:options:)``: all of them, or none if it fails or is cancelled.
  ///
  /// - Throws: `CancellationError` if the task is cancelled.
  @discardableResult
  public func loadWeights(
    from path: String, loading: LoadOptions = LoadOptions(), options: ReadOptions = ReadOptions()
  ) async throws -> LoadReport {
    try await onOwnThread { () throws(CairnError) in
      try self.loadWeights(from: path, loading: loading, options: options)
    }
  }
}

extension Layer where Self: Model {
  /// A deep copy of the model as it is at the moment of the call, made without blocking the caller's
  /// thread, as ``deepCopy(registry:options:)``.
  ///
  /// - Throws: `CancellationError` if the task is cancelled.
  public func deepCopy(
    registry: LayerRegistry = .standard, options: WriteOptions = .inMemory
  ) async throws -> Self {
    let tensors = try ModelTensors(self)
    return try await onOwnThread { () throws(CairnError) in
      try Self.deepCopy(of: tensors, registry: registry, options: options)
    }
  }
}

extension Salvage {
  /// Recovers what a damaged file still has without blocking the caller's thread, as
  /// ``init(path:options:progress:)``.
  ///
  /// - Throws: `CancellationError` if the task is cancelled.
  public init(
    path: String, options: SalvageOptions = SalvageOptions(),
    progress: @escaping AsyncProgressHandler = { _ in }
  ) async throws {
    self = try await onOwnThread { () throws(CairnError) in
      try Salvage(path: path, options: options, progress: progress)
    }
  }
}

/// Compares two sources without blocking the caller's thread, as ``compare(_:_:options:progress:)``.
///
/// - Throws: what reading throws; `CancellationError` if the task is cancelled. A difference is no error.
public func compare(
  _ left: any TensorSource, _ right: any TensorSource,
  options: ComparisonOptions = ComparisonOptions(),
  progress: @escaping AsyncProgressHandler = { _ in }
) async throws -> ComparisonReport {
  try await onOwnThread { () throws(CairnError) in
    try compare(left, right, options: options, progress: progress)
  }
}

/// Compares two opened checkpoints without blocking the caller's thread, as
/// ``compare(_:_:options:progress:)`` of two sources.
///
/// - Throws: what reading throws; `CancellationError` if the task is cancelled. A difference is no error.
public func compare(
  _ left: CheckpointFile, _ right: CheckpointFile,
  options: ComparisonOptions = ComparisonOptions(),
  progress: @escaping AsyncProgressHandler = { _ in }
) async throws -> ComparisonReport {
  try await compare(left.source, right.source, options: options, progress: progress)
}

/// Compares all state of two models, as it is at the moment of the call, without blocking the caller's
/// thread, as ``compare(_:_:options:)`` of two models.
///
/// - Throws: what reading throws; `CancellationError` if the task is cancelled. A difference is no error.
public func compare(
  _ left: Model, _ right: Model, options: ComparisonOptions = ComparisonOptions()
) async throws -> ComparisonReport {
  try await compare(ModelTensors(left), ModelTensors(right), options: options)
}
