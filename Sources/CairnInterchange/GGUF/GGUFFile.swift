// A GGUF file as a source of tensors.

public import CairnFormat
public import CairnSystem
public import CairnTensors

extension CheckpointFormat {
  /// GGUF, the format of llama.cpp.
  public static let gguf = CheckpointFormat(
    name: "gguf", extensions: ["gguf"], lacks: [],
    recognises: { $0.head.starts(with: GGUFHeader.magic) },
    open: { (place) throws(CairnError) in
      try GGUFFile(place.openFile(), limits: place.options.limits)
    }, sink: nil)
}

/// A GGUF file: its typed metadata, and its tensors in the order of the header, row-major.
///
/// Quantised blocks are kept as they are; ``DequantizedSource`` makes floats of them.
public struct GGUFFile: TableSource {
  let table: TensorTable
  /// The key-values. Numbers of all widths are 64 bits wide here.
  public let metadata: Metadata
  /// Bytes of the file.
  public let fileByteCount: Int
  /// 2 or 3.
  public let formatVersion: String?

  /// Opens a file whose bytes `source` has.
  ///
  /// - Throws: `invalidHeader`, `unsupportedVersion`, `truncated`, `unknownDType`, `invalidShape`,
  ///   `invalidName`, `duplicateName`, `overlappingTensors`, `unsupported` for arrays of arrays.
  public init(_ source: any ByteSource, limits: Limits = .format) throws(CairnError) {
    do throws(CairnError) {
      let header = try GGUFHeader(source, limits: limits)
      var keys = Set<Metadata.Key>()
      for (key, _) in header.metadata {
        guard keys.insert(key).inserted else {
          throw CairnError(
            .duplicateName, "a key stands in the metadata twice", at: .init(name: key.string))
        }
      }
      metadata = Metadata(header.metadata)
      formatVersion = "\(header.version)"
      fileByteCount = source.count
      var table = TensorTable(path: source.path)
      var ranges: [(range: Range<Int>, name: TensorName)] = []
      for tensor in header.tensors {
        do throws(CairnError) {
          let (item, range) = try Self.item(tensor, header, source)
          try table.add(item)
          if !range.isEmpty { ranges.append((range, tensor.name)) }
        } catch {
          throw error.located(offset: tensor.place.offset, name: tensor.name.string)
        }
      }
      try Self.checkOverlap(&ranges)
      self.table = table
    } catch {
      throw error.located(file: source.path)
    }
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
    let (start, overflow) = header.dataOffset.addingReportingOverflow(Int(clamping: tensor.offset))
    guard !overflow, start <= source.count, count <= source.count - start else {
      throw CairnError(
        .truncated, "the file ends before the tensor does", expected: "\(count) bytes",
        found: "\(max(0, source.count - (overflow ? .max : start)))",
        advice: "The file is cut short; fetch it again")
    }
    let elements = try PartOfFile(source, at: start, count: count)
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
