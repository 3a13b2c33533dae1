// Large containers of only numbers and texts, such as a vocabulary or a history of epochs. Each
// becomes one value of the metadata, a JSON text, instead of a path for each of its thousands of
// values.

import CairnCheckpoints
import CairnContainer
import CairnJSON
import CairnSystem

/// What each container of a pickle holds, if it is plain. Plain are truth values, numbers, texts,
/// `None`, and containers of them.
struct PlainContainers {
  /// The number of values that a container would be listed as, by its node; negative for a
  /// container that is not plain or not counted yet.
  private var counts: [Int32]
  private static let unknown: Int32 = -1
  private static let other: Int32 = -2

  /// The most values that are listed under their own paths; a container of more becomes one text.
  static let largestListed: Int32 = 1_024
  /// The most levels of containers within containers in one text.
  static let maximumDepth = 64
  /// The longest text, which depends on the size of the file.
  private let maximumByteCount: Int

  /// No container is walked before it is asked for.
  init(_ content: TorchContent, fileByteCount: Int) throws(CairnError) {
    try content.budget.take(content.nodes.count, of: 4)
    counts = [Int32](repeating: Self.unknown, count: content.nodes.count)
    maximumByteCount = min(8 << 20, fileByteCount.allowance(times: 16, plus: 1 << 16))
  }

  /// Counts the values that the container `value` would be listed as, and those of each container
  /// in it.
  ///
  /// - Complexity: O(items), of all calls together.
  private mutating func count(
    _ value: PickleValue, in content: TorchContent
  ) throws(CairnError) {
    guard let root = value.node, counts.indices.contains(root), counts[root] == Self.unknown else {
      return
    }
    // The open containers, and how many of their items were counted.
    var open = [Open(value, root)]
    // Stays so if the container holds itself: then it is not plain.
    counts[root] = Self.other
    while var last = open.last {
      let before = last.place
      let inner = countOn(&last, in: content)
      try content.budget.take(steps: last.place - before + 1)
      open[open.count - 1] = last
      if let inner, let node = inner.node {
        try content.budget.take(bytes: 64)
        counts[node] = Self.other
        open.append(Open(inner, node))
      } else {
        counts[last.node] = last.sum < 0 ? Self.other : max(1, last.sum)
        open.removeLast()
        if !open.isEmpty { content.budget.giveBack(bytes: 64) }
      }
    }
  }

  /// A container that is being counted.
  private struct Open {
    let node: Int
    let isDictionary: Bool
    var place = 0
    var sum: Int32 = 0

    init(_ value: PickleValue, _ node: Int) {
      self.node = node
      if case .dict = value { isDictionary = true } else { isDictionary = false }
    }
  }

  /// Goes on with a container up to its end, or to an inner container that must be counted first;
  /// the latter is returned.
  private func countOn(_ open: inout Open, in content: TorchContent) -> PickleValue? {
    let items = content.nodes[open.node]
    if content.attributes[open.node] != nil || content.forms[open.node] != nil {
      open.sum = Self.other
    } else if open.place == 0, !open.isDictionary, content.isOfOneKind(items) {
      // It becomes one array of the metadata, whatever its length.
      (open.place, open.sum) = (items.count, 1)
    }
    while open.place < items.count, open.sum >= 0 {
      let item = items[open.place]
      if open.isDictionary, open.place.isMultiple(of: 2) {
        // A key does not count as a value.
      } else if let node = item.node {
        let inner = counts.indices.contains(node) ? counts[node] : Self.other
        if inner == Self.unknown { return item }
        open.sum = inner < 0 ? Self.other : open.sum + min(inner, .max - open.sum)
      } else {
        open.sum = content.isPlain(item) ? open.sum + min(1, .max - open.sum) : Self.other
      }
      open.place += 1
    }
    return nil
  }

  /// Whether a container becomes one text. It must be plain and large. If it is large only because
  /// of a few containers in it that are large by themselves, those become texts instead.
  mutating func isOneText(
    _ value: PickleValue, in content: TorchContent
  ) throws(CairnError) -> Bool {
    try count(value, in: content)
    guard let node = value.node, counts.indices.contains(node), counts[node] > Self.largestListed
    else { return false }
    try content.budget.take(steps: content.nodes[node].count)
    var left = counts[node]
    var large = 0
    for item in content.nodes[node] {
      guard let child = item.node, counts.indices.contains(child),
        counts[child] > Self.largestListed
      else { continue }
      left -= min(left, counts[child])
      large += 1
      guard large <= 64 else { return true }
    }
    return left > Self.largestListed
  }

  /// The number of values that a container that is one text would be listed as.
  func valueCount(_ node: Int) -> Int {
    counts.indices.contains(node) ? Int(max(0, counts[node])) : 0
  }

