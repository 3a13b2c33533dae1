// A PyTorch checkpoint as a source of tensors: an archive (PyTorch 1.6 and later), the stream of pickles
// before it, or the tar archive of 2016 (torch/serialization.py, `_load` and `_legacy_load`).

public import CairnCheckpoints
import CairnContainer
package import CairnSystem
import CairnTensors

extension CheckpointFormat {
  /// Files that `torch.save` writes.
  public static let pytorch = CheckpointFormat(
    name: "pytorch", extensions: ZipKind.torchExtensions, lacks: [],
    recognises: { TorchFile.recognises($0) },
    open: { (place) throws(CairnError) in
      try TorchFile(place.openFile(), limits: place.options.limits)
    }
  ).with { $0.namesInFolder = FolderNames.pytorch }
}

/// A PyTorch checkpoint. Nothing in it is executed. Its pickle may describe tensors, containers,
/// numbers and texts. What could only be made by a call becomes an opaque object, and its plain
/// state is listed all the same.
///
/// Tensors have the paths that ``PickleFlattening`` gives, in the order of the pickle. If several
/// tensors are the same view of one storage, all but the first are aliases. Views that share only a
/// part of a storage are copied; ``remarks`` names them. Numbers and texts are metadata.
package struct TorchFile: TableSource {
  let table: TensorTable
  /// The metadata are the numbers and texts of the checkpoint, by their paths. Opaque items are
  /// objects that were not made. Remarks name tensors that share bytes here and will not once they
  /// are copied, what is listed under another name or as its parts, and what is unusual in the file
  /// itself.
  package let attachments: Attachments
  /// Bytes of the file.
  package let fileByteCount: Int
  /// The version: of the archive, or of the stream.
  package let formatVersion: String?
  private let archive: ZipArchive?
  private let checked: [(name: TensorName, elements: any ElementBytes)]

  /// What is read from a file before the table is made.
  struct Parts {
    var content: TorchContent
    var roots: [(path: StaticString?, value: PickleValue)]
    var storages: [any ElementBytes]
    var version: String?
    var remarks: [String] = []
    var opaque: [OpaqueItem] = []
  }

  /// Whether what lies at a place is of this format.
  static func recognises(_ place: CheckpointPlace) -> Bool {
    guard place.file != nil else { return false }
    if TorchStream.begins(place.head) || TorchTar.begins(place.head) { return true }
    return ZipKind(place) == .torch
  }

  /// Opens a file whose bytes `source` has.
  ///
  /// - Throws: what is wrong with the archive, as ``NPZFile/init(_:limits:)``; `invalidPickle`,
  ///   `truncated`, `overBudget`; `unsupported` for references to data outside the file.
  package init(_ source: any ByteSource, limits: ContainerLimits = .format) throws(CairnError) {
    do throws(CairnError) {
      fileByteCount = source.count
      let budget = Budget(
        bytes: source.count.allowance(times: 16, plus: 24 << 20),
        steps: source.count.allowance(times: 16, plus: 4 << 20),
        for: "what the checkpoint's pickle describes",
        advice: "The file is hostile, or should be saved as tensors alone")
      let head = try source.withBytes(in: 0..<min(512, source.count)) { $0.array }
      var parts: Parts
      if TorchStream.begins(head) {
        archive = nil
        parts = try TorchStream.read(source, TorchContent(budget))
      } else if TorchTar.begins(head) {
        archive = nil
        parts = try TorchTar.read(source, TorchContent(budget))
      } else {
        try Self.checkArchive(head)
        let archive = try ZipArchive(
          source, memberLimit: min(limits.tensorCount, 1 << 20), tolerance: .torch)
        self.archive = archive
        parts = try TorchArchive.read(archive, TorchContent(budget))
      }
      formatVersion = parts.version
      var builder = TorchTable(
        parts.content, parts.storages, path: source.path, fileByteCount: source.count)
      let flat = try PickleFlattening(
        parts.content, roots: parts.roots, fileByteCount: source.count)
      // The values that the paths were made from are no longer needed.
      parts.content.letGoOfValues()
      for (name, tensor) in flat.tensors { try builder.add(name, tensor) }
      table = builder.table
      checked = builder.checked
      let remarks =
        parts.remarks + flat.notes.sentences("of such notes")
        + builder.sharing().sentences("tensors that share bytes")
      attachments = Attachments(
        metadata: Metadata(flat.metadata), opaqueItems: parts.opaque + flat.unkept,
        remarks: remarks)
    } catch {
      throw error.located(file: source.path)
    }
  }

  /// Throws an error that names the kind of a file that is not PyTorch's.
  private static func checkArchive(_ head: [UInt8]) throws(CairnError) {
    guard !head.starts(with: [0x50, 0x4B]) else { return }
    if head.count > 2, head[0] == 0x80, (2...5).contains(head[1]) {
      throw CairnError(
        .unsupported, "the file is a pickle that torch.save did not write",
        advice: "Load it in Python if you trust it, and save its tensors with torch.save")
    }
    throw CairnError(
      .invalidHeader, "the file is neither an archive nor a stream as torch.save writes them",
      at: .init(offset: 0), expected: "PK\\x03\\x04, or PyTorch's magic number",
      found: String(decoding: head.prefix(16), as: UTF8.self).debugDescription,
      advice: "Its name says PyTorch, its content does not: fetch the file that was meant")
  }

  /// The checksums of the archive, if the file is one.
  package var checksums: String? { archive == nil ? nil : "the CRC-32 of every member" }

  /// Checks every member of an archive against its CRC-32; deep, also every element whose type does
  /// not allow all bit patterns.
  package func check(
    _ level: VerificationLevel, progress: ProgressHandler
  ) throws(CairnError) {
    try archive?.checkContents(progress)
    guard level == .deep else { return }
    let total = checked.sumSaturated(\.elements.count)
    let budget = Budget(
      bytes: fileByteCount.allowance(times: 16, plus: 64 << 20),
      for: "the check of the file's truth values")
    var count = ProgressCount(of: total)
    for (name, elements) in checked {
      try budget.take(bytes: elements.count)
      var start = 0
      try elements.pass(0..<elements.count, step: 1 << 20) { (bytes) throws(CairnError) in
        do throws(CairnError) { try ElementRules.checkBools(bytes, firstElement: start) } catch {
          throw error.located(file: table.path, name: name.string)
        }
        start += bytes.count
        try count.add(bytes.count, progress)
      }
    }
  }
}
