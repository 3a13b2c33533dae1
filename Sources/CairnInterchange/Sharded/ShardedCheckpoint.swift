// A checkpoint in several files, with an index that says which tensor is in which: as Hugging Face's
// `model.safetensors.index.json` and `pytorch_model.bin.index.json`.
//
//     {"metadata": {"total_size": 16},
//      "weight_map": {"a": "model-00001-of-00002.safetensors",
//                     "b": "model-00002-of-00002.safetensors"}}

public import CairnFormat
import CairnJSON
public import CairnSystem
public import CairnTensors

extension CheckpointFormat {
  /// Shards with an index in JSON.
  public static let sharded = CheckpointFormat(
    name: "sharded", extensions: ["index.json"],
    lacks: [.ties, .metadataTypes, .configuration, .blobs],
    recognises: { ShardedCheckpoint.indexName(at: $0) != nil },
    open: { (place) throws(CairnError) in try ShardedCheckpoint(place) },
    holdsTies: { (source) throws(CairnError) in try SafetensorsTies.areHeld(of: source) },
    holdsMetadata: { $0.allSatisfy { ShardedMetadata.isHeld($0.value) } },
    spansFiles: true,
    sink: { path, options, losses in
      ShardedWriter(path: path, options: options, accepting: losses)
    })
}

/// Shards and their index, which decides: every tensor that it names must be in the shard that it
/// names, and the shards may have no other.
///
/// The order of weights is that of the index. `total_size` is left out where it is what the tensors
/// take; the index's other metadata are kept, and those of the shards: under their own keys where the
/// shards agree, else under `SHARD/KEY`.
public struct ShardedCheckpoint: CheckpointSource {
  /// A tensor of the index.
  private struct Item {
    var name: TensorName
    var shard: Int
    /// Its index in the shard.
    var index: Int
  }

  private let shards: [any CheckpointSource]
  private let items: [Item]
  private let indices: [TensorName: Int]
  /// The bytes of the index and of all shards.
  public let fileByteCount: Int
  /// What index and shards say of the whole.
  public let metadata: Metadata

  /// The largest index that is read.
  static let maximumIndexByteCount = 64 << 20
  /// The most shards: each is an open file.
  static let maximumShardCount = 4_096

  /// The names under which an index lies in a folder.
  private static let names = ["model.safetensors.index.json", "pytorch_model.bin.index.json"]

  /// The index at a place: the file itself, or one of those that a folder may hold.
  static func indexName(at place: CheckpointPlace) -> String? {
    guard place.file != nil else { return names.first { place.holds($0) } }
    guard place.head.first(where: { !isSpace($0) }) == UInt8(ascii: "{") else { return nil }
    let text = String(decoding: place.head, as: UTF8.self)
    return place.hasExtension(["index.json"]) || text.contains("\"weight_map\"") ? place.name : nil
  }

