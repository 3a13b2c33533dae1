// Things that people take for a checkpoint but that Cairn does not read, recognised by their
// content: a pointer, a web page, an archive, a checkpoint of a format that is not read.

import CairnJSON
package import CairnSystem

/// A content that is known and is no checkpoint here.
struct OtherContent {
  /// What it is, with an article.
  var what: String
  /// What to do.
  var advice: String
  /// What the advice asks for.
  var remedies: [CairnError.Remedy] = []
  /// Whether it is a checkpoint all the same, of a format that is not read.
  var isCheckpoint = false
  /// Whether it is what a server says in place of a file.
  var isAnswer = false

  /// The failure to open it.
  func error(path: String) -> CairnError {
    CairnError(
      isCheckpoint ? .unsupported : .notACheckpoint,
      isCheckpoint ? "\(what), which Cairn does not read" : "\(what), not a checkpoint",
      at: .init(file: path), advice: advice, remedies: remedies)
  }

  /// What the first bytes are that no checkpoint can begin with, whatever its name.
  static func unmistakable(head: [UInt8]) -> OtherContent? {
    pointer(head) ?? page(head)
  }

  /// What a file is that no format has recognised.
  static func guess(
    _ file: any ByteSource, head: [UInt8], path: String, mayBeIndex: Bool
  ) -> OtherContent? {
    if let other = archive(head) ?? model(head, path: path) { return other }
    let other = text(file, head)
    return mayBeIndex && head.trimmed.first == UInt8(ascii: "{") && other?.isAnswer != true
      ? nil : other
  }

  // MARK: - What stands where a file should be

  /// A pointer of Git LFS (its specification, docs/spec.md): lines of `key value`, `version` first.
  private static func pointer(_ head: [UInt8]) -> OtherContent? {
    guard
      ["version https://git-lfs.github.com/spec/", "version https://hawser.github.com/spec/"]
        .contains(where: { head.trimmed.starts(with: $0.utf8) })
    else { return nil }
    let lines = head.split(separator: UInt8(ascii: "\n"))
    let size = lines.first { $0.starts(with: "size ".utf8) }
      .flatMap { Int(String(decoding: $0.dropFirst(5), as: UTF8.self)) }
    return OtherContent(
      what: "a Git LFS pointer" + (size.map { " to a file of \($0) bytes" } ?? ""),
      advice: "Run 'git lfs pull' in the repository it came from, or download the file itself")
  }

  /// A web page, or the XML that object stores answer with.
  private static func page(_ head: [UInt8]) -> OtherContent? {
    let start = head.trimmed.prefix(15).map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
    let advice =
      "The download has brought an answer of the server instead of the file: look at it, then fetch "
      + "the file itself"
    if ["<!doctype html", "<html", "<head", "<body", "<!--"].contains(where: {
      start.starts(with: $0.utf8)
    }
    ) {
      return OtherContent(what: "a web page", advice: advice)
    }
    if ["<?xml", "<error"].contains(where: { start.starts(with: $0.utf8) }) {
      return OtherContent(what: "an XML document, such as a server's error message", advice: advice)
    }
    return nil
  }

  /// Whether the file is nothing but zeros, as a crash or an abandoned download may leave it. Large
  /// files are not checked.
  static func isAllZeros(_ file: any ByteSource, head: [UInt8]) -> Bool {
    guard !head.isEmpty, head.allSatisfy({ $0 == 0 }), file.count <= 256 << 20 else { return false }
    var offset = 0
    while offset < file.count {
      let end = min(offset + 1 << 16, file.count)
      let areZeros = try? file.withBytes(in: offset..<end) { bytes in
        for index in bytes.indices where bytes[index] != 0 { return false }
        return true
      }
      guard areZeros == true else { return false }
      offset = end
    }
    return true
  }

  // MARK: - Archives

