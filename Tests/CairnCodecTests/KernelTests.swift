// The loops for machines with special instructions against those for every machine.

import CZlib
import CairnTestSupport
import Testing

@testable import CairnCodec

@Suite("Kernels")
struct KernelTests {
  private static let lengths = Array(0...200) + [255, 256, 257, 319, 320, 1023, 5552, 5553, 70_001]

  @Test("CRC-32 is zlib's, at every length, from every byte, continued")
  func crc32() {
    let bytes = SampleData.noise.bytes(70_020)
    for length in Self.lengths {
      for start in [0, 1, 7, 13] {
        let piece = Array(bytes[start..<start + length])
        for before in [0, 1, 0xDEAD_BEEF, 0xFFFF_FFFF] as [UInt32] {
          let expected = unsafe CZlib.crc32_z(UInt(before), piece + [0], piece.count)
          #expect(Checksum.crc32(piece.span, continuing: before) == UInt32(expected))
        }
      }
    }
  }

  @Test("Adler-32 is zlib's, at every length, from every byte, continued")
  func adler32() {
    let contents = [SampleData.noise.bytes(70_020), [UInt8](repeating: 0xFF, count: 70_020)]
    for bytes in contents {
      for length in Self.lengths {
        for start in [0, 3] {
          let piece = Array(bytes[start..<start + length])
          for before in [1, 0xFFF0_FFF0, 0x0123_4567] as [UInt32] {
            let expected = unsafe CZlib.adler32_z(UInt(before), piece + [0], piece.count)
            #expect(Checksum.adler32(piece.span, continuing: before) == UInt32(expected))
            let plain = unsafe AdlerKernel.adler32(piece + [0], piece.count, continuing: before)
            #expect(plain == UInt32(expected))
          }
        }
      }
    }
  }

  @Test("Adler-32 of two pieces comes from theirs")
  func combination() {
    let bytes = SampleData.noise.bytes(70_000)
    for cut in [0, 1, 5, 65_520, 65_521, 65_522, 70_000] {
      let (head, tail) = (Array(bytes[..<cut]), Array(bytes[cut...]))
      #expect(
        Checksum.adler32(
          Checksum.adler32(head.span), then: Checksum.adler32(tail.span), count: tail.count)
          == Checksum.adler32(bytes.span))
    }
  }

  @Test("Planes are the same with vectors and without", arguments: ChunkLayout.all)
  func planes(layout: ChunkLayout) throws {
    guard layout.filter != .none else { return }
    let size = layout.elementSize
    for count in [1, 31, 32, 33, 64, 100, 4095, 4096, 4097] {
      let bytes = SampleData.noise.bytes(count * size)
      #expect(
        try split(bytes, layout, usingVectors: true) == split(bytes, layout, usingVectors: false))
      #expect(
        try join(bytes, layout, usingVectors: true) == join(bytes, layout, usingVectors: false))
    }
  }

  private func split(
    _ bytes: [UInt8], _ layout: ChunkLayout, usingVectors: Bool
  ) throws -> [UInt8] {
    var planes = [UInt8](repeating: 0, count: bytes.count)
    var target = planes.mutableSpan
    try SplitKernel.split(bytes.span, layout: layout, into: &target, usingVectors: usingVectors)
    return planes
  }

  private func join(
    _ planes: [UInt8], _ layout: ChunkLayout, usingVectors: Bool
  ) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: planes.count)
    var target = bytes.mutableSpan
    let nothing: [UInt8] = []
    _ = try JoinKernel.join(
      planes.span, runs: [], in: nothing.span, layout: layout, into: &target,
      usingVectors: usingVectors)
    return bytes
  }
}
