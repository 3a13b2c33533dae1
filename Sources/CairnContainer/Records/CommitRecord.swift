// The last 128 bytes of a container: without them nothing was ever there. FORMAT.md, section 6.

import CairnCheckpoints
import CairnSystem

/// What makes a file whole.
struct CommitRecord: Hashable, Sendable {
  static let byteCount = 128
  static let magic: [UInt8] = [0x89, 0x43, 0x52, 0x4E, 0x45, 0x4E, 0x44, 0x0A]

  var fileCount: Int
  var pageTableOffset: Int
  var pageTableCount: Int
  var pageTableChecksum: UInt32
  var hasDigests: Bool
  var tensorCount: Int
  var frameCount: Int
  var logicalCount: Int
  var storedCount: Int
  var root: ContentDigest
  /// See `FrameOrderChecksum`.
  var frameOrder: UInt32

  var bytes: [UInt8] {
    var fields = ByteBuilder()
    fields.append(Self.magic)
    fields.append(UInt64(fileCount))
    fields.append(UInt64(pageTableOffset))
    fields.append(UInt64(pageTableCount))
    fields.append(pageTableChecksum)
    fields.append(UInt32(hasDigests ? 1 : 0))
    fields.append(UInt64(0))
    fields.append(UInt64(tensorCount))
    fields.append(UInt64(frameCount))
    fields.append(UInt64(logicalCount))
    fields.append(UInt64(storedCount))
    fields.append(root.bytes)
    fields.append(frameOrder)
    fields.appendZeros(8)
    fields.appendChecksum()
    return fields.bytes
  }

  init(
    fileCount: Int, pageTableOffset: Int, pageTableCount: Int, pageTableChecksum: UInt32,
    hasDigests: Bool, tensorCount: Int, frameCount: Int, logicalCount: Int, storedCount: Int,
    root: ContentDigest, frameOrder: UInt32
  ) {
    self.fileCount = fileCount
    self.pageTableOffset = pageTableOffset
    self.pageTableCount = pageTableCount
    self.pageTableChecksum = pageTableChecksum
    self.hasDigests = hasDigests
    self.tensorCount = tensorCount
    self.frameCount = frameCount
    self.logicalCount = logicalCount
    self.storedCount = storedCount
    self.root = root
    self.frameOrder = frameOrder
  }

  /// Whether the bytes at `offset` are a record with a right CRC; its length field, if so.
  static func length(at offset: Int, in source: any ByteSource) throws(CairnError) -> UInt64? {
    guard offset >= 0, source.count - offset >= byteCount else { return nil }
    return try source.withBytes(in: offset..<offset + byteCount) { bytes in
      guard bytes.extracting(0..<8).isEqual(to: magic.span),
        bytes.field(124, as: UInt32.self) == crc32(bytes.extracting(0..<124))
      else { return nil }
      return bytes.field(8, as: UInt64.self)
    }
  }

  /// Reads the record in the last 128 bytes of `source`, whose CRC and length are known to be right.
  init(readingAt offset: Int, of source: any ByteSource) throws(CairnError) {
    self = try source.withBytes(in: offset..<offset + Self.byteCount) {
      (bytes) throws(CairnError) in
      try CommitRecord(bytes, at: offset, fileCount: source.count)
    }
  }

  private init(_ bytes: Span<UInt8>, at offset: Int, fileCount: Int) throws(CairnError) {
    func invalid(_ message: String, _ field: Int, expected: String, found: String) -> CairnError {
      CairnError(
        .invalidCommitRecord, message, at: .init(offset: UInt64(offset + field)),
        expected: expected, found: found)
    }
    func number(_ field: Int) throws(CairnError) -> Int {
      let value: UInt64 = bytes.field(field)
      guard let number = Int(exactly: value) else {
        throw CairnError(
          .limitExceeded, "the commit record has a number that is too large",
          at: .init(offset: UInt64(offset + field)), expected: "below 2^63", found: "\(value)")
      }
      return number
    }
    self.fileCount = fileCount
    pageTableOffset = try number(16)
    pageTableCount = try number(24)
    pageTableChecksum = bytes.field(32)
    let flags: UInt32 = bytes.field(36)
    guard flags <= 1 else {
      throw CairnError(
        .reservedNotZero, "the commit record has an unknown flag",
        at: .init(offset: UInt64(offset + 36)), expected: "0 or 1", found: "\(flags)")
    }
    hasDigests = flags == 1
    let previous: UInt64 = bytes.field(40)
    guard previous == 0 else {
      throw CairnError(
        .reservedNotZero, "the commit record names a previous commit",
        at: .init(offset: UInt64(offset + 40)), expected: "0", found: "\(previous)",
        advice: "Read it with a newer Cairn")
    }
    tensorCount = try number(48)
    frameCount = try number(56)
    logicalCount = try number(64)
    storedCount = try number(72)
    root = ContentDigest(bytes: (80..<112).map { bytes[$0] })
    frameOrder = bytes.field(112)
    try checkReserved(bytes, 116..<124, of: "the commit record", at: offset)
    if !hasDigests {
      try checkReserved(bytes, 80..<112, of: "the commit record without digests", at: offset)
    }
    let frame = FrameHeader.byteCount
    guard pageTableOffset % 64 == 0, pageTableOffset >= 64, pageTableOffset <= offset - frame,
      pageTableCount <= offset - frame - pageTableOffset,
      pageTableOffset + frame + pageTableCount + padding(after: pageTableCount, to: 64) == offset
    else {
      throw invalid(
        "the page table is not directly ahead of the commit record", 16,
        expected: "a frame that ends at \(offset)",
        found: "\(pageTableCount) bytes at \(pageTableOffset)")
    }
  }
}
