// One format: how its files are recognised, read and written. The parts of each format are with its
// reader.

public import CairnSystem
public import CairnTensors

/// A format that checkpoints are read in, and perhaps written.
///
/// Cairn's own are gathered in a ``FormatRegistry``; others can be added to one.
public struct CheckpointFormat: Sendable {
  /// Whether what lies at a place is of a format, by its content.
  package typealias Recognition = @Sendable (CheckpointPlace) -> Bool
  /// Opens what lies at a place.
  package typealias Opening =
    @Sendable (CheckpointPlace) throws(CairnError) -> any CheckpointSource
  /// Makes a sink that writes to a target.
  package typealias Writing = @Sendable (WriteTarget) -> any TensorSink

  /// The name, as `--from` and `--to` take it.
  public let name: String
  /// The extensions of its files, without the dot, in lower case.
  public let extensions: [String]
  /// What the format has no place for.
  public let lacks: AcceptedLosses
  /// Whether what lies at a place is of this format, by its content.
  package let recognises: Recognition
  /// Opens what lies at a place.
  package let open: Opening
  /// Whether the format can hold the ties of this source although it has no general place for ties.
  let holdsTies: @Sendable (any TensorSource) throws(CairnError) -> Bool
  /// Whether the format can hold this metadata although it has no general place for its types.
  let holdsMetadata: @Sendable (Metadata) -> Bool
  /// Whether a checkpoint of the format is several files, which no file system replaces in one step.
  package let spansFiles: Bool
  /// Nil for a format that is only read.
  package var sink: Writing?

  /// The metadata of a source that the format cannot hold, each by its key.
  package var lostMetadata: @Sendable (any TensorSource) -> [FormatLoss] = { _ in [] }
  /// Remarks about a checkpoint in addition to those of its reader.
  package var remarks: @Sendable (any CheckpointSource) -> [String] = { _ in [] }
  /// The names under which libraries keep a whole model of this format in a folder, the first first.
  package var namesInFolder: [String] = []
  /// Whether a folder is of this format, whatever else lies in it.
  package var claimsFolder: Recognition = { _ in false }
  /// Whether files of these names are parts of one checkpoint, so that any of them opens all.
  package var joins: @Sendable ([String]) -> Bool = { _ in false }
  /// The checkpoint that a path leads to if it names no file but is the beginning of such names.
  package var place: @Sendable (String, ReadOptions) -> CheckpointPlace? = { _, _ in nil }

  /// A format.
  ///
  /// - Parameters:
  ///   - recognises: Whether what lies at a place is of the format, by its content. Must be quick, and never
  ///     takes what is of another format.
  ///   - open: Opens what lies at a place.
  ///   - sink: Makes a sink that writes to a target. Its `write` refuses what ``refuse(_:accepting:)`` refuses; nil for a format that is only read.
  public init(
    name: String, extensions: [String], lacks: AcceptedLosses,
    recognises: @escaping @Sendable (CheckpointPlace) -> Bool,
    open: @escaping @Sendable (CheckpointPlace) throws(CairnError) -> any CheckpointSource,
    holdsTies: @escaping @Sendable (any TensorSource) throws(CairnError) -> Bool = {
      (_) throws(CairnError) in false
    },
    holdsMetadata: @escaping @Sendable (Metadata) -> Bool = { _ in false },
    spansFiles: Bool = false, sink: (@Sendable (WriteTarget) -> any TensorSink)? = nil
  ) {
    self.name = name
    self.extensions = extensions
    self.lacks = lacks
    self.recognises = recognises
    self.open = open
    self.holdsTies = holdsTies
    self.holdsMetadata = holdsMetadata
    self.spansFiles = spansFiles
    self.sink = sink
  }

  /// The format, changed by `change`: what a storey above, which knows more, adds to it.
  package func with(_ change: (inout Self) -> Void) -> Self {
    var format = self
    change(&format)
    return format
  }

  func matchesExtension(of path: String) -> Bool {
    extensions.contains { SystemPath.ends(path, with: "." + $0) }
  }

  /// Whether the format can be written.
  public var isWritable: Bool { sink != nil }

