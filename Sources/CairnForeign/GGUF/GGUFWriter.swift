// Writing a GGUF file, version 3, as the `gguf` package lays it out (gguf/gguf_writer.py): header,
// key-values, tensors, padding, then each tensor's bytes up to a multiple of the alignment.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors

/// A GGUF file that takes all tensors of a source, in the order of weights.
///
/// What came from a GGUF file keeps the types and the order of its key-values (``GGUFLayout``), so that a
/// file that the `gguf` package wrote comes out as it was. Nothing is added: a model that llama.cpp is to
/// run needs its `general.architecture` and what belongs to it.
struct GGUFWriter: TensorSink {
  private let path: String
  private let options: WriteOptions
  private let losses: AcceptedLosses

  init(path: String, options: WriteOptions, accepting losses: AcceptedLosses) {
    self.path = path
    self.options = options
    self.losses = losses
  }

  private static let alignmentKey: Metadata.Key = "general.alignment"

  /// Whether all values come back as they are: bytes only where they are no text.
  static func holds(_ metadata: Metadata) -> Bool {
    metadata.allSatisfy { pair in
      switch pair.value {
      case .bytes(let bytes): !isText(bytes)
      case .byteStrings(let parts): !parts.allSatisfy(isText)
      default: true
      }
    }
  }

  private static func isText(_ bytes: [UInt8]) -> Bool {
    String(validating: bytes, as: UTF8.self) != nil
  }

  /// A tensor that is to be written.
  private struct Item {
    var entry: TensorEntry
    /// Where its bytes come from: its own index, or its owner's.
    var index: Int
    var type: UInt32
  }

  /// Writes the file: the one that was there is untouched until the new one is whole.
  ///
  /// - Throws: `cannotHold` for what the format has no place for and is not accepted to be lost.
  mutating func write(
    _ source: any TensorSource, progress: ProgressHandler
  ) throws(CairnError) {
    try CheckpointFormat.gguf.refuse(source, accepting: losses)
    var items: [Item] = []
    for index in try source.indicesInWeightOrder() {
      items.append(try Self.item(index, of: source))
    }
    let metadata = source.metadata
    let alignment = try Self.alignment(metadata)
    let header = try Self.header(items, metadata, alignment)
    let total = items.reduce(0) { $0.addingReportingOverflow($1.entry.byteCount).partialValue }
    let file = try options.file(at: path)
    try file.append(header.span)
    let zeros = [UInt8](repeating: 0, count: alignment)
    var done = 0
    for item in items {
      let byteCount = item.entry.byteCount
      let window = try Storage(
        byteCount: max(1, min(SafetensorsWriter.windowByteCount, byteCount)), zeroed: false)
      var offset = 0
      while offset < byteCount {
        let count = min(window.byteCount, byteCount - offset)
        try window.withMutableBytes(in: 0..<count) { (bytes) throws(CairnError) in
          try source.read(at: item.index, from: offset, into: &bytes)
        }
        try window.withBytes(in: 0..<count) { (part) throws(CairnError) in try file.append(part) }
        offset += count
        done = done.addingReportingOverflow(count).partialValue
        try progress(Progress(done: done, total: total))
      }
      let rest = byteCount % alignment
      if rest > 0 { try file.append(zeros.span.extracting(0..<alignment - rest)) }
    }
    try file.commit()
  }

  private static func item(
    _ index: Int, of source: any TensorSource
  ) throws(CairnError) -> Item {
    let entry = try source.entry(at: index)
    guard let type = GGMLType.number(of: entry.dtype) else {
      throw CairnError(
        .cannotHold, "gguf has no element type \(entry.dtype)",
        at: .init(name: entry.name.string),
        expected: "float32, float16, bfloat16, float64, int8 to int64, or blocks of llama.cpp",
        advice: "Cast the tensor first (--cast), or write a .cairn file")
    }
    let block = entry.dtype.granule.elements
    guard (entry.shape.dimensions.last ?? 1).isMultiple(of: block) else {
      throw CairnError(
        .cannotHold, "the rows of a tensor do not fill whole blocks",
        at: .init(name: entry.name.string), expected: "a multiple of \(block)",
        found: "\(entry.shape)", advice: "Write a .cairn file")
    }
    var from = index
    if let owner = entry.aliasOf {
      guard let found = try source.index(of: owner) else { throw source.noSuchTensor(owner) }
      from = found
    }
    return Item(entry: entry, index: from, type: type)
  }

