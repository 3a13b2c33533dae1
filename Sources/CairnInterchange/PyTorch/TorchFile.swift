// A PyTorch checkpoint as a source of tensors: an archive (PyTorch 1.6 and later) or the stream of
// pickles before it (torch/serialization.py, `_save` and `_legacy_save`).

public import CairnFormat
public import CairnSystem
public import CairnTensors

extension CheckpointFormat {
  /// What `torch.save` writes.
  public static let pytorch = CheckpointFormat(
    name: "pytorch", extensions: ["pt", "pth", "bin", "ckpt"], lacks: [],
    recognises: { TorchFile.recognises($0) },
    open: { (place) throws(CairnError) in
      try TorchFile(place.openFile(), limits: place.options.limits)
    }, sink: nil)
}

/// A PyTorch checkpoint. Nothing in it is executed: its pickle may describe tensors, containers,
/// numbers and texts, and whatever else it names is refused by that name.
///
/// Tensors have the paths that ``PickleFlattening`` gives, in the order of the pickle. Of tensors that
/// are the same view of one storage, all but the first are aliases. Views that share a storage in part
/// are copied; ``remarks`` names them. Numbers and texts are metadata.
public struct TorchFile: TableSource {
  let table: TensorTable
  /// Numbers and texts of the checkpoint, by their paths.
  public let metadata: Metadata
  /// Bytes of the file.
  public let fileByteCount: Int
  /// The version: of the archive, or of the stream.
  public let formatVersion: String?
  /// Tensors that share bytes here and will not once they are copied.
  public let remarks: [String]
  private let archive: ZipArchive?

  /// Whether what lies at a place is of this format.
  static func recognises(_ place: CheckpointPlace) -> Bool {
    guard let file = place.file else { return false }
    if place.head.starts(with: TorchStream.signature) { return true }
    guard place.head.starts(with: [0x50, 0x4B, 3, 4]), !NPZFile.recognises(place.head),
      let archive = try? ZipArchive(file)
    else { return false }
    return TorchArchive.pickle(in: archive) != nil
  }

  /// Opens a file whose bytes `source` has.
  ///
  /// - Throws: what is wrong with the archive, as ``NPZFile/init(_:limits:)``; `invalidPickle`,
  ///   `truncated`, `unsupported` for everything that is no plain tensor, number or text,
  ///   `limitExceeded`, `duplicateName`, `invalidName`.
  public init(_ source: any ByteSource, limits: Limits = .format) throws(CairnError) {
    do throws(CairnError) {
      fileByteCount = source.count
      let content: PickleContent
      let storages: [any ElementBytes]
      if SourceReader.begins(source, with: TorchStream.signature) {
        archive = nil
        formatVersion = "stream \(TorchStream.version)"
        (content, storages) = try TorchStream.read(source)
      } else {
        let archive = try ZipArchive(source, memberLimit: min(limits.tensorCount, 1 << 20))
        self.archive = archive
        (content, storages, formatVersion) = try TorchArchive.read(archive)
      }
      var builder = TorchTable(content, storages, path: source.path)
      let flat = try PickleFlattening(content)
      for (path, tensor) in flat.tensors { try builder.add(path, tensor) }
      table = builder.table
      remarks = builder.remarks
      metadata = Metadata(flat.metadata)
    } catch {
      throw error.located(file: source.path)
    }
  }

  /// Checks every member of an archive against its CRC-32; deep, also every element.
  public func check(
    _ level: Container.VerificationLevel, progress: ProgressHandler
  ) throws(CairnError) {
    try archive?.checkContents(progress)
    if level == .deep { try ElementCheck.run(self, progress: progress) }
  }
}

/// The archive of PyTorch 1.6 and later: `NAME/data.pkl`, `NAME/data/0`, `NAME/byteorder` …
enum TorchArchive {
  /// The largest pickle that is read; it takes some ten times its size in memory.
  static let maximumPickleByteCount = 256 << 20

  /// The member that is the pickle.
  static func pickle(in archive: ZipArchive) -> ZipMember? {
    archive.members.first {
      $0.name == "data.pkl"
        || $0.name.hasSuffix("/data.pkl") && $0.name.split(separator: "/").count == 2
    }
  }

  static func read(
    _ archive: ZipArchive
  ) throws(CairnError) -> (PickleContent, [any ElementBytes], String?) {
    guard let pickle = pickle(in: archive) else {
      throw CairnError(
        .invalidArchive, "the archive is no PyTorch checkpoint: it has no data.pkl",
        advice: "Name its format with --from")
    }
    guard pickle.byteCount <= maximumPickleByteCount else {
      throw CairnError(
        .headerTooLarge, "the pickle is larger than is allowed", at: .init(name: pickle.name),
        expected: "at most \(maximumPickleByteCount) bytes", found: "\(pickle.byteCount)")
    }
    let root = String(pickle.name.dropLast("data.pkl".count))
    var reader = SourceReader(archive.content(of: pickle))
    let content: PickleContent
    do throws(CairnError) { content = try Unpickler.run(&reader) } catch {
      // The offset is one within the member.
      throw error.located(name: pickle.name)
    }
    let isBig = try text(root + "byteorder", in: archive) == "big"
    var storages: [any ElementBytes] = []
    for storage in content.storages {
      guard let member = archive.member(root + "data/" + storage.key) else {
        throw CairnError(
          .truncated, "a storage that the pickle names is not in the archive",
          at: .init(name: pickle.name), found: storage.key.excerpt, advice: ZipArchive.advice)
      }
      let bytes = try PartOfFile(archive.content(of: member), at: 0, count: member.byteCount)
      storages.append(try sized(bytes, storage, isBigEndian: isBig))
    }
    return (content, storages, try text(root + "version", in: archive))
  }

