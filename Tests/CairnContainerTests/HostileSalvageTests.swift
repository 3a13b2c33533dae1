// Files made to mislead a salvager, or to keep it busy for ever.

import CairnCheckpoints
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@testable import CairnContainer

@Suite struct HostileSalvageTests {
  private let superblock = Superblock(log2Alignment: 6, log2ChunkSize: 16, digests: false).bytes

  private func frame(_ header: FrameHeader, _ payload: [UInt8]) -> [UInt8] {
    header.bytes + payload + [UInt8](repeating: 0, count: padding(after: payload.count, to: 64))
  }

  private func tensorFrame(
    _ name: TensorName, ordinal: UInt32, shape: Shape, storage: StorageClass = .chunked,
    owner: UInt32 = 0, position: UInt32 = 0
  ) -> [UInt8] {
    let record = TensorRecord(
      name: name, dtype: .uint8, shape: shape, byteCount: shape.elementCount,
      storageClass: storage, filter: DType.uint8.preferredFilter, position: position, owner: owner)
    let payload = record.framePayload
    return frame(FrameHeader(.tensor, payload: payload, ordinal: ordinal), payload)
  }

  private func chunk(_ bytes: [UInt8], ordinal: UInt32, number: UInt32 = 0) -> [UInt8] {
    frame(
      FrameHeader(
        .chunk, storedCount: bytes.count, logicalCount: bytes.count, ordinal: ordinal,
        chunk: number, checksum: crc32(bytes.span)), bytes)
  }

  @Test func `What frames of one ordinal say differently is believed of none`() throws {
    let file =
      superblock
      + tensorFrame("a", ordinal: 0, shape: [2]) + chunk([1, 2], ordinal: 0)
      + tensorFrame("b", ordinal: 0, shape: [2]) + chunk([3, 4], ordinal: 0)
      + tensorFrame("c", ordinal: 1, shape: [1]) + chunk([5], ordinal: 1)
    let salvaged = try salvage(file)
    #expect(try salvaged.names == ["c"])
    #expect(salvaged.lost(.tensor) == ["a", "b"])
  }

  @Test func `A name that two tensors claim is neither's`() throws {
    let file =
      superblock
      + tensorFrame("a", ordinal: 0, shape: [2]) + chunk([1, 2], ordinal: 0)
      + tensorFrame("a", ordinal: 1, shape: [2]) + chunk([1, 2], ordinal: 1)
      + tensorFrame("b", ordinal: 2, shape: [2], storage: .alias, owner: 1)
    let salvaged = try salvage(file)
    #expect(salvaged.isEmpty)
    #expect(salvaged.lost(.tensor) == ["a", "a", "b"])
  }

