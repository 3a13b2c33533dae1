// Writing ZIP archives in one pass: sizes and checksums follow the data (APPNOTE.TXT 4.3.9), as
// Python's zipfile does for an output in which it cannot go back. ZIP64 throughout, as NumPy.

import CairnCodec
import CairnSystem

/// An archive being written.
struct ZipWriter {
  private let file: AtomicFile
  private var position = 0
  private var directory: [UInt8] = []
  private var memberCount = 0
  private let compresses: Bool

  /// - Parameter compresses: Whether members are deflated.
  init(_ file: AtomicFile, compresses: Bool) {
    self.file = file
    self.compresses = compresses
  }

  /// A member being written.
  private struct Content: ~Copyable {
    var crc: UInt32 = 0
    var plain = 0
    var stored = 0
    var coder: DeflateStream
    let compresses: Bool
  }

  /// Appends a member, whose content `body` hands over piece by piece.
  mutating func add(
    _ name: String, _ body: ((Span<UInt8>) throws(CairnError) -> Void) throws(CairnError) -> Void
  ) throws(CairnError) {
    let file = file
    let start = position
    let nameBytes = Array(name.utf8)
    let flags =
      ZipMember.descriptorFlag | (nameBytes.contains { $0 >= 0x80 } ? ZipMember.utf8Flag : 0)
    let method: ZipMember.Method = compresses ? .deflated : .stored
    var fields = Fields()
    fields.add(ZipMember.localSignature)
    fields.addCommon(flags: flags, method: method)
    fields.add(UInt32(0), UInt32.max, UInt32.max)
    fields.add(UInt16(nameBytes.count), UInt16(20))
    fields.bytes += nameBytes
    fields.add(UInt16(1), UInt16(16))
    fields.add(UInt64(0), UInt64(0))
    try append(fields.bytes.span)

    let coder: DeflateStream
    do throws(CodecError) { coder = try DeflateStream() } catch {
      throw CairnError(.outOfMemory, error.message, cause: error)
    }
    var content = Content(coder: coder, compresses: compresses)
    try body { (part) throws(CairnError) in
      content.crc = Checksum.crc32(part, continuing: content.crc)
      content.plain += part.count
      try Self.put(part, isLast: false, &content, file)
    }
    if compresses {
      let nothing: [UInt8] = []
      try Self.put(nothing.span, isLast: true, &content, file)
    }
    position += content.stored

    var after = Fields()
    after.add(ZipMember.descriptorSignature, content.crc)
    after.add(UInt64(content.stored), UInt64(content.plain))
    try append(after.bytes.span)
    var central = Fields()
    central.add(ZipArchive.centralSignature)
    central.add(UInt16(45))
    central.addCommon(flags: flags, method: method)
    central.add(content.crc, UInt32.max, UInt32.max)
    central.add(UInt16(nameBytes.count), UInt16(28), UInt16(0), UInt16(0), UInt16(0))
    // Unix permissions 0600, as Python's zipfile gives.
    central.add(UInt32(0o600) << 16, UInt32.max)
    central.bytes += nameBytes
    central.add(UInt16(1), UInt16(24))
    central.add(UInt64(content.plain), UInt64(content.stored), UInt64(start))
    directory += central.bytes
    memberCount += 1
  }

  /// Writes the central directory and the records at the end.
  mutating func finish() throws(CairnError) {
    let start = position
    let directory = directory
    try append(directory.span)
    let end = position
    var fields = Fields()
    fields.add(ZipDirectory.wideEndSignature)
    fields.add(UInt64(44))
    fields.add(UInt16(45), UInt16(45))
    fields.add(UInt32(0), UInt32(0))
    fields.add(UInt64(memberCount), UInt64(memberCount), UInt64(end - start), UInt64(start))
    fields.add(ZipDirectory.locatorSignature, UInt32(0))
    fields.add(UInt64(end))
    fields.add(UInt32(1))
    let count = UInt16(exactly: memberCount) ?? .max
    fields.add(ZipDirectory.endSignature)
    fields.add(UInt16(0), UInt16(0), count, count)
    fields.add(UInt32(clamping: end - start), UInt32(clamping: start))
    fields.add(UInt16(0))
    try append(fields.bytes.span)
  }

  private mutating func append(_ bytes: Span<UInt8>) throws(CairnError) {
    try file.append(bytes)
    position += bytes.count
  }

  private static func put(
    _ part: Span<UInt8>, isLast: Bool, _ content: inout Content, _ file: AtomicFile
  ) throws(CairnError) {
    guard content.compresses else {
      try file.append(part)
      content.stored += part.count
      return
    }
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    var done = 0
    var finished = false
    repeat {
      var span = buffer.mutableSpan
      let step: StreamStep
      do throws(CodecError) {
        step = try content.coder.step(
          part.extracting(done..<min(part.count, done + (1 << 20))), isLast: isLast, into: &span)
      } catch {
        throw CairnError(.invalidArgument, error.message, cause: error)
      }
      done += step.consumed
      try file.append(buffer.span.extracting(0..<step.produced))
      content.stored += step.produced
      finished = step.isFinished || (!isLast && done == part.count && step.produced < buffer.count)
    } while !finished
  }
}

/// Little-endian fields being put together.
private struct Fields {
  var bytes: [UInt8] = []

  mutating func add<each T: FixedWidthInteger & UnsignedInteger>(_ values: repeat each T) {
    for value in repeat each values {
      for byte in 0..<(value.bitWidth / 8) {
        bytes.append(UInt8(truncatingIfNeeded: value >> (8 * byte)))
      }
    }
  }

  /// Version needed, flags, method, and the first day that DOS can name: no clock in the output.
  mutating func addCommon(flags: UInt16, method: ZipMember.Method) {
    add(UInt16(45), flags, method.rawValue, UInt16(0), UInt16(0x21))
  }
}
