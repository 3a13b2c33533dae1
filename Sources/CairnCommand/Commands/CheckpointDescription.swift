// What `cairn info` says of a checkpoint, as text and as JSON.

import CairnCheckpoints
import CairnForeign
import CairnJSON
import CairnSystem
import CairnTensors
import CairnTerminal

/// Everything that `info` says.
struct CheckpointDescription {
  private let checkpoint: CheckpointFile
  private var tensors: [(entry: TensorEntry, storage: TensorStorage)] = []
  private let blobs: [BlobEntry]
  private let optimizer: OptimizerDescription?
  private var byteCount = 0
  private var storedByteCount = 0

  init(_ checkpoint: CheckpointFile) throws(CairnError) {
    self.checkpoint = checkpoint
    blobs = try checkpoint.source.blobEntries
    optimizer = try OptimizerDescription(of: checkpoint.source)
    let storages = try checkpoint.storages()
    for index in try checkpoint.source.indicesInWeightOrder() {
      let entry = try checkpoint.source.entry(at: index)
      let storage = storages[index]
      tensors.append((entry, storage))
      guard entry.aliasOf == nil else { continue }
      byteCount = byteCount.addingSaturated(entry.byteCount)
      storedByteCount = storedByteCount.addingSaturated(storage.storedByteCount)
    }
  }

  /// Writes it as one JSON object. Parts that can be very many are written piece by piece.
  func writeJSON() throws {
    var output = JSONOutput()
    let head: JSONObject = [
      "format": .string(checkpoint.formatName),
      "version": checkpoint.version.map { .string($0) } ?? .null,
      "path": .string(SystemPath.shown(checkpoint.path)),
      "fileBytes": .integer(Int64(checkpoint.fileByteCount)),
      "bytes": .integer(Int64(byteCount)),
      "storedBytes": .integer(Int64(storedByteCount)),
      "rootDigest": checkpoint.rootDigest.map { .string($0) } ?? .null,
    ]
    for (key, value) in head { try output.member(key, value) }
    try output.openObject("metadata")
    for (key, value) in checkpoint.source.metadata {
      guard let slices = value.slices(of: 4_096) else {
        try output.member(key.string, value.described)
        continue
      }
      try output.openArray(key.string)
      for slice in slices {
        try output.elements(slice().described.arrayValue ?? [])
      }
      output.close()
    }
    output.close()
    var object = JSONObject()
    object["remarks"] = .array(checkpoint.remarks.map { .string($0) })
    object["opaque"] = .array(
      checkpoint.opaqueItems.map {
        ["path": .string($0.pathText), "type": .string($0.type), "reason": .string($0.reason)]
      })
    object["hasConfiguration"] = .bool(checkpoint.source.configuration != nil)
    object["optimizer"] = optimizer?.json ?? .null
    object["blobs"] = .array(
      blobs.map {
        ["name": .string($0.name.string), "bytes": .integer(Int64($0.byteCount))]
      })
    for (key, value) in object { try output.member(key, value) }
    try output.openArray("tensors")
    for tensor in tensors { try output.element(Self.json(tensor)) }
    output.close()
    output.close()
  }

  private static func json(
    _ tensor: (entry: TensorEntry, storage: TensorStorage)
  ) -> JSONValue {
    var fields: JSONObject = [
      "name": .string(tensor.entry.name.string),
      "dtype": .string(tensor.entry.dtype.name),
      "shape": .array(tensor.entry.shape.dimensions.map { .integer(Int64($0)) }),
      "bytes": .integer(Int64(tensor.entry.byteCount)),
      "storedBytes": .integer(Int64(tensor.storage.storedByteCount)),
      "codec": .string(tensor.storage.codec),
    ]
    if let owner = tensor.entry.aliasOf { fields["aliasOf"] = .string(owner.string) }
    if let digest = tensor.storage.digest { fields["digest"] = .string(digest) }
    return .object(fields)
  }

