// A container's bytes with their frames, read as FORMAT.md says and not by the code under test: to
// look at offsets, to damage files in chosen places, and to make wrong content with right checksums.

import CairnCodec

struct ContainerBytes {
  var bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  struct Frame: Equatable {
    var type: String
    var offset: Int
    var payload: Range<Int>
  }

  func field(_ offset: Int, _ width: Int) -> Int {
    (0..<width).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
  }

  mutating func set(_ value: UInt32, at offset: Int) {
    for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index)) }
  }

  /// Where the commit record begins.
  var commit: Int { bytes.count - 128 }

  /// The frames in their order (section 5).
  var frames: [Frame] {
    var frames: [Frame] = []
    var offset = 64
    while offset < commit {
      let count = field(offset + 8, 8)
      let payload = offset + 64..<offset + 64 + count
      frames.append(
        Frame(
          type: String(decoding: bytes[offset..<offset + 4], as: UTF8.self), offset: offset,
          payload: payload))
      offset = (payload.upperBound + 63) / 64 * 64
    }
    return frames
  }

  func frames(_ type: String) -> [Frame] { frames.filter { $0.type == type } }

  private func checksum(_ range: Range<Int>) -> UInt32 {
    Checksum.crc32(bytes.span.extracting(range))
  }

  /// Computes every checksum anew, from the blocks up to the commit record, as a writer would have
  /// that had meant the bytes as they are now. Digests stay.
  mutating func seal() {
    set(checksum(0..<60), at: 60)
    let frames = self.frames
    for (index, frame) in frames.enumerated() {
      switch frame.type {
      case "BSUM":
        let data = frames[index - 1].payload
        for (block, start) in stride(from: data.lowerBound, to: data.upperBound, by: 1 << 20)
          .enumerated()
        {
          set(
            checksum(start..<min(start + 1 << 20, data.upperBound)),
            at: frame.payload.lowerBound + 4 * block)
        }
      case "INDX":
        let table = frames[index + 1].payload.lowerBound
        let blocks = frame.payload.lowerBound + 128 * field(table + 16, 8)
        for block in 0..<field(table + 24, 8) {
          let record = blocks + 32 * block
          let start = field(record, 8)
          set(checksum(start..<start + field(record + 8, 4)), at: record + 16)
        }
      case "PTAB":
        let pages = frames[index - 1].payload
        for (page, start) in stride(from: pages.lowerBound, to: pages.upperBound, by: 65_536)
          .enumerated()
        {
          set(
            checksum(start..<min(start + 65_536, pages.upperBound)),
            at: frame.payload.lowerBound + 64 + 4 * page)
        }
      default: break
      }
      if frame.type != "RAWD" { set(checksum(frame.payload), at: frame.offset + 32) }
      set(checksum(frame.offset..<frame.offset + 60), at: frame.offset + 60)
      if frame.type == "PTAB" { set(checksum(frame.payload), at: commit + 32) }
    }
    let ends = frames.flatMap { bytes[$0.offset + 60..<$0.offset + 64] }
    set(Checksum.crc32(ends.span), at: commit + 112)
    set(checksum(commit..<commit + 124), at: commit + 124)
  }
}