  @Test func `A chunk that is there twice counts if both are the same`() throws {
    let start = superblock + tensorFrame("a", ordinal: 0, shape: [4])
    let one = chunk([1, 2], ordinal: 0)
    let two = chunk([3, 4], ordinal: 0, number: 1)
    #expect(
      try salvage(start + one + two + one).recovered.tensor(named: "a").bytes == [1, 2, 3, 4])
    var broken = one
    broken[64] ^= 1
    #expect(
      try salvage(start + broken + two + one).recovered.tensor(named: "a").bytes == [1, 2, 3, 4])
    let other = chunk([9, 9], ordinal: 0)
    #expect(try salvage(start + one + two + other).lost(.tensor) == ["a"])
  }

  @Test func `Chunks that do not make up the tensor are not one`() throws {
    let start = superblock + tensorFrame("a", ordinal: 0, shape: [4])
    for wrong in [
      chunk([1, 2], ordinal: 0),
      chunk([1, 2], ordinal: 0) + chunk([3], ordinal: 0, number: 1),
      chunk([1, 2], ordinal: 0) + chunk([3, 4, 5], ordinal: 0, number: 1),
      chunk([1, 2], ordinal: 0) + chunk([3, 4], ordinal: 0, number: 2),
      chunk([1, 2], ordinal: 0) + chunk([3, 4], ordinal: 1, number: 1),
      chunk([1, 2, 3, 4, 5], ordinal: 0), chunk([1], ordinal: 0, number: 3),
    ] {
      let salvaged = try salvage(start + wrong)
      #expect(salvaged.recovered.count == 0 && salvaged.lost(.tensor).contains("a"))
    }
    #expect(try salvage(start + chunk([1, 2, 3, 4], ordinal: 0)).recovered.count == 1)
  }

  @Test func `An alias has an owner that is earlier, whole, no alias, and like it`() throws {
    let owner = tensorFrame("a", ordinal: 1, shape: [2]) + chunk([1, 2], ordinal: 1)
    let good = tensorFrame("b", ordinal: 2, shape: [2], storage: .alias, owner: 1)
    let aliasOfAlias = tensorFrame("c", ordinal: 3, shape: [2], storage: .alias, owner: 2)
    let otherShape = tensorFrame("d", ordinal: 4, shape: [1, 2], storage: .alias, owner: 1)
    let later = tensorFrame("e", ordinal: 0, shape: [2], storage: .alias, owner: 1)
    let itself = tensorFrame("f", ordinal: 5, shape: [2], storage: .alias, owner: 5)
    let salvaged = try salvage(
      superblock + later + owner + good + aliasOfAlias + otherShape + itself)
    #expect(Set(try salvaged.names) == ["a", "b"])
    #expect(salvaged.lost(.tensor) == ["e", "c", "d", "f"])
    #expect(try salvaged.recovered.entry(at: 1).aliasOf == "a")
  }

  @Test func `Elements that their type does not allow are not recovered`() throws {
    let record = TensorRecord(
      name: "flags", dtype: .bool, shape: [3], byteCount: 3, storageClass: .chunked,
      filter: DType.uint8.preferredFilter,
      position: 0, owner: 0)
    let payload = record.framePayload
    let start = superblock + frame(FrameHeader(.tensor, payload: payload, ordinal: 0), payload)
    #expect(try salvage(start + chunk([0, 1, 1], ordinal: 0)).recovered.count == 1)
    let salvaged = try salvage(start + chunk([0, 2, 1], ordinal: 0))
    #expect(salvaged.isEmpty && salvaged.lost(.tensor) == ["flags"])
  }

  @Test func `Two metadata frames that differ are believed neither, two that agree are one`() throws
  {
    func frames(_ values: [Int64]) throws -> [UInt8] {
      try values.reduce(superblock) { file, value in
        var metadata = Metadata()
        metadata["value"] = .int(value)
        let payload = try MetadataCoding.encode(metadata)
        return file + frame(FrameHeader(.metadata, payload: payload), payload)
      }
    }
    #expect(try salvage(frames([7, 7])).recovered.metadata["value"] == .int(7))
    let salvaged = try salvage(frames([7, 8]))
    #expect(salvaged.isEmpty && salvaged.lost(.metadata).count == 1)
  }

  @Test func `A position or an ordinal beyond all bounds is no reason to run out of memory`() throws
  {
    let file =
      superblock
      + tensorFrame("a", ordinal: 0, shape: [2], position: .max) + chunk([1, 2], ordinal: 0)
      + tensorFrame("b", ordinal: 16_777_215, shape: [0], position: .max)
      + tensorFrame("c", ordinal: .max, shape: [0])
    let salvaged = try salvage(file)
    #expect(try salvaged.names == ["a", "b"])
    #expect(try salvaged.recovered.entries().map(\.position) == [0, 1])
    let lost = salvaged.losses.filter { $0.kind == .tensor }
    #expect(lost.count == file.count / 128 + 1)
    #expect(lost.last?.reason == "nothing is left of 16777210 further tensors")
  }

  @Test func `A tensor that says it is huge takes neither time nor memory`() throws {
    let start = superblock + tensorFrame("huge", ordinal: 0, shape: [1 << 40, 1 << 20])
    for more in [
      [], chunk([1], ordinal: 0), chunk([1], ordinal: 0) + chunk([2], ordinal: 0, number: 7),
    ] {
      for partial in [true, false] {
        let salvaged = try salvage(start + more) { $0.keepsPartialTensors = partial }
        #expect(salvaged.recovered.count == 0 && salvaged.lost(.tensor) == ["huge"])
      }
    }
  }

  /// What is quadratic in any of these does not end within the time that a test may take.
  @Test func `Tens of thousands of frames that contradict each other are looked at once each`()
    throws
  {
    var file = superblock
    for number in 0..<20_000 {
      file += tensorFrame(TensorName(stringLiteral: "n\(number)"), ordinal: 0, shape: [1])
    }
    let salvaged = try salvage(file)
    #expect(salvaged.recovered.count == 0)
    #expect(salvaged.lost(.tensor).count == 20_000)
    file = superblock + tensorFrame("a", ordinal: 0, shape: [20_000])
    for number in 0..<20_000 { file += chunk([UInt8(number % 3)], ordinal: 0, number: 0) }
    #expect(try salvage(file).lost(.tensor) == ["a"])
    file = superblock + tensorFrame("a", ordinal: 0, shape: [20_000])
    for number in 0..<20_000 { file += chunk([7], ordinal: 0, number: UInt32(number)) }
    #expect(
      try salvage(file).recovered.tensor(named: "a").bytes == [UInt8](repeating: 7, count: 20_000))
  }

  /// A thousand rows that claim one chunk of 4 MiB would be as many times the work.
  @Test func `Rows of the index that share blocks have none`() throws {
    var tensors = NamedTensors()
    for number in 0..<1_000 {
      try tensors.add(
        Tensor(zeros: .uint8, shape: [number == 0 ? 4 << 20 : 1]),
        named: TensorName("t\(1_000 + number)"))
    }
    let bytes = try Container.encode(
      tensors,
      options: WriteOptions {
        $0.digests = false
        $0.log2ChunkSize = 22
      }
    ).allBytes()
    var forged = try Forgery(bytes)
    let dimension = forged.table.dimensionsStart
    let block = forged.table.blocksStart
    let shared = Array(forged.index[block..<block + 32])
    for row in 1..<1_000 {
      forged.setField(56, ofRow: row, to: 4 << 20)
      forged.index.replaceSubrange(
        dimension + 8 * row..<dimension + 8 * row + 8, with: [0, 0, 64, 0, 0, 0, 0, 0])
      forged.index.replaceSubrange(block + 32 * row..<block + 32 * row + 32, with: shared)
    }
    // No frame contradicts the rows.
    var file = forged.bytes
    for frame in FrameLayout(file).frames("TNSR") { file[frame.offset] ^= 1 }
    let salvaged = try salvage(file)
    #expect(try salvaged.names == ["t1000"])
    #expect(salvaged.lost(.tensor).count == 999)
  }

  @Test func `Rows whose parts overlap do not count`() throws {
    var tensors = try NamedTensors([("a", Tensor([Int32(1)])), ("b", Tensor([Int32(2)]))])
    try tensors.add(Tensor([Int32(3)]), named: "c")
    let bytes = try Container.encode(tensors, options: WriteOptions { $0.digests = false })
      .allBytes()
    for field in [0, 32, 40] {
      var forged = try Forgery(bytes)
      forged.setField(field, ofRow: 1, to: 0)
      var file = forged.bytes
      for frame in FrameLayout(file).frames("TNSR") { file[frame.offset] ^= 1 }
      #expect(try salvage(file).names == ["a", "c"])
    }
  }

  @Test func `Every byte of noise is looked at, and nothing is found in it`() throws {
    var random = SeededNumbers(9)
    let noise = (0..<100_003).map { _ in UInt8.random(in: 0...255, using: &random) }
    let salvaged = try salvage(superblock + noise)
    #expect(salvaged.isEmpty)
    #expect(salvaged.losses.first { $0.kind == .region }?.fileRanges == [64..<100_067])
  }

  /// Any damage at all: nothing traps, nothing that is recovered is other than it was.
  @Test(arguments: WriteOptions.Codec.allCases)
  func `Whatever is damaged, what is recovered is what was there`(
    codec: WriteOptions.Codec
  ) throws {
    let (tensors, bytes) = try checkpointToDamage(codec)
    var random = SeededNumbers(codec == .raw ? 1 : 2)
    for round in 0..<400 {
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...12, using: &random) {
        let start = Int.random(in: 0..<damaged.count, using: &random)
        let end = min(damaged.count, start + Int.random(in: 1...70, using: &random))
        switch Int.random(in: 0..<4, using: &random) {
        case 0: damaged[start] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: for place in start..<end { damaged[place] = 0 }
        case 2: damaged.replaceSubrange(start..<end, with: bytes[..<min(64, bytes.count)])
        default: damaged.removeSubrange(start..<min(damaged.count, start + 64))
        }
        if damaged.isEmpty { damaged = [0] }
      }
      let salvaged = try salvage(damaged)
      try expectEqual(salvaged, tensors, "round \(round)")
    }
  }
}
