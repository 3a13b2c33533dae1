// The registry of formats: one line each. Everything that takes "a checkpoint file" goes through it.

public import CairnFormat
public import CairnSystem
public import CairnTensors

/// A file format that Cairn reads, and perhaps writes.
public struct CheckpointFormat: Sendable {
  /// The name, as `--from` and `--to` take it.
  public let name: String
  /// The extensions of its files, without the dot, in lower case.
  public let extensions: [String]
  /// Whether the first bytes of a file of the given length are this format's.
  let recognises: @Sendable ([UInt8], Int) -> Bool
  let open: @Sendable (FileBytes, ReadOptions) throws(CairnError) -> CheckpointFile
  let sink: @Sendable (String, WriteOptions) -> any TensorSink

  /// All formats, in the order in which content is tried.
  public static let all: [CheckpointFormat] = [.cairn, .safetensors]

  /// How many of a file's first bytes are enough to tell its format.
  static let signatureByteCount = 16

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
    guard let format = all.first(where: { $0.matchesExtension(of: path) }) else {
      throw CairnError(
        .unknownFormat, "the extension does not say which format to write",
        at: .init(file: path),
        expected: all.flatMap(\.extensions).map { "." + $0 }.joined(separator: ", "),
        advice: "Name the format with --to")
    }
    return format
  }

  /// The format of the file at `path`: by its content, else by its extension.
  ///
  /// - Throws: `unknownFormat`, and what reading the file's beginning needs.
  public static func detect(_ path: String) throws(CairnError) -> CheckpointFormat {
    try detect(FileBytes(path: path))
  }

  /// The format of an open file.
  static func detect(_ file: FileBytes) throws(CairnError) -> CheckpointFormat {
    let path = file.path ?? ""
    var bytes = [UInt8](repeating: 0, count: min(signatureByteCount, file.count))
    var span = bytes.mutableSpan
    try file.read(at: 0, into: &span)
    if let format = all.first(where: { $0.recognises(bytes, file.count) }) { return format }
    // A damaged or empty file of a known extension deserves that format's own diagnosis.
    if let format = all.first(where: { $0.matchesExtension(of: path) }) { return format }
    throw CairnError(
      .unknownFormat,
      bytes.isEmpty ? "the file is empty" : "the file is no checkpoint that Cairn knows",
      at: .init(file: path), expected: known, advice: "Name the format with --from")
  }

  private static var known: String { all.map(\.name).joined(separator: ", ") }

  private func matchesExtension(of path: String) -> Bool {
    let lower = path.lowercased()
    return extensions.contains { lower.hasSuffix("." + $0) }
  }

  /// A sink that writes a file of this format.
  public func writer(
    to path: String, options: WriteOptions = WriteOptions()
  ) -> any TensorSink {
    sink(path, options)
  }
}

extension CheckpointFormat {
  /// Cairn's own container.
  public static let cairn = CheckpointFormat(
    name: "cairn", extensions: ["cairn"],
    recognises: { bytes, _ in bytes.starts(with: Container.signature) },
    open: { (file, options) throws(CairnError) in
      let container = try Container(file, options: options)
      return CheckpointFile(
        formatName: "cairn", version: "\(container.version.major).\(container.version.minor)",
        path: file.path ?? "", fileByteCount: container.fileByteCount, source: container)
    },
    sink: { ContainerSink(path: $0, options: $1) })

  /// Hugging Face's safetensors.
  public static let safetensors = CheckpointFormat(
    name: "safetensors", extensions: ["safetensors"],
    recognises: { bytes, count in
      // A little-endian header length that fits the file, then the header's opening brace.
      guard bytes.count > 8, bytes[8] == UInt8(ascii: "{") else { return false }
      let length = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[$1]) << UInt64(8 * $1) }
      return length >= 2 && length <= UInt64(count - 8)
    },
    open: { (file, _) throws(CairnError) in
      let source = try SafetensorsFile(file)
      return CheckpointFile(
        formatName: "safetensors", version: nil, path: file.path ?? "",
        fileByteCount: source.byteCount, source: source)
    },
    sink: { path, options in
      var own = SafetensorsWriter.Options()
      own.replacing = options.replacing
      own.durability = options.durability
      return SafetensorsWriter(path: path, options: own, files: options.files)
    })
}

extension CairnError.Code {
  /// A name, an extension or a content that belongs to no format that Cairn knows.
  public static let unknownFormat = Self("unknownFormat")
}