  private static func alignment(_ metadata: Metadata) throws(CairnError) -> Int {
    guard let value = metadata[alignmentKey] else { return 32 }
    guard case .uint(let wanted) = value, wanted.nonzeroBitCount == 1, wanted <= 1 << 20 else {
      throw CairnError(
        .cannotHold, "gguf cannot have that alignment", at: .init(name: alignmentKey.string),
        expected: "an unsigned power of two up to 2^20")
    }
    return Int(wanted)
  }

  // MARK: - The header

  private static func header(
    _ items: [Item], _ metadata: Metadata, _ alignment: Int
  ) throws(CairnError) -> [UInt8] {
    let entries = GGUFLayout.entries(metadata)
    var bytes = GGUFHeader.magic
    bytes += UInt32(3).littleBytes
    bytes += UInt64(items.count).littleBytes
    bytes += UInt64(entries.count).littleBytes
    for entry in entries {
      guard let value = metadata[entry.key] else { continue }
      add(entry.key.utf8, to: &bytes)
      let form =
        entry.key == alignmentKey ? GGUFValueForm(type: .uint32, isArray: false) : entry.form
      add(value, form, to: &bytes)
    }
    var offset = 0
    for item in items {
      add(item.entry.name.utf8, to: &bytes)
      bytes += UInt32(item.entry.shape.rank).littleBytes
      for dimension in item.entry.shape.dimensions.reversed() {
        bytes += UInt64(dimension).littleBytes
      }
      bytes += item.type.littleBytes
      bytes += UInt64(offset).littleBytes
      let (end, over) = offset.addingReportingOverflow(item.entry.byteCount)
      let (padded, overflow) = end.addingReportingOverflow(alignment - 1)
      guard !over, !overflow else {
        throw CairnError(.cannotHold, "the tensors have more bytes than can be counted")
      }
      offset = padded / alignment * alignment
    }
    let rest = bytes.count % alignment
    if rest > 0 { bytes += [UInt8](repeating: 0, count: alignment - rest) }
    return bytes
  }

  private static func add(_ text: some Collection<UInt8>, to bytes: inout [UInt8]) {
    bytes += UInt64(text.count).littleBytes
    bytes += text
  }

  private static func add(
    _ value: MetadataValue, _ form: GGUFValueForm, to bytes: inout [UInt8]
  ) {
    if form.isArray { bytes += GGUFValueType.array.rawValue.littleBytes }
    bytes += form.type.rawValue.littleBytes
    func begin(_ count: Int) { bytes += UInt64(count).littleBytes }
    switch value {
    case .bool(let value): bytes.append(value ? 1 : 0)
    case .int(let value): add(UInt64(bitPattern: value), form.type, to: &bytes)
    case .uint(let value): add(value, form.type, to: &bytes)
    case .float(let value): add(value, form.type, to: &bytes)
    case .string(let text): add(text.utf8, to: &bytes)
    case .bytes(let part): add(part, to: &bytes)
    case .bools(let values):
      begin(values.count)
      for value in values { bytes.append(value ? 1 : 0) }
    case .ints(let values):
      begin(values.count)
      for value in values { add(UInt64(bitPattern: value), form.type, to: &bytes) }
    case .uints(let values):
      begin(values.count)
      for value in values { add(value, form.type, to: &bytes) }
    case .floats(let values):
      begin(values.count)
      for value in values { add(value, form.type, to: &bytes) }
    case .strings(let texts):
      begin(texts.count)
      for text in texts { add(text.utf8, to: &bytes) }
    case .byteStrings(let parts):
      begin(parts.count)
      for part in parts { add(part, to: &bytes) }
    }
  }

  /// A number whose form has room for it, in two's complement.
  private static func add(_ value: UInt64, _ type: GGUFValueType, to bytes: inout [UInt8]) {
    for byte in 0..<type.smallest {
      bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * byte)))
    }
  }

  private static func add(_ value: Double, _ type: GGUFValueType, to bytes: inout [UInt8]) {
    let bits = type == .float32 ? UInt64(Float(value).bitPattern) : value.bitPattern
    add(bits, type, to: &bytes)
  }
}
