// A checkpoint in several files, with an index that says which tensor is in which file, like
// Hugging Face's `model.safetensors.index.json` and `pytorch_model.bin.index.json`.
//
//     {"metadata": {"total_size": 16},
//      "weight_map": {"a": "model-00001-of-00002.safetensors",
//                     "b": "model-00002-of-00002.safetensors"}}

public import CairnCheckpoints
import CairnContainer
import CairnJSON
package import CairnSystem
package import CairnTensors

extension CheckpointFormat {
  /// Shards with an index in JSON.
  public static let sharded = CheckpointFormat(
    name: "sharded", extensions: ["index.json"],
    lacks: [.ties, .metadataTypes, .configuration, .blobs],
    recognises: { ShardedCheckpoint.indexName(at: $0) != nil },
    open: { (place) throws(CairnError) in try ShardedCheckpoint(place) },
    holdsTies: { (source) throws(CairnError) in try SafetensorsTies.areHeld(of: source) },
    holdsMetadata: {
      $0.allSatisfy { FormatNotes.keys.contains($0.key) || ShardedMetadata.isHeld($0.value) }
    },
    spansFiles: true,
    sink: { ShardedWriter(target: $0) }
  ).with { $0.claimsFolder = { FolderNames.index(in: $0) != nil } }
}