  /// The JSON text of a container, as Python's `json.dumps` would write it: keys that are not text
  /// as their spelling, tuples and sets as lists, numbers that JSON does not have as Python's
  /// words.
  ///
  /// - Returns: Nil for a container that has no such text: it is nested too deep, or two keys have
  ///   the same spelling.
  /// - Throws: `limitExceeded` for a text that is longer than is allowed; `overBudget`.
  func text(
    of value: PickleValue, in content: TorchContent
  ) throws(CairnError) -> String? {
    var bytes: [UInt8] = []
    let isWhole: Bool
    do throws(CairnError) { isWhole = try append(value, 0, content, &bytes) } catch {
      try content.budget.take(steps: bytes.count)
      throw error
    }
    // The same container may be asked for again and again.
    try content.budget.take(steps: bytes.count)
    return isWhole ? String(decoding: bytes, as: UTF8.self) : nil
  }

  private func append(
    _ node: Int, _ isDictionary: Bool, _ depth: Int, _ content: TorchContent,
    _ bytes: inout [UInt8]
  ) throws(CairnError) -> Bool {
    guard depth < Self.maximumDepth else { return false }
    let items = content.nodes[node]
    try content.budget.take(steps: items.count)
    guard isDictionary else {
      bytes.append(UInt8(ascii: "["))
      for (place, item) in items.enumerated() {
        if place > 0 { bytes.append(UInt8(ascii: ",")) }
        guard try append(item, depth, content, &bytes) else { return false }
      }
      bytes.append(UInt8(ascii: "]"))
      return true
    }
    let places =
      try content.lastPlaces(items) ?? Array(stride(from: 0, to: items.count - 1, by: 2))
    var keys = Set<ByteKey>()
    try content.budget.take(places.count, of: 64)
    bytes.append(UInt8(ascii: "{"))
    for (number, place) in places.enumerated() {
      guard let key = content.jsonKey(items[place]), keys.insert(ByteKey(key)).inserted else {
        return false
      }
      if number > 0 { bytes.append(UInt8(ascii: ",")) }
      try append(.string(String(decoding: key, as: UTF8.self)), &bytes)
      bytes.append(UInt8(ascii: ":"))
      guard try append(items[place + 1], depth, content, &bytes) else { return false }
    }
    content.budget.giveBack(bytes: places.count * 64)
    bytes.append(UInt8(ascii: "}"))
    return true
  }

  private func append(
    _ value: PickleValue, _ depth: Int, _ content: TorchContent, _ bytes: inout [UInt8]
  ) throws(CairnError) -> Bool {
    switch value {
    case .list(let node), .tuple(let node), .set(let node):
      return try append(node, false, depth + 1, content, &bytes)
    case .dict(let node): return try append(node, true, depth + 1, content, &bytes)
    case .none: bytes += "null".utf8
    case .int(let number): bytes += "\(number)".utf8
    case .bool(let bit): bytes += (bit ? "true" : "false").utf8
    case .bigInteger(let place):
      // Integers with very many digits are kept in hexadecimal, not in decimal.
      guard let digits = content.bytes(place).last, digits != UInt8(ascii: "x"),
        content.bytes(place).allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2D })
      else { return false }
      bytes += content.bytes(place)
    case .float(let number): try append(.double(number), &bytes)
    case .text(let place):
      guard let text = String(validating: content.bytes(place), as: UTF8.self) else { return false }
      try append(.string(text), &bytes)
    case .global(let number): try append(.string(content.names[number]), &bytes)
    default: return false
    }
    guard bytes.count <= maximumByteCount else {
      throw CairnError(
        .limitExceeded, "its values are more text than is kept (\(maximumByteCount) bytes)")
    }
    return true
  }

  private func append(_ value: JSONValue, _ bytes: inout [UInt8]) throws(CairnError) {
    do throws(JSONError) {
      bytes += try value.utf8(.compact, allowNonFiniteNumbers: true)
    } catch {
      throw CairnError(.limitExceeded, error.message, cause: error)
    }
  }
}

extension TorchContent {
  /// Whether a value that is not a container can be in a JSON text.
  fileprivate func isPlain(_ value: PickleValue) -> Bool {
    switch value {
    case .none, .bool, .int, .float, .text, .bigInteger, .global: true
    // Only as a key, since Python 2 has keys as bytes. As a value they cannot be kept.
    case .bytes: true
    default: false
    }
  }

  /// Whether a list of these is one array of the metadata.
  fileprivate func isOfOneKind(_ items: [PickleValue]) -> Bool {
    guard let first = items.first else { return true }
    return items.allSatisfy { (item) -> Bool in
      switch (first, item) {
      case (.bool, .bool), (.int, .int), (.float, .float), (.text, .text), (.bytes, .bytes): true
      default: false
      }
    }
  }

  /// The whole spelling of a key.
  fileprivate func jsonKey(_ value: PickleValue) -> [UInt8]? {
    guard case .text(let place) = value else { return spelling(value)?.text }
    guard String(validating: bytes(place), as: UTF8.self) != nil else { return nil }
    return Array(bytes(place))
  }
}
