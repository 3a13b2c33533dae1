// Writing a GGUF file, version 3, in the layout of the `gguf` package (gguf/gguf_writer.py):
// header, key-values, tensors, padding, then each tensor's bytes, padded to a multiple of the
// alignment.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors

/// Writes all tensors of a source into a GGUF file, in the order of weights.
///
/// Key-values that came from a GGUF file keep their types and their order (``GGUFLayout``), so that
/// a file that the `gguf` package wrote comes out unchanged. Nothing is added: a model that
/// llama.cpp is to run needs its `general.architecture` and the keys that belong to it.
struct GGUFWriter: TensorSink {
  let target: WriteTarget

  private static let alignmentKey: TensorName = "general.alignment"

  /// Whether all values would be read back as they are. Bytes are, unless they are valid text.
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

  /// Writes the file. An existing file stays untouched until the new one is complete.
  ///
  /// - Throws: `cannotHold` for what the format cannot hold, unless its loss is accepted.
  mutating func write(
    _ source: any TensorSource, progress: ProgressHandler
  ) throws(CairnError) -> Int {
    try CheckpointFormat.gguf.refuse(source, accepting: target.losses)
    let tensors = try source.written(source.indicesInWeightOrder(), as: Self.type)
    let metadata = source.metadata
    let alignment = try Self.alignment(metadata)
    let header = try Self.header(tensors, metadata, alignment)
    let zeros = [UInt8](repeating: 0, count: alignment)
    var count = ProgressCount(of: tensors.byteCount())
    return try target.write { (file) throws(CairnError) in
      try file.append(header.span)
      var window = ByteWindow()
      for tensor in tensors {
        let byteCount = tensor.entry.byteCount
        try source.pass(0..<byteCount, of: tensor.index, through: &window) {
          (part) throws(CairnError) in
          try file.append(part)
          try count.add(part.count, progress)
        }
        let rest = byteCount % alignment
        if rest > 0 { try file.append(zeros.span.extracting(0..<alignment - rest)) }
      }
    }
  }

  /// The number of the tensor's type.
  private static func type(of entry: TensorEntry, _ index: Int) throws(CairnError) -> UInt32 {
    guard let type = GGMLType.number(of: entry.dtype) else {
      throw CairnError(
        .cannotHold, "gguf has no element type \(entry.dtype)",
        at: .init(name: entry.name.string),
        expected: "float32, float16, bfloat16, float64, int8 to int64, or blocks of llama.cpp",
        advice: "Write a .cairn file, or cast the tensor first", remedies: [.cast])
    }
    let block = entry.dtype.granule.elements
    guard (entry.shape.dimensions.last ?? 1).isMultiple(of: block) else {
      throw CairnError(
        .cannotHold, "the rows of a tensor do not fill whole blocks",
        at: .init(name: entry.name.string), expected: "a multiple of \(block)",
        found: "\(entry.shape)", advice: "Write a .cairn file")
    }
    return type
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
    _ tensors: [WrittenTensor<UInt32>], _ metadata: Metadata, _ alignment: Int
  ) throws(CairnError) -> [UInt8] {
    let entries = GGUFLayout.entries(metadata)
    var bytes = GGUFHeader.magic
    bytes.append(littleEndian: UInt32(3))
    bytes.append(littleEndian: UInt64(tensors.count))
    bytes.append(littleEndian: UInt64(entries.count))
    for entry in entries {
      guard let value = metadata[entry.key] else { continue }
      add(entry.key.utf8, to: &bytes)
      let form =
        entry.key == alignmentKey ? GGUFValueForm(type: .uint32, isArray: false) : entry.form
      add(value, form, to: &bytes)
    }
    var offset = 0
    for item in tensors {
      add(item.entry.name.utf8, to: &bytes)
      bytes.append(littleEndian: UInt32(item.entry.shape.rank))
      for dimension in item.entry.shape.dimensions.reversed() {
        bytes.append(littleEndian: UInt64(dimension))
      }
      bytes.append(littleEndian: item.form)
      bytes.append(littleEndian: UInt64(offset))
      guard let padded = offset.adding(item.entry.byteCount)?.adding(alignment - 1) else {
        throw CairnError(.cannotHold, "the tensors have more bytes than can be counted")
      }
      offset = padded / alignment * alignment
    }
    let rest = bytes.count % alignment
    if rest > 0 { bytes += [UInt8](repeating: 0, count: alignment - rest) }
    return bytes
  }

  private static func add(_ text: some Collection<UInt8>, to bytes: inout [UInt8]) {
    bytes.append(littleEndian: UInt64(text.count))
    bytes += text
  }

  private static func add(
    _ value: MetadataValue, _ form: GGUFValueForm, to bytes: inout [UInt8]
  ) {
    if form.isArray { bytes.append(littleEndian: GGUFValueType.array.rawValue) }
    bytes.append(littleEndian: form.type.rawValue)
    func begin(_ count: Int) { bytes.append(littleEndian: UInt64(count)) }
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

  /// Appends a number, in two's complement. It must fit its type.
  private static func add(_ value: UInt64, _ type: GGUFValueType, to bytes: inout [UInt8]) {
    bytes.append(littleEndian: value, width: type.smallest)
  }

  private static func add(_ value: Double, _ type: GGUFValueType, to bytes: inout [UInt8]) {
    let bits = type == .float32 ? UInt64(Float(value).bitPattern) : value.bitPattern
    add(bits, type, to: &bytes)
  }
}
