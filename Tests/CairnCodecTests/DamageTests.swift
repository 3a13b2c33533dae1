// What a chunk's own stream tells of damage, without the frame's CRC-32 around it.
//
// Adler-32 differs for any two contents of the same length that differ in one byte. A flipped bit
// of a *coded* block can change many bytes, which Adler-32 misses once in about 2^32 times; a
// flipped bit of padding, which RFC 1951 says to ignore, changes none. So the promise is: damage is
// refused or harmless, and harmless only in the padding.

import CairnCodec
import Testing

@Suite("Damaged chunks")
struct DamageTests {
  struct Chunk: Sendable, CustomTestStringConvertible {
    let data: SampleData
    let filter: PlaneFilter
    let elementSize: Int
    var testDescription: String { "\(data.rawValue), \(filter), \(elementSize)" }
  }

  @Test(
    "Every flipped bit is refused, but for padding, which changes nothing",
    arguments: [
      Chunk(data: .weights, filter: .rotatedBytePlanes, elementSize: 4),
      Chunk(data: .weights, filter: .bytePlanes, elementSize: 2),
      Chunk(data: .text, filter: .none, elementSize: 1),
      Chunk(data: .runs, filter: .none, elementSize: 1),
      Chunk(data: .exponents, filter: .none, elementSize: 1),
      Chunk(data: .permutation, filter: .bytePlanes, elementSize: 8),
      Chunk(data: .zeros, filter: .bytePlanes, elementSize: 4),
    ])
  func bitFlips(chunk: Chunk) throws {
    let layout = try ChunkLayout(filter: chunk.filter, elementSize: chunk.elementSize)
    let bytes = chunk.data.bytes(2048)
    let stream = try #require(try encode(bytes, layout))
    var decoder = try ChunkDecoder()
    var harmless: [Int] = []
    for bit in 0..<(stream.count * 8) {
      var damaged = stream
      damaged[bit / 8] ^= 1 << (bit % 8)
      do {
        let decoded = try decode(damaged, layout, count: bytes.count, with: &decoder)
        #expect(decoded == bytes, "bit \(bit) loads as another content")
        harmless.append(bit)
      } catch {
        #expect(error is CodecError)
      }
    }
    let padding = try BlockWalker(stream).paddingBits
    #expect(Set(harmless).isSubset(of: padding), "beyond padding: \(harmless)")
  }

  @Test("Every truncation of our own streams is refused", arguments: SampleData.allCases)
  func truncations(data: SampleData) throws {
    let layout = try ChunkLayout(filter: .rotatedBytePlanes, elementSize: 4)
    let bytes = data.bytes(2048)
    guard let stream = try encode(bytes, layout) else { return }
    var decoder = try ChunkDecoder()
    for length in 0..<stream.count {
      let code = errorCode {
        _ = try decode(Array(stream[..<length]), layout, count: bytes.count, with: &decoder)
      }
      #expect(code == .streamTooShort)
    }
  }

  @Test("Random bytes never decode into more than was asked for, and never trap")
  func randomStreams() throws {
    var random = SeededGenerator(seed: 11)
    var decoder = try ChunkDecoder()
    let layout = try ChunkLayout(filter: .bytePlanes, elementSize: 4)
    for _ in 0..<5000 {
      var stream: [UInt8] = [0x78, 0x01]
      for _ in 0..<Int.random(in: 0...200, using: &random) {
        stream.append(UInt8(truncatingIfNeeded: random.next()))
      }
      #expect(errorCode { _ = try decode(stream, layout, count: 400, with: &decoder) } != nil)
    }
  }
}
