// The tar archive that PyTorch wrote in 2016 and 2017: the members `storages`, `tensors` and
// `pickle`. In the pickle, tensors and storages are numbers.

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// The tar archive.
enum TorchTar {
  /// A member: its name and where its data is.
  private struct Member {
    var name: [UInt8]
    var range: Range<Int>
  }

  /// Whether a file that begins with `head` is one: it has a tar header for one of PyTorch's
  /// members.
  static func begins(_ head: [UInt8]) -> Bool {
    guard head.count >= 512, head[257..<262].elementsEqual("ustar".utf8) else { return false }
    let name = head.prefix(100).prefix { $0 != 0 }
    return ["storages", "tensors", "pickle", "sys_info"].contains { name.elementsEqual($0.utf8) }
  }

  private static func members(_ source: any ByteSource) throws(CairnError) -> [Member] {
    var reader = ByteCursor(source)
    var members: [Member] = []
    while reader.remaining >= 512, members.count < 64 {
      let start = reader.location
      let header = try reader.bytes(512)
      guard header.contains(where: { $0 != 0 }) else { break }
      let digits = header[124..<136].filter { $0 != 0 && $0 != 0x20 }
      guard let count = Int(String(decoding: digits, as: UTF8.self), radix: 8), count >= 0,
        count <= reader.remaining
      else {
        throw CairnError(
          .truncated, "a member of the archive reaches beyond the file's end", at: start,
          advice: "The file is cut short or damaged; fetch it again")
      }
      members.append(
        Member(
          name: Array(header.prefix(100).prefix { $0 != 0 }),
          range: reader.position..<reader.position + count))
      try reader.skip(min(reader.remaining, (count + 511) / 512 * 512))
    }
    return members
  }

  static func read(
    _ source: any ByteSource, _ content: consuming TorchContent
  ) throws(CairnError) -> TorchFile.Parts {
    let members = try members(source)
    func member(_ name: StaticString) throws(CairnError) -> ByteCursor {
      guard let found = members.first(where: { $0.name.elementsEqual("\(name)".utf8) }) else {
        throw CairnError(
          .truncated, "the archive has no member of that name", expected: "\(name)",
          advice: "The file is cut short or damaged; fetch it again")
      }
      return ByteCursor(source, in: found.range)
    }
    var parts = TorchFile.Parts(content: content, roots: [], storages: [])
    var known: [Int64: PickleValue] = [:]
    var reader = try member("storages")
    try readStorages(source, &reader, &parts, &known)
    reader = try member("tensors")
    try readTensors(&reader, &parts, &known)
    reader = try member("pickle")
    parts.content.format.numbered = known
    parts.roots = [(nil, try Unpickler.run(&reader, in: &parts.content))]
    for storage in parts.content.storages.dropFirst(parts.storages.count) {
      guard let held = try storage.ownElements(parts.content, parts.storages)
      else {
        throw reader.failure(
          .truncated, "the archive has no storage of that key", found: storage.key.text.excerpt)
      }
      parts.storages.append(held)
    }
    parts.version = "tar (before PyTorch 0.1.10)"
    return parts
  }

  private static func count(
    _ reader: inout ByteCursor, _ parts: inout TorchFile.Parts
  ) throws(CairnError) -> Int64 {
    guard case .int(let count) = try Unpickler.run(&reader, in: &parts.content), count >= 0 else {
      throw reader.failure(.invalidPickle, "the archive does not say how many storages it has")
    }
    return count
  }

  /// Reads the storages: each is a pickle of (key, device, type), a number of elements and the
  /// bytes. Then follows which of them are parts of others.
  private static func readStorages(
    _ source: any ByteSource, _ reader: inout ByteCursor, _ parts: inout TorchFile.Parts,
    _ known: inout [Int64: PickleValue]
  ) throws(CairnError) {
    var left = try count(&reader, &parts)
    while left > 0 {
      left -= 1
      let described = try Unpickler.run(&reader, in: &parts.content)
      let items = parts.content.items(described) ?? []
      guard items.count == 3, case .int(let key) = items[0],
        let type = parts.content.name(items[2]),
        let dtype = TorchDType.dtype(ofStorage: type)
      else { throw reader.failure(.invalidPickle, "a storage is described by what describes none") }
      let elements: Int64 = try reader.integer()
      guard let elementCount = Int(exactly: elements), elementCount >= 0,
        let bytes = dtype.dtype.byteCount(elements: elementCount)
      else { throw reader.failure(.sizeMismatch, "a storage has more bytes than can be counted") }
      let data = try PartOfFile(source, at: reader.position, count: bytes)
      try reader.skip(bytes)
      try add(
        TorchStorage(key: ByteKey("\(key)"), type: type, elementCount: elementCount), data, key,
        &parts, &known)
    }
    let views = try Unpickler.run(&reader, in: &parts.content)
    for view in parts.content.items(views) ?? [] {
      let items = parts.content.items(view) ?? []
      guard items.count == 4, case .int(let key) = items[0], case .int(let root) = items[1],
        case .int(let offset) = items[2], case .int(let size) = items[3],
        case .reference(let number)? = known[root], offset >= 0, size >= 0
      else { throw reader.failure(.invalidPickle, "a view of a storage is described by none") }
      let storage = TorchStorage(
        key: ByteKey("\(key)"), type: parts.content.storages[number].type,
        elementCount: Int(size), part: (number, Int(offset)))
      guard let data = try storage.partElements(parts.storages) else { continue }
      try add(storage, data, key, &parts, &known)
    }
  }

  private static func add(
    _ storage: TorchStorage, _ data: any ElementBytes, _ key: Int64, _ parts: inout TorchFile.Parts,
    _ known: inout [Int64: PickleValue]
  ) throws(CairnError) {
    let number = try parts.content.storage(storage)
    // A storage that is already known keeps its data.
    if number == parts.storages.count { parts.storages.append(data) }
    known[key] = .reference(number)
  }

  /// Reads the tensors: each is a pickle of (key, key of the storage, type), then the number of
  /// dimensions, the dimensions, the strides and the offset.
  private static func readTensors(
    _ reader: inout ByteCursor, _ parts: inout TorchFile.Parts,
    _ known: inout [Int64: PickleValue]
  ) throws(CairnError) {
    var left = try count(&reader, &parts)
    while left > 0 {
      left -= 1
      let described = try Unpickler.run(&reader, in: &parts.content)
      let items = parts.content.items(described) ?? []
      guard items.count == 3, case .int(let key) = items[0], case .int(let root) = items[1],
        case .reference(let storage)? = known[root]
      else { throw reader.failure(.invalidPickle, "a tensor is described by what describes none") }
      let rank: Int32 = try reader.integer()
      try reader.skip(4)
      guard (0...64).contains(rank) else {
        throw reader.failure(.invalidShape, "a tensor has too many dimensions", found: "\(rank)")
      }
      var numbers: [Int] = []
      for _ in 0..<2 * Int(rank) + 1 {
        let number: Int64 = try reader.integer()
        guard number >= 0, let number = Int(exactly: number) else {
          throw reader.failure(.invalidShape, "a tensor has a negative dimension or stride")
        }
        numbers.append(number)
      }
      known[key] = try parts.content.tensor(
        TorchTensor(
          storage: storage, offset: numbers[2 * Int(rank)],
          dimensions: Array(numbers[..<Int(rank)]),
          strides: Array(numbers[Int(rank)..<2 * Int(rank)])))
    }
  }
}