/// Shards and their index. The index decides: every tensor that it names must be in the shard that
/// it names. Other tensors of the shards are left out, and ``remarks`` says so.
///
/// The order of weights is that of the index. `total_size` is left out if it equals the bytes of
/// the tensors. The index's other metadata are kept, and so are those of the shards: under their
/// own keys if the shards agree, otherwise under `SHARD/KEY`.
package struct ShardedCheckpoint: CheckpointSource, TensorView, FileBacked {
  /// A tensor of the index.
  private struct Item {
    var name: TensorName
    var shard: Int
    /// Its index in the shard.
    var index: Int
    /// The tensor of the same shard that it is tied to.
    var aliasOf: TensorName?
  }

  /// The path of the index.
  package let filePath: String?
  private let shards: [any CheckpointSource]
  private let items: [Item]
  private let indices: [TensorName: Int]
  /// The bytes of the index and of all shards.
  package let fileByteCount: Int
  /// The metadata of the index and the shards. Opaque items are what the shards hold and is not
  /// read. Remarks say that shards hold tensors that the index does not name, or that the folder
  /// holds other checkpoints.
  package let attachments: Attachments

  /// The largest index that is read.
  static let maximumIndexByteCount = 64 << 20
  /// The most shards: each is an open file.
  static let maximumShardCount = 4_096

  /// The index at a place: the file itself, or one of the names that a folder may hold.
  static func indexName(at place: CheckpointPlace) -> String? {
    guard place.file != nil else { return FolderNames.index(in: place) }
    guard place.head.first(where: { !isSpace($0) }) == UInt8(ascii: "{") else { return nil }
    if holds(place.head, "\"weight_map\"") { return place.name }
    return place.hasExtension(["index.json"]) && !place.isOtherThanIndex ? place.name : nil
  }

  /// Whether the bytes contain `text`.
  private static func holds(_ bytes: [UInt8], _ text: String) -> Bool {
    let wanted = Array(text.utf8)
    return bytes.indices.contains { bytes[$0...].starts(with: wanted) }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }

  /// Opens an index and all shards that it names.
  ///
  /// - Throws: `invalidHeader` for an index that is not valid, `headerTooLarge`; `missingFile` and
  ///   `invalidPath` for a shard that is not there, or not in the folder; `shardMismatch` if the
  ///   index names a tensor that its shard does not have; and what opening a shard throws.
  init(_ place: CheckpointPlace) throws(CairnError) {
    let file: any ByteSource
    let name = Self.indexName(at: place) ?? FolderNames.indexes[0]
    if let found = place.file { file = found } else { file = try place.companion(name) }
    let index = try ShardIndex(file)
    var shards: [any CheckpointSource] = []
    var total = file.count
    var missing: Set<Int> = []
    for (number, shard) in index.shards.enumerated() {
      let opened: any CheckpointSource
      do throws(CairnError) { opened = try Self.open(shard, place) } catch {
        guard place.options.allowsMissingFiles, error.code == .missingFile else { throw error }
        missing.insert(number)
        opened = MissingShard()
      }
      total = total.addingSaturated(opened.fileByteCount)
      shards.append(opened)
    }
    var opaque = index.opaque
    var items: [Item] = []
    var indices: [TensorName: Int] = [:]
    for (name, number) in index.map {
      guard !missing.contains(number) else {
        try opaque.add(
          name.utf8, "tensor", "its file \(index.shards[number].text.excerpt) is not there")
        continue
      }
      guard let place = try shards[number].index(of: name) else {
        throw CairnError(
          .shardMismatch, "the index names a tensor that its shard does not have",
          at: .init(file: file.path, name: name.string), found: index.shards[number].text.excerpt,
          advice: "Fetch all files of one version of the checkpoint")
      }
      indices[name] = items.count
      items.append(Item(name: name, shard: number, index: place))
    }
    try Self.tie(&items, shards)
    // Collects the ties that only the metadata of a header tell, and the tensors that the index
    // does not name.
    var ties: [Item] = []
    var left: (count: Int, first: TensorName?) = (0, nil)
    for (number, shard) in shards.enumerated() {
      for place in 0..<shard.count {
        let entry = try shard.entry(at: place)
        if let known = indices[entry.name], known < 0 || items[known].shard == number { continue }
        guard shard is SafetensorsFile, let owner = entry.aliasOf, indices[entry.name] == nil,
          let home = indices[owner], home >= 0, items[home].shard == number
        else {
          left = (left.count + 1, left.first ?? entry.name)
          continue
        }
        indices[entry.name] = -1
        ties.append(
          Item(
            name: entry.name, shard: number, index: place, aliasOf: items[home].aliasOf ?? owner))
      }
    }
    for tie in ties.sorted(by: { $0.name < $1.name }) {
      indices[tie.name] = items.count
      items.append(tie)
    }
    let metadata = try Self.metadata(
      index, shards, Self.logicalByteCount(items, shards), &opaque)
    var remarks = FolderNames.remarks(name, in: place)
    if let first = left.first {
      remarks.append(
        "the shards hold \(left.count) tensors that the index does not give to them, such as "
          + "\(first.string.excerpt): they are left out")
    }
    for shard in shards { for item in shard.opaqueItems { try opaque.add(item) } }
    let told = remarks
    attachments = Attachments(
      metadata: metadata, opaqueItems: opaque.items, remarks: told)
    filePath = file.path
    self.shards = shards
    self.items = items
    self.indices = indices
    fileByteCount = total
  }

  private static func open(
    _ path: InnerPath, _ place: CheckpointPlace
  ) throws(CairnError) -> any CheckpointSource {
    let shard = try CheckpointPlace(try place.companion(path), options: place.options)
    let format = try FormatRegistry.tensors.detect(shard)
    guard !format.name.isSpelt(as: "sharded") else {
      throw CairnError(
        .shardMismatch, "a shard is an index itself", at: .init(file: shard.path))
    }
    do throws(CairnError) { return try format.open(shard) } catch {
      throw error.located(file: shard.path)
    }
  }

  /// Sets the ties that hold here: those within a shard, between names that the index gives to this
  /// shard. If the index gives the owner to another shard, or does not name it, the name still has
  /// the values of its own shard.
  private static func tie(
    _ items: inout [Item], _ shards: [any CheckpointSource]
  ) throws(CairnError) {
    /// A tensor of a shard.
    struct Place: Hashable {
      var shard: Int
      var index: Int
    }
    var given: [Place: TensorName] = [:]
    for item in items { given[Place(shard: item.shard, index: item.index)] = item.name }
    for number in items.indices {
      let shard = shards[items[number].shard]
      guard let owner = try shard.entry(at: items[number].index).aliasOf,
        let index = try shard.index(of: owner)
      else { continue }
      let place = Place(shard: items[number].shard, index: index)
      if let name = given[place] {
        items[number].aliasOf = name
      } else {
        // The first of the remaining names takes the place of the owner.
        given[place] = items[number].name
      }
    }
  }

  private static func logicalByteCount(
    _ items: [Item], _ shards: [any CheckpointSource]
  ) throws(CairnError) -> Int {
    var total = 0
    for item in items where item.aliasOf == nil {
      let entry = try shards[item.shard].entry(at: item.index)
      total = total.addingSaturated(entry.byteCount)
    }
    return total
  }

  private static func metadata(
    _ index: ShardIndex, _ shards: [any CheckpointSource], _ byteCount: Int,
    _ opaque: inout OpaqueItems
  ) throws(CairnError) -> Metadata {
    // The index speaks of the whole checkpoint, so its metadata keep their keys. `Metadata` is made
    // at the end, all at once: adding keys in descending order one by one would take quadratic
    // time.
    var metadata: [TensorName: MetadataValue] = [:]
    for (key, value) in index.metadata {
      if key == "total_size", value == .int(Int64(byteCount)) { continue }
      metadata[key] = value
    }
    for (key, value) in index.others {
      guard metadata[key] == nil else {
        try opaque.add(key.utf8, "member of the index", "its metadata have the same key")
        continue
      }
      metadata[key] = value
    }
    var found: [TensorName: [(shard: Int, value: MetadataValue)]] = [:]
    for (number, shard) in shards.enumerated() {
      for (key, value) in shard.metadata { found[key, default: []].append((number, value)) }
    }
    // Few keys have differing values; only those are sorted.
    var differing: [(key: TensorName, values: [(shard: Int, value: MetadataValue)])] = []
    for (key, values) in found {
      let own = metadata[key] ?? values[0].value
      if values.allSatisfy({ $0.value == own }) {
        metadata[key] = own
      } else {
        differing.append((key, values))
      }
    }
    for (key, values) in differing.sorted(by: { $0.key < $1.key }) {
      for (number, value) in values {
        let path = index.shards[number].bytes + "/".utf8 + key.utf8
        guard let long = try? TensorName(utf8: path) else {
          try opaque.add(path, "metadata of a shard", "its key and the shard's name are too long")
          continue
        }
        guard metadata[long].map({ $0 == value }) ?? true else {
          try opaque.add(path, "metadata of a shard", "the index's metadata have that key")
          continue
        }
        metadata[long] = value
      }
    }
    return Metadata(metadata.map { ($0.key, $0.value) })
  }

  // MARK: - Tensors

  /// The number of tensors.
  package var count: Int { items.count }

  private func item(at index: Int) throws(CairnError) -> Item {
    try checkIndex(index)
    return items[index]
  }

  /// The shard's entry for the tensor at `index`, with its place in the order of the index.
  package func entry(at index: Int) throws(CairnError) -> TensorEntry {
    let item = try item(at: index)
    var entry = try shards[item.shard].entry(at: item.index)
    entry.position = index
    entry.aliasOf = item.aliasOf
    return entry
  }

  /// The index of the tensor called `name`, or nil.
  ///
  /// - Complexity: O(1).
  package func index(of name: TensorName) throws(CairnError) -> Int? { indices[name] }

  /// The shard that has the tensor.
  package func origin(of index: Int) throws(CairnError) -> TensorOrigin? {
    let item = try item(at: index)
    return TensorOrigin(shards[item.shard], item.index, number: item.shard)
  }

  /// The most bytes that all tensors may have, from the bytes of all shards together.
  package var plausibleByteCount: Int { .plausible(ofFile: fileByteCount) }

  /// The checksums of the shards, if they have any.
  package var checksums: String? { shards.lazy.compactMap(\.checksums).first }

  /// Checks every shard; deep, also every element.
  package func check(
    _ level: VerificationLevel, progress: ProgressHandler
  ) throws(CairnError) {
    for shard in shards { try shard.check(level) { (_) throws(CairnError) in } }
    try WorkProgress.report(1, of: 1, to: progress)
  }
}

/// Takes the place of a shard that is missing.
private struct MissingShard: CheckpointSource {
  var count: Int { 0 }
  var fileByteCount: Int { 0 }

  func entry(at index: Int) throws(CairnError) -> TensorEntry {
    try checkIndex(index)
    throw CairnError(.missingFile, "the file of the tensor is not there")
  }

  func read(
    at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    _ = try entry(at: index)
  }
}

extension CairnError.Code {
  /// An index and its shards contradict each other.
  package static let shardMismatch = Self("shardMismatch")
}