  private static func archive(_ head: [UInt8]) -> OtherContent? {
    let kinds: [(magic: [UInt8], name: String)] = [
      ([0x1F, 0x8B], "gzip"), ([0x42, 0x5A, 0x68], "bzip2"),
      ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], "xz"), ([0x28, 0xB5, 0x2F, 0xFD], "zstd"),
      ([0x04, 0x22, 0x4D, 0x18], "lz4"),
    ]
    if let kind = kinds.first(where: { head.starts(with: $0.magic) }) {
      return OtherContent(
        what: "a file compressed with \(kind.name)",
        advice: "Decompress it first, then open what is in it")
    }
    let archives: [(magic: [UInt8], name: String)] = [
      ([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "7z"), ([0x52, 0x61, 0x72, 0x21], "RAR"),
      ([0x50, 0x4B, 0x03, 0x04], "ZIP"), ([0x50, 0x4B, 0x05, 0x06], "ZIP"),
    ]
    var name = archives.first { head.starts(with: $0.magic) }?.name
    if head.count > 262, head[257..<262].elementsEqual("ustar".utf8) { name = "tar" }
    return name.map {
      OtherContent(
        what: "an archive (\($0))",
        advice: "Unpack it first, then open the checkpoint that is in it")
    }
  }

  // MARK: - Formats of models that are not read

  private static func model(_ head: [UInt8], path: String) -> OtherContent? {
    func begins(_ text: String, at offset: Int = 0) -> Bool {
      head.count >= offset + text.utf8.count && head[offset...].starts(with: text.utf8)
    }
    let saved = "Save its weights as safetensors with the library that wrote it"
    func checkpoint(_ what: String, _ advice: String = saved) -> OtherContent {
      OtherContent(what: what, advice: advice, isCheckpoint: true)
    }
    if begins("TFL3", at: 4) {
      return checkpoint("a TensorFlow Lite model", "Open the model that it was converted from")
    }
    // The magic numbers of llama.cpp before GGUF, little-endian: ggml, ggmf, ggjt, ggla.
    if ["lmgg", "fmgg", "tjgg", "algg"].contains(where: { begins($0) }) {
      return checkpoint(
        "a GGML file from before GGUF", "Convert it to GGUF with llama.cpp, or fetch a GGUF file")
    }
    // tensorstore's OCDBT, in which Orbax keeps arrays.
    if head.starts(with: [0x0C, 0xDB, 0x3A, 0x2A]) { return orbax }
    if SystemPath.ends(path, with: ".mlmodel"), head.first == 0x08 { return coreML }
    if SystemPath.ends(path, with: ".engine") || SystemPath.ends(path, with: ".plan"),
      begins("ftrt") || begins("ptrt")
    {
      return checkpoint("a TensorRT engine", "Open the model that it was built from")
    }
    if SystemPath.ends(path, with: ".distcp") { return distributed }
    // Protocols 2 to 5; PyTorch's own files were recognised before.
    if head.count > 2, head[0] == 0x80, (2...5).contains(head[1]) {
      return checkpoint(
        "a Python pickle that torch.save did not write",
        "Load it with the program that wrote it, and save the arrays with torch.save or as safetensors"
      )
    }
    if isMessagePack(head) {
      return checkpoint(
        "a MessagePack file, as Flax writes its checkpoints",
        "Read it with flax.serialization and save the tensors as safetensors")
    }
    let others = [
      ("%PDF", "a PDF document"), ("\u{7F}ELF", "a program"), ("PAR1", "a Parquet table"),
      ("ARROW1", "an Arrow table"), ("MATLAB 5.0", "a MATLAB file"),
      ("SQLite format 3", "a database"),
      ("#!", "a script"),
    ]
    if let other = others.first(where: { begins($0.0) }) {
      return OtherContent(what: other.1, advice: "Name the checkpoint's own file")
    }
    if head.starts(with: [0x89, 0x50, 0x4E, 0x47]) || head.starts(with: [0xFF, 0xD8, 0xFF]) {
      return OtherContent(what: "a picture", advice: "Name the checkpoint's own file")
    }
    return nil
  }

  /// What Orbax writes.
  static let orbax = OtherContent(
    what: "an Orbax checkpoint",
    advice: "Restore it with orbax.checkpoint and save the arrays as safetensors or .npz",
    isCheckpoint: true)
  /// What torch.distributed.checkpoint writes: a folder of `.distcp` files and `.metadata`.
  static let distributed = OtherContent(
    what: "a checkpoint of torch.distributed (DCP)",
    advice:
      "Join it with 'python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER FILE.pt'",
    isCheckpoint: true)
  /// What coremltools writes.
  static let coreML = OtherContent(
    what: "a Core ML model", advice: "Open the model that it was converted from", isCheckpoint: true
  )

  /// Whether the bytes begin as a map of MessagePack whose first key is a text
  /// (msgpack's spec.md: fixmap, map 16, map 32; fixstr, str 8).
  private static func isMessagePack(_ head: [UInt8]) -> Bool {
    var rest = head[...]
    guard let first = rest.popFirst() else { return false }
    switch first {
    case 0x81...0x8F: break
    case 0xDE: rest = rest.dropFirst(2)
    case 0xDF: rest = rest.dropFirst(4)
    default: return false
    }
    guard let kind = rest.popFirst() else { return false }
    var count = Int(kind & 0x1F)
    if kind == 0xD9 {
      guard let length = rest.popFirst() else { return false }
      count = Int(length)
    } else if kind & 0xE0 != 0xA0 {
      return false
    }
    let key = rest.prefix(count)
    return count > 0 && key.count == count && key.allSatisfy { (0x20..<0x7F).contains($0) }
  }

  // MARK: - Texts

  /// A text: JSON, or a line that says why there is no file.
  private static func text(_ file: any ByteSource, _ head: [UInt8]) -> OtherContent? {
    guard file.count <= 1 << 20, !head.isEmpty, isText(head, isWhole: file.count == head.count)
    else {
      return nil
    }
    let fetch = "Look at it: it may say why the file was not sent"
    let start = head.trimmed
    guard start.first == UInt8(ascii: "{") || start.first == UInt8(ascii: "[") else {
      return OtherContent(
        what: "a text (\(String(decoding: start.prefix(160), as: UTF8.self).excerpt))",
        advice: fetch)
    }
    guard let bytes = try? file.withBytes(in: 0..<file.count, { $0.array }),
      let value = try? JSONValue(parsing: bytes)
    else { return OtherContent(what: "a text, perhaps JSON that is cut off", advice: fetch) }
    if value["class_name"] != nil {
      return OtherContent(
        what: "a model's configuration without its weights",
        advice: "Name the file of the weights, with this one as its configuration",
        remedies: [.configuration])
    }
    if value["architectures"] != nil || value["model_type"] != nil || value["_class_name"] != nil {
      return OtherContent(
        what: "a model's settings without its weights", advice: "Name the file of the weights")
    }
    if ["error", "message", "errors", "detail"].contains(where: { value[$0] != nil }) {
      return OtherContent(
        what: "a server's error message (JSON)", advice: fetch, isAnswer: value["weight_map"] == nil
      )
    }
    return OtherContent(what: "a JSON text", advice: "Name the file of the weights")
  }
}

