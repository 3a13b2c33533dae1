// Reading parts of a container, through every way in.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite struct ReadingTests {
  /// Notes which bytes were read.
  final class WatchedBytes: ByteSource {
    let base: MemoryBytes
    let ranges = Lock<[Range<Int>]>([])
    init(_ base: MemoryBytes) { self.base = base }
    var count: Int { base.count }
    var path: String? { nil }
    var memory: ByteRegion? { nil }
    func read(at offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError) {
      let count = bytes.count
      ranges.withLock { $0.append(offset..<offset + count) }
      try base.read(at: offset, into: &bytes)
    }
  }

  /// Made once, because a debug build takes longer to make weights than to code them.
  private static let checkpoint = Result {
    var tensors = NamedTensors()
    try tensors.add(Tensor(weightLike(120_000, seed: 1), shape: [300, 400]), named: "big")
    try tensors.add(Tensor(weightLike(120_000, seed: 2), shape: [300, 400]), named: "other")
    return tensors
  }

  @Test(arguments: [WriteOptions.Codec.auto, .raw])
  func `Reading a slice touches only the blocks it lies in`(codec: WriteOptions.Codec) throws {
    let tensors = try Self.checkpoint.get()
    let memory = try Container.encode(
      tensors,
      options: WriteOptions {
        $0.codec = codec; $0.log2ChunkSize = 16
      })
    let watched = WatchedBytes(memory)
    let container = try Container(watched)
    let index = try #require(try container.index(of: "big"))
    watched.ranges.withLock { $0 = [] }
    let slice = try container.tensor(at: index, slice: 100..<110)
    #expect(try slice == tensors.tensor(named: "big").slice(100..<110))
    // 16,000 bytes from 160,000 on: within one chunk of 64 KiB, or one raw block of 480,000 bytes.
    let touched = watched.ranges.withLock { $0.reduce(0) { $0 + $1.count } }
    #expect(touched <= (codec == .raw ? 480_000 : 65_536) + 65_536)
  }

  @Test(arguments: [WriteOptions.Codec.auto, .raw], [16, 20])
  func `Every range of bytes is what the whole has there`(
    codec: WriteOptions.Codec, log2ChunkSize: Int
  ) throws {
    let tensors = try Self.checkpoint.get()
    let container = try Container(
      Container.encode(
        tensors,
        options: WriteOptions {
          $0.codec = codec; $0.log2ChunkSize = log2ChunkSize
        }))
    let whole = try tensors.tensor(named: "big").bytes
    var random = SeededNumbers(9)
    for _ in 0..<60 {
      let start = Int.random(in: 0...whole.count, using: &random)
      let end = Int.random(in: start...min(whole.count, start + 200_000), using: &random)
      var bytes = [UInt8](repeating: 0, count: end - start)
      var span = bytes.mutableSpan
      try container.read(at: 0, from: start, into: &span)
      #expect(bytes == Array(whole[start..<end]))
    }
  }

  /// A container whose reads are counted.
  private struct CountedBytes: ByteSource {
    let base: MemoryBytes
    let reads = Lock<[Int: Int]>([:])
    var count: Int { base.count }
    var path: String? { nil }
    var memory: ByteRegion? { nil }

    func read(at offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError) {
      reads.withLock { $0[offset, default: 0] += 1 }
      try base.read(at: offset, into: &bytes)
    }
  }

  @Test func `A chunk is decoded once for all windows that are read of it`() throws {
    let values = (0..<1_500_000).map { Float($0) }
    let source = try CountedBytes(
      base: Container.encode(
        NamedTensors([("t", Tensor(values))]), options: WriteOptions { $0.log2ChunkSize = 22 }))
    let container = try Container(source)
    let before = source.reads.withLock { $0 }
    let whole = try Tensor(values).bytes
    for start in stride(from: 0, to: whole.count, by: 100_000) {
      var bytes = [UInt8](repeating: 0, count: min(100_000, whole.count - start))
      var span = bytes.mutableSpan
      try container.read(at: 0, from: start, into: &span)
      #expect(bytes == Array(whole[start..<start + bytes.count]))
    }
    let most = source.reads.withLock { reads in
      reads.map { $1 - before[$0, default: 0] }.max()
    }
    // Twice at most, where a window reaches into the next chunk and another reader was at hand.
    #expect(try #require(most) <= 2)
  }

  @Test(arguments: FileAccess.allCases, [WriteOptions.Codec.auto, .raw])
  func `A file is read by position and mapped alike`(
    access: FileAccess, codec: WriteOptions.Codec
  ) throws {
    let folder = try TestFolder()
    let tensors = try sampleCheckpoint(weights: 50_000)
    try Container.write(
      tensors, to: folder.file("x.cairn"), options: WriteOptions { $0.codec = codec })
    var options = ReadOptions()
    options.access = access
    let container = try Container(path: folder.file("x.cairn"), options: options)
    let read = try NamedTensors(reading: container, budget: container.defaultBudget)
    for index in 0..<tensors.count {
      let entry = try tensors.entry(at: index)
      #expect(try read.tensor(named: entry.name) == tensors.tensor(at: index))
      // The owner of a tie is its lowest name in a container, whichever it was before.
      #expect(try (read.entry(at: index).aliasOf == nil) == (entry.name != "dense/kernel"))
    }
    #expect(read.metadata == tensors.metadata)
  }

  @Test func `A raw tensor of a mapped file is used in place`() throws {
    let folder = try TestFolder()
    let tensors = try Self.checkpoint.get()
    try Container.write(
      tensors, to: folder.file("x.cairn"),
      options: WriteOptions {
        $0.codec = .raw; $0.log2Alignment = 12
      })
    var options = ReadOptions()
    options.access = .mapped
    let container = try Container(path: folder.file("x.cairn"), options: options)
    var first = try container.tensor(named: "big")
    let second = try container.tensor(named: "big")
    #expect(first.storageIdentity == second.storageIdentity)
    #expect(!first.storageIdentity.isWritable)
    #expect(first.storageIdentity.addresses.lowerBound % 4_096 == 0)
    // Writing makes a copy; the file and the other view stay.
    try first.setElement(at: [0, 0], to: Float(42))
    #expect(try second.element(at: [0, 0], of: Float.self) != 42)
    #expect(first.storageIdentity.isWritable)
  }

  @Test func `A name that is not there, an index out of range, a range outside are errors`() throws
  {
    let container = try Container(Container.encode(Self.checkpoint.get()))
    #expect(try container.index(of: "nothing") == nil)
    #expect(throws: CairnError.self) { try container.tensor(named: "nothing") }
    #expect(throws: CairnError.self) { try container.tensor(at: 2) }
    #expect(throws: CairnError.self) { try container.tensor(at: -1) }
    #expect(throws: CairnError.self) { try container.tensor(at: 0, slice: 0..<301) }
    #expect(throws: CairnError.self) {
      var byte: [UInt8] = [0]
      var span = byte.mutableSpan
      try container.read(at: 0, from: 480_000, into: &span)
    }
  }

  @Test func `Names that are equal to Swift but not in their bytes are two tensors`() throws {
    var tensors = NamedTensors()
    try tensors.add(Tensor(scalar: Int8(1)), named: TensorName("\u{E9}"))
    try tensors.add(Tensor(scalar: Int8(2)), named: TensorName("e\u{301}"))
    let container = try Container(Container.encode(tensors))
    #expect(try container.tensor(named: TensorName("\u{E9}")).scalar(of: Int8.self) == 1)
    #expect(try container.tensor(named: TensorName("e\u{301}")).scalar(of: Int8.self) == 2)
  }

  @Test func `Any name is found among many, and reading one is bounded by what it touches`() throws
  {
    var tensors = NamedTensors()
    for number in 0..<3_000 {
      try tensors.add(
        Tensor(scalar: Int32(number)), named: TensorName("layer.\(number * 7919 % 3_000).weight"))
    }
    let container = try Container(Container.encode(tensors))
    for number in stride(from: 0, to: 3_000, by: 37) {
      let name = try TensorName("layer.\(number * 7919 % 3_000).weight")
      #expect(try container.tensor(named: name).scalar(of: Int32.self) == Int32(number))
    }
  }

  @Test func `A load that would take more than the budget is refused before it is made`() throws {
    let container = try Container(Container.encode(Self.checkpoint.get()))
    let error = #expect(throws: CairnError.self) {
      try NamedTensors(reading: container, budget: 479_999)
    }
    #expect(error?.code == .overBudget)
  }
}
