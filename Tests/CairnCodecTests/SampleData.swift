// Data of known character from a seeded generator, and the coder calls that every test makes.

import CairnCodec
import CairnTestSupport

/// A kind of data that models hold.
enum SampleData: String, CaseIterable, Sendable {
  case zeros, constant, noise, runs, sparse, text, permutation, exponents, weights, heads

  /// The first `count` bytes of this kind, the same on every run.
  func bytes(_ count: Int) -> [UInt8] {
    if count <= Self.preparedCount, let prepared = Self.prepared[self] {
      return Array(prepared[..<count])
    }
    return generate(count)
  }

  /// Made once, because a debug build takes longer to make data than to code it.
  private static let preparedCount = 1 << 17
  private static let prepared = Dictionary(
    uniqueKeysWithValues: allCases.map { ($0, $0.generate(preparedCount)) })

  private func generate(_ count: Int) -> [UInt8] {
    var random = SeededNumbers(1)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
      switch self {
      case .zeros: bytes.append(0)
      case .constant: bytes.append(0xA5)
      case .noise: bytes.append(UInt8(truncatingIfNeeded: random.next()))
      case .runs:
        let byte = UInt8(truncatingIfNeeded: random.next())
        bytes += [UInt8](repeating: byte, count: Int.random(in: 1...400, using: &random))
      case .sparse:
        bytes.append(random.next() % 64 == 0 ? UInt8.random(in: 1...9, using: &random) : 0)
      case .text:
        let words = ["stone ", "trail ", "cairn ", "weights ", "of ", "the ", "a ", "layer ", "\n"]
        bytes += Array(words[Int(random.next() % 9)].utf8)
      case .permutation:
        // Indices 0, 1, 2 … as 32-bit integers: the low byte counts, no byte is frequent in it.
        let index = UInt32(bytes.count / 4)
        for shift in [0, 8, 16, 24] as [UInt32] {
          bytes.append(UInt8(truncatingIfNeeded: index >> shift))
        }
      case .exponents: bytes.append(Self.exponent(&random))
      case .weights:
        // A float32 of random sign and mantissa and an exponent as weights have it.
        let exponent = UInt32(Self.exponent(&random))
        let bits = UInt32(truncatingIfNeeded: random.next()) & 0x807F_FFFF | exponent << 23
        for shift in [0, 8, 16, 24] as [UInt32] {
          bytes.append(UInt8(truncatingIfNeeded: bits >> shift))
        }
      case .heads:
        // Bit patterns that a conversion would change: NaNs with payloads, −0, subnormals, −inf.
        let patterns: [UInt32] = [
          0x7FC0_1234, 0xFFA0_0001, 0x8000_0000, 0x0000_0001, 0x807F_FFFF, 0xFF80_0000, 0x7F80_0001,
        ]
        let bits = patterns[Int(random.next() % 7)]
        for shift in [0, 8, 16, 24] as [UInt32] {
          bytes.append(UInt8(truncatingIfNeeded: bits >> shift))
        }
      }
    }
    return Array(bytes[..<count])
  }

  /// 124 minus the number of leading zeros of a random word: halving frequencies.
  private static func exponent(_ random: inout SeededNumbers) -> UInt8 {
    UInt8(124 - min(random.next().leadingZeroBitCount, 24))
  }
}

extension ChunkLayout {
  /// Every legal layout.
  static let all: [ChunkLayout] = [1, 2, 4, 8].flatMap { size in
    PlaneFilter.allCases.compactMap { try? ChunkLayout(filter: $0, elementSize: size) }
  }
}

/// Codes `bytes` with an encoder of its own.
func encode(_ bytes: [UInt8], _ layout: ChunkLayout) throws -> [UInt8]? {
  var encoder = ChunkEncoder()
  return try encoder.encode(bytes.span, layout: layout)
}

/// Decodes `stream` to `count` bytes with a decoder of its own.
func decode(_ stream: [UInt8], _ layout: ChunkLayout, count: Int) throws -> [UInt8] {
  var decoder = try ChunkDecoder()
  return try decode(stream, layout, count: count, with: &decoder)
}

/// Decodes `stream` to `count` bytes.
func decode(
  _ stream: [UInt8], _ layout: ChunkLayout, count: Int, with decoder: inout ChunkDecoder
) throws -> [UInt8] {
  var logical = [UInt8](repeating: 0xEE, count: count)
  var target = logical.mutableSpan
  try decoder.decode(stream.span, layout: layout, into: &target)
  return logical
}

/// The code of the error that `body` throws, or `nil`.
func errorCode(_ body: () throws -> Void) -> CodecError.Code? {
  do {
    try body()
    return nil
  } catch {
    return (error as? CodecError)?.code
  }
}
