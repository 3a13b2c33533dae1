// Persistent identifiers: how a checkpoint's pickle names the storages that lie outside of it
// (torch/serialization.py, `persistent_id`).

import CairnCheckpoints
import CairnSystem

/// The values of persistent identifiers.
enum TorchReferences {
  /// The value of an identifier. It is ('storage', type, key, device, elements), in old streams
  /// followed by a view of a storage; or ('module', class, …); or a number, in archives of 2016.
  static func value(
    of id: PickleValue, in machine: inout Unpickler<TorchPickle>
  ) throws(CairnError) -> PickleValue {
    if !machine.content.format.numbered.isEmpty, let key = bytes(id, machine.content),
      key.count < 32, let number = PickleNumbers.integer(spelt: key)?.value,
      let value = machine.content.format.numbered[number]
    {
      return value
    }
    let parts = machine.content.items(id) ?? []
    if parts.count >= 2, machine.content.isText(parts[0], "module") { return parts[1] }
    guard parts.count == 5 || parts.count == 6, machine.content.isText(parts[0], "storage"),
      let type = machine.content.name(parts[1]), type.spellingEnds(with: "Storage"),
      let key = bytes(parts[2], machine.content), machine.content.text(parts[3]) != nil,
      case .int(let count) = parts[4], count >= 0
    else {
      throw machine.reader.failure(
        .unsupported, "the pickle refers to something outside that is no storage",
        advice: "Save the state dictionary with torch.save")
    }
    // A long key may be used many times.
    try machine.content.budget.take(steps: key.count / 4)
    let root = try machine.content.storage(
      TorchStorage(key: ByteKey(key), type: type, elementCount: Int(count)))
    guard parts.count == 6, parts[5] != .none else { return .reference(root) }
    let view = machine.content.items(parts[5]) ?? []
    guard view.count == 3, let viewKey = bytes(view[0], machine.content),
      case .int(let offset) = view[1], case .int(let size) = view[2], offset >= 0, size >= 0
    else { throw machine.failure("a view of a storage is described by what is no view") }
    return .reference(
      try machine.content.storage(
        TorchStorage(
          // The key of a view is its own, and differs from all keys of storages.
          key: ByteKey(Array("view ".utf8) + viewKey), type: type, elementCount: Int(size),
          part: (root, Int(offset)))))
  }

  private static func bytes(_ key: PickleValue, _ content: TorchContent) -> [UInt8]? {
    switch key {
    case .text(let place), .bytes(let place): Array(content.bytes(place))
    case .int(let number): Array("\(number)".utf8)
    default: nil
    }
  }

  /// The identifier that a line spells: a number, or what Python's `repr` makes of the tuple:
  /// `('storage', <class 'torch.FloatStorage'>, '94', 'cpu', 12, None)`.
  static func spelt(
    _ line: [UInt8], in machine: inout Unpickler<TorchPickle>
  ) throws(CairnError) -> PickleValue {
    if let number = PickleNumbers.integer(spelt: line)?.value { return .int(number) }
    guard line.first == UInt8(ascii: "("), line.last == UInt8(ascii: ")"), line.count < 4_096 else {
      return try .text(machine.content.keep(line))
    }
    var items: [PickleValue] = []
    for part in line[1..<line.count - 1].split(separator: UInt8(ascii: ",")) {
      let word = Array(part.drop { $0 == 0x20 })
      let kind = Array("<class ".utf8)
      if let text = PickleText.quoted(word) {
        items.append(.text(try machine.content.keep(text)))
      } else if word.starts(with: kind), word.last == UInt8(ascii: ">"),
        let name = PickleText.quoted(Array(word[kind.count..<word.count - 1]))
      {
        let number = try machine.content.name(String(decoding: name, as: UTF8.self))
        items.append(.global(number))
      } else if let number = PickleNumbers.integer(spelt: word)?.value {
        items.append(.int(number))
      } else {
        items.append(.none)
      }
    }
    return .tuple(try machine.content.node(items))
  }
}
