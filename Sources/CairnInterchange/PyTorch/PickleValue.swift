// What a pickle builds, as far as it is allowed to build anything.

/// A value in a pickle. Containers are numbers of nodes in the machine's own list, not references: a
/// chain of a million of them is no deep recursion when it is let go, and a cycle is no leak.
enum PickleValue: Hashable {
  case none
  case bool(Bool)
  case int(Int64)
  case float(Double)
  case text(String)
  case bytes([UInt8])
  case list(Int)
  case tuple(Int)
  case dict(Int)
  /// A name that the pickle mentions: `torch.FloatStorage`. It is never looked up.
  case global(String)
  case storage(Int)
  case tensor(Int)
}

/// A block of numbers that a checkpoint names.
struct TorchStorage: Hashable {
  var key: String
  /// `torch.FloatStorage` …
  var type: String
  var elementCount: Int
}

/// A tensor that a pickle describes: a view of a storage.
struct TorchTensor: Hashable {
  var storage: Int
  /// Where it begins, in elements.
  var offset: Int
  var dimensions: [Int]
  /// In elements.
  var strides: [Int]
  /// `torch.float8_e4m3fn` …, where the storage does not say it.
  var dtype: String?
}

/// Everything that a pickle has built.
struct PickleContent {
  var root = PickleValue.none
  /// The elements of lists and tuples; keys and values in turn of dictionaries.
  var nodes: [[PickleValue]] = []
  /// What was set on a dictionary beside its items, by its node: `_metadata` of state dictionaries.
  var attributes: [Int: PickleValue] = [:]
  var storages: [TorchStorage] = []
  var tensors: [TorchTensor] = []
  /// Items that were copied from lists into dictionaries: one list may be given many times.
  var copied = 0
  static let maximumCopied = 1 << 20

  func items(_ value: PickleValue) -> [PickleValue]? {
    switch value {
    case .list(let node), .tuple(let node), .dict(let node): nodes[node]
    default: nil
    }
  }

  /// The integers of a tuple or list, none of them negative.
  func sizes(_ value: PickleValue) -> [Int]? {
    guard case .tuple(let node) = value else {
      guard case .list(let node) = value else { return nil }
      return sizes(.tuple(node))
    }
    // More dimensions than any tensor has are not gone through, however often they are recalled.
    guard nodes[node].count <= 64 else { return nil }
    var sizes: [Int] = []
    for item in nodes[node] {
      guard case .int(let size) = item, size >= 0 else { return nil }
      sizes.append(Int(size))
    }
    return sizes
  }
}