  /// What of `source` this format has no place for: at most one of each kind, except that every key
  /// of metadata that no attribute of HDF5 can hold is listed.
  ///
  /// - Complexity: O(tensors).
  public func losses(of source: any TensorSource) throws(CairnError) -> [FormatLoss] {
    // No format has a place for what was never read.
    var losses = try lacks.union(.opaque).losses(of: source)
    if losses.contains(where: { $0.kind == .ties }), try holdsTies(source) {
      losses.removeAll { $0.kind == .ties }
    }
    if holdsMetadata(source.metadata) { losses.removeAll { $0.kind == .metadataTypes } }
    return losses + lostMetadata(source)
  }

  /// Refuses a source if something would be lost that is not among `accepted`.
  ///
  /// - Throws: `cannotHold`.
  public func refuse(
    _ source: any TensorSource, accepting accepted: AcceptedLosses
  ) throws(CairnError) {
    guard let loss = try losses(of: source).first(where: { !accepted.contains($0.kind) }) else {
      return
    }
    guard loss.kind != .opaque else {
      throw CairnError(
        .cannotHold, "the input holds something that is not read: \(loss.what)",
        advice: "Leave it out by name, or accept the loss of what is opaque",
        remedies: [.exclude, .acceptLoss])
    }
    throw CairnError(
      .cannotHold, "\(name) has no place for \(loss.what)", at: .init(name: loss.name?.string),
      advice: "Write a .cairn file, or accept the loss of \(loss.kind)", remedies: [.acceptLoss])
  }

  /// A sink that writes a file of this format.
  ///
  /// - Parameter losses: What may be lost of a source that the format cannot hold.
  /// - Throws: `cannotHold` for a format that is only read.
  public func writer(
    to path: String, options: WriteOptions = WriteOptions(), accepting losses: AcceptedLosses = []
  ) throws(CairnError) -> any TensorSink {
    try writer(
      to: WriteTarget(path: path, options: options, accepting: losses), called: path)
  }

  /// A sink that writes the bytes of a file of this format to another sink, which is committed in the end.
  ///
  /// What `options` say of files on disk has no effect here. A format of several files needs a
  /// path.
  ///
  /// - Parameter losses: What may be lost of a source that the format cannot hold.
  /// - Throws: `cannotHold` for a format that is only read.
  public func writer(
    to sink: any ByteSink, options: WriteOptions = WriteOptions(),
    accepting losses: AcceptedLosses = []
  ) throws(CairnError) -> any TensorSink {
    try writer(
      to: WriteTarget(sink: sink, options: options, accepting: losses), called: sink.path)
  }

  private func writer(
    to target: WriteTarget, called path: String?
  ) throws(CairnError) -> any TensorSink {
    guard let sink else {
      throw CairnError(
        .cannotHold, "Cairn reads \(name) files and does not write them", at: .init(file: path),
        advice: "Write a .cairn file, or name another format", remedies: [.outputFormat])
    }
    return PlausibleSink(
      base: sink(target), format: self, path: path, expands: target.options.expands)
  }
}

extension TensorSource {
  /// Writes everything that the source has as the bytes of a file.
  ///
  /// - Parameters:
  ///   - sink: Where the bytes go. It is committed once all are there; after a failure it is told to
  ///     discard them.
  ///   - losses: What may be left out of a format that has no place for it.
  /// - Returns: The number of bytes.
  /// - Throws: `cannotHold` for what would be lost; what reading the source and `sink` throw.
  @discardableResult
  public func write(
    to sink: any ByteSink, format: CheckpointFormat, options: WriteOptions = WriteOptions(),
    accepting losses: AcceptedLosses = [], progress: ProgressHandler = { _ in }
  ) throws(CairnError) -> Int {
    var writer = try format.writer(to: sink, options: options, accepting: losses)
    return try writer.write(self, progress: progress)
  }

  /// Everything that the source has as the bytes of a file, in memory.
  ///
  /// - Throws: `cannotHold` for what would be lost; `overBudget` for more than the machine's memory; what
  ///   reading the source throws.
  public func encoded(
    as format: CheckpointFormat, options: WriteOptions = WriteOptions(),
    accepting losses: AcceptedLosses = []
  ) throws(CairnError) -> MemoryBytes {
    let sink = try MemorySink()
    try write(to: sink, format: format, options: options, accepting: losses)
    return sink.bytes
  }
}
