// Our own decoder against zlib: the same streams accepted, the same bytes. Whatever ours refuses is
// given to zlib, so a stream that it refused wrongly would be slow; one that it accepted wrongly
// would be damage not noticed. FORMAT.md, section "Our encoder and decoder".

import CZlib
import CairnTestSupport
import Testing

@testable import CairnCodec

@Suite("Decoder against zlib")
struct DifferentialTests {
  /// Decodes raw DEFLATE data with both, for what is said to give `count` bytes; returns whether it
  /// is valid.
  @discardableResult
  private func compare(
    _ data: [UInt8], count: Int, planeLength: Int? = nil, _ fast: inout FastInflate,
    _ what: String
  ) -> Bool {
    var output = [UInt8](repeating: 0xEE, count: count)
    var target = output.mutableSpan
    let end = fast.decode(
      data.span, from: 0, planeLength: planeLength ?? max(count, 1), leavesRuns: false,
      into: &target)
    let expected = ZlibReference.inflate(data, capacity: count)
    let isValid = expected.isValid && expected.output.count == count
    #expect((end != nil) == isValid, "\(what)")
    if let end, isValid {
      #expect(end == expected.consumed, "\(what)")
      #expect(output == expected.output, "\(what)")
    }
    return isValid
  }

  private static let strategies = [
    Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED,
  ]

  /// What zlib writes of a kind of data, its level, its memory, its strategy and its flushes chosen
  /// by chance.
  private func stream(
    _ content: [UInt8], _ random: inout SeededNumbers
  ) -> [UInt8] {
    var settings = ZlibReference.Settings()
    settings.level = [0, 1, 6, 9][Int(random.next() % 4)]
    settings.memoryLevel = [1, 5, 8, 9][Int(random.next() % 4)]
    settings.strategy = Self.strategies[Int(random.next() % 5)]
    let cuts = (0..<Int(random.next() % 4)).map { _ in Int(random.next() % UInt64(content.count)) }
    for cut in cuts.sorted() {
      let how = [Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_PARTIAL_FLUSH, Z_BLOCK][Int(random.next() % 4)]
      settings.flushes.append((cut, how))
    }
    return Array(ZlibReference.compress(content, settings).dropFirst(2))
  }

