// The tensors of an ONNX model as a source of tensors.

public import CairnCheckpoints
import CairnContainer
package import CairnSystem
import CairnTensors

extension CheckpointFormat {
  /// The tensors of an ONNX model, with external data.
  public static let onnx = CheckpointFormat(
    name: "onnx", extensions: ["onnx"], lacks: [],
    recognises: { $0.file.map { ONNXFile.recognises($0) } ?? false },
    open: { (place) throws(CairnError) in try ONNXFile(place) })
}

/// All tensors of an ONNX model, in the order of the file. Initialisers and the values of
/// `Constant` nodes have the names of their values. Tensors among other nodes' attributes, in
/// graphs within nodes, in functions and in training have paths. The graphs themselves are not
/// kept, and ``remarks`` says so.
package struct ONNXFile: TableSource {
  let table: TensorTable
  private let files: [ONNXDataFile]
  /// The metadata are what the model says of itself: versions, producer, properties. Opaque items
  /// are tensors of unknown types, and values whose names cannot be kept. A remark says that nodes
  /// are not kept.
  package let attachments: Attachments
  /// Bytes of the model and of its external data.
  package let fileByteCount: Int
  /// The version of ONNX's intermediate representation.
  package let formatVersion: String?

  /// The largest model that is read into memory as a whole. A larger one has large tensors.
  private static let mostInMemory = 16 << 20

  /// The fields of `ModelProto`.
  private static let fields: Set = [1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26]

  /// Whether a source is a `ModelProto` with a graph: all its fields, up to the end, must be known.
  static func recognises(_ source: any ByteSource) -> Bool {
    var reader = ProtobufReader(source)
    var hasGraph = false
    var hasVersion = false
    while true {
      guard let field = try? reader.next() else { return hasGraph && hasVersion && reader.isAtEnd }
      guard fields.contains(field.number), field.number != 7 || field.range != nil else {
        return false
      }
      hasGraph = hasGraph || field.number == 7
      hasVersion = hasVersion || field.number == 1 && (1...1_000).contains(field.varint ?? 0)
    }
  }

  /// Opens a model and the files of its external data.
  ///
  /// - Throws: `invalidHeader`, `truncated`, `invalidShape`, `sizeMismatch`, `duplicateName`,
  ///   `limitExceeded`, `overBudget`; `invalidPath` for external data outside the model's folder,
  ///   `missingFile`.
  init(_ place: CheckpointPlace) throws(CairnError) {
    let source = try place.openFile()
    do throws(CairnError) {
      let budget = Budget.index(ofFile: source.count)
      // A model may be a million small messages. They are walked in memory, where no system call is
      // needed for each.
      let walked: any ByteSource =
        source.memory == nil && source.count <= Self.mostInMemory
        ? try MemoryBytes(source.withBytes(in: 0..<source.count) { $0.array }) : source
      let model = try ONNXModel(
        walked, budget: budget, taker: ONNXTable(place, source, budget: budget))
      table = model.taker.table
      files = model.taker.files
      fileByteCount = model.taker.fileByteCount
      let metadata = Metadata(model.metadata.pairs)
      if case .int(let version) = metadata["ir_version"] {
        formatVersion = "IR \(version)"
      } else {
        formatVersion = nil
      }
      var remarks =
        model.nodeCount == 0
        ? []
        : ["the \(model.nodeCount) nodes of the model's graphs are not kept: only their tensors"]
      if model.notedCount > 0 {
        remarks.append(
          "documentation, properties and quantisation notes of tensors and inner graphs are not kept: "
            + "\(model.notedCount)")
      }
      if model.taker.hasTwoBits {
        remarks.append("integers of 2 bits are read as integers of 8 bits")
      }
      let told = remarks
      attachments = Attachments(
        metadata: metadata, opaqueItems: model.taker.opaque.items, remarks: told)
    } catch {
      throw error.located(file: source.path)
    }
  }

  /// Whether tensors are in files of their own.
  package var spansFiles: Bool { !files.isEmpty }

  /// The checksums of external data, if the model has any.
  package var checksums: String? {
    files.contains(where: \.hasChecksum) ? "the SHA-1 of external data" : nil
  }

  /// Checks external data against the SHA-1 that the model records, if there is one; deep, also
  /// every element.
  package func check(
    _ level: VerificationLevel, progress: ProgressHandler
  ) throws(CairnError) {
    let files = files.filter(\.hasChecksum)
    var count = ProgressCount(of: files.sumSaturated(\.count))
    for file in files {
      try file.check { (bytes) throws(CairnError) in try count.add(bytes, progress) }
    }
    if level == .deep { try ElementCheck.run(self, progress: progress) }
  }
}