  private static func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }

  /// Opens an index and all shards that it names.
  ///
  /// - Throws: `invalidHeader` for an index that is none, `headerTooLarge`; `missingFile` and
  ///   `invalidPath` for a shard that is not there, or not in the folder; `shardMismatch` where the
  ///   index and a shard contradict each other; and what opening a shard throws.
  init(_ place: CheckpointPlace) throws(CairnError) {
    let file: FileBytes
    if let found = place.file {
      file = found
    } else {
      file = try place.companion(Self.indexName(at: place) ?? Self.names[0])
    }
    let index = try ShardIndex(file)
    var shards: [any CheckpointSource] = []
    var total = file.count
    var numbers: [String: Int] = [:]
    for shard in index.shardNames {
      let opened = try Self.open(shard, place)
      total = total.addingReportingOverflow(opened.fileByteCount).partialValue
      numbers[shard] = shards.count
      shards.append(opened)
    }
    var items: [Item] = []
    var indices: [TensorName: Int] = [:]
    for (name, shard) in index.map {
      let number = numbers[shard] ?? 0
      guard let place = try shards[number].index(of: name) else {
        throw CairnError(
          .shardMismatch, "the index names a tensor that its shard does not have",
          at: .init(file: file.path, name: name.string), found: shard.excerpt,
          advice: "Fetch all files of one version of the checkpoint")
      }
      indices[name] = items.count
      items.append(Item(name: name, shard: number, index: place))
    }
    // Ties that only the shards' own metadata tell.
    var ties: [Item] = []
    for (number, shard) in shards.enumerated() {
      for place in 0..<shard.count {
        let entry = try shard.entry(at: place)
        let known = indices[entry.name] ?? -1
        if known >= 0, items[known].shard == number { continue }
        guard entry.aliasOf != nil, indices[entry.name] == nil else {
          throw CairnError(
            .shardMismatch, "a shard has a tensor that the index does not give to it",
            at: .init(file: file.path, name: entry.name.string),
            found: index.shardNames[number].excerpt,
            advice: "Fetch all files of one version of the checkpoint")
        }
        indices[entry.name] = -1
        ties.append(Item(name: entry.name, shard: number, index: place))
      }
    }
    for tie in ties.sorted(by: { $0.name < $1.name }) {
      indices[tie.name] = items.count
      items.append(tie)
    }
    metadata = try Self.metadata(
      index, shards, Self.logicalByteCount(items.map { (shards[$0.shard], $0.index) }))
    self.shards = shards
    self.items = items
    self.indices = indices
    fileByteCount = total
  }

  private static func open(
    _ name: String, _ place: CheckpointPlace
  ) throws(CairnError) -> any CheckpointSource {
    let shard = try CheckpointPlace(try place.companion(name), options: place.options)
    let format = try CheckpointFormat.detect(shard)
    guard format.name != "sharded" else {
      throw CairnError(
        .shardMismatch, "a shard is an index itself", at: .init(file: shard.path))
    }
    do throws(CairnError) { return try format.open(shard) } catch {
      throw error.located(file: shard.path)
    }
  }

  private static func logicalByteCount(
    _ tensors: [(shard: any CheckpointSource, index: Int)]
  ) throws(CairnError) -> Int {
    var total = 0
    for (shard, index) in tensors {
      let entry = try shard.entry(at: index)
      if entry.aliasOf == nil {
        total = total.addingReportingOverflow(entry.byteCount).partialValue
      }
    }
    return total
  }

  private static func metadata(
    _ index: ShardIndex, _ shards: [any CheckpointSource], _ byteCount: Int
  ) throws(CairnError) -> Metadata {
    var pairs: [(key: Metadata.Key, value: MetadataValue)] = []
    let all = shards.flatMap { shard in shard.metadata.map(\.key) }
    for key in Set(all) {
      let values = Set(shards.compactMap { $0.metadata[key] })
      if values.count == 1, let value = values.first {
        pairs.append((key, value))
        continue
      }
      for (number, shard) in shards.enumerated() {
        guard let value = shard.metadata[key] else { continue }
        pairs.append((try TensorName("\(index.shardNames[number])/\(key)"), value))
      }
    }
    for (key, value) in index.metadata {
      if key == "total_size", value == .int(Int64(byteCount)) { continue }
      pairs.append((key, value))
    }
    return Metadata(pairs)
  }

  // MARK: - Tensors

  /// The number of tensors.
  public var count: Int { items.count }

  private func item(at index: Int) throws(CairnError) -> Item {
    try checkIndex(index)
    return items[index]
  }

  /// What the shard says of the tensor at `index`, counted in the order of the index.
  public func entry(at index: Int) throws(CairnError) -> TensorEntry {
    let item = try item(at: index)
    var entry = try shards[item.shard].entry(at: item.index)
    entry.position = index
    return entry
  }

  /// The index of the tensor called `name`, or nil.
  ///
  /// - Complexity: O(1).
  public func index(of name: TensorName) throws(CairnError) -> Int? { indices[name] }

  /// Fills `bytes` with the tensor's elements from byte `offset` on.
  public func read(
    at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    let item = try item(at: index)
    try shards[item.shard].read(at: item.index, from: offset, into: &bytes)
  }

  /// The whole tensor, as its shard gives it.
  public func tensor(at index: Int) throws(CairnError) -> Tensor {
    let item = try item(at: index)
    return try shards[item.shard].tensor(at: item.index)
  }

  /// What may be loaded at once: as much as from all shards.
  public var defaultBudget: Int {
    shards.reduce(0) {
      let (sum, overflow) = $0.addingReportingOverflow($1.defaultBudget)
      return overflow ? .max : sum
    }
  }

  /// Checks every shard; deep, also every element.
  public func check(
    _ level: Container.VerificationLevel, progress: ProgressHandler
  ) throws(CairnError) {
    for shard in shards { try shard.check(level) { (_) throws(CairnError) in } }
    try progress(Progress(done: 1, total: 1))
  }
}

extension CairnError.Code {
  /// An index and its shards contradict each other.
  public static let shardMismatch = Self("shardMismatch")
}
