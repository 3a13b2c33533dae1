// The test vectors of FORMAT.md, section 20: taken from the page, held against the code.

import CairnCheckpoints
import CairnCodec
import CairnContainer
import CairnSystem
import CairnTensors
import CairnTestSupport
import Foundation
import Testing

@Suite struct SpecificationVectorTests {
  private let given: [String: String]

  init() throws {
    let text = try String(contentsOfFile: repository + "/FORMAT.md", encoding: .utf8)
    let begin = try #require(text.range(of: "## 20 Test vectors"))
    let end = try #require(text.range(of: "## 21 Rationale"))
    var given: [String: String] = [:]
    let section = text[begin.upperBound..<end.lowerBound].replacingOccurrences(
      of: "\\\n", with: " ")
    for line in section.split(separator: "\n") {
      guard let sign = line.range(of: " = ") else { continue }
      let name = line[..<sign.lowerBound].trimmingCharacters(in: .whitespaces)
      given[name] = line[sign.upperBound...].trimmingCharacters(in: .whitespaces)
    }
    self.given = given
  }

  private func text(_ name: String) throws -> String {
    try #require(given[name], "section 20 has no line ‘\(name)’")
  }

  /// The bytes of a line: two digits each, `N*B` for N times the byte B.
  private func bytes(_ name: String) throws -> [UInt8] {
    try text(name).split(separator: " ").flatMap { part in
      let factors = part.split(separator: "*")
      let byte = try #require(UInt8(factors[factors.count - 1], radix: 16))
      let count = factors.count == 2 ? try #require(Int(factors[0])) : 1
      return [UInt8](repeating: byte, count: count)
    }
  }

  private func decoded(
    _ stream: [UInt8], _ filter: PlaneFilter, count: Int
  ) throws -> [UInt8] {
    let layout = try ChunkLayout(filter: filter, elementSize: 4)
    var decoder = try ChunkDecoder()
    var logical = [UInt8](repeating: 0, count: count)
    var target = logical.mutableSpan
    try decoder.decode(stream.span, layout: layout, into: &target)
    return logical
  }

  /// A stream of one stored block.
  private func stream(of planes: [UInt8]) -> [UInt8] {
    let count = UInt8(planes.count)
    let adler = Checksum.adler32(planes.span)
    return [0x78, 0x01, 0x01, count, 0, ~count, 0xFF] + planes
      + (0..<4).map { UInt8(truncatingIfNeeded: adler >> (24 - 8 * $0)) }
  }

  @Test func `The CRC-32 is the specification's`() throws {
    let input = try bytes("crc input")
    let value = Checksum.crc32(input.span)
    #expect(try hex(value, digits: 8) == text("crc value"))
  }

  @Test func `Planes are joined to the elements that the specification shows`() throws {
    let elements = try bytes("planes data")
    #expect(elements.count == 16)
    let plain = try stream(of: bytes("planes plain"))
    #expect(try decoded(plain, .bytePlanes, count: 16) == elements)
    let rotated = try stream(of: bytes("planes rotate"))
    #expect(try decoded(rotated, .rotatedBytePlanes, count: 16) == elements)
  }

  @Test func `The coded chunk holds what the specification says`() throws {
    let count = try #require(Int(text("chunk logical")))
    let logical = try decoded(bytes("chunk stored"), .rotatedBytePlanes, count: count)
    let tensor = try Tensor(dtype: .float32, shape: .vector(count / 4), bytes: logical)
    let expected = (0..<64).map { $0 % 2 == 0 ? Float(1) : -1 }
    #expect(try tensor.scalars(of: Float.self) == expected)
  }

  @Test func `Elements of 4 and 6 bits and strings lie as the specification shows`() throws {
    let four = try Tensor(dtype: .uint4, shape: .vector(5), bytes: bytes("bits of 4"))
    #expect(try four.cast(to: .float32).scalars(of: Float.self) == [1, 2, 3, 4, 5])
    // The five lowest subnormals of e2m3: eighths.
    let six = try Tensor(dtype: .float6E2M3FN, shape: .vector(5), bytes: bytes("bits of 6"))
    #expect(
      try six.cast(to: .float32).scalars(of: Float.self) == [0.125, 0.25, 0.375, 0.5, 0.625])
    let strings = try Tensor(dtype: .string, shape: .vector(3), bytes: bytes("strings"))
    #expect(try strings.byteStrings() == [[0x61], [], [0x62, 0x63]])
  }

  @Test func `Chunks are as long as the specification says`() throws {
    let prefix = "length of "
    let names = given.keys.filter { $0.hasPrefix(prefix) }
    #expect(names.count == 6)
    for name in names {
      let words = name.dropFirst(prefix.count).split(separator: " ")
      var dtype = DType(name: String(words[0]))
      if words.count == 2, let byteCount = UInt32(words[1]) {
        dtype = QuantizedBlock(typeID: 0, elementCount: 32, byteCount: byteCount)
          .map(DType.quantized)
      }
      let granule = try #require(dtype).granule.bytes
      #expect(try Int(text(name)) == (1 << 16) / granule * granule, "\(name)")
    }
  }

  @Test func `Leaf and root of the worked example are the specification's`() throws {
    #expect(try sha256(bytes("leaf input")) == text("leaf"))
    #expect(try sha256(bytes("root input")) == text("root"))
    let folder = try TestFolder()
    let path = folder.file("example.cairn")
    let writer = try ContainerWriter(path: path, options: WriteOptions())
    try writer.append(Tensor([1.0, -2.5] as [Float]), named: "w")
    try writer.appendAlias("v", of: "w")
    _ = try writer.finish()
    let container = try Container(path: path)
    _ = try container.verify(.deep)
    #expect(try container.root?.description == text("root"))
    for name in ["v", "w"] as [TensorName] {
      let index = try #require(try container.index(of: name))
      #expect(try container.storage(at: index).digest == text("leaf"))
    }
  }

  @Test func `The root of nothing is the specification's`() throws {
    #expect(try sha256(bytes("empty input")) == text("empty root"))
    let folder = try TestFolder()
    let path = folder.file("empty.cairn")
    _ = try ContainerWriter(path: path, options: WriteOptions()).finish()
    #expect(try Container(path: path).root?.description == text("empty root"))
  }
}
