// A GGUF file, or a model in several, as a source of tensors.

public import CairnCheckpoints
import CairnContainer
package import CairnSystem
import CairnTensors

extension CheckpointFormat {
  /// GGUF, the format of llama.cpp.
  public static let gguf = CheckpointFormat(
    name: "gguf", extensions: ["gguf"],
    lacks: [.ties, .metadataTypes, .configuration, .blobs],
    recognises: { $0.head.starts(with: GGUFHeader.magic) },
    open: { (place) throws(CairnError) in try GGUFFile(place) },
    holdsMetadata: { GGUFWriter.holds($0) },
    sink: { GGUFWriter(target: $0) }
  ).with { $0.joins = GGUFPart.areOfOne }
}

/// A GGUF file, or a model that `llama-gguf-split` has split into several. It gives the typed
/// metadata, and the tensors in the order of the headers, row-major.
///
/// Quantised blocks are kept as they are; ``DequantizedSource`` makes floats of them.
package struct GGUFFile: TableSource {
  let table: TensorTable
  /// The metadata are the key-values. Tensors of unknown types and values that `Metadata` cannot
  /// hold are opaque items. If the model is in several files, a remark says in how many. All
  /// numbers are 64 bits wide here. Their widths in the file and the order of the keys are kept
  /// under `cairn.gguf_layout` if a writer could not know them otherwise.
  /// not tell it otherwise.
  package let attachments: Attachments
  /// Bytes of the file, or of all files of the model.
  package let fileByteCount: Int
  /// 2 or 3.
  package let formatVersion: String?
  /// Whether the model is in several files.
  package let spansFiles: Bool

  /// Opens a file whose bytes `source` has. If the model is in several files, this opens one part
  /// only, and ``opaqueItems`` says so.
  ///
  /// - Throws: `invalidHeader`, `unsupported`, `truncated`, `invalidShape`, `invalidName`,
  ///   `duplicateName`, `overlappingTensors`.
  package init(_ source: any ByteSource, limits: ContainerLimits = .format) throws(CairnError) {
    try self.init([try GGUFPart(source, limits: limits)])
  }

  /// Opens the file at a place, and the other parts of the model beside it.
  ///
  /// - Throws: as ``init(_:limits:)``; `missingFile` for parts that are not there, `shardMismatch`
  ///   for parts that contradict each other.
  init(_ place: CheckpointPlace) throws(CairnError) {
    let first = try GGUFPart(place.openFile(), limits: place.options.limits)
    try self.init(GGUFPart.all(of: first, at: place))
  }

  private init(_ parts: [GGUFPart]) throws(CairnError) {
    var builder = GGUFModel(path: parts.first?.source.path)
    for part in parts { try builder.add(part) }
    try builder.finish(parts)
    table = builder.table
    fileByteCount = parts.sumSaturated(\.source.count)
    let versions = Set(parts.map(\.header.version)).sorted().map { "\($0)" }
    let isBigEndian = parts.contains { $0.header.isBigEndian }
    formatVersion = versions.joined(separator: " and ") + (isBigEndian ? " (big-endian)" : "")
    spansFiles = parts.count > 1
    let remarks = parts.count < 2 ? [] : ["the model is in \(parts.count) files, read as one"]
    attachments = Attachments(
      metadata: GGUFLayout.metadata(builder.pairs), opaqueItems: builder.opaqueItems,
      remarks: remarks)
  }
}

/// One file of a model.
struct GGUFPart {
  let source: any ByteSource
  let header: GGUFHeader

  /// Whether files of these names are the parts of one model: `NAME-00001-of-00003.gguf`. Opening
  /// any of them opens all.
  @Sendable static func areOfOne(_ names: [String]) -> Bool {
    let names = names.map { Array($0.utf8) }
    guard let first = names.first, first.count > 20 else { return false }
    let (stem, ending) = (first.dropLast(20), first.suffix(14))
    return ending.starts(with: "-of-".utf8)
      && ending.suffix(5).elementsEqual(".gguf".utf8)
      && names.allSatisfy { $0.dropLast(20) == stem && $0.suffix(14) == ending }
  }

  /// The most files of a model: all of them are open at once.
  private static let maximumCount = 4_096

