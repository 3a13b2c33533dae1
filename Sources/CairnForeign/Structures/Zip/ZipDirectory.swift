// Where an archive's central directory is. APPNOTE.TXT, sections 4.3.14 to 4.3.16.

import CairnCheckpoints
import CairnContainer
import CairnSystem

/// The place of the central directory, from the records at the archive's end.
struct ZipDirectory {
  /// The bytes of the directory.
  let range: Range<Int>
  let memberCount: Int
  /// Bytes behind the archive's end.
  let trailingByteCount: Int

  static let endSignature: UInt32 = 0x0605_4B50
  static let locatorSignature: UInt32 = 0x0706_4B50
  static let wideEndSignature: UInt32 = 0x0606_4B50
  static let endByteCount = 22
  static let locatorByteCount = 20

  /// What the end record says, or the ZIP64 record in its place.
  private struct Claim {
    var count: UInt64
    var byteCount: UInt64
    var offset: UInt64
    /// Where the record begins. The directory must end there.
    var start: Int
  }

  init(
    _ source: any ByteSource, memberLimit: Int, allowsTail: Bool = false
  ) throws(CairnError) {
    let (end, tail) = try Self.findEnd(source, allowsTail)
    trailingByteCount = tail
    var reader = ByteCursor(source, in: end..<source.count)
    try reader.skip(4)
    let disk: UInt16 = try reader.integer()
    let firstDisk: UInt16 = try reader.integer()
    let countHere: UInt16 = try reader.integer()
    let count: UInt16 = try reader.integer()
    let byteCount: UInt32 = try reader.integer()
    let offset: UInt32 = try reader.integer()
    var claim = Claim(
      count: UInt64(count), byteCount: UInt64(byteCount), offset: UInt64(offset), start: end)
    guard disk == firstDisk, count == countHere, disk == 0 || disk == .max else {
      throw CairnError(
        .unsupported, "the archive spans several disks",
        at: .init(file: source.path, offset: UInt64(end)))
    }
    if let wide = try Self.wideClaim(source, before: end) {
      func agrees(_ narrow: UInt64, _ wide: UInt64, _ saturated: UInt64) -> Bool {
        narrow == wide || narrow == saturated
      }
      guard agrees(claim.count, wide.count, UInt64(UInt16.max)),
        agrees(claim.byteCount, wide.byteCount, UInt64(UInt32.max)),
        agrees(claim.offset, wide.offset, UInt64(UInt32.max))
      else {
        throw CairnError(
          .invalidArchive, "the end record disagrees with the ZIP64 record",
          at: .init(file: source.path, offset: UInt64(end)), advice: ZipArchive.advice)
      }
      claim = wide
    }
    guard let start = Int(exactly: claim.offset), let bytes = Int(exactly: claim.byteCount),
      start <= claim.start, bytes == claim.start - start
    else {
      throw CairnError(
        .invalidArchive, "the central directory is not where the end record says",
        at: .init(file: source.path, offset: UInt64(end)), expected: "it ends at \(claim.start)",
        found: "\(claim.byteCount) bytes from \(claim.offset)", advice: ZipArchive.advice)
    }
    // A record has at least 46 bytes, so a count that the directory cannot hold is refused before
    // any loop.
    guard claim.count <= UInt64(bytes / 46), let members = Int(exactly: claim.count) else {
      throw CairnError(
        .invalidArchive, "the central directory is too short for its members",
        at: .init(file: source.path, offset: UInt64(start)), expected: "at most \(bytes / 46)",
        found: "\(claim.count)", advice: ZipArchive.advice)
    }
    guard members <= memberLimit else {
      throw CairnError(
        .limitExceeded, "the archive has more members than is allowed",
        at: .init(file: source.path, offset: UInt64(end)), expected: "at most \(memberLimit)",
        found: "\(members)")
    }
    range = start..<claim.start
    memberCount = members
  }

