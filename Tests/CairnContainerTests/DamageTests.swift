// What verification refuses: every flipped bit, every truncation, everything appended.

import CairnCheckpoints
import CairnCodec
import CairnContainer
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite struct DamageTests {
  static let variants: [(String, WriteOptions)] = [
    ("raw", WriteOptions { $0.codec = .raw }),
    ("coded", WriteOptions { $0.threads = 1 }),
    ("coded without digests", WriteOptions { $0.digests = false }),
    (
      "raw at 4096",
      WriteOptions {
        $0.codec = .raw; $0.log2Alignment = 12
      }
    ),
  ]

  private func bytes(_ variant: String) throws -> [UInt8] {
    let options = try #require(Self.variants.first { $0.0 == variant }).1
    var tensors = NamedTensors()
    try tensors.add(Tensor(weightLike(100, seed: 3), shape: [5, 20]), named: "kernel")
    try tensors.addAlias("tied", of: "kernel")
    tensors.metadata["epoch"] = .int(3)
    return try Container.encode(tensors, options: options).allBytes()
  }

  private func isRefused(_ bytes: [UInt8], _ level: VerificationLevel) throws -> Bool {
    let source = try MemoryBytes(bytes)
    do throws(CairnError) {
      var options = ReadOptions()
      options.threads = 1
      _ = try Container(source, options: options).verify(level)
      return false
    } catch {
      return true
    }
  }

  /// Level *structure* already finds every flip: every byte is under a checksum or must be zero.
  @Test(arguments: [
    ("raw", VerificationLevel.deep), ("coded", .deep),
    ("coded without digests", .structure), ("raw at 4096", .structure),
  ])
  func `Every single flipped bit is refused`(
    variant: String, level: VerificationLevel
  ) throws {
    var bytes = try bytes(variant)
    #expect(try !isRefused(bytes, level))
    var accepted: [Int] = []
    for bit in 0..<bytes.count * 8 {
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
      if try !isRefused(bytes, level) { accepted.append(bit) }
      bytes[bit / 8] ^= 1 << UInt8(bit % 8)
    }
    #expect(accepted.isEmpty)
  }

  @Test(arguments: variants.map(\.0))
  func `Every truncation is refused and named`(variant: String) throws {
    let bytes = try bytes(variant)
    for count in 0..<bytes.count {
      let source = try MemoryBytes(Array(bytes[..<count]))
      let error = #expect(throws: CairnError.self) { try Container(source) }
      let code = try #require(error?.code)
      let expected: [CairnError.Code] = count == 0 ? [.notACairnFile] : [.truncated, .notCommitted]
      #expect(expected.contains(code), "\(count): \(code)")
    }
  }

  @Test func `A file that ends between two frames was never committed`() throws {
    let bytes = try bytes("coded")
    let error = #expect(throws: CairnError.self) {
      try Container(MemoryBytes(Array(bytes[..<(bytes.count - 128)])))
    }
    #expect(error?.code == .notCommitted)
    #expect(error?.location.offset == UInt64(bytes.count - 128))
  }

  @Test(arguments: [1, 63, 64, 128, 4_096])
  func `Bytes after the end are refused, and the error says where the end was`(count: Int) throws {
    let bytes = try bytes("coded")
    let error = #expect(throws: CairnError.self) {
      try Container(MemoryBytes(bytes + [UInt8](repeating: 0, count: count)))
    }
    #expect(error?.code == .trailingBytes)
    #expect(error?.location.offset == UInt64(bytes.count))
  }

  @Test(arguments: [UInt64.max, 1 << 63, 1 << 62, 128, 0])
  func `A commit record that says another length makes a truncated file, however long`(
    length: UInt64
  ) throws {
    var bytes = try bytes("coded")
    let record = bytes.count - 128
    bytes.setField(record + 8, 8, to: length)
    bytes.seal(record, 128)
    let error = #expect(throws: CairnError.self) { try Container(MemoryBytes(bytes)) }
    #expect(error?.code == .truncated)
    #expect(error?.location.offset == UInt64(record + 8))
    #expect(error?.found == "\(length)")
  }

  @Test func `Two files one after the other are no file`() throws {
    let bytes = try bytes("coded")
    #expect(throws: CairnError.self) { try Container(MemoryBytes(bytes + bytes)) }
  }

  @Test func `A damaged block is found when it is read, with tensor, block and offset`() throws {
    var tensors = NamedTensors()
    try tensors.add(Tensor(weightLike(100_000, seed: 5)), named: "intact")
    try tensors.add(Tensor(weightLike(100_000, seed: 6)), named: "other")
    let options = WriteOptions { $0.log2ChunkSize = 16 }
    var bytes = try Container.encode(tensors, options: options).allBytes()
    bytes[bytes.count / 2 + 5_000] ^= 0x10
    let container = try Container(MemoryBytes(bytes))
    var failures: [CairnError] = []
    for index in 0..<2 {
      do throws(CairnError) { _ = try container.tensor(at: index) } catch { failures.append(error) }
    }
    #expect(failures.count == 1)
    #expect(failures.first?.code == .checksumMismatch)
    #expect(failures.first?.location.name == "other")
    #expect(failures.first?.location.offset != nil)
  }
}
