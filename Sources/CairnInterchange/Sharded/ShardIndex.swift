// The index of a sharded checkpoint: JSON from a stranger.

import CairnFormat
import CairnJSON
import CairnSystem
import CairnTensors

/// What an index says.
struct ShardIndex {
  /// Names of tensors and of the files that they are in, in the order of the index.
  private(set) var map: [(name: TensorName, shard: String)] = []
  /// The files, each once, in the order in which they are named first.
  private(set) var shardNames: [String] = []
  private(set) var metadata: [(key: Metadata.Key, value: MetadataValue)] = []

  /// Reads an index.
  ///
  /// - Throws: `headerTooLarge`, `invalidHeader`, `duplicateName`, `invalidName`, `limitExceeded`.
  init(_ file: FileBytes) throws(CairnError) {
    do throws(CairnError) {
      try read(file)
    } catch {
      throw error.located(file: file.path)
    }
  }

  private mutating func read(_ file: FileBytes) throws(CairnError) {
    guard file.count <= ShardedCheckpoint.maximumIndexByteCount else {
      throw CairnError(
        .headerTooLarge, "the index is larger than is allowed",
        expected: "at most \(ShardedCheckpoint.maximumIndexByteCount) bytes", found: "\(file.count)"
      )
    }
    let bytes = try file.withBytes(in: 0..<file.count) { $0.array }
    var limits = JSONLimits()
    limits.maximumBytes = file.count
    limits.maximumDepth = 16
    let root: JSONValue
    do throws(JSONError) { root = try JSONValue(parsing: bytes.span, limits: limits) } catch {
      throw CairnError(
        error.code == .duplicateKey ? .duplicateName : .invalidHeader,
        "the index is no valid JSON: \(error.message)",
        at: .init(offset: UInt64(error.offset)), cause: error)
    }
    guard let pairs = root["weight_map"]?.objectValue else {
      throw CairnError(
        .invalidHeader, "the index has no object ‘weight_map’", at: .init(offset: 0),
        expected: "names of tensors with names of files")
    }
    var known = Set<String>()
    for pair in pairs {
      let name = try TensorName(pair.key)
      guard let shard = pair.value.stringValue else {
        throw CairnError(
          .invalidHeader, "the index does not give the tensor a file",
          at: .init(name: name.string), expected: "a text", found: pair.value.kind)
      }
      map.append((name, shard))
      if known.insert(shard).inserted { shardNames.append(shard) }
    }
    guard shardNames.count <= ShardedCheckpoint.maximumShardCount else {
      throw CairnError(
        .limitExceeded, "the index names more files than is allowed",
        expected: "at most \(ShardedCheckpoint.maximumShardCount)", found: "\(shardNames.count)")
    }
    for pair in root["metadata"]?.objectValue ?? [:] {
      metadata.append((try Metadata.Key(pair.key), try Self.value(pair.value)))
    }
  }

  /// A value of the metadata; what is nested is kept as its JSON text.
  private static func value(_ value: JSONValue) throws(CairnError) -> MetadataValue {
    switch value {
    case .bool(let value): return .bool(value)
    case .integer(let value): return .int(value)
    case .unsigned(let value): return .uint(value)
    case .double(let value): return .float(value)
    case .string(let value): return .string(value)
    case .null, .array, .object:
      do throws(JSONError) { return .string(try value.text(.compact)) } catch {
        throw CairnError(.invalidHeader, "cannot keep the index's metadata: \(error.message)")
      }
    }
  }
}
