// The ordered key-value list behind a JSON object.
//
// A safetensors header is one object with a key for each tensor, tens of thousands of them, from a
// stranger. Looking up a key must not take longer in a larger object, and nobody must be able to
// choose keys that make it so. Hence a hash table over the keys' bytes with Swift's per-process
// seed. `String`'s own hash would not do: it is equal for all canonically equivalent spellings of a
// key, and there are factorially many.

/// The members of a JSON object: keys and values in the order of appearance or insertion.
///
/// Keys are unique by their UTF-8 bytes. Two keys that `String` calls equal because they are
/// canonically equivalent, but whose bytes differ, are two keys here, and both are kept.
///
/// Two objects are equal if they have the same members in whatever order, as RFC 8259 §4 has it;
/// compare arrays of the elements, or compact texts, where the order counts.
public struct JSONObject: Sendable {
  /// The members in order.
  private var members: [(key: String, value: JSONValue)] = []

  /// Finds a key's place in `members`; empty as long as the object has at most
  /// `greatestScanned` members, because a scan is then faster and the table would cost memory.
  private var table = KeyTable()

  private static let greatestScanned = 24

  /// An object without members.
  public init() {}

  /// An object of pairs in their order.
  ///
  /// - Precondition: no key occurs twice.
  init(uniquePairs: [(String, JSONValue)]) {
    for (key, value) in uniquePairs {
      let isNew = append(newKey: key, value)
      precondition(isNew, "a key occurs twice in a dictionary literal")
    }
  }

  /// The value at a key, or nil if there is no such key.
  ///
  /// Setting a value at a present key keeps its place; at a new key it appends. Setting nil removes
  /// the member (write `.null` to set a `null`).
  ///
  /// - Complexity: O(length of the key) expected; removal O(*n*) in the number of members.
  public subscript(key: String) -> JSONValue? {
    get {
      if let position = position(of: key) { members[position].value } else { nil }
    }
    set {
      guard let newValue else {
        remove(key)
        return
      }
      if let position = position(of: key) {
        members[position].value = newValue
      } else if members.count < Self.greatestScanned {
        // Without looking for the key once more.
        members.append((key, newValue))
      } else {
        append(newKey: key, newValue)
      }
    }
  }

  /// Appends a member unless its key is present already, and returns whether it did.
  @discardableResult
  mutating func append(newKey key: String, _ value: JSONValue) -> Bool {
    if members.count < Self.greatestScanned {
      if position(of: key) != nil { return false }
    } else {
      if table.isEmpty { indexKeys() }
      let hash = KeyTable.hash(key)
      if position(of: key, hash: hash) != nil { return false }
      table.insert(hash: hash, position: members.count)
    }
    members.append((key, value))
    return true
  }

  /// Sets the value of the member that was appended last.
  mutating func setLast(_ value: JSONValue) {
    members[members.count - 1].value = value
  }

  private mutating func remove(_ key: String) {
    guard let position = position(of: key) else { return }
    members.remove(at: position)
    table = KeyTable()
    if members.count > Self.greatestScanned { indexKeys() }
  }

  private mutating func indexKeys() {
    for (position, member) in members.enumerated() {
      table.insert(hash: KeyTable.hash(member.key), position: position)
    }
  }

  private func position(of key: String) -> Int? {
    if table.isEmpty {
      members.firstIndex { $0.key.hasSameBytes(as: key) }
    } else {
      position(of: key, hash: KeyTable.hash(key))
    }
  }

  private func position(of key: String, hash: UInt32) -> Int? {
    table.position(hash: hash) { members[$0].key.hasSameBytes(as: key) }
  }
}

extension JSONObject: RandomAccessCollection {
  /// The position of the first member: 0.
  public var startIndex: Int { 0 }

  /// The position after the last member: their number.
  public var endIndex: Int { members.count }

  /// The member at a position.
  ///
  /// - Precondition: the position is at least 0 and less than ``endIndex``.
  public subscript(position: Int) -> (key: String, value: JSONValue) { members[position] }
}

extension JSONObject: Hashable {
  /// Whether the two have the same members, in whatever order.
  ///
  /// - Complexity: O(*n*) expected.
  public static func == (left: JSONObject, right: JSONObject) -> Bool {
    guard left.count == right.count else { return false }
    for (position, member) in left.members.enumerated() {
      // Most often the order is the same, and no key need be looked up.
      let twin = right.members[position]
      if twin.key.hasSameBytes(as: member.key) {
        if twin.value != member.value { return false }
      } else if right[member.key] != member.value {
        return false
      }
    }
    return true
  }

  /// Feeds the members to the hasher in a way that doesn't depend on their order.
  public func hash(into hasher: inout Hasher) {
    var sum = 0
    for member in members {
      var own = Hasher()
      member.key.hashBytes(into: &own)
      own.combine(member.value)
      sum &+= own.finalize()
    }
    hasher.combine(members.count)
    hasher.combine(sum)
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  /// An object with the members of the literal in their order.
  ///
  /// - Precondition: no key occurs twice.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self.init(uniquePairs: elements)
  }
}

extension JSONObject: CustomStringConvertible {
  /// The compact text; for messages and debugging.
  public var description: String { JSONValue.object(self).description }
}
