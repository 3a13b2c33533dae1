// What planes cost, against zlib's Huffman codes without matches.
// FORMAT.md, section "Our encoder and decoder".

import CZlib
import CairnCodec
import CairnTestSupport
import Testing

@Suite("Sizes of planes")
struct SizeTests {
  /// Kinds of planes that are literals at heart.
  enum Plane: String, CaseIterable, Sendable {
    case halving, bell, narrowBell, thirteen, hundred, zipf, drifting, twoHalves, skewed

    func bytes(_ count: Int) -> [UInt8] {
      var random = SeededNumbers(5)
      return (0..<count).map { index in
        let word = random.next()
        let bell = (0..<8).reduce(0) { $0 + Int(word >> UInt64(8 * $1) & 0xFF) } / 8
        switch self {
        case .halving: return UInt8(124 - min(word.leadingZeroBitCount, 30))
        case .bell: return UInt8(bell)
        case .narrowBell: return UInt8(120 + bell / 16)
        case .thirteen: return UInt8(word % 13) * 5
        case .hundred: return UInt8(word % 100)
        case .zipf: return UInt8(255 / (1 + word % 255))
        case .drifting: return UInt8((bell / 8 + index / 1000) & 0xFF)
        case .twoHalves: return index < count / 2 ? UInt8(word % 5) : 100 + UInt8(word % 50)
        case .skewed: return word % 1000 == 0 ? UInt8(word >> 32 & 0xFF) : UInt8(word >> 40 & 1)
        }
      }
    }
  }

  /// Two parts of a plane have an empty block between them, five bytes, and descriptions of their
  /// own. Where Huffman codes gain nothing, as of bytes that are equally frequent, more blocks of
  /// chance differences are better by a 10,000th; nothing looks for that.
  private func check(_ bytes: [UInt8]) throws {
    let stream = try encode(bytes, ChunkLayout(filter: .none, elementSize: 1))
    let other = ZlibReference.compress(bytes, .init(strategy: Z_HUFFMAN_ONLY)).count
    if let stream {
      #expect(stream.count <= other + (bytes.count < 1 << 15 ? 0 : other / 10_000))
      #expect(ZlibReference.inflate(Array(stream[2...]), capacity: bytes.count).output == bytes)
    } else {
      #expect(other > ChunkEncoder.largestWorthwhileLength(for: bytes.count))
    }
  }

  @Test("No plane is larger than by zlib's Huffman codes", arguments: Plane.allCases)
  func literals(plane: Plane) throws {
    for count in [64, 200, 1000, 5000, 16_384, 40_000, 100_000] { try check(plane.bytes(count)) }
  }

  @Test("No other data is larger than by zlib's Huffman codes", arguments: SampleData.allCases)
  func samples(data: SampleData) throws {
    for count in [64, 1000, 20_000, 100_000] { try check(data.bytes(count)) }
  }

  @Test("A constant plane takes two bits for 258 bytes", arguments: [0, 7, 255] as [UInt8])
  func constant(byte: UInt8) throws {
    var decoder = try ChunkDecoder()
    let layout = try ChunkLayout(filter: .none, elementSize: 1)
    for count in Array(100...400) + Array(4094...4400) + [66_049] {
      let bytes = [UInt8](repeating: byte, count: count)
      let stream = try #require(try encode(bytes, layout))
      #expect(stream.count <= count / 258 / 4 + 100)
      #expect(ZlibReference.inflate(Array(stream[2...]), capacity: count).output == bytes)
      #expect(try decode(stream, layout, count: count, with: &decoder) == bytes)
    }
  }
}