  /// Where the end record begins, and how many bytes follow it. It is the last record that reaches
  /// exactly to the end of the file. If there is none and bytes may follow, it is the last record
  /// of all.
  private static func findEnd(
    _ source: any ByteSource, _ allowsTail: Bool
  ) throws(CairnError) -> (Int, tail: Int) {
    guard source.count >= endByteCount else {
      try refuseOther(source)
      throw CairnError(
        .truncated, "the file is too short for an archive", at: .init(file: source.path, offset: 0),
        expected: "at least \(endByteCount) bytes", found: "\(source.count)")
    }
    let first = max(0, source.count - endByteCount - Int(UInt16.max))
    let tail = try source.withBytes(in: first..<source.count) { $0.array }
    var place = tail.count - endByteCount
    var last: (Int, tail: Int)?
    while place >= 0 {
      if tail[place] == 0x50, tail[place + 1] == 0x4B, tail[place + 2] == 5, tail[place + 3] == 6 {
        let comment = Int(tail.span.field(place + 20, as: UInt16.self))
        let rest = tail.count - place - endByteCount
        if comment == rest { return (first + place, 0) }
        // A comment that would be longer than the file is not counted as one.
        if last == nil { last = (first + place, comment < rest ? rest - comment : rest) }
      }
      place -= 1
    }
    if allowsTail, let last { return last }
    if let last {
      throw CairnError(
        .trailingBytes, "bytes follow the archive's end",
        at: .init(file: source.path, offset: UInt64(source.count - last.tail)),
        found: "\(last.tail) bytes",
        advice: "Something was appended to the file, or it is cut short")
    }
    try refuseOther(source)
    throw CairnError(
      .truncated, "the archive has no end record",
      at: .init(file: source.path, offset: UInt64(first)),
      expected: "PK\\x05\\x06 at the file's end", advice: "The file is cut short; fetch it again")
  }

  /// Refuses a file that does not begin as an archive: such a file is not a truncated archive.
  private static func refuseOther(_ source: any ByteSource) throws(CairnError) {
    let start = try source.withBytes(in: 0..<min(16, source.count)) { $0.array }
    guard !start.starts(with: [0x50, 0x4B].prefix(start.count)) else { return }
    throw CairnError(
      .invalidHeader, "the file is no archive (ZIP)", at: .init(file: source.path, offset: 0),
      expected: "PK\\x03\\x04", found: String(decoding: start, as: UTF8.self).debugDescription,
      advice:
        "Its name, or who named its format, says that it is one, its content does not: fetch the "
        + "file that was meant")
  }

  private static func wideClaim(
    _ source: any ByteSource, before end: Int
  ) throws(CairnError) -> Claim? {
    guard end >= locatorByteCount else { return nil }
    var reader = ByteCursor(source, in: end - locatorByteCount..<end)
    let signature: UInt32 = try reader.integer()
    guard signature == locatorSignature else { return nil }
    let disk: UInt32 = try reader.integer()
    let offset: UInt64 = try reader.integer()
    let disks: UInt32 = try reader.integer()
    func invalid(_ message: String) -> CairnError {
      CairnError(
        .invalidArchive, message,
        at: .init(file: source.path, offset: UInt64(end - locatorByteCount)),
        advice: ZipArchive.advice)
    }
    guard disk == 0, disks <= 1, let start = Int(exactly: offset), start <= end - locatorByteCount
    else { throw invalid("the ZIP64 locator is broken") }
    var record = ByteCursor(source, in: start..<end - locatorByteCount)
    let recordSignature: UInt32 = try record.integer()
    let recordSize: UInt64 = try record.integer()
    guard recordSignature == wideEndSignature, recordSize == UInt64(clamping: record.remaining)
    else { throw invalid("the ZIP64 locator does not lead to a ZIP64 record") }
    try record.skip(4)
    let here: UInt32 = try record.integer()
    let firstDisk: UInt32 = try record.integer()
    let countHere: UInt64 = try record.integer()
    let count: UInt64 = try record.integer()
    let byteCount: UInt64 = try record.integer()
    let directory: UInt64 = try record.integer()
    guard here == 0, firstDisk == 0, count == countHere else {
      throw invalid("the archive spans several disks")
    }
    return Claim(count: count, byteCount: byteCount, offset: directory, start: start)
  }
}
