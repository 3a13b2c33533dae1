// What a chunk's own stream tells of damage, without the frame's CRC-32 around it.
//
// Adler-32 differs for any two contents of the same length that differ in one byte. A flipped bit
// of a *coded* block can change many bytes, which Adler-32 misses once in about 2^32 times. And a
// flipped bit can change none: in padding, which RFC 1951 says to ignore; in the length of a code
// that no symbol uses; in a distance that leads to another copy of the same string. So the promise
// is that damage is refused or harmless. Only the frame's CRC-32 catches harmless damage.

import CairnCodec
import CairnTestSupport
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
    "Every flipped bit is refused, or loads the very same content",
    arguments: [
      Chunk(data: .weights, filter: .rotatedBytePlanes, elementSize: 4),
      Chunk(data: .weights, filter: .bytePlanes, elementSize: 4),
      Chunk(data: .exponents, filter: .none, elementSize: 1),
      Chunk(data: .text, filter: .none, elementSize: 1),
      Chunk(data: .runs, filter: .none, elementSize: 1),
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
    #expect(Set(harmless).isSuperset(of: try BlockWalker(stream).paddingBits))
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
    var random = SeededNumbers(11)
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
