// What a GGUF file has ahead of its data, versions 2 and 3 (ggml/docs/gguf.md):
//
//     47 47 55 46  03 00 00 00                        magic, version
//     u64 tensors, u64 key-values                     counts
//     key-values: key, type, value                    texts are u64 length and UTF-8
//     tensors: name, u32 rank, u64 dimensions, fastest first, u32 type, u64 offset
//     padding to general.alignment (32)
//     the data
//
// In a file for big-endian machines all numbers except the magic have their bytes reversed.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors

/// A GGUF file's header.
struct GGUFHeader {
  /// A tensor of the header.
  struct Tensor {
    var name: TensorName
    var dtype: DType
    var shape: Shape
    /// Where its bytes begin, from the start of the data.
    var offset: UInt64
    var place: CairnError.Location
  }

  /// Which part of a model the file is, if it is not the whole model.
  struct Split {
    /// Counted from 0.
    var number: Int
    var count: Int
    /// The tensors of all parts; nil if the file does not say.
    var tensorCount: Int?
  }

  private(set) var version: UInt32 = 0
  private(set) var isBigEndian = false
  private(set) var pairs: [(key: TensorName, value: MetadataValue, form: GGUFValueForm)] = []
  private(set) var tensors: [Tensor] = []
  /// What the file lists and is not read.
  private(set) var opaqueItems: [OpaqueItem] = []
  private(set) var split: Split?
  /// The number of tensors in the header, read or not.
  private(set) var tensorCount = 0
  /// Where the data begins.
  private(set) var dataOffset = 0
  private(set) var alignment = 32

  static let magic = Array("GGUF".utf8)
  static let advice = "The file is damaged or no GGUF file; fetch it again"
  private static let alignmentKey: TensorName = "general.alignment"
  static let splitNumberKey: TensorName = "split.no"
  static let splitCountKey: TensorName = "split.count"
  static let splitTensorsKey: TensorName = "split.tensors.count"
  /// The least bytes that a key-value and a tensor take.
  private static let smallestPair = 13
  private static let smallestTensor = 24

  init(_ source: any ByteSource, limits: ContainerLimits) throws(CairnError) {
    let budget = Budget.index(ofFile: source.count)
    var reader = GGUFReader(source, budget)
    guard try reader.bytes(4) == Self.magic else {
      throw CairnError(
        .invalidHeader, "the file does not begin as a GGUF file does",
        at: .init(file: source.path, offset: 0), expected: "GGUF")
    }
    version = try reader.version()
    isBigEndian = reader.isBigEndian
    guard version == 2 || version == 3 else {
      throw CairnError(
        .unsupported,
        version == 1
          ? "the file is of GGUF's version 1, whose counts are of 32 bits"
          : "the file is of a version of GGUF that is not known",
        at: .init(file: source.path, offset: 4),
        expected: "2, or 3, which differs in that files of big-endian machines are allowed",
        found: "\(version)",
        advice: version < 2
          ? "Convert it with the llama.cpp of its time" : "A newer version of Cairn may know it")
    }
    tensorCount = try reader.count(smallest: Self.smallestTensor, limit: limits.tensorCount)
    let pairCount = try reader.count(smallest: Self.smallestPair, limit: limits.tensorCount)
    var keys = Set<ByteKey>()
    for _ in 0..<pairCount { try readPair(&reader, &keys) }
    split = try splitting()
    for _ in 0..<tensorCount { try readTensor(&reader) }
    let end = reader.position.adding(alignment - 1)
    dataOffset = end.map { $0 / alignment * alignment } ?? .max
  }

  // MARK: - Key-values

  private mutating func readPair(
    _ reader: inout GGUFReader, _ keys: inout Set<ByteKey>
  ) throws(CairnError) {
    let place = reader.location
    // The key is stored three times: in the set, in the list, and sorted.
    try reader.budget.take(bytes: 240)
    do throws(CairnError) {
      let bytes = try reader.text()
      let name = try Self.text(bytes, "a key")
      do throws(CairnError) {
        guard keys.insert(ByteKey(bytes)).inserted else {
          throw CairnError(
            .duplicateName, "a key stands in the metadata twice", advice: Self.advice)
        }
        let value = try GGUFValue.read(&reader)
        try keep(value, bytes, place)
      } catch {
        throw error.located(name: name)
      }
    } catch {
      throw error.located(file: place.file, offset: place.offset)
    }
  }