  @Test("Whatever zlib writes is read", arguments: SampleData.allCases)
  func valid(data: SampleData) {
    var random = SeededNumbers(21)
    var fast = FastInflate()
    for round in 0..<24 {
      let count = [1, 30, 300, 5000, 40_000, 70_000][round % 6]
      let content = data.bytes(count)
      #expect(
        compare(stream(content, &random), count: count, &fast, "\(data), round \(round)"))
    }
  }

  @Test("Damaged streams are accepted or refused as by zlib", arguments: SampleData.allCases)
  func damaged(data: SampleData) {
    var random = SeededNumbers(22)
    var fast = FastInflate()
    for round in 0..<60 {
      let count = [40, 300, 1500][round % 3]
      let original = stream(data.bytes(count), &random)
      for _ in 0..<6 {
        var stream = original
        for _ in 0...Int(random.next() % 3) {
          let place = Int(random.next() % UInt64(stream.count))
          switch random.next() % 5 {
          case 0: stream[place] = UInt8(truncatingIfNeeded: random.next())
          case 1: stream.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
          case 2 where stream.count > 1: stream.remove(at: place)
          case 3 where place > 0: stream.removeLast(stream.count - place)
          default: stream[place] ^= 1 << UInt8(random.next() % 8)
          }
        }
        compare(stream, count: count, &fast, "\(data), round \(round): \(stream)")
      }
    }
  }

  @Test("Codes are refused where zlib refuses them: too many, too few, no end, out of range")
  func codes() {
    var random = SeededNumbers(23)
    var fast = FastInflate()
    var valid = 0
    for round in 0..<2500 {
      var bits = BitString()
      // A complete code, by splitting codes, then perhaps a change of one length.
      let literals = lengths(of: 257 + Int(random.next() % 30), mustHave: 256, &random)
      let distances = lengths(of: 1 + Int(random.next() % 31), mustHave: nil, &random)
      bits.appendDynamicHead(isFinal: true, literals: literals, distances: distances)
      for _ in 0..<Int(random.next() % 40) { bits.append(Int(random.next() & 0xFF), 8) }
      // Whatever follows; an end of block may come about.
      let data = bits.bytes
      let given = ZlibReference.inflate(data, capacity: 9000)
      if compare(data, count: given.output.count, &fast, "round \(round): \(data)") { valid += 1 }
    }
    #expect(valid > 100)
  }

  /// Code lengths, mostly of a complete code, for `count` symbols.
  private func lengths(
    of count: Int, mustHave: Int?, _ random: inout SeededNumbers
  ) -> [Int] {
    var codes = [0]
    for _ in 0..<Int(random.next() % 12) {
      let index = Int(random.next() % UInt64(codes.count))
      guard codes[index] < 15, codes.count < count else { continue }
      codes[index] += 1
      codes.append(codes[index])
    }
    var lengths = [Int](repeating: 0, count: count)
    var places = Array(0..<count)
    if let mustHave, random.next() % 16 != 0 {
      lengths[mustHave] = codes.removeLast()
      places.remove(at: mustHave)
    }
    for code in codes where !places.isEmpty {
      lengths[places.remove(at: Int(random.next() % UInt64(places.count)))] = code
    }
    if random.next() % 3 == 0 {
      lengths[Int(random.next() % UInt64(count))] = Int(random.next() % 16)
    }
    return lengths
  }

  @Test("Fixed codes with symbols that are none are refused as by zlib")
  func fixedCodes() {
    var random = SeededNumbers(24)
    var fast = FastInflate()
    for round in 0..<1500 {
      var bits = BitString()
      bits.append(3, 3)
      for _ in 0..<Int(random.next() % 12) {
        // A literal, or any bits.
        if random.next() % 3 != 0 {
          bits.append(0b0000_1100, 8)
        } else {
          bits.append(Int(random.next() & 0x1FFF), 13)
        }
      }
      bits.append(0, 7)
      let given = ZlibReference.inflate(bits.bytes, capacity: 4000)
      compare(bits.bytes, count: given.output.count, &fast, "round \(round): \(bits.bytes)")
    }
  }

  @Test("Fixed codes are still right after a description that was refused")
  func fixedCodesLater() {
    var fast = FastInflate()
    // An empty fixed block, then a description that ends too early.
    var refused = BitString()
    refused.append(0b010, 3)
    refused.append(0, 7)
    refused.append(0b101, 3)
    refused.append(0, 10)
    refused.append(15, 4)
    for symbol in 0..<19 { refused.append(symbol < 5 ? 3 : 4, 3) }
    compare(refused.bytes, count: 0, &fast, "refused")
    for symbol in 0..<19 { refused.append(symbol, 3) }
    compare(refused.bytes, count: 0, &fast, "refused")
    // Bytes of eight bits each: others would be stored.
    let content = SampleData.noise.bytes(3000).map { $0 & 0x7F }
    let settings = ZlibReference.Settings(strategy: Z_FIXED)
    let stream = Array(ZlibReference.compress(content, settings).dropFirst(2))
    #expect(compare(stream, count: content.count, &fast, "fixed codes"))
  }

  @Test("A plane in two parts is read, and so is what only looks like one")
  func parts() throws {
    var random = SeededNumbers(25)
    var fast = FastInflate()
    let count = 40_000
    let plain = try ChunkLayout(filter: .none, elementSize: 1)
    let content = SampleData.exponents.bytes(count)
    let ours = Array(try #require(try encode(content, plain)).dropFirst(2))
    #expect(compare(ours, count: count, &fast, "two parts"))
    for other in [count / 2, count / 4, count - 1] {
      // Parts where the decoder does not expect them.
      compare(ours, count: count, planeLength: other, &fast, "planes of \(other)")
    }
    for cut in [1, 100, 19_999, 20_000, 20_001, 39_999] {
      let settings = ZlibReference.Settings(
        strategy: Z_HUFFMAN_ONLY, flushes: [(cut, Z_SYNC_FLUSH)])
      let stream = Array(ZlibReference.compress(content, settings).dropFirst(2))
      #expect(compare(stream, count: count, &fast, "cut at \(cut)"))
    }
    let marker = try #require(Self.marker(in: ours))
    for round in 0..<60 {
      var damaged = ours
      let place =
        round % 2 == 0
        ? marker - 8 + Int(random.next() % 60) : Int(random.next() % UInt64(ours.count))
      damaged[place] ^= 1 << UInt8(random.next() % 8)
      compare(damaged, count: count, &fast, "bit of byte \(place), marker at \(marker)")
    }
    // The mark of an empty block in the middle of codes and of stored bytes.
    for place in [700, marker / 2, marker + 500] {
      var damaged = ours
      damaged.replaceSubrange(place..<place + 4, with: [0, 0, 0xFF, 0xFF])
      compare(damaged, count: count, &fast, "mark at \(place)")
    }
  }

  @Test("Matches into what a first part or a stored block has given")
  func matches() throws {
    var fast = FastInflate()
    let noise = SampleData.noise.bytes(20_000)
    let exponents = SampleData.exponents.bytes(20_000)
    for content in [noise + noise, exponents + exponents, noise + exponents + noise + exponents] {
      for flush in [[], [(content.count / 2, Z_SYNC_FLUSH)]] as [[(Int, Int32)]] {
        let settings = ZlibReference.Settings(flushes: flush.map { (at: $0.0, how: $0.1) })
        let stream = ZlibReference.compress(content, settings)
        let data = Array(stream.dropFirst(2))
        #expect(compare(data, count: content.count, &fast, "in one plane"))
        // Stored blocks are left where they are until a match reaches into them.
        for layout in ChunkLayout.all where layout.filter == .bytePlanes {
          let joined = try decode(stream, layout, count: content.count)
          #expect(joined == join(content, layout.elementSize))
        }
      }
    }
  }

  private static func marker(in stream: [UInt8]) -> Int? {
    stream.indices.dropLast(3).first { stream[$0..<$0 + 4] == [0, 0, 0xFF, 0xFF] }
  }

  /// Planes joined as FORMAT.md says.
  private func join(_ planes: [UInt8], _ size: Int) -> [UInt8] {
    let count = planes.count / size
    return (0..<count).flatMap { index in (0..<size).map { planes[$0 * count + index] } }
  }
}
