// What an encoder writes: round trips, determinism, the blocks chosen for each kind of data.
// FORMAT.md, section "Chunks and planes".

import CZlib
import CairnCodec
import Testing

@Suite("Chunk encoder")
struct EncoderTests {
  static let sizes = [
    0, 1, 2, 7, 8, 9, 31, 32, 33, 63, 64, 65, 100, 255, 1000, 4096, 16_392, 65_544,
  ]

  @Test("Chunks come back bit by bit", arguments: SampleData.allCases, ChunkLayout.all)
  func roundTrip(data: SampleData, layout: ChunkLayout) throws {
    var encoder = ChunkEncoder()
    var decoder = try ChunkDecoder()
    for size in Self.sizes {
      let bytes = data.bytes(size / layout.elementSize * layout.elementSize)
      guard let stream = try encoder.encode(bytes.span, layout: layout) else { continue }
      #expect(stream.count <= ChunkEncoder.largestWorthwhileLength(for: bytes.count))
      #expect(try decode(stream, layout, count: bytes.count, with: &decoder) == bytes)
    }
  }

  @Test("zlib's own uncompress reads the planes", arguments: SampleData.allCases, ChunkLayout.all)
  func uncompress(data: SampleData, layout: ChunkLayout) throws {
    let bytes = data.bytes(24_000)
    guard let stream = try encode(bytes, layout) else { return }
    var planes = [UInt8](repeating: 0, count: bytes.count)
    var count = UInt(planes.count)
    let code = unsafe CZlib.uncompress(&planes, &count, stream, UInt(stream.count))
    #expect(code == Z_OK)
    #expect(count == UInt(bytes.count))
    #expect(try BlockWalker(stream).output == planes)
    // Planes are a permutation of the bytes unless bits were rotated across them.
    if layout.filter != .rotatedBytePlanes { #expect(planes.sorted() == bytes.sorted()) }
  }

  @Test("An encoder's past does not show", arguments: SampleData.allCases)
  func deterministic(data: SampleData) throws {
    let bytes = data.bytes(40_000)
    var used = ChunkEncoder()
    for other in SampleData.allCases {
      _ = try used.encode(other.bytes(48_000).span, layout: ChunkLayout.all[0])
    }
    for layout in ChunkLayout.all {
      let first = try used.encode(bytes.span, layout: layout)
      #expect(try used.encode(bytes.span, layout: layout) == first)
      #expect(try encode(bytes, layout) == first)
    }
  }

  @Test("Noise is left to be stored raw", arguments: ChunkLayout.all)
  func noise(layout: ChunkLayout) throws {
    for size in Self.sizes {
      let bytes = SampleData.noise.bytes(size / layout.elementSize * layout.elementSize)
      #expect(try encode(bytes, layout) == nil)
    }
  }

  @Test("Weights: noise in stored blocks cut by rule, exponents in Huffman codes without matches")
  func weights() throws {
    let layout = try ChunkLayout(filter: .rotatedBytePlanes, elementSize: 4)
    let count = 1 << 18
    let stream = try #require(try encode(SampleData.weights.bytes(4 * count), layout))
    #expect(Array(stream[..<2]) == [0x78, 0x01])
    let walker = try BlockWalker(stream)
    #expect(walker.end + 4 == stream.count)

    // The three low planes are one run of stored blocks.
    let stored = walker.blocks.prefix { $0.kind == .stored }
    #expect(stored.dropLast().allSatisfy { $0.length == 65_535 })
    #expect(stored.reduce(0) { $0 + $1.length } == 3 * count)
    #expect(stored.count == (3 * count + 65_534) / 65_535)
    // Between the parts of a plane there is an empty block.
    let coded = walker.blocks.dropFirst(stored.count).filter { $0.kind != .stored || $0.length > 0 }
    #expect(coded.allSatisfy { $0.kind == .dynamic && $0.matches == 0 })
    #expect(coded.reduce(0) { $0 + $1.literals } == count)
    #expect(walker.blocks.last?.isFinal == true)
    #expect(walker.blocks.count { $0.isFinal } == 1)
    // Halving frequencies have 2 bits a symbol; Huffman codes reach that exactly.
    let exponents = stream.count - 3 * count
    #expect(exponents < count / 4 + count / 100)
  }

  @Test("A stored plane at the end closes the stream with its last block")
  func storedLast() throws {
    // 16-bit elements whose low byte is constant and whose high byte is noise.
    let noise = SampleData.noise.bytes(70_000)
    let layout = try ChunkLayout(filter: .bytePlanes, elementSize: 2)
    let stream = try #require(try encode(noise.flatMap { [5, $0] }, layout))
    let blocks = try BlockWalker(stream).blocks
    #expect(blocks.suffix(2).map(\.kind) == [.stored, .stored])
    #expect(blocks.suffix(2).map(\.length) == [65_535, 70_000 - 65_535])
    #expect(blocks.map(\.isFinal) == blocks.indices.map { $0 == blocks.count - 1 })
    #expect(stream.count < 70_000 + 600)
  }

  @Test("Empty low planes cost next to nothing", arguments: [2, 4, 8])
  func emptyPlanes(size: Int) throws {
    // Integers below 256 of the given width: all planes but the lowest are zero.
    let count = 100_000
    let noise = SampleData.noise.bytes(count)
    var bytes = [UInt8](repeating: 0, count: count * size)
    for i in 0..<count { bytes[i * size + size - 1] = noise[i] }
    let layout = try ChunkLayout(filter: .bytePlanes, elementSize: size)
    let stream = try #require(try encode(bytes, layout))
    let empty = try BlockWalker(stream).blocks.dropLast(2)
    #expect(empty.reduce(0) { $0 + $1.length } == count * (size - 1))
    #expect(empty.allSatisfy { $0.kind != .stored || $0.length == 0 })
    #expect(stream.count - count < 400 * size)
  }

  /// What each kind of data may cost, as a share of 1,000; `nil` for data to be stored raw.
  @Test(
    "Each kind of data gets the coding that suits it",
    arguments: [
      (.zeros, 2), (.constant, 2), (.noise, nil), (.runs, 30), (.sparse, 100), (.text, 165),
      (.exponents, 260),
    ] as [(SampleData, Int?)])
  func shares(data: SampleData, limit: Int?) throws {
    let bytes = data.bytes(1 << 18)
    let layout = try ChunkLayout(filter: .none, elementSize: 1)
    let stream = try encode(bytes, layout)
    #expect((stream == nil) == (limit == nil))
    guard let stream, let limit else { return }
    #expect(stream.count * 1000 / bytes.count <= limit)
    var decoder = try ChunkDecoder()
    #expect(try decode(stream, layout, count: bytes.count, with: &decoder) == bytes)
    #expect(try BlockWalker(stream).output == bytes)
  }

  @Test("Rows of zeros among rows of noise cost next to nothing")
  func zeroRows() throws {
    // Every fourth row of 4,096 bytes is zero, as in the optimizer state of rows not yet touched.
    let row = 4096
    var bytes = SampleData.noise.bytes(32 * row)
    for i in bytes.indices where i / row % 4 == 0 { bytes[i] = 0 }
    let stream = try #require(try encode(bytes, ChunkLayout(filter: .none, elementSize: 1)))
    #expect(stream.count < bytes.count * 77 / 100)
  }

  @Test("Counting integers shrink although no byte of the low plane is frequent")
  func permutation() throws {
    let layout = try ChunkLayout(filter: .bytePlanes, elementSize: 4)
    let bytes = SampleData.permutation.bytes(1 << 20)
    let stream = try #require(try encode(bytes, layout))
    #expect(stream.count < bytes.count / 100)
  }

  @Test("A stream saves 1/64 and 32 bytes, or is not made")
  func margin() throws {
    #expect(ChunkEncoder.largestWorthwhileLength(for: 0) == -32)
    #expect(ChunkEncoder.largestWorthwhileLength(for: 2048) == 2016)
    #expect(ChunkEncoder.largestWorthwhileLength(for: 1 << 20) == (1 << 20) - (1 << 14))
    // Noise in front of zeros: the stream grows with the noise, and ends to be worth it.
    let layout = try ChunkLayout(filter: .none, elementSize: 1)
    for size in stride(from: 0, through: 256, by: 4) {
      let bytes = SampleData.noise.bytes(size) + SampleData.zeros.bytes(256 - size)
      let stream = try encode(bytes, layout)
      if size <= 128 { #expect(stream != nil) }
      if size >= 224 { #expect(stream == nil) }
    }
  }

  @Test("A stream is the same in a buffer of the caller's", arguments: SampleData.allCases)
  func ownBuffer(data: SampleData) throws {
    var encoder = ChunkEncoder()
    let layout = try ChunkLayout(filter: .rotatedBytePlanes, elementSize: 4)
    for size in [0, 64, 5000, 200_000] {
      let bytes = data.bytes(size)
      var buffer = [UInt8](repeating: 0xEE, count: ChunkEncoder.capacity(for: size))
      var target = buffer.mutableSpan
      let count = try encoder.encode(bytes.span, layout: layout, into: &target)
      #expect(try encode(bytes, layout) == count.map { Array(buffer[..<$0]) })
      var small = [UInt8](repeating: 0xEE, count: ChunkEncoder.capacity(for: size) - 1)
      let code = errorCode {
        var target = small.mutableSpan
        _ = try encoder.encode(bytes.span, layout: layout, into: &target)
      }
      #expect(code == .invalidArgument)
    }
  }

  @Test("Chunks that are no whole number of elements, or too large, are refused")
  func refusesLengths() throws {
    let layout = try ChunkLayout(filter: .rotatedBytePlanes, elementSize: 8)
    #expect(errorCode { _ = try encode([1, 2, 3, 4], layout) } == .invalidArgument)
    let tooLarge = [UInt8](repeating: 0, count: ChunkLayout.largestLogicalLength + 8)
    #expect(errorCode { _ = try encode(tooLarge, layout) } == .invalidArgument)
    #expect(errorCode { _ = try decode([], layout, count: tooLarge.count) } == .invalidArgument)
  }

  @Test("The largest chunk comes back")
  func largest() throws {
    let layout = try ChunkLayout(filter: .rotatedBytePlanes, elementSize: 4)
    let unit = SampleData.weights.bytes(1 << 20)
    var bytes: [UInt8] = []
    while bytes.count < ChunkLayout.largestLogicalLength { bytes += unit }
    let stream = try #require(try encode(bytes, layout))
    #expect(try decode(stream, layout, count: bytes.count) == bytes)
  }
}
