// The forward scan over what is left of a file's frames. FORMAT.md, appendix A.

import CairnCheckpoints
import CairnSystem

/// What a scan meets.
enum Sighting {
  /// A frame of which header and payload are there; the payload may be damaged.
  case frame(FrameHeader, at: Int)
  /// A frame that this reader does not know, with its padding.
  case foreign(Range<Int>)
  /// A header whose payload goes on behind the end of the file; nil if this reader does not know the
  /// type. The scan ends there: what follows is a part of that payload.
  case cut(FrameHeader?, at: Int)
  /// The commit record that ends the container. The scan ends there.
  case commit(at: Int)
  /// Bytes that are neither frames nor known from elsewhere.
  case unexplained(Range<Int>)
}

/// Looks for frames from byte 64 on, at multiples of 64; behind a frame it goes on with what follows
/// its padding, elsewhere 64 bytes further.
struct FrameScan {
  private let source: any ByteSource
  /// Where the scan ends at the latest.
  private let end: Int
  /// Bytes that are known to be no frames: ascending, not overlapping.
  private let known: [Range<Int>]
  private var nextKnown = 0
  private var window: [UInt8] = []
  private var windowStart = 0
  private var windowCount = smallestWindow

  private static let smallestWindow = 4_096
  private static let largestWindow = 1 << 20

  init(_ source: any ByteSource, until end: Int, known: [Range<Int>] = []) {
    self.source = source
    self.end = end
    self.known = known
  }

  mutating func run(
    progress: (Int) throws(CairnError) -> Void, _ see: (Sighting) throws(CairnError) -> Void
  ) throws(CairnError) {
    var position = Superblock.byteCount
    // Where the bytes begin that nothing has explained yet.
    var open = position
    func close(_ border: Int) throws(CairnError) {
      if open < min(border, end) { try see(.unexplained(open..<min(border, end))) }
    }
    while position < end {
      if let range = knownRange(at: position) {
        try close(max(open, range.lowerBound))
        position = range.upperBound + padding(after: range.upperBound, to: 64)
        open = position
        continue
      }
      guard let sighting = try sighting(at: position, progress) else {
        position += 64
        continue
      }
      try close(position)
      try see(sighting)
      switch sighting {
      case .frame(let header, _): position += FrameHeader.byteCount + header.paddedCount
      case .foreign(let range): position = range.upperBound
      case .cut, .commit, .unexplained: return
      }
      open = position
    }
    try close(end)
  }

  private mutating func knownRange(at position: Int) -> Range<Int>? {
    while nextKnown < known.count, known[nextKnown].upperBound <= position { nextKnown += 1 }
    guard nextKnown < known.count, known[nextKnown].lowerBound <= position else { return nil }
    return known[nextKnown]
  }

  /// Brings the 64 bytes at `position` into the window. Windows grow while the scan goes step by
  /// step and are small again behind a leap.
  private mutating func load(
    _ position: Int, _ progress: (Int) throws(CairnError) -> Void
  ) throws(CairnError) {
    let windowEnd = windowStart + window.count
    guard position < windowStart || position + FrameHeader.byteCount > windowEnd else { return }
    windowCount =
      position > windowEnd ? Self.smallestWindow : min(2 * windowCount, Self.largestWindow)
    let count = min(windowCount, source.count - position)
    window = try source.withBytes(in: position..<position + count) { $0.array }
    windowStart = position
    try progress(position)
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }

  private mutating func sighting(
    at position: Int, _ progress: (Int) throws(CairnError) -> Void
  ) throws(CairnError) -> Sighting? {
    guard source.count - position >= FrameHeader.byteCount else { return nil }
    try load(position, progress)
    let start = position - windowStart
    let bytes = window.span.extracting(start..<start + FrameHeader.byteCount)
    if begins(bytes, with: CommitRecord.magic) {
      let length = try CommitRecord.length(at: position, in: source)
      return length == UInt64(position + CommitRecord.byteCount) ? .commit(at: position) : nil
    }
    // Before anything that takes its time: most places are no frames.
    guard (0..<4).allSatisfy({ Self.isLetter(window[start + $0]) }),
      bytes.field(60, as: UInt32.self) == crc32(bytes.extracting(0..<60))
    else { return nil }
    let room = source.count - position - FrameHeader.byteCount
    do throws(CairnError) {
      // The bound is that of the arithmetic; the file's own is looked at below.
      let header = try FrameHeader(bytes, at: position, sourceCount: .max)
      return header.storedCount <= room ? .frame(header, at: position) : .cut(header, at: position)
    } catch {
      guard error.code == .unknownCriticalFrame || error.code == .unsupportedVersion else {
        return nil
      }
      let stored: UInt64 = bytes.field(8)
      guard stored <= UInt64(room) else { return .cut(nil, at: position) }
      let payloadEnd = position + FrameHeader.byteCount + Int(stored)
      return .foreign(position..<payloadEnd + padding(after: payloadEnd, to: 64))
    }
  }
}
