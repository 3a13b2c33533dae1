// The archive of PyTorch 1.6 and later: `NAME/data.pkl`, `NAME/data/0`, `NAME/byteorder` …; and the
// archives of TorchScript, which also hold a program.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors

/// The archive that `torch.save` and `torch.jit.save` write.
enum TorchArchive {
  /// The largest pickle that is read. In memory it takes about ten times its size.
  static let maximumPickleByteCount = 256 << 20

  /// The member that is the pickle.
  static func pickle(in archive: ZipArchive) -> ZipMember? {
    archive.members.first { TorchMembers.isPickle(ByteKey($0.name).split(at: "/")) }
  }

  /// For an archive of PyTorch that is not a checkpoint: what it is and what to do instead. Nil for
  /// others.
  static func foreignKind(_ archive: ZipArchive) -> (what: String, advice: String)? {
    archive.members.lazy.compactMap { TorchMembers.foreignKind(ByteKey($0.name).split(at: "/")) }
      .first
  }

  /// The files that `torch.jit.save` was given beside the program (`_extra_files`).
  private static func extraFiles(_ archive: ZipArchive, root: ByteKey) -> [OpaqueItem] {
    let folder = ByteKey(root.bytes + Array("extra/".utf8))
    let files = archive.members.filter { ByteKey($0.name).hasPrefix(folder) }
    let reason = "what was saved beside the program is not read"
    var items = files.prefix(64).map {
      OpaqueItem(
        path: Array(ByteKey($0.name).bytes.dropFirst(root.bytes.count)), type: "extra file",
        reason: reason
      )
    }
    if files.count > items.count {
      items.append(
        OpaqueItem(
          path: Array("extra".utf8), type: "extra files",
          reason: "\(files.count - items.count) more of them: \(reason)"))
    }
    return items
  }

  static func read(
    _ archive: ZipArchive, _ content: consuming TorchContent
  ) throws(CairnError) -> TorchFile.Parts {
    guard let pickle = pickle(in: archive) else {
      if let (what, advice) = foreignKind(archive) {
        throw CairnError(.unsupported, "the file is \(what)", advice: advice)
      }
      throw CairnError(
        .invalidArchive, "the archive is no PyTorch checkpoint: it has no data.pkl",
        advice: "If it is an archive of files, unpack it and name the checkpoint in it")
    }
    var parts = TorchFile.Parts(content: content, roots: [], storages: [])
    let root = ByteKey(Array(ByteKey(pickle.name).bytes.dropLast("data.pkl".utf8.count)))
    func member(_ name: String) -> ZipMember? {
      archive.member(ByteKey(root.bytes + Array(name.utf8)))
    }
    parts.roots.append((nil, try run(pickle, in: archive, &parts.content)))
    let pickled = parts.content.storages.count
    if let constants = member("constants.pkl") {
      parts.roots.append(("constants", try run(constants, in: archive, &parts.content)))
      parts.opaque.append(
        OpaqueItem(
          path: Array("code".utf8), type: "TorchScript",
          reason: "the program is not read, its tensors are"
        ))
    }
    let isBig = try text(member("byteorder"), in: archive)?.isSpelt(as: "big") ?? false
    for (number, storage) in parts.content.storages.enumerated() {
      if let held = try storage.ownElements(parts.content, parts.storages) {
        parts.storages.append(held)
        continue
      }
      let folder = number < pickled ? "data/" : "constants/"
      guard
        let member = archive.member(ByteKey(root.bytes + Array(folder.utf8) + storage.key.bytes))
      else {
        throw CairnError(
          .truncated, "a storage that the pickle names is not in the archive",
          at: .init(name: pickle.name), found: storage.key.text.excerpt, advice: ZipArchive.advice)
      }
      let bytes = try PartOfFile(archive.content(of: member), at: 0, count: member.byteCount)
      parts.storages.append(try sized(bytes, storage, isBigEndian: isBig))
    }
    parts.version = try version(member, in: archive)
    parts.remarks = remarks(archive)
    parts.opaque += extraFiles(archive, root: root)
    return parts
  }

  private static func run(
    _ member: ZipMember, in archive: ZipArchive, _ content: inout TorchContent
  ) throws(CairnError) -> PickleValue {
    guard member.byteCount <= maximumPickleByteCount else {
      throw CairnError(
        .headerTooLarge, "the pickle is larger than is allowed", at: .init(name: member.name),
        expected: "at most \(maximumPickleByteCount) bytes", found: "\(member.byteCount)")
    }
    var reader = ByteCursor(archive.content(of: member))
    do throws(CairnError) { return try Unpickler.run(&reader, in: &content) } catch {
      // The offset counts within the member.
      throw error.located(name: member.name)
    }
  }

