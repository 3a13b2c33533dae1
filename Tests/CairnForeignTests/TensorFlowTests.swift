// TensorFlow's tensor bundles: what TensorFlow wrote, and damaged ones.

import CairnCheckpoints
import CairnContainer
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTestSupport
import Foundation
import Testing

@testable import CairnForeign

@Suite struct TensorFlowTests {
  private let folder: TestFolder
  init() throws { folder = try TestFolder() }

  static let home = "\(fixtures)/tensorflow/"

  /// The files that are named `*.index`: `expected.json` names each.
  static let readable = FormatFixture.all("tensorflow")

  /// A copy of a bundle in a folder of the test's own.
  private func copy(_ name: String, as target: String) throws {
    for suffix in [".index", ".data-00000-of-00001"] {
      try FileManager.default.copyItem(
        atPath: Self.home + name + suffix, toPath: folder.file(target + suffix))
    }
  }

  @Test func `A SavedModel's folder is opened, and that of its variables`() throws {
    try FileManager.default.createDirectory(
      atPath: folder.file("variables"), withIntermediateDirectories: true)
    try copy("objects", as: "variables/variables")
    for path in [folder.path, folder.file("variables")] {
      let file = try CheckpointFile.open(path)
      #expect(file.formatName == "tensorflow")
      let steps = try file.source.tensor(named: "model/steps/0/.ATTRIBUTES/VARIABLE_VALUE")
      #expect(try steps.scalars(of: Int64.self) == [7])
    }
  }

  @Test func `A flipped byte of the data is found, where it is read and where it is verified`()
    throws
  {
    try copy("every_dtype", as: "x")
    let path = folder.file("x.data-00000-of-00001")
    let whole = try contents(of: path)
    for place in stride(from: 0, to: whole.count, by: 17) {
      var bytes = whole
      bytes[place] ^= 1
      try write(bytes, to: path)
      let file = try CheckpointFile.open(folder.file("x.index"))
      #expect(code { try file.verify(.structure) } == .checksumMismatch, "byte \(place)")
      #expect(code { _ = try NamedTensors(reading: file.source) } == .checksumMismatch)
    }
  }

