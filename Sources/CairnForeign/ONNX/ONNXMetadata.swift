// What an ONNX model says of itself (onnx.proto, `ModelProto`): versions, producer, properties.

import CairnContainer
import CairnSystem
import CairnTensors

/// Collects the key-values of a model. If a key occurs twice, the first value counts; the others,
/// and what cannot be a key, are opaque items.
struct ONNXMetadata {
  private(set) var pairs: [(key: TensorName, value: MetadataValue)] = []
  private(set) var opaque = OpaqueItems()
  private var known = Set<TensorName>()

  /// The longest text: as much as the metadata of a container hold.
  private static let maximumTextByteCount = 16 << 20

  /// Takes a field of the model if it belongs to the metadata.
  mutating func read(
    _ field: ProtobufReader.Field, _ reader: ProtobufReader, _ budget: Budget
  ) throws(CairnError) {
    switch (field.number, field.value) {
    case (1, .varint(let value)): try keep("ir_version", value, budget)
    case (2, .bytes(let range)): try keep("producer_name", reader, range, budget)
    case (3, .bytes(let range)): try keep("producer_version", reader, range, budget)
    case (4, .bytes(let range)): try keep("domain", reader, range, budget)
    case (5, .varint(let value)): try keep("model_version", value, budget)
    case (6, .bytes(let range)): try keep("doc_string", reader, range, budget)
    case (8, .bytes(let range)): try readOpset(reader.source, range, budget)
    case (14, .bytes(let range)): try readProperty(reader.source, range, budget)
    default: break
    }
  }

  private mutating func keep(
    _ key: String, _ value: UInt64, _ budget: Budget
  ) throws(CairnError) {
    try keep(Array(key.utf8), .int(Int64(bitPattern: value)), budget)
  }

  /// Keeps the text at `range`. Bytes that are not UTF-8 are kept as bytes.
  mutating func keep(
    _ key: String, _ reader: ProtobufReader, _ range: Range<Int>, _ budget: Budget
  ) throws(CairnError) {
    try keep(Array(key.utf8), text(reader, range, budget), budget)
  }

  /// Nil for a text that is longer than metadata can be.
  private func text(
    _ reader: ProtobufReader, _ range: Range<Int>, _ budget: Budget
  ) throws(CairnError) -> MetadataValue? {
    guard range.count <= Self.maximumTextByteCount else { return nil }
    try budget.take(bytes: range.count)
    let bytes = try reader.bytes(range)
    return String(validating: bytes, as: UTF8.self).map(MetadataValue.string) ?? .bytes(bytes)
  }

  private mutating func keep(
    _ path: [UInt8], _ value: MetadataValue?, _ budget: Budget
  ) throws(CairnError) {
    // The memory for the key, the value and the entry that finds it, or for the item that replaces
    // them.
    try budget.take(bytes: min(path.count, TensorName.maximumByteCount) + 256)
    func skip(_ reason: String) throws(CairnError) { try opaque.add(path, "metadata", reason) }
    guard let value else { return try skip("it is longer than \(Self.maximumTextByteCount) bytes") }
    guard let key = try? TensorName(utf8: path) else {
      return try skip("its key is too long, or holds a control character")
    }
    guard known.insert(key).inserted else { return try skip("its key stands in the model before") }
    pairs.append((key, value))
  }

  /// `OperatorSetIdProto`: domain, version.
  private mutating func readOpset(
    _ source: any ByteSource, _ range: Range<Int>, _ budget: Budget
  ) throws(CairnError) {
    var reader = ProtobufReader(source, in: range)
    var domain: [UInt8]? = []
    var version: UInt64 = 0
    while let field = try reader.next() {
      if field.number == 1, let range = field.range { domain = try reader.name(range) }
      if field.number == 2 { version = field.varint ?? 0 }
    }
    let name = domain.map { $0.isEmpty ? Array("ai.onnx".utf8) : $0 } ?? Array("…".utf8)
    try keep("opset.".utf8 + name, .int(Int64(bitPattern: version)), budget)
  }

  /// `StringStringEntryProto`: key, value.
  mutating func readProperty(
    _ source: any ByteSource, _ range: Range<Int>, _ budget: Budget,
    prefix: String = "metadata_props."
  ) throws(CairnError) {
    var reader = ProtobufReader(source, in: range)
    var key: [UInt8] = []
    var value: MetadataValue? = .string("")
    while let field = try reader.next() {
      guard let range = field.range else { continue }
      // Reads one byte more than a key may have, so that a key that is too long is noticed.
      if field.number == 1 {
        let start = range.lowerBound
        let count = min(range.count, TensorName.maximumByteCount + 1)
        key = try reader.bytes(start..<start + count)
      }
      if field.number == 2 { value = try text(reader, range, budget) }
    }
    try keep(prefix.utf8 + key, value, budget)
  }
}