/// The table that is filled during the walk through a model.
struct ONNXTable: ONNXTensorTaker {
  private(set) var table: TensorTable
  private(set) var opaque = OpaqueItems()
  private(set) var files: [ONNXDataFile] = []
  private(set) var fileByteCount: Int
  private(set) var hasTwoBits = false
  private var numbers: [InnerPath: Int] = [:]
  private var externalByteCount = 0
  /// How often a number was added to each path to tell it from earlier ones.
  private var repeats: [ByteKey: Int] = [:]
  private let place: CheckpointPlace
  private let budget: Budget

  /// The most files of external data: all of them are open at once.
  private static let maximumFileCount = 256
  /// Tensors of external data may share bytes, as tied weights do. But together they have at most
  /// `factor` times the bytes of the files, and `byteCount` more.
  private static let sharing = (factor: 8, byteCount: 16 << 20)

  init(_ place: CheckpointPlace, _ source: any ByteSource, budget: Budget) {
    self.place = place
    self.budget = budget
    table = TensorTable(path: source.path)
    fileByteCount = source.count
  }

  mutating func skip(_ path: [UInt8], _ type: String, _ reason: String) throws(CairnError) {
    try budget.take(bytes: 256 + min(path.count, TensorName.maximumByteCount))
    try opaque.add(path, type, reason)
  }

  /// The name for `path`; nil if it cannot be a name, which is then noted as an opaque item.
  private mutating func name(
    _ path: [UInt8], isDerived: Bool
  ) throws(CairnError) -> TensorName? {
    guard var name = try? TensorName(utf8: path) else {
      try skip(path, "tensor", "its name is empty, no UTF-8, or holds a control character")
      return nil
    }
    while isDerived, table.index(of: name) != nil {
      let number = repeats[ByteKey(path), default: 1] + 1
      repeats[ByteKey(path)] = number
      guard let other = try? TensorName(utf8: path + "#\(number)".utf8) else {
        try skip(path, "tensor", "its path is another tensor's too, and is too long to number it")
        return nil
      }
      name = other
    }
    return name
  }

  mutating func take(
    _ tensor: ONNXTensor, at path: [UInt8], isDerived: Bool
  ) throws(CairnError) {
    guard let name = try name(path, isDerived: isDerived) else { return }
    // A tensor takes at least nine bytes of a model. Besides its name it takes much more memory,
    // here and in code that copies it: 2 KiB in all.
    try budget.takeTensor(nameByteCount: path.count + 1_700)
    let item: TensorTable.Item
    do throws(CairnError) {
      item = try tensor.item(named: name) { (external) throws(CairnError) in
        try file(of: external)
      }
    } catch {
      guard place.options.allowsMissingFiles, error.code == .missingFile else { throw error }
      let what = error.expected ?? "of external data"
      return try skip(name.utf8, "tensor", "its file \(what) is not there")
    }
    if tensor.external != nil { try count(item) }
    hasTwoBits = hasTwoBits || item.elements is TwoBitElements
    try table.add(item)
  }

  mutating func take(
    _ bytes: HeldElements, _ dtype: DType, _ dimensions: [Int], at path: [UInt8],
    isDerived: Bool
  ) throws(CairnError) {
    guard let name = try name(path, isDerived: isDerived) else { return }
    // As above.
    try budget.takeTensor(nameByteCount: path.count + 1_700)
    try table.add(
      TensorTable.Item(
        name: name, dtype: dtype, shape: Shape(dimensions), elements: bytes,
        storedByteCount: bytes.count))
  }

  private mutating func count(_ item: TensorTable.Item) throws(CairnError) {
    externalByteCount = externalByteCount.addingSaturated(item.storedByteCount)
    let most = fileByteCount.allowance(times: Self.sharing.factor, plus: Self.sharing.byteCount)
    guard externalByteCount <= most else {
      throw CairnError(
        .overBudget, "many tensors have the same external data, and together too many bytes",
        expected: "at most \(most)", found: "\(externalByteCount)",
        advice: "The model is damaged or hostile")
    }
  }

  private mutating func file(
    of external: ONNXExternalData
  ) throws(CairnError) -> any ByteSource {
    let path = try external.location()
    let file: ONNXDataFile
    if let number = numbers[path] {
      file = files[number]
    } else {
      guard files.count < Self.maximumFileCount else {
        throw CairnError(
          .limitExceeded, "the model names too many files of external data",
          expected: "at most \(Self.maximumFileCount)")
      }
      file = ONNXDataFile(try place.companion(path, .confined))
      numbers[path] = files.count
      files.append(file)
      fileByteCount = fileByteCount.addingSaturated(file.count)
    }
    if let checksum = external.checksum { file.expect(checksum) }
    return file
  }
}