  /// The versions of the archive and of its layout, with a description.
  private static func version(
    _ member: (String) -> ZipMember?, in archive: ZipArchive
  ) throws(CairnError) -> String? {
    guard let version = try text(member("version"), in: archive) else { return nil }
    let layout = try text(member(".format_version"), in: archive)
    return "\(version) (of PyTorch's archives)"
      + (layout.map { ", layout \($0)" } ?? "")
  }

  /// A short text of the archive, without white space at its ends.
  private static func text(
    _ member: ZipMember?, in archive: ZipArchive
  ) throws(CairnError) -> String? {
    guard let member else { return nil }
    let bytes = try archive.content(of: member).beginning(64)
    return String(decoding: bytes.filter { $0 > 0x20 && $0 < 0x7F }, as: UTF8.self)
  }

  private static func remarks(_ archive: ZipArchive) -> [String] {
    var remarks: [String] = []
    let unchecked = archive.members.filter { $0.byteCount > 0 && $0.crc == 0 }.count
    if unchecked > 0 {
      remarks.append(
        "\(unchecked) of the archive's \(archive.members.count) members have no checksum "
          + "(they were saved without), so damage to them is not seen")
    }
    if archive.trailingByteCount > 0 {
      remarks.append(
        "\(archive.trailingByteCount) bytes behind the end of the archive belong to nothing")
    }
    return remarks
  }

  /// The bytes of a storage. There must be as many as its elements take.
  static func sized(
    _ bytes: any ElementBytes, _ storage: TorchStorage, isBigEndian: Bool
  ) throws(CairnError) -> any ElementBytes {
    let type = TorchDType.dtype(ofStorage: storage.type) ?? TorchDType(dtype: .uint8)
    guard let count = type.dtype.byteCount(elements: storage.elementCount), count <= bytes.count
    else {
      throw CairnError(
        .sizeMismatch, "a storage has fewer bytes than its elements take",
        expected: "\(storage.elementCount) elements of \(storage.type.excerpt)",
        found: "\(bytes.count) bytes in \(storage.key.text.excerpt)", advice: ZipArchive.advice)
    }
    guard isBigEndian else { return bytes }
    guard !storage.type.spellingEnds(with: ".UntypedStorage") else {
      throw CairnError(
        .unsupported, "an untyped storage of a big-endian machine",
        advice: "Load it with PyTorch there and save it in another type")
    }
    let width = type.numberWidth
    return width > 1 ? SwappedElements(base: bytes, width: width) : bytes
  }
}

extension TorchStorage {
  /// The elements of a storage that is in the pickle, or is part of another; nil for a storage that
  /// has bytes of its own in the file.
  func ownElements(
    _ content: TorchContent, _ storages: [any ElementBytes]
  ) throws(CairnError) -> (any ElementBytes)? {
    if held != nil { return try heldElements(content) }
    return try partElements(storages)
  }

  /// The elements of a storage that is in the pickle itself.
  func heldElements(_ content: TorchContent) throws(CairnError) -> (any ElementBytes)? {
    guard let held else { return nil }
    // Many arrays may use the same bytes.
    try content.budget.take(bytes: Int(held.count))
    let bytes = try HeldElements(Array(content.bytes(held)))
    return swappedWidth > 1 ? SwappedElements(base: bytes, width: swappedWidth) : bytes
  }

  /// The elements of a storage that is part of another one in `storages`.
  func partElements(_ storages: [any ElementBytes]) throws(CairnError) -> (any ElementBytes)? {
    guard let part, storages.indices.contains(part.root) else { return nil }
    let width = (TorchDType.dtype(ofStorage: type) ?? TorchDType(dtype: .uint8)).width
    let base = storages[part.root]
    guard let start = part.offset.multiplied(by: width),
      let count = elementCount.multiplied(by: width), start <= base.count,
      count <= base.count - start
    else {
      throw CairnError(
        .truncated, "a part of a storage reaches beyond it", expected: "within \(base.count) bytes",
        advice: "The file is damaged, or was not written by PyTorch")
    }
    return PartOfElements(base: base, range: start..<start + count)
  }
}
