// Sources that are wrong about themselves, and shapes at which sizes do not come out even: what the
// writer writes, its own verification accepts.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors
import CairnTestSupport
import Foundation
import Testing

/// Entries that claim what they like, and zeros for bytes.
private struct Claims: TensorSource {
  var list: [TensorEntry]
  var count: Int { list.count }
  func entry(at index: Int) throws(CairnError) -> TensorEntry { list[index] }
  func read(
    at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    for index in bytes.indices { bytes[index] = 0 }
  }
}

@Suite struct AwkwardSourceTests {
  private func refusal(_ list: [TensorEntry]) throws -> CairnError.Code? {
    do throws(CairnError) {
      _ = try Container.encode(Claims(list: list))
      return nil
    } catch {
      return error.code
    }
  }

  private func entry(
    _ name: TensorName, _ dtype: DType, _ shape: Shape, _ byteCount: Int, position: Int = 0,
    aliasOf: TensorName? = nil
  ) -> TensorEntry {
    TensorEntry(
      name: name, dtype: dtype, shape: shape, byteCount: byteCount, position: position,
      aliasOf: aliasOf)
  }

  @Test func `A size that type and shape do not give is refused`() throws {
    let block = try #require(QuantizedBlock(typeID: 2, elementCount: 32, byteCount: 18))
    let cases: [(DType, Shape, Int)] = [
      (.float32, [3], 11), (.float32, [3], 13), (.float32, [0], 4), (.float32, [], 0),
      (.int4, [3], 1), (.float6E2M3FN, [5], 3), (.string, [2], 15), (.string, [0], 8),
      (.string, [1 << 40, 1 << 22], 8), (.quantized(block), [33], 18),
      (.quantized(block), [64], 18), (.uint8, [3], -1), (.uint8, [3], .max),
    ]
    for (dtype, shape, byteCount) in cases {
      #expect(
        try refusal([entry("x", dtype, shape, byteCount)]) == .countMismatch,
        "\(dtype) \(shape) \(byteCount)")
    }
    #expect(try refusal([entry("x", .string, [2], 16)]) == nil)
    #expect(try refusal([entry("x", .string, [0, 4], 0)]) == nil)
  }

  @Test func `A place in the order of weights outside the numbers of a file is refused`() throws {
    for position in [-1, 1, 1 << 32, .min, .max] {
      #expect(
        try refusal([entry("x", .uint8, [3], 3, position: position)]) == .invalidArgument,
        "\(position)")
    }
  }

  @Test func `An alias that is none is refused`() throws {
    let owner = entry("a", .uint8, [6], 6)
    func code(_ alias: TensorEntry) throws -> CairnError.Code? { try refusal([owner, alias]) }
    func alias(_ dtype: DType, _ shape: Shape, of name: TensorName = "a") -> TensorEntry {
      entry("b", dtype, shape, 6, position: 1, aliasOf: name)
    }
    #expect(try code(alias(.uint8, [6])) == nil)
    #expect(try code(alias(.int8, [6])) == .invalidArgument)
    #expect(try code(alias(.uint8, [2, 3])) == .invalidArgument)
    #expect(try code(alias(.uint8, [6], of: "c")) == .noSuchTensor)
    #expect(try code(alias(.uint8, [6], of: "b")) == .noSuchTensor)
  }

  @Test func `A note of who wrote the file has a limit too`() throws {
    let folder = try TestFolder()
    for (count, code) in [(65_536, nil), (65_537, CairnError.Code.limitExceeded)] {
      let writer = try ContainerWriter(path: folder.file("x.cairn"))
      var found: CairnError.Code?
      do throws(CairnError) {
        try writer.attach(generator: String(repeating: "x", count: count))
        _ = try writer.finish()
        _ = try Container(path: folder.file("x.cairn")).verify(.deep)
      } catch {
        found = error.code
      }
      #expect(found == code)
    }
  }

  @Test func `A writer that has failed leaves nothing, even while it is kept`() throws {
    let folder = try TestFolder()
    let writer = try ContainerWriter(path: folder.file("x.cairn"))
    try writer.append(Tensor(scalar: Float(1)), named: "x")
    try #expect(folder.names().count == 1)
    #expect(throws: CairnError.self) { try writer.append(Tensor(scalar: Float(1)), named: "x") }
    try #expect(folder.names().isEmpty)
    let again = #expect(throws: CairnError.self) { try writer.finish() }
    #expect(again?.code == .invalidArgument)
  }

  /// Checks a file and, if `CAIRN_KEEP` names a folder, keeps it there for another reader.
  private func check(
    _ tensors: NamedTensors, _ options: WriteOptions, as name: String
  ) throws {
    let folder = try TestFolder()
    let kept = ProcessInfo.processInfo.environment["CAIRN_KEEP"]
    let path = kept.map { "\($0)/\(name).cairn" } ?? folder.file("x.cairn")
    try Container.write(tensors, to: path, options: options)
    let container = try Container(path: path)
    _ = try container.verify(.deep)
    for (position, name) in tensors.names.enumerated() {
      let row = try #require(try container.index(of: name))
      #expect(try container.entry(at: row).position == position)
      #expect(try container.tensor(at: row) == tensors.tensor(at: position), "\(name)")
    }
  }

  /// Types whose elements do not fill a chunk evenly, each with several chunks and an odd end.
  private func oddTensors(_ byteCount: Int) throws -> NamedTensors {
    let block = try #require(QuantizedBlock(typeID: 2, elementCount: 32, byteCount: 18))
    let wide = try #require(QuantizedBlock(typeID: 9, elementCount: 65_536, byteCount: 65_535))
    var random = SeededNumbers(11)
    var tensors = NamedTensors()
    func add(_ name: TensorName, _ dtype: DType, _ count: Int) throws {
      let byteCount = try #require(dtype.byteCount(elements: count))
      var bytes = [UInt8](repeating: 0, count: byteCount)
      // Compressible in one half, noise in the other: both kinds of chunk.
      for index in bytes.indices where index > byteCount / 2 {
        bytes[index] = UInt8(truncatingIfNeeded: random.next())
      }
      if let bits = dtype.bitWidth, bits < 8, count * bits % 8 != 0, byteCount > 0 {
        bytes[byteCount - 1] &= UInt8(1 << (count * bits % 8) - 1)
      }
      try tensors.add(Tensor(dtype: dtype, shape: [count], bytes: bytes), named: name)
    }
    try add("six bits", .float6E3M2FN, byteCount / 6 * 8 + 5)
    try add("four bits", .uint4, byteCount * 2 + 1)
    try add("blocks", .quantized(block), byteCount / 18 * 32 + 32)
    try add("wide blocks", .quantized(wide), 65_536 * 3)
    try add("complex", .complex128, byteCount / 16 + 1)
    try add("halves", .bfloat16, byteCount / 2 + 1)
    try add("exactly", .uint8, byteCount)
    try add("none", .float64, 0)
    try add("no blocks", .quantized(block), 0)
    try tensors.add(Tensor(strings: [], shape: [0, 2]), named: "no strings")
    try tensors.add(Tensor(strings: ["", ""]), named: "empty strings")
    try tensors.addAlias("another none", of: "none")
    return tensors
  }

  @Test(arguments: [16, 24])
  func `Chunks of the smallest and of the largest size hold whole elements`(log2: Int) throws {
    let byteCount = log2 == 16 ? 200_000 : (16 << 20) + 7
    let tensors: NamedTensors
    if log2 == 16 {
      tensors = try oddTensors(byteCount)
    } else {
      // Large ones, of zeros: of the two types whose chunks are least even.
      let block = try #require(QuantizedBlock(typeID: 2, elementCount: 32, byteCount: 18))
      tensors = try NamedTensors([
        ("six bits", Tensor(zeros: .float6E2M3FN, shape: [byteCount / 6 * 8 + 3])),
        ("blocks", Tensor(zeros: .quantized(block), shape: [byteCount / 18 * 32 + 32])),
      ])
    }
    try check(tensors, WriteOptions { $0.log2ChunkSize = log2 }, as: "chunks-\(log2)")
  }

  @Test(arguments: [6, 12, 14, 16])
  func `Raw tensors of several blocks lie at every alignment`(log2: Int) throws {
    let tensors = try oddTensors(log2 == 12 ? (2 << 20) + 3 : 70_001)
    try check(
      tensors,
      WriteOptions {
        $0.codec = .raw; $0.log2Alignment = log2
      }, as: "raw-\(log2)")
  }

  @Test(arguments: WriteOptions.Codec.allCases)
  func `An index of several pages, with names across their borders, finds every name`(
    codec: WriteOptions.Codec
  ) throws {
    var tensors = NamedTensors()
    let one = try Tensor([UInt8](0..<3))
    // Long names of odd length: some 600 KiB of them, so that several straddle two pages.
    for number in (0..<1_500).reversed() {
      let name = "layer/\(number)/" + String(repeating: "é", count: 100 + number % 211)
      if number % 7 == 3, let owner = tensors.names.last {
        try tensors.addAlias(TensorName(name), of: owner)
      } else {
        try tensors.add(one, named: TensorName(name))
      }
    }
    try check(tensors, WriteOptions { $0.codec = codec }, as: "pages-\(codec.rawValue)")
  }

  @Test func `There may be 65,536 attachments and not one more`() throws {
    let folder = try TestFolder()
    let blobs = try (0..<65_537).map { Blob(name: try TensorName("b\($0)"), bytes: []) }
    for (count, code) in [(65_536, nil), (65_537, CairnError.Code.limitExceeded)] {
      var found: CairnError.Code?
      do throws(CairnError) {
        let writer = try ContainerWriter(path: folder.file("x.cairn"))
        try writer.attach(blobs: Array(blobs[..<count]))
        _ = try writer.finish()
        let container = try Container(path: folder.file("x.cairn"))
        _ = try container.verify(.structure)
        #expect(try NamedTensors(reading: container).blobs.count == count)
      } catch {
        found = error.code
      }
      #expect(found == code)
    }
  }
}
