// Reading tensors from files and writing them to files, in one line each.

public import CairnCheckpoints
public import CairnSystem

extension NamedTensors {
  /// Everything in the checkpoint at `path`, read into memory.
  ///
  /// - Parameters:
  ///   - path: A file or a folder of any format that Cairn reads.
  ///   - format: The format; by default the content decides.
  ///   - budget: The bytes that the tensors may take, as ``init(reading:budget:)``.
  /// - Throws: as ``CheckpointFile/open(_:format:options:)`` and ``init(reading:budget:)``.
  public init(
    contentsOf path: String, format: CheckpointFormat? = nil, options: ReadOptions = ReadOptions(),
    budget: Int? = nil
  ) throws(CairnError) {
    let file = try CheckpointFile.open(path, format: format, options: options)
    do throws(CairnError) { try self.init(reading: file.source, budget: budget) } catch {
      throw error.located(file: path)
    }
  }
}

extension TensorSource {
  /// Writes everything that the source has to a file. The file appears, or is replaced, when it is
  /// complete.
  ///
  /// - Parameters:
  ///   - path: The file. Its extension decides the format unless `format` does.
  ///   - format: The format.
  ///   - losses: What may be left out if the format cannot hold it.
  /// - Returns: The bytes of all files that were written.
  /// - Throws: `unknownFormat` for an extension that no writable format has; `cannotHold` for what
  ///   would be lost; the errors of reading the source and writing a file.
  @discardableResult
  public func write(
    to path: String, format: CheckpointFormat? = nil, options: WriteOptions = WriteOptions(),
    accepting losses: AcceptedLosses = [],
    progress: ProgressHandler = { _ in }
  ) throws(CairnError) -> Int {
    let target: CheckpointFormat
    if let format { target = format } else { target = try FormatRegistry.standard.forWriting(path) }
    var sink = try target.writer(to: path, options: options, accepting: losses)
    return try sink.write(self, progress: progress)
  }
}
