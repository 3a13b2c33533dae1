// What a path names, opened once, and the files beside it that a format may ask for.

public import CairnSystem

/// What may be a checkpoint: a file, perhaps one of several, a folder, or bytes that lie elsewhere.
///
/// A file is opened once, here. If each format that looks at it opened it again, a file that is
/// replaced meanwhile would be read as what it was before.
public struct CheckpointPlace: Sendable {
  /// The path as it was given.
  public let path: String
  /// How files are read.
  public let options: ReadOptions
  /// The open file; nil if the path is a folder's.
  package let file: (any ByteSource)?
  /// The first bytes of the file, at most ``headByteCount``.
  public let head: [UInt8]

  /// Whether other files can lie beside the bytes.
  private let hasFolder: Bool

  /// How many of a file's first bytes are enough to tell most formats.
  static let headByteCount = 512

  /// Opens `path`.
  ///
  /// - Throws: `notFound`, `permissionDenied`, `notARegularFile` for what is neither file nor
  ///   folder, `inputOutput`.
  package init(_ path: String, options: ReadOptions = ReadOptions()) throws(CairnError) {
    let file: FileBytes
    do throws(CairnError) {
      file = try FileBytes(path: path, access: options.access, files: options.files)
    } catch {
      guard error.code == .notARegularFile, Self.isFolder(path, options) else { throw error }
      self.init(path: path, options: options, file: nil, head: [])
      return
    }
    try self.init(file, options: options)
  }

  /// The place of a file that is open already.
  package init(_ file: any ByteSource, options: ReadOptions) throws(CairnError) {
    try self.init(source: file, name: file.path ?? "", options: options, hasFolder: true)
  }

  /// Bytes that lie anywhere: in memory, on another machine. No file lies beside them.
  ///
  /// - Parameter name: What they are called in messages; its extension tells the format where the content
  ///   does not.
  /// - Throws: what reading the first bytes throws.
  package init(
    source: any ByteSource, name: String, options: ReadOptions = ReadOptions()
  ) throws(CairnError) {
    try self.init(source: source, name: name, options: options, hasFolder: false)
  }

  private init(
    source file: any ByteSource, name: String, options: ReadOptions, hasFolder: Bool
  ) throws(CairnError) {
    var bytes = [UInt8](repeating: 0, count: min(Self.headByteCount, file.count))
    var span = bytes.mutableSpan
    try file.read(at: 0, into: &span)
    self.init(path: name, options: options, file: file, head: bytes, hasFolder: hasFolder)
  }

  private init(
    path: String, options: ReadOptions, file: (any ByteSource)?, head: [UInt8],
    hasFolder: Bool = true
  ) {
    self.hasFolder = hasFolder
    self.path = path
    self.options = options
    self.file = file
    self.head = head
  }

  private static func isFolder(_ path: String, _ options: ReadOptions) -> Bool {
    (try? retrying { () throws(SystemError) in try options.files.status(at: path) })?.kind
      == .folder
  }

  /// The open file.
  ///
  /// - Throws: `notARegularFile` for a folder.
  public func openFile() throws(CairnError) -> any ByteSource {
    guard let file else {
      throw CairnError(
        .notARegularFile, "a folder, where this format is a file", at: .init(file: path),
        advice: "Name a file of it")
    }
    return file
  }

  /// Whether the path ends with a dot and one of `extensions`, whatever the case.
  public func hasExtension(_ extensions: [String]) -> Bool {
    extensions.contains { SystemPath.ends(path, with: "." + $0) }
  }

  /// The last component of the path.
  package var name: String {
    String(decoding: path.utf8.split(separator: UInt8(ascii: "/")).last ?? [], as: UTF8.self)
  }

  /// The folder in which the companions of the file are, or the folder itself.
  package var folder: String {
    file == nil ? path : SystemPath.split(path).folder
  }

  /// Whether the folder holds a regular file of that name.
  package func holds(_ name: String) -> Bool {
    hasFolder
      && (try? retrying { () throws(SystemError) in
        try options.files.status(at: folder + "/" + name)
      })?
      .kind == .regular
  }

  /// What a file may name as a companion.
  package enum Companions {
    /// A file in the folder or below it, symbolic links followed wherever they lead: download caches
    /// are made of them.
    case named
    /// As `named`, but not if the path, with its links followed, leaves the folder.
    case confined
  }

  /// Opens a file that lies in the folder or below it, by a name as `SystemPath` spells it: one that is
  /// made from the name of the file itself, whatever its bytes. What a file names is an ``InnerPath``.
  ///
  /// - Throws: `invalidPath` for a name that leads out of the folder; `missingFile` if there is none.
  package func companion(
    _ name: String, _ companions: Companions = .named
  ) throws(CairnError) -> any ByteSource {
    let inner: InnerPath
    do throws(CairnError) {
      inner = try InnerPath(SystemPath.bytes(name) ?? Array(name.utf8))
    } catch {
      throw error.located(file: path)
    }
    return try companion(inner, companions)
  }

  /// Opens a file that lies in the folder or below it.
  ///
  /// - Throws: `missingFile` if there is none; `invalidPath` for a link that leads out, if companions
  ///   are to be confined.
  package func companion(
    _ inner: InnerPath, _ companions: Companions = .named
  ) throws(CairnError) -> any ByteSource {
    let name = SystemPath.text(inner.bytes)
    guard hasFolder else { throw missing(name) }
    let place = folder + "/" + name
    if companions == .confined {
      let real = try resolved(place, name)
      guard let home = try? options.files.resolve(folder),
        real.spellingBegins(with: home + "/") || home == "/"
      else {
        throw CairnError(
          .invalidPath, "a companion of the file is a link that leads out of its folder",
          at: .init(file: place), advice: "Copy the file into the folder if you trust it")
      }
    }
    do throws(CairnError) {
      let file = try FileBytes(path: place, access: options.access, files: options.files)
      // A repository that was cloned without its large files has pointers in their places.
      try CheckpointPlace(file, options: options).refuseOtherContent()
      return file
    } catch {
      switch error.code {
      case .notFound: throw missing(name)
      case .invalidArgument:
        // The file asked for it, not the caller.
        throw CairnError(
          .invalidPath, "the file names a companion by a name that the system cannot take",
          at: .init(file: path), found: name.excerpt, advice: "The file is hostile or damaged")
      default: throw error
      }
    }
  }

  private func resolved(_ place: String, _ name: String) throws(CairnError) -> String {
    do throws(SystemError) { return try options.files.resolve(place) } catch {
      throw missing(name)
    }
  }

  private func missing(_ name: String) -> CairnError {
    CairnError(
      .missingFile, "a file that belongs to the checkpoint is not there", at: .init(file: path),
      expected: name.excerpt, advice: "Fetch all files of the checkpoint into one folder")
  }
}

extension String {
  /// The beginning of a text from a stranger, in quotes and escaped: a terminal must not obey it.
  package var excerpt: String {
    let scalars = unicodeScalars.prefix(40)
    return String(String.UnicodeScalarView(scalars)).debugDescription
      + (scalars.endIndex == unicodeScalars.endIndex ? "" : "…")
  }
}
