// The index of a sharded checkpoint: JSON from an untrusted file.

import CairnCheckpoints
import CairnContainer
import CairnJSON
import CairnSystem
import CairnTensors

/// What an index contains.
struct ShardIndex {
  /// Names of tensors and the numbers of the files that they are in, in the order of the index.
  private(set) var map: [(name: TensorName, shard: Int)] = []
  /// The files, each once, in the order in which they are first named.
  private(set) var shards: [InnerPath] = []
  private(set) var metadata: [(key: TensorName, value: MetadataValue)] = []
  /// The members of the index besides `metadata` and `weight_map`.
  private(set) var others: [(key: TensorName, value: MetadataValue)] = []
  /// Names and keys that are not valid.
  private(set) var opaque = OpaqueItems()

  /// Reads an index.
  ///
  /// - Throws: `headerTooLarge`, `invalidHeader`, `duplicateName`, `invalidPath`, `limitExceeded`,
  ///   `overBudget`.
  init(_ file: any ByteSource) throws(CairnError) {
    do throws(CairnError) {
      try read(file)
    } catch {
      throw error.located(file: file.path)
    }
  }

  private mutating func read(_ file: any ByteSource) throws(CairnError) {
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
    try readMap(pairs, budget: .index(ofFile: file.count))
    metadata = try keyValues(root["metadata"]?.objectValue ?? [:])
    var rest = root.objectValue ?? [:]
    rest["weight_map"] = nil
    // If `metadata` is not an object, it is kept as a member like others.
    if rest["metadata"]?.objectValue != nil || rest["metadata"] == .null { rest["metadata"] = nil }
    others = try keyValues(rest)
  }

  private mutating func keyValues(
    _ pairs: JSONObject
  ) throws(CairnError) -> [(key: TensorName, value: MetadataValue)] {
    var list: [(key: TensorName, value: MetadataValue)] = []
    for pair in pairs {
      guard let key = try? TensorName(pair.key) else {
        try opaque.add(Array(pair.key.utf8), "metadata", "its key is empty, too long or no text")
        continue
      }
      list.append((key, try Self.value(pair.value)))
    }
    return list
  }

  private mutating func readMap(_ pairs: JSONObject, budget: Budget) throws(CairnError) {
    var known: [ByteKey: Int] = [:]
    var numbers: [InnerPath: Int] = [:]
    for pair in pairs {
      try budget.takeTensor(nameByteCount: pair.key.utf8.count)
      guard case .string(let text) = pair.value else {
        throw CairnError(
          .invalidHeader, "the index does not give the tensor a file", at: .init(name: pair.key),
          expected: "a text", found: pair.value.kind)
      }
      let spelling = ByteKey(text)
      let shard: Int
      if let number = known[spelling] {
        shard = number
      } else {
        // ‘./model’ and ‘model’ are one file.
        let path: InnerPath
        do throws(CairnError) { path = try InnerPath(text) } catch {
          throw error.located(name: pair.key)
        }
        shard = numbers[path] ?? shards.count
        known[spelling] = shard
        if shard == shards.count {
          guard shards.count < ShardedCheckpoint.maximumShardCount else {
            throw CairnError(
              .limitExceeded, "the index names more files than is allowed",
              expected: "at most \(ShardedCheckpoint.maximumShardCount)")
          }
          numbers[path] = shard
          shards.append(path)
        }
      }
      guard let name = try? TensorName(pair.key) else {
        try opaque.add(
          Array(pair.key.utf8), "tensor",
          "its name is empty, too long or holds a control character")
        continue
      }
      map.append((name, shard))
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