  init(_ source: any ByteSource, limits: ContainerLimits) throws(CairnError) {
    self.source = source
    do throws(CairnError) { header = try GGUFHeader(source, limits: limits) } catch {
      throw error.located(file: source.path)
    }
  }

  /// All parts of the model that `part` belongs to, in their order; `part` alone if it is the whole
  /// model.
  static func all(
    of part: GGUFPart, at place: CheckpointPlace
  ) throws(CairnError) -> [GGUFPart] {
    guard let split = part.header.split else { return [part] }
    guard split.count <= maximumCount else {
      throw CairnError(
        .limitExceeded, "the model is in more files than is allowed", at: .init(file: place.path),
        expected: "at most \(maximumCount)", found: "\(split.count)")
    }
    let own = ending(split.number, of: split.count)
    guard place.name.hasASCIISuffix(own) else {
      throw CairnError(
        .missingFile,
        "the file is part \(split.number + 1) of \(split.count) of a model, and its name does not "
          + "tell the others'",
        at: .init(file: place.path), expected: "a name that ends with ‘\(own)’",
        advice: "Give the parts the names back that llama-gguf-split gave them")
    }
    let stem = String(decoding: place.name.utf8.dropLast(own.utf8.count), as: UTF8.self)
    let names = (0..<split.count).map { stem + ending($0, of: split.count) }
    let missing = names.indices.filter { $0 != split.number && !place.holds(names[$0]) }
    guard missing.isEmpty else { throw Self.missing(missing.map { names[$0] }, split, place) }
    var parts: [GGUFPart] = []
    for number in 0..<split.count {
      guard number != split.number else {
        parts.append(part)
        continue
      }
      let other = try GGUFPart(
        place.companion(names[number]), limits: place.options.limits)
      guard let its = other.header.split, its.count == split.count, its.number == number else {
        throw CairnError(
          .shardMismatch, "a file with the name of a part is another part, or none",
          at: .init(file: other.source.path), expected: "part \(number + 1) of \(split.count)",
          found: other.header.split.map { "part \($0.number + 1) of \($0.count)" },
          advice: "Fetch all parts of one version of the model")
      }
      parts.append(other)
    }
    return parts
  }

  private static func missing(
    _ names: [String], _ split: GGUFHeader.Split, _ place: CheckpointPlace
  ) -> CairnError {
    let shown = names.prefix(5).map(\.excerpt).joined(separator: ", ")
    return CairnError(
      .missingFile,
      "the file is part \(split.number + 1) of \(split.count) of a model; "
        + (names.count == 1 ? "one part is missing" : "\(names.count) parts are missing"),
      at: .init(file: place.path), expected: shown + (names.count > 5 ? ", …" : ""),
      advice: "Fetch all parts into one folder")
  }

  /// `-00001-of-00003.gguf`.
  private static func ending(_ number: Int, of count: Int) -> String {
    "-\((number + 1).fiveDigits)-of-\(count.fiveDigits).gguf"
  }
}

extension String {
  /// Whether the text ends with the bytes of `ending`, which is ASCII.
  fileprivate func hasASCIISuffix(_ ending: String) -> Bool {
    utf8.count >= ending.utf8.count && utf8.suffix(ending.utf8.count).elementsEqual(ending.utf8)
  }
}

/// Collects the tensors and key-values of all parts.
private struct GGUFModel {
  private(set) var table: TensorTable
  private(set) var pairs: [(key: TensorName, value: MetadataValue, form: GGUFValueForm)] = []
  private(set) var opaqueItems: [OpaqueItem] = []
  private var values: [TensorName: MetadataValue] = [:]
  private var partCount = 0

  /// Keys that differ between the parts.
  private static let ownKeys: Set = [
    GGUFHeader.splitNumberKey, GGUFHeader.splitCountKey, GGUFHeader.splitTensorsKey,
  ]

  init(path: String?) { table = TensorTable(path: path) }