  /// A short text of the archive, without white space at its ends.
  private static func text(
    _ name: String, in archive: ZipArchive
  ) throws(CairnError) -> String? {
    guard let member = archive.member(name) else { return nil }
    let bytes = try archive.content(of: member).beginning(64)
    return String(decoding: bytes.filter { $0 > 0x20 && $0 < 0x7F }, as: UTF8.self)
  }

  /// The bytes of a storage, which must be those that its elements take.
  static func sized(
    _ bytes: any ElementBytes, _ storage: TorchStorage, isBigEndian: Bool
  ) throws(CairnError) -> any ElementBytes {
    let dtype = TorchDType.dtype(ofStorage: storage.type) ?? .uint8
    guard let count = dtype.byteCount(elements: storage.elementCount), count <= bytes.count else {
      throw CairnError(
        .sizeMismatch, "a storage has fewer bytes than its elements take",
        expected: "\(storage.elementCount) elements of \(storage.type)",
        found: "\(bytes.count) bytes in ‘\(storage.key)’", advice: ZipArchive.advice)
    }
    guard isBigEndian else { return bytes }
    guard storage.type != "torch.storage.UntypedStorage" else {
      throw CairnError(.unsupported, "an untyped storage of a big-endian machine")
    }
    let width = (dtype.bitWidth ?? 8) / (dtype == .complex64 || dtype == .complex128 ? 16 : 8)
    return width > 1 ? SwappedElements(base: bytes, width: width) : bytes
  }
}

/// The stream before PyTorch 1.6: a magic number, a version, what the machine was, the object, the keys
/// of the storages, each a pickle; then each storage's number of elements and its bytes.
enum TorchStream {
  /// A pickle of the magic number 0x1950a86a20f9469cfc6c.
  static let signature: [UInt8] = [
    0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
  ]
  static let version = 1_001

  static func read(
    _ source: any ByteSource
  ) throws(CairnError) -> (PickleContent, [any ElementBytes]) {
    var reader = SourceReader(source)
    try reader.skip(signature.count)
    let version = try Unpickler.run(&reader)
    guard version.root == .int(Int64(Self.version)) else {
      throw reader.failure(
        .unsupportedVersion, "the version of the stream is not known", expected: "\(Self.version)")
    }
    let machine = try Unpickler.run(&reader)
    let pairs = machine.items(machine.root) ?? []
    for place in stride(from: 0, to: pairs.count - 1, by: 2)
    where pairs[place] == .text("little_endian") && pairs[place + 1] == .bool(false) {
      throw reader.failure(.unsupported, "the stream was written on a big-endian machine")
    }
    let content = try Unpickler.run(&reader)
    let list = try Unpickler.run(&reader)
    guard let keys = list.items(list.root) else {
      throw reader.failure(.invalidPickle, "the stream does not list its storages")
    }
    var numbers: [String: Int] = [:]
    for (number, storage) in content.storages.enumerated() { numbers[storage.key] = number }
    var found: [Int: any ElementBytes] = [:]
    for key in keys {
      guard case .text(let key) = key, let number = numbers[key], found[number] == nil else {
        throw reader.failure(
          .invalidPickle, "the stream lists a storage twice, or one that no tensor is of")
      }
      let storage = content.storages[number]
      let count: Int64 = try reader.integer()
      guard count == Int64(storage.elementCount) else {
        throw reader.failure(
          .sizeMismatch, "a storage has another number of elements than the pickle says",
          expected: "\(storage.elementCount)", found: "\(count)")
      }
      let dtype = TorchDType.dtype(ofStorage: storage.type) ?? .uint8
      guard let bytes = dtype.byteCount(elements: storage.elementCount) else {
        throw reader.failure(.sizeMismatch, "a storage has more bytes than can be counted")
      }
      found[number] = try PartOfFile(source, at: reader.position, count: bytes)
      try reader.skip(bytes)
    }
    guard reader.isAtEnd else {
      throw reader.failure(.trailingBytes, "the stream goes on after its last storage")
    }
    var storages: [any ElementBytes] = []
    for (number, storage) in content.storages.enumerated() {
      guard let bytes = found[number] else {
        throw reader.failure(
          .truncated, "the stream has no storage of that key", found: storage.key.excerpt)
      }
      storages.append(bytes)
    }
    return (content, storages)
  }
}
