// The registry of formats: one line each. Everything that takes "a checkpoint" goes through it. What
// a format is made of stands in its own folder.

public import CairnContainer
public import CairnSystem
public import CairnTensors

/// A format that Cairn reads, and perhaps writes.
public struct CheckpointFormat: Sendable {
  /// The name, as `--from` and `--to` take it.
  public let name: String
  /// The extensions of its files, without the dot, in lower case.
  public let extensions: [String]
  /// What the format has no place for.
  public let lacks: AcceptedLosses
  /// Whether what lies at a place is of this format, by its content.
  let recognises: @Sendable (CheckpointPlace) -> Bool
  let open: @Sendable (CheckpointPlace) throws(CairnError) -> any CheckpointSource
  /// Whether the format can hold the ties of a source that it has no general place for.
  var holdsTies: @Sendable (any TensorSource) throws(CairnError) -> Bool = {
    (_) throws(CairnError) in false
  }
  /// Whether the format can hold metadata whose types it has no general place for.
  var holdsMetadata: @Sendable (Metadata) -> Bool = { _ in false }
  /// Whether a checkpoint of the format is several files, which cannot be replaced at one blow.
  public var spansFiles = false
  /// Nil for a format that is only read.
  let sink: (@Sendable (String, WriteOptions, AcceptedLosses) -> any TensorSink)?

  /// All formats, in the order in which content is tried.
  public static let all: [CheckpointFormat] = [
    .cairn, .safetensors, .npy, .keras, .pytorch, .npz, .tensorflow, .gguf, .hdf5,
    .kerasShards, .sharded, .onnx,
  ]

  /// The format of that name.
  ///
  /// - Throws: `unknownFormat`.
  public static func named(_ name: String) throws(CairnError) -> CheckpointFormat {
    guard let format = all.first(where: { $0.name == name.lowercased() }) else {
      throw CairnError(
        .unknownFormat, "there is no format of that name", expected: known, found: name)
    }
    return format
  }

  /// The format that the extension of `path` stands for.
  ///
  /// - Throws: `unknownFormat`.
  public static func forWriting(_ path: String) throws(CairnError) -> CheckpointFormat {
    guard let format = all.first(where: { $0.matchesExtension(of: path) && $0.isWritable }) else {
      throw CairnError(
        .unknownFormat, "the extension does not say which format to write",
        at: .init(file: path),
        expected: all.filter(\.isWritable).flatMap(\.extensions).map { "." + $0 }
          .joined(separator: ", "),
        advice: "Name the format with --to")
    }
    return format
  }

  /// The format of what lies at `path`: by its content, else by its extension.
  ///
  /// - Throws: `unknownFormat`, and what reading the file's beginning needs.
  public static func detect(_ path: String) throws(CairnError) -> CheckpointFormat {
    try detect(CheckpointPlace(path))
  }

  /// The format of what is open.
  static func detect(_ place: CheckpointPlace) throws(CairnError) -> CheckpointFormat {
    if let format = all.first(where: { $0.recognises(place) }) { return format }
    guard let file = place.file else {
      if let other = place.folderContent() { throw other.error(path: place.path) }
      throw CairnError(
        .notARegularFile, "a folder that holds no checkpoint which Cairn opens by its folder",
        at: .init(file: place.path), advice: "Name a file")
    }
    let named = all.first { place.hasExtension($0.extensions) }
    guard file.count > 0 else {
      throw CairnError(
        named == nil ? .unknownFormat : .truncated, "the file is empty",
        at: .init(file: place.path, offset: 0),
        expected: named.map { "a \($0.name) file" } ?? known,
        advice: "Fetch it again, or save it again")
    }
    guard !OtherContent.isAllZeros(file, head: place.head) else {
      throw CairnError(
        named == nil ? .notACheckpoint : .invalidHeader, "the file is nothing but zeros",
        at: .init(file: place.path), expected: named.map { "a \($0.name) file" },
        found: "\(file.count) zeros",
        advice: "It was never written, or a disk has lost it: fetch it again")
    }
    // An index that is JSON and wrong is the affair of its own format; a server's answer is not.
    let mayBeIndex = named != nil && place.hasExtension(["json"])
    if let other = OtherContent.guess(
      file, head: place.head, path: place.path, mayBeIndex: mayBeIndex)
    {
      throw other.error(path: place.path)
    }
    // A damaged file of a known extension deserves that format's own diagnosis.
    if let named { return named }
    throw CairnError(
      .unknownFormat, "the content is of no format that Cairn knows", at: .init(file: place.path),
      expected: known)
  }

  private static var known: String { all.map(\.name).joined(separator: ", ") }

  func matchesExtension(of path: String) -> Bool {
    extensions.contains { SystemPath.ends(path, with: "." + $0) }
  }

  /// Whether the format can be written.
  public var isWritable: Bool { sink != nil }

  /// What of `source` this format has no place for: at most one of each kind, but every key of metadata that no
  /// attribute of HDF5 can hold.
  ///
  /// - Complexity: O(tensors).
  public func losses(of source: any TensorSource) throws(CairnError) -> [Loss] {
    // No format has a place for what was never read.
    var losses = try lacks.union(.opaque).losses(of: source)
    if losses.contains(where: { $0.kind == .ties }), try holdsTies(source) {
      losses.removeAll { $0.kind == .ties }
    }
    if holdsMetadata(source.metadata) { losses.removeAll { $0.kind == .metadataTypes } }
    if name == Self.keras.name || name == Self.hdf5.name {
      losses += KerasWriter.lostMetadata(of: source)
    }
    return losses
  }

  /// Refuses a source of which something would be lost that is not among `accepted`.
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
        advice: "Leave it out by name (--exclude), or accept the loss (--lossy; opaque)")
    }
    throw CairnError(
      .cannotHold, "\(name) has no place for \(loss.what)", at: .init(name: loss.name?.string),
      advice: "Write a .cairn file, or accept the loss (--lossy; \(loss.kind))")
  }

  /// A sink that writes a file of this format.
  ///
  /// - Parameter losses: What may be lost of a source that the format cannot hold.
  /// - Throws: `cannotHold` for a format that is only read.
  public func writer(
    to path: String, options: WriteOptions = WriteOptions(), accepting losses: AcceptedLosses = []
  ) throws(CairnError) -> any TensorSink {
    guard let sink else {
      throw CairnError(
        .cannotHold, "Cairn reads \(name) files and does not write them", at: .init(file: path),
        expected: "one of \(Self.all.filter(\.isWritable).map(\.name).joined(separator: ", "))")
    }
    let base = sink(path, options, losses)
    return options.expands ? base : PlausibleSink(base: base, format: self)
  }
}
