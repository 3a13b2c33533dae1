// Files whose checksums are all right and whose fields are not.

import CairnCheckpoints
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@testable import CairnContainer

/// A container that is changed as its writer might have written it: every checksum on the way from
/// the index to the commit record is made anew.
struct Forgery {
  private var body: [UInt8]
  var table: PageTable
  var index: [UInt8]
  var commit: CommitRecord

  init(_ bytes: [UInt8]) throws {
    let container = try Container(MemoryBytes(bytes))
    table = container.index.table
    commit = container.commit
    body = Array(bytes[..<table.indexFrameOffset])
    index = Array(bytes[table.indexStart..<table.indexStart + table.indexByteCount])
  }

  /// Changes a field of an entry.
  mutating func setField(_ field: Int, ofRow row: Int, to value: UInt64) {
    for byte in 0..<8 {
      index[row * IndexEntry.byteCount + field + byte] = UInt8(
        truncatingIfNeeded: value >> UInt64(8 * byte))
    }
  }

  /// Adds a block record behind the last one.
  mutating func addBlock(_ block: BlockRecord) {
    index.insert(contentsOf: block.bytes, at: table.dimensionsStart)
    table.blockCount += 1
  }

  var bytes: [UInt8] {
    var file = ByteBuilder()
    file.append(body)
    file.append(FrameHeader(.index, payload: index).bytes)
    file.append(index)
    file.align(to: 64)
    var table = table
    let pages = PageTable.pages(of: index.count)
    table.pageChecksums = (0..<pages.count).map {
      crc32(index.span.extracting(pages.range(of: $0)))
    }
    let payload = table.payload
    var commit = commit
    commit.pageTableOffset = file.bytes.count
    commit.pageTableCount = payload.count
    commit.pageTableChecksum = crc32(payload.span)
    file.append(FrameHeader(.pageTable, payload: payload).bytes)
    file.append(payload)
    file.align(to: 64)
    commit.fileCount = file.bytes.count + CommitRecord.byteCount
    let ends = FrameLayout(file.bytes).frames.flatMap {
      file.bytes[$0.payload.lowerBound - 4..<$0.payload.lowerBound]
    }
    commit.frameOrder = crc32(ends.span)
    file.append(commit.bytes)
    return file.bytes
  }
}

@Suite struct HostileFileTests {
  private func forgery(
    _ tensors: NamedTensors, codec: WriteOptions.Codec = .auto
  ) throws -> Forgery {
    try Forgery(
      Container.encode(
        tensors,
        options: WriteOptions {
          $0.codec = codec; $0.digests = false
        }
      ).allBytes())
  }

  private func refusal(
    _ bytes: [UInt8], _ level: VerificationLevel
  ) throws -> CairnError.Code? {
    let container = try Container(MemoryBytes(bytes))
    do throws(CairnError) {
      _ = try container.verify(level)
      return nil
    } catch {
      return error.code
    }
  }

  private func tied() throws -> NamedTensors {
    var tensors = try NamedTensors([("a", Tensor([Float](repeating: 1, count: 5)))])
    try tensors.addAlias("b", of: "a")
    try tensors.add(Tensor(zeros: .float32, shape: [0, 3]), named: "c")
    return tensors
  }

  @Test func `A forgery that changes nothing is a valid file`() throws {
    for codec in WriteOptions.Codec.allCases {
      #expect(try refusal(forgery(tied(), codec: codec).bytes, .deep) == nil)
    }
  }

