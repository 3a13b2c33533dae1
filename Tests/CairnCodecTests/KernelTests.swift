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
          let (done, narrow) = unsafe VectorKernels.crc32(
            piece + [0], length, continuing: before, usingWideVectors: false)
          let rest = Array(piece[done...])
          let plain = unsafe CZlib.crc32_z(UInt(narrow), rest + [0], rest.count)
          #expect(UInt32(plain) == UInt32(expected))
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

  @Test("Codes are the same with vectors and without, also near the end of the room")
  func codes() throws {
    var random = SeededNumbers(5)
    for (first, width) in [(0, 2), (0, 64), (100, 40), (192, 64), (5, 65), (0, 256)] {
      for count in [1, 63, 64, 255, 256, 257, 1000, 4096] {
        // Squared, so that some are frequent and codes are short and long.
        let symbols = (0..<count).map { _ in
          let part = random.next() % 1024 * (random.next() % 1024)
          return UInt8(first + Int(part) * width >> 20)
        }
        var counts = PlaneKernels.histogram(of: symbols.span)
        counts[first] += 1
        counts[first + width - 1] += 1
        for room in [0, 1, 50, 200] {
          let written = write(symbols, counts, room: room, usingVectors: true)
          #expect(written == write(symbols, counts, room: room, usingVectors: false))
          #expect(written.isWritten)
        }
      }
    }
  }

  private struct Written: Equatable {
    var isWritten: Bool
    var bytes: [UInt8]
    var end: Int
    var pending: UInt64
  }

  /// The codes of `symbols` after three bits, in a buffer with `room` bytes more than are needed.
  private func write(
    _ symbols: [UInt8], _ counts: [UInt32], room: Int, usingVectors: Bool
  ) -> Written {
    var huffman = HuffmanLengths()
    var lengths = [UInt8](repeating: 0, count: 256)
    var bits = [UInt16](repeating: 0, count: 256)
    huffman.assign(counts: counts, limit: LiteralCodes.longestCode, to: &lengths)
    CanonicalCodes.assign(lengths: lengths, to: &bits)
    var codes = LiteralCodes(usingVectors: usingVectors)
    codes.assign(codes: bits, lengths: lengths, count: symbols.count)
    let bitCount = symbols.reduce(0) { $0 + Int(lengths[Int($1)]) }
    var bytes = [UInt8](
      repeating: 0, count: (bitCount + 3) / 8 + LiteralKernels.slack + room)
    var target = bytes.mutableSpan
    var writer = BitWriter(at: 0)
    writer.put(5, 3, to: &target)
    let isWritten = LiteralKernels.write(
      symbols.span, codes, bitCount: bitCount, with: &writer, to: &target)
    return Written(
      isWritten: isWritten, bytes: Array(bytes[..<writer.end]), end: writer.end,
      pending: writer.pending)
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
