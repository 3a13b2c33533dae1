// What a decoder accepts and refuses. FORMAT.md, section "Chunks and planes".

import CairnCodec
import Testing

@Suite("Chunk decoder")
struct DecoderTests {
  private let plain: ChunkLayout

  init() throws {
    plain = try ChunkLayout(filter: .none, elementSize: 1)
  }

  private func failure(_ stream: [UInt8], count: Int) -> CodecError? {
    do {
      _ = try decode(stream, plain, count: count)
      return nil
    } catch {
      return error as? CodecError
    }
  }

  @Test("Streams of another writer decode, whatever their blocks", arguments: ForeignStreams.valid)
  func foreign(sample: ForeignStreams.Sample) throws {
    #expect(try decode(sample.stream, plain, count: sample.content.count) == sample.content)
    #expect(try BlockWalker(sample.stream).output == sample.content)
  }

  @Test("A stream of the wrong length is refused", arguments: ForeignStreams.valid)
  func wrongLength(sample: ForeignStreams.Sample) {
    let count = sample.content.count
    for wrong in [0, 1, count - 1, count + 1, count + 1000] where wrong >= 0 && wrong != count {
      #expect(failure(sample.stream, count: wrong)?.code == .wrongLength)
    }
  }

  @Test("Every truncation is refused as too short", arguments: ForeignStreams.valid)
  func truncated(sample: ForeignStreams.Sample) {
    for length in 0..<sample.stream.count {
      let error = failure(Array(sample.stream[..<length]), count: sample.content.count)
      #expect(error?.code == .streamTooShort)
      #expect(error?.offset == length)
    }
  }

  @Test("Bytes after the stream are refused", arguments: ForeignStreams.valid)
  func trailing(sample: ForeignStreams.Sample) {
    let error = failure(sample.stream + [0], count: sample.content.count)
    #expect(error?.code == .trailingBytes)
    #expect(error?.offset == sample.stream.count)
  }

  @Test("A wrong Adler-32 is refused, whichever byte is wrong", arguments: ForeignStreams.valid)
  func wrongAdler(sample: ForeignStreams.Sample) {
    for i in 1...4 {
      var stream = sample.stream
      stream[stream.count - i] ^= 0x40
      let error = failure(stream, count: sample.content.count)
      #expect(error?.code == .checksumMismatch)
      #expect(error?.offset == stream.count - 4)
    }
  }

  @Test("A preset dictionary is refused")
  func presetDictionary() {
    let error = failure(ForeignStreams.dictionary, count: ForeignStreams.text.count)
    #expect(error?.code == .presetDictionary)
    #expect(error?.offset == 1)
  }

  @Test(
    "A header that is not RFC 1950's is refused",
    arguments: [
      [0x1F, 0x8B], [0x50, 0x4B], [0x77, 0x01], [0x79, 0x01], [0x88, 0x1C], [0x78, 0x02],
      [0x78, 0x00], [0x00, 0x00],
    ] as [[UInt8]])
  func header(bytes: [UInt8]) {
    let error = failure(bytes + ForeignStreams.stored.dropFirst(2), count: 56)
    #expect(error?.code == .notZlib)
  }

  /// Streams written by hand against RFC 1951: a block of the reserved type; a stored block whose
  /// LEN and NLEN disagree; a match (fixed codes: length 3, distance 1) before any byte; a dynamic
  /// block of 288 literal codes, two more than there are.
  @Test(
    "Data that breaks RFC 1951 is refused with zlib's own words",
    arguments: [
      ([0x07], "invalid block type"),
      ([0x01, 0x01, 0x00, 0x00, 0x00], "invalid stored block lengths"),
      ([0x03, 0x02, 0x00], "invalid distance too far back"),
      ([0xFD, 0x00, 0x00], "too many length or distance symbols"),
    ] as [([UInt8], String)])
  func corrupt(data: [UInt8], message: String) {
    let error = failure([0x78, 0x01] + data + [UInt8](repeating: 0, count: 16), count: 8)
    #expect(error?.code == .corruptStream)
    #expect(error?.message == message)
    #expect((error?.offset ?? 0) > 2)
  }

  @Test("A decoder that has met an error still decodes the next chunk")
  func recovers() throws {
    var decoder = try ChunkDecoder()
    for sample in ForeignStreams.valid {
      let count = sample.content.count
      let halved = Array(sample.stream[..<(sample.stream.count / 2)])
      #expect(errorCode { _ = try decode(halved, plain, count: count, with: &decoder) } != nil)
      #expect(
        errorCode { _ = try decode(sample.stream, plain, count: count + 9, with: &decoder) }
          == .wrongLength)
      #expect(try decode(sample.stream, plain, count: count, with: &decoder) == sample.content)
    }
  }

  @Test("A length that is no whole number of elements is refused", arguments: ChunkLayout.all)
  func wholeElements(layout: ChunkLayout) {
    guard layout.elementSize > 1 else { return }
    let code = errorCode { _ = try decode(ForeignStreams.stored, layout, count: 57) }
    #expect(code == .invalidArgument)
  }

  @Test("An error says what and where in one line")
  func description() {
    #expect(
      "\(CodecError(.notZlib, "no header", offset: 0))" == "notZlib at byte 0: no header")
    #expect("\(CodecError(.outOfMemory, "no room"))" == "outOfMemory: no room")
  }

  @Test("Layouts exist for 1, 2, 4 and 8 bytes, filters from 2 on", arguments: -1...17)
  func layouts(size: Int) {
    for filter in PlaneFilter.allCases {
      let code = errorCode { _ = try ChunkLayout(filter: filter, elementSize: size) }
      let legal = filter == .none ? [1, 2, 4, 8] : [2, 4, 8]
      #expect(code == (legal.contains(size) ? nil : .invalidArgument))
    }
  }
}