  @Test(arguments: VerificationLevel.allCases)
  func `A commit record that counts nearly 2^63 bytes is refused, whatever is added to them`(
    level: VerificationLevel
  ) throws {
    var forged = try forgery(tied())
    forged.commit.logicalCount = .max
    #expect(try refusal(forged.bytes, level) == .routesDisagree)
    var last = WorkProgress(done: 0, total: 0)
    #expect(throws: CairnError.self) {
      _ = try Container(MemoryBytes(forged.bytes)).verify(level) { (progress) throws(CairnError) in
        last = progress
      }
    }
    #expect(last.done <= last.total)
  }

  @Test(arguments: WriteOptions.Codec.allCases, [1, 2])
  func `A block of an alias or of an empty tensor is refused`(
    codec: WriteOptions.Codec, row: Int
  ) throws {
    var forged = try forgery(tied(), codec: codec)
    forged.addBlock(BlockRecord(offset: 64, storedCount: 8, logicalCount: 8, checksum: 0))
    forged.setField(48, ofRow: row, to: 1)
    if row == 1 { forged.setField(40, ofRow: 2, to: 2) }
    #expect(try refusal(forged.bytes, .structure) == .invalidIndex)
    #expect(try refusal(forged.bytes, .deep) == .invalidIndex)
  }

  @Test func `Entries that share a block are each read by their own planes, in parts too`() throws {
    var tensors = NamedTensors()
    let floats = try Tensor(weightLike(10_000, seed: 3))
    try tensors.add(floats, named: "a")
    try tensors.add(Tensor(dtype: .uint8, shape: [40_000], bytes: floats.bytes), named: "b")
    var forged = try Forgery(Container.encode(tensors, options: WriteOptions()).allBytes())
    // The block of the second, which lies behind both records, for the first too.
    forged.setField(40, ofRow: 0, to: 1)
    func part(_ container: Container, _ index: Int) throws -> [UInt8] {
      var bytes = [UInt8](repeating: 0, count: 1_000)
      var span = bytes.mutableSpan
      try container.read(at: index, from: 500, into: &span)
      return bytes
    }
    let alone = try part(Container(MemoryBytes(forged.bytes)), 0)
    let container = try Container(MemoryBytes(forged.bytes))
    #expect(try part(container, 1) == Array(floats.bytes[500..<1_500]))
    #expect(try part(container, 0) == alone)
    #expect(alone != Array(floats.bytes[500..<1_500]))
  }

  @Test func `A chunk of no bytes is refused without decoding it`() throws {
    let fixture = try #require(
      GoldenContainer.all.first { $0.name == "bad-stream-nothing.cairn" })
    #expect(try refusal(fixture.bytes(), .structure) == .corruptChunk)
  }

  @Test func `A file that was never finished is called that, whatever its frames are`() throws {
    func code(_ bytes: [UInt8]) throws -> CairnError.Code? {
      let error = #expect(throws: CairnError.self) { try Container(MemoryBytes(bytes)) }
      return error?.code
    }
    let start = Superblock(log2Alignment: 6, log2ChunkSize: 20, digests: false).bytes
    let unknown = FrameHeader(letters: Array("ZZZZ".utf8), payload: [1]).bytes + [1]
    let zeros = [UInt8](repeating: 0, count: 63)
    #expect(try code(start + unknown + zeros) == .notCommitted)
    #expect(try code(start + unknown + zeros.dropLast()) == .truncated)
    #expect(try code(start + unknown.dropLast()) == .truncated)
    var huge = FrameHeader(letters: Array("ZZZZ".utf8), payload: [])
    huge.storedCount = .max
    #expect(try code(start + huge.bytes) == .truncated)
  }

  @Test func `Zeros beyond the budget are not read unless the caller allows it`() throws {
    let tensors = try NamedTensors([("zeros", Tensor(zeros: .uint8, shape: [80 << 20]))])
    let container = try Container(
      Container.encode(tensors, options: WriteOptions { $0.digests = false }))
    #expect(container.fileByteCount < 200_000)
    let error = #expect(throws: CairnError.self) { try NamedTensors(reading: container) }
    #expect(error?.code == .overBudget)
    let read = try NamedTensors(reading: container, budget: .max)
    #expect(try #require(read["zeros"]).byteCount == 80 << 20)
  }

  /// One chunk that a thousand entries claim would be a thousand times the memory.
  @Test func `Tensors that share one chunk cannot take more than the budget`() throws {
    var tensors = NamedTensors()
    for number in 0..<100 {
      try tensors.add(
        Tensor(zeros: .uint8, shape: [number == 0 ? 1 << 20 : 1]),
        named: TensorName("t\(100 + number)"))
    }
    var forged = try forgery(tensors)
    let dimension = forged.table.dimensionsStart
    for row in 1..<100 {
      forged.setField(40, ofRow: row, to: 0)
      forged.setField(56, ofRow: row, to: 1 << 20)
      forged.setField(64, ofRow: row, to: 64)
      forged.index.replaceSubrange(
        dimension + 8 * row..<dimension + 8 * row + 8, with: [0, 0, 16, 0, 0, 0, 0, 0])
    }
    let bytes = forged.bytes
    let container = try Container(MemoryBytes(bytes))
    let error = #expect(throws: CairnError.self) { try NamedTensors(reading: container) }
    // One of them is either not there at all, or too much.
    #expect([.overBudget, .invalidIndex].contains(error?.code))
    #expect(try refusal(bytes, .structure) == .invalidIndex)
  }

  /// Else the time that it takes to describe a file would be the square of its length.
  @Test func `Tensors that share their blocks are not described one by one`() throws {
    var tensors = NamedTensors()
    try tensors.add(Tensor(zeros: .uint8, shape: [2 << 20]), named: "a")
    try tensors.add(Tensor(zeros: .uint8, shape: [1]), named: "b")
    var forged = try forgery(tensors)
    #expect(try Container(MemoryBytes(forged.bytes)).storages().count == 2)
    // Both claim the two blocks of the first.
    for (field, value) in [(40, 0), (48, 2), (56, 2 << 20), (64, 64)] as [(Int, UInt64)] {
      forged.setField(field, ofRow: 1, to: value)
    }
    let dimension = forged.table.dimensionsStart + 8
    forged.index.replaceSubrange(dimension..<dimension + 8, with: [0, 0, 32, 0, 0, 0, 0, 0])
    let container = try Container(MemoryBytes(forged.bytes))
    let error = #expect(throws: CairnError.self) { try container.storages() }
    #expect(error?.code == .invalidIndex)
    #expect(error?.message == "the tensors have more blocks than the index")
  }
}
