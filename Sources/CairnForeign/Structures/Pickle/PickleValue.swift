// What a pickle builds, within what it is allowed to build.

import CairnSystem

/// A part of the pool that holds the bytes of a pickle's texts.
struct PickleBytes: Hashable {
  var start: UInt32
  var count: UInt32
}

/// A value in a pickle, of 16 bytes. A container is the number of a node in a list of nodes, not a
/// reference. So freeing a chain of a million containers is no deep recursion, and a cycle is no
/// leak.
enum PickleValue: Hashable {
  case none
  case bool(Bool)
  case int(Int64)
  /// An integer that does not fit `Int64`: its decimal digits, or `0x…` if there are too many.
  case bigInteger(PickleBytes)
  case float(Double)
  /// The number of a pair of floats.
  case complex(Int)
  /// UTF-8, perhaps with lone surrogates, as in Python.
  case text(PickleBytes)
  case bytes(PickleBytes)
  case list(Int)
  case tuple(Int)
  case set(Int)
  case dict(Int)
  /// A name that the pickle mentions: `builtins.set`. It is never looked up.
  case global(Int)
  /// The value of a persistent identifier, by the number that the format gave it.
  case reference(Int)
  /// The result of a call that the format knows, by the number that the format gave it.
  case made(Int)
  /// An object that only a call could make; the call is never made.
  case opaque(Int)

  /// The node of a container.
  var node: Int? {
    switch self {
    case .list(let node), .tuple(let node), .set(let node), .dict(let node): node
    default: nil
    }
  }
}

/// An object that a pickle asks to be made by calling something.
struct OpaqueObject {
  /// The number of the class's or function's name.
  var name: Int
  /// The arguments of that call.
  var arguments: PickleValue
  /// The states to be set on it, in that order.
  var states: [PickleValue] = []
  /// The node of a list of the items that were appended to it.
  var items: Int?
  /// The node of a dictionary of the entries that were set in it.
  var entries: Int?
  /// The value that the format made of it when its state became known.
  var resolved: PickleValue?
}

/// Everything that a pickle has built.
struct PickleContent<Format: PickleFormat> {
  var root = PickleValue.none
  /// The elements of lists, tuples and sets; for dictionaries, keys and values in turn.
  var nodes: [[PickleValue]] = []
  /// What was set on a container besides its items, by its node: `_metadata` of state dictionaries.
  var attributes: [Int: [PickleValue]] = [:]
  /// Containers that stand for something else, and what that is.
  var forms: [Int: String] = [:]
  /// What the format keeps of its own.
  var format = Format()
  var objects: [OpaqueObject] = []
  private(set) var complexes: [(real: Double, imaginary: Double)] = []
  private(set) var names: [String] = []
  private var nameNumbers: [ByteKey: Int] = [:]
  private(set) var pool: [UInt8] = []
  /// The budget for everything that is made from the file.
  let budget: Budget

  init(_ budget: Budget) { self.budget = budget }

  // MARK: - Texts

  /// Keeps bytes.
  mutating func keep(_ bytes: [UInt8]) throws(CairnError) -> PickleBytes {
    try budget.take(bytes: bytes.count)
    guard let start = UInt32(exactly: pool.count), let count = UInt32(exactly: bytes.count) else {
      throw CairnError(.overBudget, "the pickle has more text than is allowed")
    }
    pool += bytes
    return PickleBytes(start: start, count: count)
  }

  /// The bytes at a place in the pool.
  func bytes(_ place: PickleBytes) -> ArraySlice<UInt8> {
    pool[Int(place.start)..<Int(place.start) + Int(place.count)]
  }

  /// The text at a place in the pool; bytes that are not UTF-8 are replaced.
  func string(_ place: PickleBytes) -> String { String(decoding: bytes(place), as: UTF8.self) }

  /// The text of a value, if it is no longer than names are. Python 2 has such texts as bytes.
  func text(_ value: PickleValue) -> String? {
    switch value {
    // A longer text could be asked for many times.
    case .text(let place), .bytes(let place): place.count <= 256 ? string(place) : nil
    default: nil
    }
  }

  /// Whether a value is a given text.
  func isText(_ value: PickleValue, _ text: StaticString) -> Bool {
    guard case .text(let place) = value else {
      guard case .bytes(let place) = value else { return false }
      return isText(.text(place), text)
    }
    return Int(place.count) == text.utf8CodeUnitCount
      && bytes(place).elementsEqual("\(text)".utf8)
  }

  // MARK: - Names

  /// The number of a name.
  mutating func name(_ name: String) throws(CairnError) -> Int {
    let key = ByteKey(name)
    if let known = nameNumbers[key] { return known }
    try budget.take(bytes: 160 + key.bytes.count)
    nameNumbers[key] = names.count
    names.append(name)
    return names.count - 1
  }

  /// The name that a value stands for, if it is one.
  func name(_ value: PickleValue) -> String? {
    guard case .global(let number) = value else { return nil }
    return names[number]
  }

  // MARK: - Nodes

  /// A new node of `items`.
  mutating func node(_ items: [PickleValue]) throws(CairnError) -> Int {
    // The node's place in the growing list of nodes; for an array also its header and the rounding
    // of its block.
    try budget.take(bytes: items.isEmpty ? 16 : 64)
    try budget.take(items.count, of: MemoryLayout<PickleValue>.stride)
    nodes.append(items)
    return nodes.count - 1
  }

  /// A new node with the items of another, in memory of its own. If two nodes shared memory,
  /// appending to one would copy it each time.
  mutating func copy(_ node: Int) throws(CairnError) -> Int {
    try budget.take(nodes[node].count, of: 2 * MemoryLayout<PickleValue>.stride)
    return try self.node(nodes[node].map { $0 })
  }

  mutating func append(_ items: [PickleValue], to node: Int) throws(CairnError) {
    try budget.take(items.count, of: MemoryLayout<PickleValue>.stride)
    if nodes[node].isEmpty { nodes[node] = items } else { nodes[node] += items }
  }

  /// A dictionary with texts as keys that stands for a thing of kind `form`.
  mutating func record(
    _ form: String, _ pairs: [(key: String, value: PickleValue)]
  ) throws(CairnError) -> PickleValue {
    var items: [PickleValue] = []
    for (key, value) in pairs { items += [.text(try keep(Array(key.utf8))), value] }
    let node = try node(items)
    forms[node] = form
    return .dict(node)
  }

  func items(_ value: PickleValue) -> [PickleValue]? { value.node.map { nodes[$0] } }

  /// The integers of a tuple or list, none of them negative.
  func sizes(_ value: PickleValue) -> [Int]? {
    let node: Int
    switch value {
    case .tuple(let number), .list(let number): node = number
    default: return nil
    }
    // More dimensions than any tensor has are not walked: they could be asked for many times.
    guard nodes[node].count <= 64 else { return nil }
    var sizes: [Int] = []
    for item in nodes[node] {
      guard case .int(let size) = item, size >= 0 else { return nil }
      sizes.append(Int(size))
    }
    return sizes
  }

  // MARK: - Numbers, objects

  mutating func complex(_ real: Double, _ imaginary: Double) throws(CairnError) -> PickleValue {
    try budget.take(bytes: 16)
    complexes.append((real, imaginary))
    return .complex(complexes.count - 1)
  }

  mutating func opaque(_ name: Int, _ arguments: PickleValue) throws(CairnError) -> PickleValue {
    try budget.take(bytes: 96)
    objects.append(OpaqueObject(name: name, arguments: arguments))
    return .opaque(objects.count - 1)
  }
}