  private mutating func keep(
    _ value: GGUFValue, _ bytes: [UInt8], _ place: CairnError.Location
  ) throws(CairnError) {
    guard case .kept(let value, let form) = value else {
      opaqueItems.append(
        OpaqueItem(
          path: bytes, type: "array of arrays", reason: "metadata have no place for it"))
      return
    }
    guard let key = try? TensorName(utf8: bytes) else {
      opaqueItems.append(
        OpaqueItem(
          path: bytes, type: "metadata, \(form.name)",
          reason: "its key is empty, too long or holds a control character"))
      return
    }
    if key == Self.alignmentKey {
      guard case .uint(let wanted) = value, wanted.nonzeroBitCount == 1, wanted <= 1 << 20 else {
        throw CairnError(
          .invalidHeader, "the alignment is no power of two up to 2^20", advice: Self.advice)
      }
      alignment = Int(wanted)
    }
    pairs.append((key, value, form))
  }

  /// A text that must be UTF-8.
  private static func text(_ bytes: [UInt8], _ what: String) throws(CairnError) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw CairnError(.invalidName, "\(what) is no UTF-8", advice: advice)
    }
    return text
  }

  private func splitting() throws(CairnError) -> Split? {
    guard let count = number(of: Self.splitCountKey), count > 1 else { return nil }
    guard let number = number(of: Self.splitNumberKey), number >= 0, number < count else {
      throw CairnError(
        .invalidHeader, "the file is one part of a model and does not say which",
        expected: "‘split.no’ below \(count)", advice: Self.advice)
    }
    return Split(
      number: number, count: count, tensorCount: self.number(of: Self.splitTensorsKey))
  }

  private func number(of key: TensorName) -> Int? {
    switch pairs.first(where: { $0.key == key })?.value {
    case .uint(let value): Int(exactly: value)
    case .int(let value): Int(exactly: value)
    default: nil
    }
  }

  // MARK: - Tensors

  private mutating func readTensor(_ reader: inout GGUFReader) throws(CairnError) {
    let place = reader.location
    try reader.budget.takeTensor(nameByteCount: 0)
    do throws(CairnError) {
      let bytes = try reader.text()
      let text = try Self.text(bytes, "a name")
      do throws(CairnError) {
        try readTensor(&reader, called: bytes, place)
      } catch {
        throw error.located(name: text)
      }
    } catch {
      throw error.located(file: place.file, offset: place.offset)
    }
  }

  private mutating func readTensor(
    _ reader: inout GGUFReader, called bytes: [UInt8], _ place: CairnError.Location
  ) throws(CairnError) {
    let rank = Int(try reader.integer(UInt32.self))
    guard rank <= reader.remaining / 8 else {
      throw reader.failure(
        .truncated, "the file is too short for the dimensions of a tensor", found: "\(rank)")
    }
    var dimensions: [Int] = []
    for axis in 0..<rank {
      let size = try reader.integer(UInt64.self)
      if axis <= Shape.maximumRank { dimensions.append(Int(clamping: size)) }
    }
    let type: UInt32 = try reader.integer()
    let offset: UInt64 = try reader.integer()
    func isOpaque(_ kind: String, _ reason: String) -> OpaqueItem {
      OpaqueItem(path: bytes, type: kind, reason: reason)
    }
    guard let dtype = GGMLType.dtype(type) else {
      return opaqueItems.append(
        isOpaque(GGMLType.unknownName(type), "the element type is not known"))
    }
    guard let name = try? TensorName(utf8: bytes) else {
      return opaqueItems.append(
        isOpaque("tensor, \(dtype)", "its name is empty, too long or holds a control character"))
    }
    guard rank <= Shape.maximumRank else {
      return opaqueItems.append(
        isOpaque("tensor, \(dtype)", "it has more than \(Shape.maximumRank) dimensions"))
    }
    if isBigEndian, case .quantized(let block) = dtype {
      return opaqueItems.append(
        isOpaque(
          GGMLType.name(of: block) ?? "\(dtype)",
          "its blocks were written for big-endian machines"))
    }
    // Rows consist of whole blocks.
    let block = dtype.granule.elements
    guard (dimensions.first ?? 1).isMultiple(of: block) else {
      throw CairnError(
        .invalidShape, "a row does not fill whole blocks", expected: "a multiple of \(block)",
        found: "\(dimensions.first ?? 1)", advice: Self.advice)
    }
    tensors.append(
      Tensor(
        name: name, dtype: dtype, shape: try Shape(dimensions.reversed()), offset: offset,
        place: place))
  }
}