extension OtherContent {
  /// Whether the bytes are UTF-8 without control characters but those of lines; of a beginning the last
  /// character may be cut off.
  private static func isText(_ bytes: [UInt8], isWhole: Bool) -> Bool {
    let text = (0...(isWhole ? 0 : 3)).lazy.compactMap {
      String(validating: bytes.dropLast($0), as: UTF8.self)
    }.first
    return text?.unicodeScalars.allSatisfy {
      $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) || ["\t", "\n", "\r"].contains($0)
    } == true
  }
}

extension CheckpointPlace {
  /// Refuses what no checkpoint begins with.
  ///
  /// - Throws: `notACheckpoint`.
  package func refuseOtherContent() throws(CairnError) {
    if let other = OtherContent.unmistakable(head: head) { throw other.error(path: path) }
  }

  /// Whether the open file, which may be an index in JSON, is something else that is known.
  package var isOtherThanIndex: Bool {
    guard let file else { return true }
    return OtherContent.guess(file, head: head, path: path, mayBeIndex: true) != nil
  }

  /// What a folder is that no format has recognised.
  func folderContent() -> OtherContent? {
    if ["_CHECKPOINT_METADATA", "_METADATA", "manifest.ocdbt"].contains(where: { holds($0) }) {
      return .orbax
    }
    if holds(".metadata"), holds("__0_0.distcp") { return .distributed }
    return holds("Manifest.json") && hasExtension(["mlpackage"]) ? .coreML : nil
  }
}

extension [UInt8] {
  /// Without a byte order mark and blanks in front.
  fileprivate var trimmed: ArraySlice<UInt8> {
    let text = starts(with: [0xEF, 0xBB, 0xBF]) ? self[3...] : self[...]
    return text.drop { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
  }
}
