// Keras 3's weights in several files, with an index: `saving_lib.py`, `ShardedH5IOStore`.
//
//     {"metadata": {"total_size": 727216.0},
//      "weight_map": {"/layers/dense/vars": "model_00000.weights.h5",
//                     "/layers/dense_1/vars": ["model_00000.weights.h5", "model_00001.weights.h5"]}}

public import CairnCheckpoints
import CairnContainer
import CairnJSON
import CairnSystem
import CairnTensors

extension CheckpointFormat {
  /// Keras's weights in several files.
  public static let kerasShards = CheckpointFormat(
    name: "keras-shards", extensions: ["weights.json"], lacks: [],
    recognises: { KerasShards.recognises($0) },
    open: { (place) throws(CairnError) in try KerasShards(place) }, spansFiles: true)
}

/// Files of weights and their index. The index decides: every group of variables must be in a file
/// that the index names for it.
///
/// The order of weights is that of the files. Attributes of the files are metadata, as for one
/// file. If two files give a key different values, the later file's is kept as `FILE/KEY`.
/// `total_size` is left out if it equals the bytes of the tensors.
package struct KerasShards: TableSource {
  let table: TensorTable
  /// The metadata are the attributes of the files, and what the index says of the whole. Opaque
  /// items are what the files have besides arrays of numbers and texts. Remarks name attributes
  /// that metadata cannot hold.
  package let attachments: Attachments
  /// Bytes of the index and of the files.
  package let fileByteCount: Int

  /// Whether there is such an index at a place.
  static func recognises(_ place: CheckpointPlace) -> Bool {
    guard place.file != nil, place.head.first == UInt8(ascii: "{") else { return false }
    let text = String(decoding: place.head, as: UTF8.self)
    return place.hasExtension(["weights.json"])
      || (text.contains("\"weight_map\"") && text.contains(".weights.h5\""))
  }

  /// Opens an index and all files that it names.
  ///
  /// - Throws: `invalidHeader` for an index that is not valid, `headerTooLarge`, `limitExceeded`;
  ///   `missingFile` and `invalidPath` for a file that is not there, or not in the folder;
  ///   `shardMismatch` if the index and a file contradict each other; and what opening a file
  ///   throws.
  init(_ place: CheckpointPlace) throws(CairnError) {
    let file = try place.openFile()
    do throws(CairnError) {
      let index = try Self.parse(file)
      let homes = try Self.homes(index)
      var table = TensorTable(path: file.path)
      var pairs = Metadata()
      var total = file.count
      var remarks: [String] = []
      var opaque = OpaqueItems()
      var found: Set<Home> = []
      for key in Set(homes.values.flatMap { $0 }).sorted() {
        let name = key.text
        let shard = try HDF5File(
          place.companion(InnerPath(key.bytes)), limits: place.options.limits)
        total = total.addingSaturated(shard.fileByteCount)
        remarks += shard.remarks
        for item in shard.opaqueItems { try opaque.add(item) }
        let first = table.items.count
        for var item in shard.table.items {
          let folder = item.name.utf8.lastIndex(of: UInt8(ascii: "/")) ?? 0
          let group = ByteKey([UInt8(ascii: "/")] + item.name.utf8.prefix(folder))
          guard homes[group]?.contains(key) ?? false else {
            throw CairnError(
              .shardMismatch, "a file has variables that the index does not give to it",
              at: .init(name: item.name.string), found: name.excerpt,
              advice: "Fetch all files of one version of the checkpoint")
          }
          found.insert(Home(group: group, file: key))
          item.aliasOf = item.aliasOf.map { $0 + first }
          try table.add(item)
        }
        for (key, value) in shard.metadata {
          let isKnown = pairs[key].map { $0 != value } ?? false
          pairs[isKnown ? try TensorName("\(name)/\(key.string)") : key] = value
        }
      }
      for (group, names) in homes.sorted(by: { $0.key < $1.key }) {
        guard
          let missing = names.first(where: { !found.contains(Home(group: group, file: $0)) })
        else { continue }
        throw CairnError(
          .shardMismatch, "the index names variables that a file does not have",
          at: .init(name: group.text.excerpt), found: missing.text.excerpt,
          advice: "Fetch all files of one version of the checkpoint")
      }
      if let size = index["metadata"]?["total_size"]?.doubleValue {
        let taken = table.items.reduce(0.0) { $0 + Double($1.elements.count) }
        if size != taken { pairs["total_size"] = .float(size) }
      }
      self.table = table
      fileByteCount = total
      let told = remarks
      attachments = Attachments(metadata: pairs, opaqueItems: opaque.items, remarks: told)
    } catch {
      throw error.located(file: file.path)
    }
  }

  /// A group of variables, and the file that it is in.
  private struct Home: Hashable {
    var group: ByteKey
    var file: ByteKey
  }

  private static func parse(_ file: any ByteSource) throws(CairnError) -> JSONValue {
    guard file.count <= ShardedCheckpoint.maximumIndexByteCount else {
      throw CairnError(
        .headerTooLarge, "the index is larger than is allowed",
        expected: "at most \(ShardedCheckpoint.maximumIndexByteCount) bytes",
        found: "\(file.count)")
    }
    var limits = JSONLimits()
    limits.maximumBytes = file.count
    limits.maximumDepth = 16
    let bytes = try file.withBytes(in: 0..<file.count) { $0.array }
    do throws(JSONError) { return try JSONValue(parsing: bytes.span, limits: limits) } catch {
      throw CairnError(
        .invalidHeader, "the index is no valid JSON: \(error.message)",
        at: .init(offset: UInt64(error.offset)), cause: error)
    }
  }

  /// For each group of variables, the files that hold variables of it.
  private static func homes(_ index: JSONValue) throws(CairnError) -> [ByteKey: [ByteKey]] {
    guard let pairs = index["weight_map"]?.objectValue else {
      throw CairnError(
        .invalidHeader, "the index has no object ‘weight_map’", at: .init(offset: 0),
        expected: "groups of variables with names of files")
    }
    var homes: [ByteKey: [ByteKey]] = [:]
    var names: Set<ByteKey> = []
    for (group, value) in pairs {
      let elements = value.arrayValue ?? [value]
      let files = elements.compactMap(\.stringValue).map { ByteKey($0) }
      guard !files.isEmpty, files.count == elements.count else {
        throw CairnError(
          .invalidHeader, "the index does not give the variables a file",
          at: .init(name: group.excerpt), expected: "a text, or a list of them")
      }
      homes[ByteKey(group)] = files
      names.formUnion(files)
    }
    guard names.count <= ShardedCheckpoint.maximumShardCount else {
      throw CairnError(
        .limitExceeded, "the index names more files than is allowed",
        expected: "at most \(ShardedCheckpoint.maximumShardCount)", found: "\(names.count)")
    }
    return homes
  }
}
