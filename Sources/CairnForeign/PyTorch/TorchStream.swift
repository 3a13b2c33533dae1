// The stream before PyTorch 1.6: a magic number, a version, data of the machine, the object, and
// the keys of the storages, each a pickle; then each storage's number of elements and its bytes.
// Always little-endian, on every machine.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors

/// The stream that `torch.save` wrote, and still writes if asked.
enum TorchStream {
  /// 0x1950a86a20f9469cfc6c, as an opcode with its bytes, and in decimal.
  private static let magic: [UInt8] = [
    0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
  ]
  private static let spelt = Array("L119547037146038801333356".utf8)
  static let version: Int64 = 1_001

  /// Whether a file that begins with `head` is such a stream: its first pickle is the magic number,
  /// in any protocol.
  static func begins(_ head: [UInt8]) -> Bool {
    var rest = head[...]
    if rest.first == 0x80 { rest = rest.dropFirst(2) }
    if rest.first == 0x95 { rest = rest.dropFirst(9) }
    return rest.starts(with: magic) || rest.starts(with: spelt)
  }

  static func read(
    _ source: any ByteSource, _ content: consuming TorchContent
  ) throws(CairnError) -> TorchFile.Parts {
    var reader = ByteCursor(source)
    var parts = TorchFile.Parts(content: content, roots: [], storages: [])
    _ = try Unpickler.run(&reader, in: &parts.content)
    guard try Unpickler.run(&reader, in: &parts.content) == .int(version) else {
      throw reader.failure(
        .unsupportedVersion, "the version of the stream is not known", expected: "\(version)")
    }
    // Data of the machine: nothing depends on it.
    _ = try Unpickler.run(&reader, in: &parts.content)
    let root = try Unpickler.run(&reader, in: &parts.content)
    parts.roots = [(nil, root)]
    let keys = try Unpickler.run(&reader, in: &parts.content)
    guard let keys = parts.content.items(keys) else {
      throw reader.failure(.invalidPickle, "the stream does not list its storages")
    }
    let found = try elements(keys, parts.content, source, &reader)
    if !reader.isAtEnd {
      parts.remarks.append(
        "\(reader.remaining) bytes behind the last storage belong to nothing")
    }
    for (number, storage) in parts.content.storages.enumerated() {
      if let held = try storage.ownElements(parts.content, parts.storages) {
        parts.storages.append(held)
      } else if let bytes = found[number] {
        parts.storages.append(bytes)
      } else if storage.elementCount == 0 {
        // An empty storage may be described twice, but is listed once.
        parts.storages.append(try HeldElements([]))
      } else {
        throw reader.failure(
          .truncated, "the stream has no storage of that key", found: storage.key.text.excerpt)
      }
    }
    parts.version = "\(version) (of the stream before PyTorch 1.6)"
    return parts
  }

  /// The bytes behind the pickles, by the numbers of their storages.
  private static func elements(
    _ keys: [PickleValue], _ content: TorchContent, _ source: any ByteSource,
    _ reader: inout ByteCursor
  ) throws(CairnError) -> [Int: any ElementBytes] {
    var numbers: [ByteKey: Int] = [:]
    for (number, storage) in content.storages.enumerated()
    where storage.held == nil && storage.part == nil {
      numbers[storage.key] = number
    }
    var found: [Int: any ElementBytes] = [:]
    for key in keys {
      let spelt: ByteKey
      switch key {
      case .text(let place), .bytes(let place): spelt = ByteKey(Array(content.bytes(place)))
      case .int(let number): spelt = ByteKey("\(number)")
      default: throw reader.failure(.invalidPickle, "the key of a storage is no text")
      }
      guard let number = numbers[spelt], found[number] == nil else {
        throw reader.failure(
          .invalidPickle, "the stream lists a storage twice, or one that no tensor is of",
          found: spelt.text.excerpt)
      }
      let storage = content.storages[number]
      let count: Int64 = try reader.integer()
      guard count == Int64(storage.elementCount) else {
        throw reader.failure(
          .sizeMismatch, "a storage has another number of elements than the pickle says",
          expected: "\(storage.elementCount)", found: "\(count)")
      }
      let type = TorchDType.dtype(ofStorage: storage.type) ?? TorchDType(dtype: .uint8)
      guard let bytes = type.dtype.byteCount(elements: storage.elementCount) else {
        throw reader.failure(.sizeMismatch, "a storage has more bytes than can be counted")
      }
      found[number] = try PartOfFile(source, at: reader.position, count: bytes)
      try reader.skip(bytes)
    }
    return found
  }
}
