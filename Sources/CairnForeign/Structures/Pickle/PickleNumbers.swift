// Python's integers of any size, and the spelling of values that are keys.

import CairnSystem

/// Integers that do not fit a machine word.
enum PickleNumbers {
  /// Integers with more digits are not converted to decimal, because the time grows with the square
  /// of their number. Python has the same bound.
  static let maximumDigits = 4_300

  /// The integer of little-endian bytes in two's complement: as a number, or as text if it is too
  /// large.
  static func integer(_ bytes: [UInt8]) -> (value: Int64?, text: [UInt8]) {
    let isNegative = bytes.last.map { $0 >= 0x80 } ?? false
    var count = bytes.count
    // Skip bytes that only repeat the sign.
    while count > 0, bytes[count - 1] == (isNegative ? 0xFF : 0),
      count == 1 || (bytes[count - 2] >= 0x80) == isNegative
    {
      count -= 1
    }
    guard count > 8 else {
      var value: Int64 = isNegative ? -1 : 0
      for byte in bytes[..<count].reversed() { value = value << 8 | Int64(byte) }
      return (value, [])
    }
    var magnitude = Array(bytes[..<count])
    if isNegative {
      var carry = 1
      for place in magnitude.indices {
        let sum = Int(~magnitude[place]) + carry
        magnitude[place] = UInt8(truncatingIfNeeded: sum)
        carry = sum >> 8
      }
    }
    let sign: [UInt8] = isNegative ? [UInt8(ascii: "-")] : []
    guard magnitude.count * 5 / 2 <= maximumDigits else {
      return (nil, sign + Array("0x".utf8) + Array(Array(magnitude.reversed()).hexDigits.utf8))
    }
    return (nil, sign + decimal(magnitude))
  }

  private static func decimal(_ magnitude: [UInt8]) -> [UInt8] {
    var rest = Array(magnitude.reversed())
    var digits: [UInt8] = []
    while let first = rest.firstIndex(where: { $0 != 0 }) {
      rest.removeFirst(first)
      // Nine digits at a time.
      var remainder: UInt64 = 0
      for place in rest.indices {
        let value = remainder << 8 | UInt64(rest[place])
        rest[place] = UInt8(truncatingIfNeeded: value / 1_000_000_000)
        remainder = value % 1_000_000_000
      }
      for _ in 0..<9 {
        digits.append(UInt8(ascii: "0") + UInt8(remainder % 10))
        remainder /= 10
      }
    }
    while digits.count > 1, digits.last == UInt8(ascii: "0") { digits.removeLast() }
    return digits.isEmpty ? [UInt8(ascii: "0")] : digits.reversed()
  }

  /// The integer that decimal digits spell, as text if it does not fit `Int64`; nil if they spell
  /// none.
  static func integer(spelt line: [UInt8]) -> (value: Int64?, text: [UInt8])? {
    var digits = line[...]
    if digits.last == UInt8(ascii: "L") { digits.removeLast() }
    let isNegative = digits.first == UInt8(ascii: "-")
    if isNegative || digits.first == UInt8(ascii: "+") { digits.removeFirst() }
    guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    let significant = Array(digits.drop { $0 == UInt8(ascii: "0") })
    let text = (isNegative && !significant.isEmpty ? [UInt8(ascii: "-")] : []) + significant
    if significant.isEmpty { return (0, []) }
    if let value = Int64(String(decoding: text, as: UTF8.self)) { return (value, []) }
    return (nil, text)
  }
}

extension PickleContent {
  /// How a value is spelt as a key, and a kind that tells it apart from other values of the same
  /// spelling.
  ///
  /// Texts are their own spelling. Numbers and the like are spelt as in Python, and tuples of them
  /// in parentheses. Nil for what has no spelling: containers, tensors, objects.
  func spelling(_ value: PickleValue, depth: Int = 0) -> (kind: UInt8, text: [UInt8])? {
    switch value {
    case .none: return (0, Array("None".utf8))
    // Python takes 1, 1.0 and True for the same key.
    case .bool(let value):
      return depth == 0 ? (1, Array((value ? "True" : "False").utf8)) : (1, [value ? 0x31 : 0x30])
    case .int(let value): return (1, Array("\(value)".utf8))
    case .bigInteger(let place): return (1, Array(bytes(place).prefix(1_000)))
    case .float(let value):
      if let whole = Int64(exactly: value) { return (1, Array("\(whole).0".utf8)) }
      return (1, Array("\(value)".utf8))
    case .complex(let number):
      let value = complexes[number]
      return (2, Array("(\(value.real)+\(value.imaginary)j)".utf8))
    case .text(let place):
      // One text may be the key of many dictionaries, and no name is longer than this.
      guard place.count > 1_024 else { return (3, Array(bytes(place))) }
      let start = String(decoding: bytes(place).prefix(800), as: UTF8.self)
      return (3, Array("\(start)…\(place.count)".utf8))
    case .bytes(let place):
      // Python 2's texts are bytes.
      let bytes = Array(bytes(place).prefix(400))
      let isPlain = bytes.allSatisfy { (0x20..<0x7F).contains($0) }
      return (4, isPlain ? bytes : Array("0x".utf8) + Array(bytes.hexDigits.utf8))
    case .global(let number): return (5, Array(names[number].utf8))
    case .tuple(let node):
      guard depth < 4, nodes[node].count <= 64 else { return nil }
      var text: [UInt8] = [UInt8(ascii: "(")]
      for (place, item) in nodes[node].enumerated() {
        guard let part = spelling(item, depth: depth + 1), text.count < 1_024 else { return nil }
        text += (place == 0 ? [] : Array(", ".utf8)) + part.text
      }
      return (6, text + [UInt8(ascii: ")")])
    default: return nil
    }
  }

  /// The identity of a key: Python takes keys with the same identity for one key.
  func identity(_ value: PickleValue) -> ByteKey? {
    switch value {
    case .bool(let bit): return ByteKey([1] + Array((bit ? "1" : "0").utf8))
    case .float(let number):
      if let whole = Int64(exactly: number) { return ByteKey([1] + Array("\(whole)".utf8)) }
    case .tuple: return nil
    case .text(let place), .bytes(let place):
      if place.count > 400 { return ByteKey("\(place.start) \(place.count)") }
    default: break
    }
    return spelling(value).map { ByteKey([$0.kind] + $0.text) }
  }
}