  mutating func add(_ part: GGUFPart) throws(CairnError) {
    do throws(CairnError) {
      partCount += 1
      for pair in part.header.pairs { keep(pair) }
      opaqueItems += part.header.opaqueItems
      var ranges: [(range: Range<Int>, name: TensorName)] = []
      for tensor in part.header.tensors {
        do throws(CairnError) {
          let (item, range) = try Self.item(tensor, part.header, part.source)
          try table.add(item)
          if !range.isEmpty { ranges.append((range, tensor.name)) }
        } catch {
          throw error.located(offset: tensor.place.offset, name: tensor.name.string)
        }
      }
      try Self.checkOverlap(&ranges)
    } catch {
      throw error.located(file: part.source.path)
    }
  }

  /// If several parts have a key, the first decides; a later one with another value becomes an
  /// opaque item.
  private mutating func keep(_ pair: (key: TensorName, value: MetadataValue, form: GGUFValueForm)) {
    guard let known = values[pair.key] else {
      values[pair.key] = pair.value
      pairs.append(pair)
      return
    }
    guard known != pair.value, !Self.ownKeys.contains(pair.key) else { return }
    opaqueItems.append(
      OpaqueItem(
        path: Array(pair.key.utf8), type: "metadata of part \(partCount)",
        reason: "an earlier part has another value"))
  }

  /// Checks what the parts say of the whole model. If it is complete, the keys that mark a part are
  /// removed.
  mutating func finish(_ parts: [GGUFPart]) throws(CairnError) {
    guard let split = parts.first?.header.split else { return }
    guard parts.count == split.count else {
      opaqueItems.append(
        OpaqueItem(
          path: Array("split".utf8), type: "part \(split.number + 1) of \(split.count)",
          reason: "the other parts were not opened"))
      return
    }
    let found = parts.reduce(0) { $0 + $1.header.tensorCount }
    if let expected = split.tensorCount, expected != found {
      throw CairnError(
        .shardMismatch, "the parts have another number of tensors than the first one says",
        at: .init(file: table.path), expected: "\(expected)", found: "\(found)",
        advice: "Fetch all parts of one version of the model")
    }
    pairs.removeAll { Self.ownKeys.contains($0.key) }
  }

  private static func item(
    _ tensor: GGUFHeader.Tensor, _ header: GGUFHeader, _ source: any ByteSource
  ) throws(CairnError) -> (TensorTable.Item, Range<Int>) {
    guard let count = tensor.dtype.byteCount(elements: tensor.shape.elementCount) else {
      throw CairnError(
        .invalidShape, "the shape \(tensor.shape) is none that a \(tensor.dtype) tensor can have")
    }
    guard tensor.offset.isMultiple(of: UInt64(header.alignment)) else {
      throw CairnError(
        .invalidHeader, "a tensor is not aligned as the file says",
        expected: "a multiple of \(header.alignment)", found: "\(tensor.offset)",
        advice: GGUFHeader.advice)
    }
    let start = header.dataOffset.addingSaturated(Int(clamping: tensor.offset))
    guard start <= source.count, count <= source.count - start else {
      throw CairnError(
        .truncated, "the file ends before the tensor does", expected: "\(count) bytes",
        found: "\(source.count - min(start, source.count))",
        advice: "The file is cut short; fetch it again")
    }
    var elements: any ElementBytes = try PartOfFile(source, at: start, count: count)
    let width = (tensor.dtype.bitWidth ?? 8) / 8
    if header.isBigEndian, width > 1 { elements = SwappedElements(base: elements, width: width) }
    var item = TensorTable.Item(
      name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, elements: elements,
      storedByteCount: count)
    if case .quantized(let block) = tensor.dtype { item.codec = GGMLType.name(of: block) ?? "raw" }
    return (item, start..<start + count)
  }

  private static func checkOverlap(
    _ ranges: inout [(range: Range<Int>, name: TensorName)]
  ) throws(CairnError) {
    ranges.sort { $0.range.lowerBound < $1.range.lowerBound }
    for (one, next) in zip(ranges, ranges.dropFirst())
    where next.range.lowerBound < one.range.upperBound {
      throw CairnError(
        .overlappingTensors, "the tensor begins within ‘\(one.name)’",
        at: .init(offset: UInt64(next.range.lowerBound), name: next.name.string),
        advice: GGUFHeader.advice)
    }
  }
}
