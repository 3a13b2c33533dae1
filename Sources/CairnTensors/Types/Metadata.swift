// Typed key-values about a whole checkpoint. FORMAT.md, "Metadata".

/// A value of the metadata: a scalar or a homogeneous array, never nested.
public enum MetadataValue: Hashable, Sendable {
  /// One truth value.
  case bool(Bool)
  /// One signed number.
  case int(Int64)
  /// One unsigned number.
  case uint(UInt64)
  /// One floating-point number, kept to the bit.
  case float(Double)
  /// One text.
  case string(String)
  /// Any bytes.
  case bytes([UInt8])
  /// Truth values.
  case bools([Bool])
  /// Signed numbers.
  case ints([Int64])
  /// Unsigned numbers.
  case uints([UInt64])
  /// Floating-point numbers.
  case floats([Double])
  /// Texts.
  case strings([String])
  /// Byte strings.
  case byteStrings([[UInt8]])

  /// Whether the two are the same to the bit: texts by their UTF-8, numbers by their patterns.
  public static func == (left: Self, right: Self) -> Bool {
    switch (left, right) {
    case (.bool(let a), .bool(let b)): a == b
    case (.int(let a), .int(let b)): a == b
    case (.uint(let a), .uint(let b)): a == b
    case (.float(let a), .float(let b)): a.bitPattern == b.bitPattern
    case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
    case (.bytes(let a), .bytes(let b)): a == b
    case (.bools(let a), .bools(let b)): a == b
    case (.ints(let a), .ints(let b)): a == b
    case (.uints(let a), .uints(let b)): a == b
    case (.floats(let a), .floats(let b)): a.map(\.bitPattern) == b.map(\.bitPattern)
    case (.strings(let a), .strings(let b)):
      a.count == b.count && zip(a, b).allSatisfy { $0.utf8.elementsEqual($1.utf8) }
    case (.byteStrings(let a), .byteStrings(let b)): a == b
    default: false
    }
  }

  /// Hashes what `==` compares.
  public func hash(into hasher: inout Hasher) {
    switch self {
    case .bool(let value): hasher.combine(value)
    case .int(let value): hasher.combine(value)
    case .uint(let value): hasher.combine(value)
    case .float(let value): hasher.combine(value.bitPattern)
    case .string(let value): hasher.combine(Array(value.utf8))
    case .bytes(let value): hasher.combine(value)
    case .bools(let values): hasher.combine(values)
    case .ints(let values): hasher.combine(values)
    case .uints(let values): hasher.combine(values)
    case .floats(let values): hasher.combine(values.map(\.bitPattern))
    case .strings(let values): hasher.combine(values.map { Array($0.utf8) })
    case .byteStrings(let values): hasher.combine(values)
    }
  }
}

/// TensorName-values with unique keys, kept in ascending order of the keys' bytes. Keys follow the rules of tensor names.
public struct Metadata: Hashable, Sendable {
  private var pairs: [(key: TensorName, value: MetadataValue)] = []

  /// No key-values.
  public init() {}

  /// Those pairs in any order; if several have the same key, the last one counts.
  ///
  /// - Complexity: O(n log n), where adding them one by one would take O(n²).
  public init(_ pairs: some Sequence<(key: TensorName, value: MetadataValue)>) {
    let pairs = Array(pairs)
    // The first bytes of the keys beside their places: most comparisons need no more.
    let order = pairs.enumerated().map { (start: $1.key.start, index: $0) }.sorted { left, right in
      if left.start != right.start { return left.start < right.start }
      let (a, b) = (pairs[left.index].key, pairs[right.index].key)
      return a == b ? left.index < right.index : a < b
    }
    self.pairs.reserveCapacity(pairs.count)
    for (_, index) in order {
      if self.pairs.last?.key == pairs[index].key { self.pairs.removeLast() }
      self.pairs.append(pairs[index])
    }
  }

  /// The number of keys.
  public var count: Int { pairs.count }
  /// Whether there are no keys.
  public var isEmpty: Bool { pairs.isEmpty }
  /// The keys, ascending.
  public var keys: [TensorName] { pairs.map(\.key) }

  private func position(of key: TensorName) -> (index: Int, found: Bool) {
    var low = 0
    var high = pairs.count
    while low < high {
      let middle = (low + high) / 2
      if pairs[middle].key < key { low = middle + 1 } else { high = middle }
    }
    return (low, low < pairs.count && pairs[low].key == key)
  }

  /// The value of `key`; assigning nil removes it.
  ///
  /// - Complexity: O(log n) to read, O(n) to add or remove.
  public subscript(key: TensorName) -> MetadataValue? {
    get {
      let (index, found) = position(of: key)
      return found ? pairs[index].value : nil
    }
    set {
      let (index, found) = position(of: key)
      switch (found, newValue) {
      case (true, let value?): pairs[index].value = value
      case (true, nil): pairs.remove(at: index)
      case (false, let value?): pairs.insert((key, value), at: index)
      case (false, nil): break
      }
    }
  }

  /// Whether the two hold the same keys with the same values, to the bit.
  public static func == (left: Self, right: Self) -> Bool {
    left.pairs.count == right.pairs.count
      && zip(left.pairs, right.pairs).allSatisfy { $0.key == $1.key && $0.value == $1.value }
  }

  /// Hashes what `==` compares.
  public func hash(into hasher: inout Hasher) {
    for pair in pairs {
      hasher.combine(pair.key)
      hasher.combine(pair.value)
    }
  }
}

extension Metadata: Sequence {
  /// The pairs in ascending order of their keys.
  public func makeIterator() -> IndexingIterator<[(key: TensorName, value: MetadataValue)]> {
    pairs.makeIterator()
  }
}
