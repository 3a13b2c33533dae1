// What a GGUF file says ahead of its data, versions 2 and 3 (ggml/docs/gguf.md):
//
//     47 47 55 46  03 00 00 00                        magic, version
//     u64 tensors, u64 key-values                     counts
//     key-values: key, type, value                    texts are u64 length and UTF-8
//     tensors: name, u32 rank, u64 dimensions, fastest first, u32 type, u64 offset
//     padding to general.alignment (32)
//     the data

import CairnFormat
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

  private(set) var version: UInt32 = 0
  private(set) var metadata: [(key: Metadata.Key, value: MetadataValue)] = []
  private(set) var tensors: [Tensor] = []
  /// Where the data begins.
  private(set) var dataOffset = 0
  private(set) var alignment = 32

  static let magic = Array("GGUF".utf8)
  static let advice = "The file is damaged or no GGUF file; fetch it again"
  private static let alignmentKey = "general.alignment"
  /// The bytes of the smallest key-value and of the smallest tensor: counts beyond what the file can
  /// hold are never looped over.
  private static let smallestPair = 13
  private static let smallestTensor = 24

  init(_ source: any ByteSource, limits: Limits) throws(CairnError) {
    var reader = SourceReader(source)
    guard try reader.bytes(4) == Self.magic else {
      throw CairnError(
        .invalidHeader, "the file does not begin as a GGUF file does",
        at: .init(file: source.path, offset: 0), expected: "GGUF")
    }
    version = try reader.integer()
    guard version == 2 || version == 3 else {
      throw CairnError(
        .unsupportedVersion,
        version & 0xFFFF == 0
          ? "the file was written for big-endian machines" : "the version is not known",
        at: .init(file: source.path, offset: 4), expected: "2 or 3", found: "\(version)")
    }
    let tensorCount = try count(&reader, smallest: Self.smallestTensor, limits.tensorCount)
    let pairCount = try count(&reader, smallest: Self.smallestPair, limits.tensorCount)
    for _ in 0..<pairCount { try readPair(&reader) }
    for _ in 0..<tensorCount { tensors.append(try Self.tensor(&reader)) }
    let (end, overflow) = reader.position.addingReportingOverflow(alignment - 1)
    dataOffset = overflow ? .max : end / alignment * alignment
  }

  private func count(
    _ reader: inout SourceReader, smallest: Int, _ limit: Int
  ) throws(CairnError) -> Int {
    let place = reader.location
    let count: UInt64 = try reader.integer()
    let most = min(limit, reader.remaining / smallest)
    guard count <= UInt64(most) else {
      throw CairnError(
        .truncated, "the file is too short for what it counts", at: place,
        expected: "at most \(most)", found: "\(count)", advice: Self.advice)
    }
    return Int(count)
  }

  private mutating func readPair(_ reader: inout SourceReader) throws(CairnError) {
    let place = reader.location
    let key: Metadata.Key
    do throws(CairnError) {
      key = try Metadata.Key(utf8: GGUFValue.bytes(&reader))
    } catch {
      throw error.located(file: place.file, offset: place.offset)
    }
    let value = try GGUFValue.read(&reader, key: key)
    if key.string == Self.alignmentKey {
      guard case .uint(let wanted) = value, wanted.nonzeroBitCount == 1, wanted <= 1 << 20 else {
        throw CairnError(
          .invalidHeader, "the alignment is no power of two up to 2^20", at: place,
          advice: Self.advice)
      }
      alignment = Int(wanted)
    }
    metadata.append((key, value))
  }

  private static func tensor(_ reader: inout SourceReader) throws(CairnError) -> Tensor {
    let place = reader.location
    do throws(CairnError) {
      let name = try TensorName(utf8: GGUFValue.bytes(&reader))
      do throws(CairnError) {
        let rank: UInt32 = try reader.integer()
        guard rank <= UInt32(Shape.maximumRank) else {
          throw reader.failure(
            .invalidShape, "a shape has too many dimensions",
            expected: "at most \(Shape.maximumRank)", found: "\(rank)")
        }
        var dimensions: [Int] = []
        for _ in 0..<rank { dimensions.append(Int(clamping: try reader.integer(UInt64.self))) }
        let type: UInt32 = try reader.integer()
        guard let dtype = GGMLType.dtype(type) else {
          throw reader.failure(
            .unknownDType, "the element type is not known", found: "ggml type \(type)",
            advice: "A newer version may know it")
        }
        // Rows are cut into whole blocks.
        let block = dtype.granule.elements
        guard (dimensions.first ?? 1).isMultiple(of: block) else {
          throw reader.failure(
            .invalidShape, "a row does not fill whole blocks", expected: "a multiple of \(block)",
            found: "\(dimensions.first ?? 1)")
        }
        return Tensor(
          name: name, dtype: dtype, shape: try Shape(dimensions.reversed()),
          offset: try reader.integer(), place: place)
      } catch {
        throw error.located(name: name.string)
      }
    } catch {
      throw error.located(file: place.file, offset: place.offset)
    }
  }
}