  /// Writes it as lines, several at a time. With very many tensors of long names, all lines
  /// together would take more memory than the file's index.
  func writeText() {
    var lines = LineOutput()
    lines.append(
      "\(checkpoint.path.printable): \(checkpoint.formatName)"
        + (checkpoint.version.map { " \($0)" } ?? "")
        + ", \(ByteCount.text(checkpoint.fileByteCount)), \(tensors.count) tensors")
    for remark in checkpoint.remarks { lines.append("note         \(remark.printable)") }
    for item in checkpoint.opaqueItems {
      lines.append(
        "not read     \(item.pathText.printable): \(item.type.printable), "
          + item.reason.printable)
    }
    if let root = checkpoint.rootDigest { lines.append("root digest  \(root)") }
    for (key, value) in checkpoint.source.metadata {
      lines.append("metadata     \(key.string.printable) = \(value.text.printable)")
    }
    if let configuration = checkpoint.source.configuration {
      lines.append("model        configuration of \(ByteCount.text(configuration.count))")
    }
    if let optimizer { lines.append("optimizer    \(optimizer.text)") }
    for blob in blobs {
      lines.append(
        "blob         \(blob.name.string.printable), \(ByteCount.text(blob.byteCount))")
    }
    if !tensors.isEmpty {
      var table = TextTable([
        ("tensor", .left), ("dtype", .left), ("shape", .left), ("bytes", .right),
        ("stored", .right), ("ratio", .right), ("codec", .left),
      ])
      for (entry, storage) in tensors {
        let isAlias = entry.aliasOf != nil
        table.add([
          entry.name.string.printable, entry.dtype.name, entry.shape.description,
          "\(entry.byteCount)", isAlias ? "–" : "\(storage.storedByteCount)",
          isAlias ? "–" : ByteCount.percent(storage.storedByteCount, of: entry.byteCount),
          entry.aliasOf.map { "= \($0.string.printable)" } ?? storage.codec,
        ])
      }
      table.add([
        "total", "", "", "\(byteCount)", "\(storedByteCount)",
        ByteCount.percent(storedByteCount, of: byteCount), "",
      ])
      lines.append("")
      table.forEachLine { lines.append($0) }
    }
    lines.flush()
  }
}

extension MetadataValue {
  /// As JSON. Bytes become an object with their hexadecimal digits. Numbers that JSON does not have
  /// become the texts `nan`, `inf` and `-inf`.
  fileprivate var described: JSONValue {
    json(number: JSONValue.finiteOrName, bytes: { ["hex": .string($0.hexDigits)] })
  }

  /// An array in parts of at most `count` elements, each made when it is asked for; nil for a value
  /// that is not an array, or for an array of at most `count` elements.
  fileprivate func slices(of count: Int) -> [() -> MetadataValue]? {
    func cut<T>(
      _ values: [T], _ make: @escaping ([T]) -> MetadataValue
    ) -> [() -> MetadataValue]? {
      guard values.count > count else { return nil }
      return stride(from: 0, to: values.count, by: count).map { start in
        { make(Array(values[start..<min(values.count, start + count)])) }
      }
    }
    switch self {
    case .bools(let values): return cut(values) { .bools($0) }
    case .ints(let values): return cut(values) { .ints($0) }
    case .uints(let values): return cut(values) { .uints($0) }
    case .floats(let values): return cut(values) { .floats($0) }
    case .strings(let values): return cut(values) { .strings($0) }
    case .byteStrings(let values): return cut(values) { .byteStrings($0) }
    default: return nil
    }
  }

  /// As much as a line of 100 characters can show: a hundred words of a vocabulary of a million.
  private var beginning: MetadataValue {
    func first<T>(_ values: [T]) -> [T] { Array(values.prefix(101)) }
    switch self {
    case .string(let text): return .string(String(text.unicodeScalars.prefix(404)))
    case .bytes(let bytes): return .bytes(first(bytes))
    case .bools(let values): return .bools(first(values))
    case .ints(let values): return .ints(first(values))
    case .uints(let values): return .uints(first(values))
    case .floats(let values): return .floats(first(values))
    case .strings(let values): return .strings(first(values))
    case .byteStrings(let values): return .byteStrings(first(values))
    default: return self
    }
  }

  /// As one line of at most 100 characters.
  fileprivate var text: String {
    let full = (try? beginning.described.text(.compact)) ?? "?"
    return full.count <= 100 ? full : full.prefix(99) + "…"
  }
}
