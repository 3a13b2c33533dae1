// The paths that TensorFlow's users call a checkpoint: the prefix of its files, one of the files, a
// folder with a file `checkpoint` that names the newest, or a SavedModel.

import CairnCheckpoints
import CairnContainer
import CairnSystem

/// Where the index of a bundle is.
struct BundlePlace {
  /// The prefix, from the place's folder.
  let prefix: String
  /// Remarks on what is beside the bundle and is not read.
  let remarks: [String]

  private static let ending = ".index"
  /// The prefixes that a bundle in a folder may have.
  private static let prefixes = ["variables/variables", "variables", "model", "checkpoint"]
  private static let graphs = ["saved_model.pb", "saved_model.pbtxt"]
  private static let newest = "checkpoint"

  /// The bundle for a place; nil if there is none.
  init?(_ place: CheckpointPlace) {
    guard let file = place.file else {
      self.init(folder: place)
      return
    }
    let name = place.name
    if Self.isTable(file) {
      self.init(
        prefix: name.spellingEnds(with: Self.ending) ? String(name.dropLast(6)) : name)
    } else if name.isSpelt(as: Self.newest), let found = Self.newestPrefix(file, in: place) {
      self.init(prefix: found)
    } else if Self.graphs.contains(where: { $0.isSpelt(as: name) }),
      place.holds(Self.prefixes[0] + Self.ending)
    {
      self.init(prefix: Self.prefixes[0], remarks: Self.graphRemarks)
    } else if let found = Self.prefix(ofDataFile: name), place.holds(found + Self.ending) {
      self.init(prefix: found)
    } else {
      return nil
    }
  }

  private init(prefix: String, remarks: [String] = []) {
    self.prefix = prefix
    self.remarks = remarks
  }

  private init?(folder place: CheckpointPlace) {
    if place.holds(Self.newest), let file = try? place.companion(Self.newest),
      let found = Self.newestPrefix(file, in: place)
    {
      self.init(prefix: found)
      return
    }
    guard let found = Self.prefixes.first(where: { place.holds($0 + Self.ending) }) else {
      return nil
    }
    self.init(
      prefix: found,
      remarks: Self.graphs.contains { place.holds($0) } ? Self.graphRemarks : [])
  }

  private static let graphRemarks = [
    "the graphs and signatures of the SavedModel (saved_model.pb) are not kept: only its variables"
  ]

  /// The index.
  func index(at place: CheckpointPlace) throws(CairnError) -> any ByteSource {
    if let file = place.file, Self.isTable(file) { return file }
    if !place.holds(prefix + Self.ending), place.holds(prefix) {
      // A single file of that name is the format that TensorFlow wrote before bundles.
      return try place.companion(prefix)
    }
    return try place.companion(prefix + Self.ending)
  }

  /// The place of an index, if `path` is its prefix and there is no file at `path`. TensorFlow's
  /// own calls name a checkpoint in this way. Nil if there is none.
  static func opening(prefix path: String, options: ReadOptions) -> CheckpointPlace? {
    guard let place = try? CheckpointPlace(path + ending, options: options), let file = place.file,
      isTable(file)
    else { return nil }
    return place
  }

  /// Whether a file has the end of a table of sorted keys.
  static func isTable(_ file: any ByteSource) -> Bool {
    guard file.count >= SortedTable.footerByteCount else { return false }
    var reader = ByteCursor(file, in: file.count - 8..<file.count)
    return (try? reader.integer(UInt64.self)) == SortedTable.magic
  }

  /// `PREFIX` of `PREFIX.data-00000-of-00001`.
  private static func prefix(ofDataFile name: String) -> String? {
    let bytes = Array(name.utf8)
    let shape = Array(".data-00000-of-00000".utf8)
    guard bytes.count > shape.count else { return nil }
    let end = bytes.suffix(shape.count)
    let fits = zip(end, shape).allSatisfy { byte, wanted in
      wanted == 0x30 ? (0x30...0x39).contains(byte) : byte == wanted
    }
    return fits ? String(decoding: bytes.dropLast(shape.count), as: UTF8.self) : nil
  }

  /// The newest checkpoint according to the file `checkpoint`: `model_checkpoint_path: "ckpt-2"`.
  /// An absolute path belongs to the machine that wrote it; the file that it names is looked for
  /// beside this one.
  private static func newestPrefix(_ file: any ByteSource, in place: CheckpointPlace) -> String? {
    guard file.count <= 1 << 16, let bytes = try? file.withBytes(in: 0..<file.count, { $0.array })
    else { return nil }
    let key = Array("model_checkpoint_path:".utf8)
    for line in bytes.split(separator: 0x0A) {
      let words = line.drop { $0 == 0x20 }
      guard words.starts(with: key) else { continue }
      let rest = words.dropFirst(key.count).drop { $0 == 0x20 }
      guard rest.first == 0x22, let end = rest.dropFirst().firstIndex(of: 0x22) else { return nil }
      let path = Array(rest[(rest.startIndex + 1)..<end])
      let own =
        path.first == UInt8(ascii: "/") ? path.split(separator: 0x2F).last.map(Array.init) : path
      // If the file is missing, opening it throws.
      return own.flatMap { try? InnerPath($0) }.map { SystemPath.text($0.bytes) }
    }
    return nil
  }
}
