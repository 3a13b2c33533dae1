// The formats that there are. Everything that takes "a checkpoint" goes through such a list.

public import CairnSystem

/// Formats, in the order in which a file's content is tried.
///
/// A value: adding a format to a copy changes no other.
public struct FormatRegistry: Sendable {
  /// The formats.
  public private(set) var formats: [CheckpointFormat]

  /// A registry of `formats`, no two of which have the same name.
  public init(_ formats: [CheckpointFormat]) { self.formats = formats }

  /// Adds a format, in the place of one of the same name if there is one, else behind the others.
  package mutating func add(_ format: CheckpointFormat) {
    if let index = formats.firstIndex(where: { $0.name.isSpelt(as: format.name) }) {
      formats[index] = format
    } else {
      formats.append(format)
    }
  }

  /// These formats and more, as ``add(_:)``.
  public func adding(_ more: CheckpointFormat...) -> FormatRegistry {
    var registry = self
    for format in more { registry.add(format) }
    return registry
  }

  /// The format of that name.
  ///
  /// - Throws: `unknownFormat`.
  public func named(_ name: String) throws(CairnError) -> CheckpointFormat {
    guard let format = formats.first(where: { $0.name == name.lowercased() }) else {
      throw CairnError(
        .unknownFormat, "there is no format of that name", expected: known, found: name)
    }
    return format
  }

  /// The format that the extension of `path` stands for.
  ///
  /// - Throws: `unknownFormat`.
  public func forWriting(_ path: String) throws(CairnError) -> CheckpointFormat {
    guard let format = formats.first(where: { $0.matchesExtension(of: path) && $0.isWritable })
    else {
      throw CairnError(
        .unknownFormat, "the extension does not say which format to write",
        at: .init(file: path),
        expected: formats.filter(\.isWritable).flatMap(\.extensions).map { "." + $0 }
          .joined(separator: ", "),
        advice: "Name the format", remedies: [.outputFormat])
    }
    return format
  }

  /// The format of what lies at `path`: by its content, else by its extension.
  ///
  /// - Throws: `unknownFormat`, and what reading the file's beginning throws.
  public func detect(_ path: String) throws(CairnError) -> CheckpointFormat {
    try detect(CheckpointPlace(path))
  }

  /// The format of what is open.
  package func detect(_ place: CheckpointPlace) throws(CairnError) -> CheckpointFormat {
    if let format = formats.first(where: { $0.recognises(place) }) { return format }
    guard let file = place.file else {
      if let other = place.folderContent() { throw other.error(path: place.path) }
      throw CairnError(
        .notARegularFile, "a folder that holds no checkpoint which Cairn opens by its folder",
        at: .init(file: place.path), advice: "Name a file")
    }
    let named = formats.first { place.hasExtension($0.extensions) }
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
    // A wrong index in JSON is for its own format to report; a server's answer in place of a file
    // is not.
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

  private var known: String { formats.map(\.name).joined(separator: ", ") }

  /// Opens what lies at `path`, whose format is found by its content, then by its extension, unless
  /// it is named.
  ///
  /// - Throws: `unknownFormat`, and what opening a file of that format throws.
  public func open(
    _ path: String, format: CheckpointFormat? = nil, options: ReadOptions = ReadOptions()
  ) throws(CairnError) -> CheckpointFile {
    var place: CheckpointPlace
    do throws(CairnError) { place = try CheckpointPlace(path, options: options) } catch {
      guard error.code == .notFound,
        let found = formats.lazy.compactMap({ $0.place(path, options) }).first
      else { throw error }
      place = found
    }
    var remarks: [String] = []
    if let only = try FolderFile(place, format: format, among: self) {
      (place, remarks) = (only.place, only.remarks)
    }
    return try open(place, format: format, at: path, remarks: remarks)
  }

  /// Opens a checkpoint whose bytes lie anywhere: in memory, or behind a source of one's own. A format of
  /// several files is opened by its path.
  ///
  /// - Parameter name: What it is called in messages; its extension tells the format where the content does
  ///   not.
  /// - Throws: `unknownFormat`, and what opening a file of that format throws; `missingFile` where there should
  ///   be others beside it.
  public func open(
    _ source: any ByteSource, named name: String? = nil, format: CheckpointFormat? = nil,
    options: ReadOptions = ReadOptions()
  ) throws(CairnError) -> CheckpointFile {
    let name = name ?? source.path ?? "memory"
    let place = try CheckpointPlace(source: source, name: name, options: options)
    return try open(place, format: format, at: name, remarks: [])
  }

  private func open(
    _ place: CheckpointPlace, format: CheckpointFormat?, at path: String, remarks: [String]
  ) throws(CairnError) -> CheckpointFile {
    try place.refuseOtherContent()
    // Not `??`, whose right side may throw any error.
    let found: CheckpointFormat
    if let format { found = format } else { found = try detect(place) }
    do throws(CairnError) {
      return CheckpointFile(try found.open(place), of: found, at: path, remarks: remarks)
    } catch {
      throw error.located(file: path)
    }
  }
}
