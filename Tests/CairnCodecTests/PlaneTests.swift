// Planes against expectations written out by hand. FORMAT.md, section "Chunks and planes".

import CairnTestSupport
import Testing

@testable import CairnCodec

@Suite("Planes")
struct PlaneTests {
  /// Splits, and checks on the way that joining gives the input back.
  private func planes(_ bytes: [UInt8], _ filter: PlaneFilter, _ size: Int) throws -> [UInt8] {
    let layout = try ChunkLayout(filter: filter, elementSize: size)
    var planes = [UInt8](repeating: 0, count: bytes.count)
    var target = planes.mutableSpan
    try SplitKernel.split(bytes.span, layout: layout, into: &target)
    var joined = [UInt8](repeating: 0, count: bytes.count)
    var back = joined.mutableSpan
    let nothing: [UInt8] = []
    let adler = try JoinKernel.join(
      planes.span, runs: [], in: nothing.span, layout: layout, into: &back)
    #expect(joined == bytes)
    #expect(adler == Checksum.adler32(planes.span))
    return planes
  }

  @Test("Byte planes gather byte j of every element, lowest first")
  func bytePlanes() throws {
    #expect(try planes([1, 2, 3, 4], .bytePlanes, 2) == [1, 3, 2, 4])
    #expect(
      try planes([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], .bytePlanes, 4)
        == [1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12])
    #expect(
      try planes(Array(0..<16), .bytePlanes, 8)
        == [0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15])
  }

  @Test("Rotated planes have the sign in bit 0 and a float's exponent as the top byte")
  func rotatedPlanes() throws {
    // float32 1.0 = 3F800000, −2.0 = C0000000: rotated 7F000000 and 80000001.
    #expect(
      try planes([0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0], .rotatedBytePlanes, 4)
        == [0x00, 0x01, 0, 0, 0, 0, 0x7F, 0x80])
    // bfloat16 1.0 = 3F80, −0 = 8000, a NaN with payload FFC1: rotated 7F00, 0001, FF83.
    #expect(
      try planes([0x80, 0x3F, 0x00, 0x80, 0xC1, 0xFF], .rotatedBytePlanes, 2)
        == [0x00, 0x01, 0x83, 0x7F, 0x00, 0xFF])
    // float64 −1.0 = BFF0000000000000: rotated 7FE0000000000001.
    #expect(
      try planes([0, 0, 0, 0, 0, 0, 0xF0, 0xBF], .rotatedBytePlanes, 8)
        == [1, 0, 0, 0, 0, 0, 0xE0, 0x7F])
  }

  @Test("Splitting agrees with its definition at every length", arguments: ChunkLayout.all)
  func definition(layout: ChunkLayout) throws {
    guard layout.filter != .none else { return }
    let (size, width) = (layout.elementSize, UInt64(layout.elementSize * 8))
    for count in [0, 1, 2, 3, 15, 16, 17, 31, 33, 64, 100, 4095, 4096, 4097, 9000] {
      let bytes = SampleData.noise.bytes(count * size)
      var expected = [UInt8](repeating: 0, count: bytes.count)
      for i in 0..<count {
        var element: UInt64 = 0
        for j in 0..<size { element |= UInt64(bytes[i * size + j]) << UInt64(8 * j) }
        if layout.filter == .rotatedBytePlanes { element = element << 1 | element >> (width - 1) }
        for j in 0..<size {
          expected[j * count + i] = UInt8(truncatingIfNeeded: element >> UInt64(8 * j))
        }
      }
      #expect(try planes(bytes, layout.filter, size) == expected)
    }
  }

  @Test("Counts agree with their definitions", arguments: SampleData.allCases)
  func counts(data: SampleData) {
    for count in [0, 1, 2, 7, 8, 9, 17, 255, 2041, 2049, 70_001] {
      let bytes = data.bytes(count)
      var histogram = [UInt32](repeating: 0, count: 256)
      for byte in bytes { histogram[Int(byte)] += 1 }
      #expect(PlaneKernels.histogram(of: bytes.span) == histogram)
      let repeats = zip(bytes, bytes.dropFirst()).count { $0 == $1 }
      #expect(PlaneKernels.repeatCount(in: bytes.span) == repeats)
    }
  }

  @Test("Bytes of few neighbouring values are counted like any", arguments: [0, 1, 100, 192, 193])
  func narrowCounts(lowest: Int) {
    var random = SeededNumbers(6)
    for values in [1, 2, 63, 64, 65] where lowest + values <= 256 {
      for count in [2047, 2048, 2049, 8192, 65_527, 65_528, 65_536, 131_057, 140_003] {
        let bytes = (0..<count).map { index in
          UInt8(lowest + (index < 2 ? index * (values - 1) : Int(random.next() >> 32) % values))
        }
        var histogram = [UInt32](repeating: 0, count: 256)
        for byte in bytes { histogram[Int(byte)] += 1 }
        #expect(PlaneKernels.histogram(of: bytes.span) == histogram)
      }
    }
  }

  @Test("Repeated strings are counted, runs and first occurrences are not")
  func stringRepeats() {
    var probe = RepeatProbe()
    #expect(probe.count(in: SampleData.zeros.bytes(5000).span) == 0)
    #expect(probe.count(in: SampleData.noise.bytes(16_384).span) == 0)
    #expect(probe.count(in: [1, 2, 3, 4, 5, 6, 7].span) == 0)
    // 0, 1 … 255 four times: of 1,017 strings the first 256 are new.
    let counting = (0..<1024).map { UInt8(truncatingIfNeeded: $0) }
    #expect(probe.count(in: counting.span) == 1017 - 256)
  }

  @Test(
    "Structure is what chance does not explain",
    arguments: [
      (.noise, false), (.exponents, false), (.weights, false), (.zeros, false), (.text, true),
    ] as [(SampleData, Bool)])
  func structure(data: SampleData, expected: Bool) {
    var probe = RepeatProbe()
    let sample = data.bytes(RepeatProbe.sampleLength)
    let found = probe.findsStructure(in: sample.span)
    #expect(found == expected)
  }

  @Test("A short period is structure although few bytes are distinct")
  func period() {
    var probe = RepeatProbe()
    let bytes = (0..<10_000).map { UInt8($0 % 4 == 0 ? 1 : 0) }
    let found = probe.findsStructure(in: bytes.span)
    #expect(found)
  }

  @Test(
    "The fixed-point logarithm is right to one unit",
    arguments: [
      (1, 0), (2, 4096), (3, 6492), (10, 13606), (1000, 40819), (65_535, 65_535),
      (1 << 24, 24 * 4096),
    ] as [(UInt32, UInt32)])
  func logarithm(value: UInt32, expected: UInt32) {
    // Expected: floor(4096 * log2(value)), computed with 50 digits by Python's decimal module.
    let log = FixedPoint.log2(value)
    #expect(log == expected || log + 1 == expected)
  }

  @Test("Lengths that do not fit are refused, not written past")
  func refusesLengths() throws {
    let layout = try ChunkLayout(filter: .bytePlanes, elementSize: 4)
    var small = [UInt8](repeating: 0, count: 4)
    let code = errorCode {
      var target = small.mutableSpan
      try SplitKernel.split(SampleData.noise.bytes(8).span, layout: layout, into: &target)
    }
    #expect(code == .invalidArgument)
    let copyCode = errorCode {
      var target = small.mutableSpan
      try ByteCopies.copy([1, 2, 3].span, to: &target, at: 2)
    }
    #expect(copyCode == .invalidArgument)
    #expect(small == [0, 0, 0, 0])
  }
}
