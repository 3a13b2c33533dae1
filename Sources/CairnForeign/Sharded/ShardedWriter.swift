// Writing a checkpoint in shards. They are named, filled and listed as by huggingface_hub's
// `save_torch_state_dict` (huggingface_hub/serialization/_base.py,
// `split_state_dict_into_shards_factory`).

import CairnCheckpoints
import CairnContainer
import CairnJSON
import CairnSystem
import CairnTensors

/// Writes shards of safetensors and their index.
///
/// The metadata are written into the index, except `format`, which readers look for in every shard.
struct ShardedWriter: TensorSink {
  let target: WriteTarget

  /// Writes all files; the index appears last.
  ///
  /// - Throws: `cannotHold` for what the format cannot hold, unless its loss is accepted.
  mutating func write(
    _ source: any TensorSource, progress: ProgressHandler
  ) throws(CairnError) -> Int {
    try CheckpointFormat.sharded.refuse(source, accepting: target.losses)
    let path = try target.path()
    let stem = try Self.stem(of: path)
    guard SystemPath.bytes(stem) == Array(stem.utf8) else {
      throw CairnError(
        .invalidArgument, "the name is not valid UTF-8, and the index names its files in JSON",
        at: .init(file: path), advice: "Give the checkpoint a name that is UTF-8")
    }
    let plan = try ShardPlan(source, largest: target.options.shardByteCount)
    guard plan.shards.count <= ShardedCheckpoint.maximumShardCount else {
      throw CairnError(
        .limitExceeded, "the checkpoint would have more shards than is allowed",
        expected: "at most \(ShardedCheckpoint.maximumShardCount)",
        found: "\(plan.shards.count)", advice: "Allow larger shards",
        remedies: [.largerShards])
    }
    let texts = plan.shards.isEmpty ? Metadata() : try ShardedMetadata.inShards(source)
    let metadata = try ShardedMetadata.inIndex(
      source.metadata, but: texts, byteCount: plan.byteCount)
    var group = try FileGroup(index: path, options: target.options)
    var map = JSONObject()
    var done = 0
    for (number, shard) in plan.shards.enumerated() {
      let name = Self.name(number, of: plan.shards.count)
      let file = try group.part(stem + name)
      let part = ShardSource(base: source, items: shard, metadata: texts)
      let before = done
      try SafetensorsWriter.write(
        SafetensorsLayout(of: part, accepting: [], isShard: true), of: part,
        progress: { (step) throws(CairnError) in
          done = before + step.done
          try WorkProgress.report(done, of: plan.byteCount, to: progress)
        },
        to: { (bytes) throws(CairnError) in try file.append(bytes) })
      let fileName = SystemPath.split(stem + name).name
      for item in shard { map[item.entry.name.string] = .string(fileName) }
    }
    return try group.commit(index: Self.index(map, metadata))
  }

  /// `-00001-of-00003.safetensors`.
  private static func name(_ number: Int, of count: Int) -> String {
    "-\((number + 1).fiveDigits)-of-\(count.fiveDigits).safetensors"
  }

  /// The path of an index without its endings.
  private static func stem(of path: String) throws(CairnError) -> String {
    guard let stem = path.dropping(suffix: ".index.json"), !stem.isEmpty,
      !stem.spellingEnds(with: "/")
    else {
      throw CairnError(
        .invalidArgument, "the name is not that of a sharded checkpoint's index",
        at: .init(file: path), expected: "such as model.safetensors.index.json")
    }
    guard let short = stem.dropping(suffix: ".safetensors"), !short.isEmpty,
      !short.spellingEnds(with: "/")
    else { return stem }
    return short
  }

  private static func index(
    _ map: JSONObject, _ metadata: JSONObject
  ) throws(CairnError) -> [UInt8] {
    do throws(JSONError) {
      return try JSONValue.object(["metadata": .object(metadata), "weight_map": .object(map)])
        .utf8(.pretty)
    } catch {
      throw CairnError(.cannotHold, "cannot write the index: \(error.message)", cause: error)
    }
  }
}

/// Which tensors go into which shard: in the order of weights, with a new shard when the next
/// tensor would not fit.
struct ShardPlan {
  /// A tensor to be written.
  struct Item {
    var entry: TensorEntry
    /// The index of the tensor whose bytes are written: its own, or its owner's if it is tied.
    var index: Int
  }

  private(set) var shards: [[Item]] = []
  /// The bytes of all tensors.
  private(set) var byteCount = 0

  init(_ source: any TensorSource, largest: Int) throws(CairnError) {
    let tiesAreHeld = try SafetensorsTies.areHeld(of: source)
    var filled = 0
    for index in try source.indicesInWeightOrder() {
      var item = Item(entry: try source.entry(at: index), index: index)
      if tiesAreHeld, item.entry.aliasOf != nil { continue }
      item.index = try source.ownerIndex(of: item.entry, at: index)
      item.entry.aliasOf = nil
      let bytes = item.entry.byteCount
      guard let sum = byteCount.adding(bytes) else {
        throw CairnError(.cannotHold, "the tensors have more bytes than can be counted")
      }
      if shards.isEmpty || (filled > 0 && bytes > largest - min(filled, largest)) {
        shards.append([])
        filled = 0
      }
      shards[shards.count - 1].append(item)
      filled += bytes
      byteCount = sum
    }
  }
}

/// The tensors of one shard.
private struct ShardSource: TensorView {
  let base: any TensorSource
  let items: [ShardPlan.Item]
  let metadata: Metadata

  var count: Int { items.count }
  var attachments: Attachments { Attachments(metadata: metadata) }

  func entry(at index: Int) throws(CairnError) -> TensorEntry {
    try checkIndex(index)
    var entry = items[index].entry
    entry.position = index
    return entry
  }

  func origin(of index: Int) throws(CairnError) -> TensorOrigin? {
    try checkIndex(index)
    return TensorOrigin(base, items[index].index)
  }
}

/// Where metadata are written.
enum ShardedMetadata {
  /// Whether a value is read back from an index unchanged.
  static func isHeld(_ value: MetadataValue) -> Bool {
    switch value {
    case .bool, .int, .string: true
    case .uint(let number): number > UInt64(Int64.max)
    case .float(let number): number.isFinite
    default: false
    }
  }

  /// The metadata for every shard: the text that says which program wrote the tensors, and the
  /// texts that tell ties.
  static func inShards(_ source: any TensorSource) throws(CairnError) -> Metadata {
    var texts = Metadata()
    let metadata = source.metadata
    texts["format"] = metadata["format"].flatMap { if case .string = $0 { $0 } else { nil } }
    texts[FormatNotes.safetensors] = metadata[FormatNotes.safetensors]
    guard try SafetensorsTies.areHeld(of: source) else { return texts }
    for index in 0..<source.count {
      let entry = try source.entry(at: index)
      if entry.aliasOf != nil { texts[entry.name] = metadata[entry.name] }
    }
    return texts
  }

  /// The metadata for the index: all others. Values that JSON cannot hold as they are become JSON
  /// text.
  static func inIndex(
    _ metadata: Metadata, but shards: Metadata, byteCount: Int
  ) throws(CairnError) -> JSONObject {
    var object: JSONObject = ["total_size": .integer(Int64(byteCount))]
    for (key, value) in metadata
    where shards[key] == nil && !FormatNotes.keys.contains(key) {
      object[key.string] =
        isHeld(value) ? value.json() : .string(try SafetensorsLayout.text(of: value.json()))
    }
    return object
  }
}