  @Test(arguments: ["names", "snappy", "partitioned"])
  func `A flipped byte of the index is refused or changes nothing that is read`(name: String) throws
  {
    try copy(name, as: "x")
    let path = folder.file("x.index")
    let original = try NamedTensors(reading: CheckpointFile.open(path).source)
    let whole = try contents(of: path)
    for place in whole.indices {
      var bytes = whole
      bytes[place] ^= 0x41
      try write(bytes, to: path)
      do throws(CairnError) {
        let file = try CheckpointFile.open(path, format: .tensorflow)
        let tensors = try NamedTensors(reading: file.source)
        #expect(tensors.names == original.names, "byte \(place)")
        for name in original.names { #expect(tensors[name] == original[name]) }
      } catch {
        #expect(!error.code.name.isEmpty)
      }
      if place.isMultiple(of: 5) {
        try write(Array(whole[..<place]), to: path)
        #expect(refusal(of: path, format: .tensorflow) != nil)
      }
    }
  }

  @Test func `Data that are missing, cut or too long for their index are refused`() throws {
    try copy("every_dtype", as: "x")
    let data = folder.file("x.data-00000-of-00001")
    let whole = try contents(of: data)
    try write(Array(whole.dropLast()), to: data)
    #expect(refusal(of: folder.file("x.index"))?.code == .truncated)
    try FileManager.default.removeItem(atPath: data)
    #expect(refusal(of: folder.file("x.index"))?.code == .missingFile)
    // Another model's index over these data: every tensor's checksum is another.
    try write(contents(of: Self.home + "names.data-00000-of-00001"), to: data)
    let error = refusal(of: folder.file("x.index"))
    #expect([.truncated, .checksumMismatch].contains(error?.code))
  }

  @Test(
    arguments: [
      // (input, what it decodes to; nil for what no decoder may accept)
      ("00", ""), ("0000", nil), ("", nil), ("0108aa", nil), ("0100aa", "aa"),
      // Four literals, then four bytes from four back, and a run that overlaps itself.
      ("080c010203040104", "0102030401020304"), ("05000111010000", nil),
      ("0500010101", "0101010101"),
      // An offset of 0, one beyond what is there, more than the length that was told.
      ("0500010100", nil), ("0500010102", nil), ("0400010101", nil), ("ffffffff0f00", nil),
      ("ffffffffffff", nil),
    ] as [(String, String?)])
  func `Snappy is decoded by its description`(input: String, output: String?) {
    let digits = Array(input)
    let bytes = stride(from: 0, to: digits.count, by: 2).map {
      UInt8(String(digits[$0...$0 + 1]), radix: 16) ?? 0
    }
    #expect(SnappyDecoder.decode(bytes, limit: 1 << 20)?.hexDigits == output)
  }

  @Test func `CRC-32C is that of RFC 3720`() {
    let zeros = [UInt8](repeating: 0, count: 32)
    let ones = [UInt8](repeating: 0xFF, count: 32)
    let rising = (0..<32).map { UInt8($0) }
    #expect(CRC32C.checksum(zeros.span) == 0x8A91_36AA)
    #expect(CRC32C.checksum(ones.span) == 0x62A8_AB43)
    #expect(CRC32C.checksum(rising.span) == 0x46DD_794E)
    let first = CRC32C.checksum(rising.span.extracting(0..<11))
    #expect(CRC32C.checksum(rising.span.extracting(11..<32), continuing: first) == 0x46DD_794E)
  }

  /// A file that claims to be a table, of one block with those entries.
  private func table(_ entries: [(String, [UInt8])], end: UInt64 = SortedTable.magic) -> [UInt8] {
    func block(_ content: [UInt8]) -> [UInt8] {
      let bytes = content + [0]
      return bytes + ZipForge.le(CRC32C.masked(CRC32C.checksum(bytes.span)))
    }
    func content(_ entries: [([UInt8], [UInt8])]) -> [UInt8] {
      entries.flatMap { [0, UInt8($0.0.count), UInt8($0.1.count)] + $0.0 + $0.1 }
        + ZipForge.le(UInt32(0)) + ZipForge.le(UInt32(1))
    }
    func varint(_ value: Int) -> [UInt8] {
      value < 128 ? [UInt8(value)] : [UInt8(value & 127 | 128), UInt8(value >> 7)]
    }
    let data = block(content(entries.map { (Array($0.0.utf8), $0.1) }))
    let index = block(content([([0x7F], varint(0) + varint(data.count - 5))]))
    var footer = varint(0) + varint(0) + varint(data.count) + varint(index.count - 5)
    footer += [UInt8](repeating: 0, count: 40 - footer.count)
    return data + index + footer + ZipForge.le(end)
  }

  @Test func `Indexes put together by hand`() throws {
    let header: (String, [UInt8]) = ("", [8, 1])
    // float32, shape [2], shard 0, offset, size 8.
    func entry(
      type: UInt8 = 1, size: UInt8 = 2, shard: UInt8 = 0, offset: UInt8 = 0, bytes: UInt8 = 8
    ) -> [UInt8] {
      let crc = CRC32C.masked(CRC32C.checksum([UInt8](repeating: 1, count: 8).span))
      return [8, type, 0x12, 4, 0x12, 2, 8, size, 0x18, shard, 0x20, offset, 0x28, bytes, 0x35]
        + ZipForge.le(crc)
    }
    let path = folder.file("hand.index")
    try write([UInt8](repeating: 1, count: 16), to: folder.file("hand.data-00000-of-00001"))
    for (entries, code) in [
      ([header, ("a", entry())], nil),
      ([header, ("a", entry()), ("b", entry(offset: 8))], nil),
      ([header, ("a", entry()), ("b", entry(offset: 4))], "overlappingTensors"),
      ([("a", entry())], "invalidHeader"), ([], "invalidHeader"),
      ([header, ("b", entry()), ("a", entry(offset: 8))], "invalidHeader"),
      ([header, ("a", entry()), ("a", entry(offset: 8))], "invalidHeader"),
      // What is odd is named, and hides nothing.
      ([header, ("a", entry(type: 21))], nil), ([header, ("a", entry(type: 99))], nil),
      ([header, ("a\u{1}", entry())], nil),
      ([header, ("a", entry(size: 3))], "sizeMismatch"),
      ([header, ("a", entry(shard: 1))], "invalidHeader"),
      ([header, ("a", entry(offset: 9))], "truncated"),
      ([header, ("a", entry(offset: 1))], nil),
      ([("", [8, 2]), ("a", entry())], "missingFile"),
      ([header, ("\0\u{1}", entry())], "shardMismatch"),
    ] as [([(String, [UInt8])], String?)] {
      try write(table(entries), to: path)
      let error = refusal(of: path)
      #expect(error?.code.name == code, "\(entries): \(String(describing: error))")
    }
    try write(table([header], end: 7), to: path)
    #expect(refusal(of: path)?.code == .invalidHeader)
  }

  @Test func `Keys that share long prefixes are counted at their full length`() throws {
    // One key of 60,000 bytes, then entries of three bytes that share all of it but the last.
    func varint(_ value: Int) -> [UInt8] {
      var (bytes, rest): ([UInt8], Int) = ([], value)
      while rest > 127 {
        bytes.append(UInt8(rest & 127 | 128))
        rest >>= 7
      }
      return bytes + [UInt8(rest)]
    }
    func block(_ content: [UInt8]) -> [UInt8] {
      let bytes = content + ZipForge.le(UInt32(0)) + ZipForge.le(UInt32(1)) + [0]
      return bytes + ZipForge.le(CRC32C.masked(CRC32C.checksum(bytes.span)))
    }
    var entries: [UInt8] = [0, 0, 2, 8, 1]
    entries += [0] + varint(60_000) + [0] + [UInt8](repeating: 0x61, count: 60_000)
    for _ in 0..<60_000 { entries += varint(60_000) + [1, 0, 0x61] }
    let data = block(entries)
    let index = block(
      [0, 1] + varint(varint(data.count - 5).count + 1) + [0x7F, 0] + varint(data.count - 5))
    var footer = varint(0) + varint(0) + varint(data.count) + varint(index.count - 5)
    footer += [UInt8](repeating: 0, count: 40 - footer.count)
    let path = folder.file("prefixes.index")
    try write(data + index + footer + ZipForge.le(UInt64(0xDB47_7524_8B80_FB57)), to: path)
    #expect(refusal(of: path)?.code == .overBudget)
  }
}
