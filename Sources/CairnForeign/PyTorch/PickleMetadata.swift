// Values of a pickle as metadata: numbers and texts, and lists of one kind of them.

import CairnSystem
import CairnTensors

extension PickleContent {
  /// For a dictionary that sets a key twice: the place of each key's last value, in the order in
  /// which the keys first came, as in Python. Nil if no key is set twice.
  func lastPlaces(_ items: [PickleValue]) throws(CairnError) -> [Int]? {
    guard items.count > 2 else { return nil }
    let cost = items.count / 2 * 96
    try budget.take(bytes: cost)
    defer { budget.giveBack(bytes: cost) }
    var first: [ByteKey: Int] = [:]
    var places: [Int] = []
    for at in stride(from: 0, to: items.count - 1, by: 2) {
      guard let key = identity(items[at]) else {
        places.append(at)
        continue
      }
      if let known = first[key] {
        places[known] = at
      } else {
        first[key] = places.count
        places.append(at)
      }
    }
    return places.count == items.count / 2 ? nil : places
  }

  /// A value that is not a container, as a value of the metadata.
  func metadataValue(_ value: PickleValue) -> MetadataValue? {
    switch value {
    case .none: .string("None")
    case .bool(let value): .bool(value)
    case .int(let value): .int(value)
    case .float(let value): .float(value)
    case .bigInteger(let place):
      UInt64(string(place)).map { .uint($0) } ?? .string(string(place))
    case .complex(let number): .floats([complexes[number].real, complexes[number].imaginary])
    case .text(let place):
      // Lone surrogates are not text here.
      String(validating: bytes(place), as: UTF8.self).map { .string($0) }
        ?? .bytes(Array(bytes(place)))
    case .bytes(let place): .bytes(Array(bytes(place)))
    case .global(let number): .string(names[number])
    default: nil
    }
  }

  /// Lists of one kind of number or text are one value.
  func array(_ items: [PickleValue]) throws(CairnError) -> MetadataValue? {
    guard let first = items.first else { return .strings([]) }
    // The list may contain one long text a thousand times.
    var cost = 0
    for item in items {
      switch item {
      case .text(let place), .bytes(let place): cost += 48 + Int(place.count)
      case .int, .float, .bigInteger, .bool: cost += 8
      default: return nil
      }
    }
    try budget.take(bytes: cost)
    defer { budget.giveBack(bytes: cost) }
    func all<T>(_ take: (PickleValue) -> T?) -> [T]? {
      var values: [T] = []
      for item in items {
        guard let value = take(item) else { return nil }
        values.append(value)
      }
      return values
    }
    switch first {
    case .bool:
      return all { if case .bool(let value) = $0 { value } else { nil } }.map { .bools($0) }
    case .int, .bigInteger:
      if let ints = all({ if case .int(let value) = $0 { value } else { nil } }) {
        return .ints(ints)
      }
      return all { (item) -> UInt64? in
        switch item {
        case .int(let value): UInt64(exactly: value)
        case .bigInteger(let place): UInt64(string(place))
        default: nil
        }
      }.map { .uints($0) }
    case .float:
      return all { if case .float(let value) = $0 { value } else { nil } }.map { .floats($0) }
    case .text:
      return all {
        if case .text(let place) = $0 {
          String(validating: bytes(place), as: UTF8.self)
        } else {
          nil
        }
      }
      .map { .strings($0) }
    case .bytes:
      return all { if case .bytes(let place) = $0 { Array(bytes(place)) } else { nil } }
        .map { .byteStrings($0) }
    default: return nil
    }
  }
}

extension MetadataValue {
  /// The bytes that its parts take in memory, roughly.
  var heldByteCount: Int {
    switch self {
    case .bool, .int, .uint, .float: 0
    case .string(let text): text.utf8.count
    case .bytes(let bytes): bytes.count
    case .bools(let values): values.count
    case .ints(let values): 8 * values.count
    case .uints(let values): 8 * values.count
    case .floats(let values): 8 * values.count
    case .strings(let texts):
      texts.reduce(0) { $0 + 16 + ($1.utf8.count > 15 ? $1.utf8.count + 32 : 0) }
    case .byteStrings(let values): values.reduce(0) { $0 + 40 + $1.count }
    }
  }
}
