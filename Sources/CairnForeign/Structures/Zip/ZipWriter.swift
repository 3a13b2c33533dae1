// Writing ZIP archives in one pass: sizes and checksums follow the data (APPNOTE.TXT 4.3.9), as
// Python's zipfile does for an output in which it cannot go back. ZIP64 is always used, as by
// NumPy.

import CairnCodec
package import CairnSystem

/// An archive being written.
package struct ZipWriter: ~Copyable {
  private let file: GatheredFile
  /// The coder, kept between members: resetting it is much faster than making a new one.
  private var coder: DeflateStream?
  /// The buffer that the coder writes into.
  private var window = [UInt8](repeating: 0, count: 1 << 16)
  private var position = 0
  private var directory: [UInt8] = []
  private var memberCount = 0
  private let compresses: Bool

  /// - Parameter compresses: Whether members are deflated.
  package init(_ file: any ByteSink, compresses: Bool) {
    self.file = GatheredFile(file)
    self.compresses = compresses
  }

  /// A member being written.
  private struct Content: ~Copyable {
    var crc: UInt32 = 0
    var plain = 0
    var stored = 0
    var coder: DeflateStream?
    var window: [UInt8]
    /// The stored bytes, if the same content will come again.
    var kept: [UInt8]?

    /// Appends bytes as they are stored.
    mutating func store(_ bytes: Span<UInt8>, in file: GatheredFile) throws(CairnError) {
      try file.append(bytes)
      stored += bytes.count
      if kept != nil { for place in bytes.indices { kept?.append(bytes[place]) } }
    }
  }

  /// The content of a member as it is stored, to be written again under another name.
  package struct StoredContent {
    fileprivate var crc: UInt32
    fileprivate var plain: Int
    fileprivate var bytes: [UInt8]
    /// The bytes that are stored.
    package var byteCount: Int { bytes.count }
  }

  /// Appends a member. `body` hands over its content piece by piece.
  ///
  /// - Parameter keeping: Whether the same content will come again.
  /// - Returns: The content as it is stored, if it is to be kept.
  @discardableResult
  package mutating func add(
    _ name: String, keeping: Bool = false,
    _ body: ((Span<UInt8>) throws(CairnError) -> Void) throws(CairnError) -> Void
  ) throws(CairnError) -> StoredContent? {
    let file = file
    let start = position
    let nameBytes = Array(name.utf8)
    try begin(nameBytes)
    var content = Content(
      coder: compresses ? try nextCoder() : nil, window: window, kept: keeping ? [] : nil)
    // There must be only one reference, or writing into it would copy it.
    window = []
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
    window = content.window
    coder = content.coder.take()
    try end(nameBytes, from: start, content.crc, plain: content.plain, stored: content.stored)
    guard let kept = content.kept else { return nil }
    return StoredContent(crc: content.crc, plain: content.plain, bytes: kept)
  }

  /// Appends a member with the content of an earlier one.
  package mutating func add(_ name: String, again content: StoredContent) throws(CairnError) {
    let start = position
    let nameBytes = Array(name.utf8)
    try begin(nameBytes)
    try append(content.bytes.span)
    try end(nameBytes, from: start, content.crc, plain: content.plain, stored: content.byteCount)
  }

  private func flags(_ name: [UInt8]) -> UInt16 {
    ZipMember.descriptorFlag | (name.contains { $0 >= 0x80 } ? ZipMember.utf8Flag : 0)
  }

  private var method: ZipMember.Method { compresses ? .deflated : .stored }

  /// Appends the header of a member.
  private mutating func begin(_ name: [UInt8]) throws(CairnError) {
    var fields = ByteBuilder()
    fields.add(ZipMember.localSignature)
    fields.addCommon(flags: flags(name), method: method)
    fields.add(UInt32(0), UInt32.max, UInt32.max)
    fields.add(UInt16(name.count), UInt16(20))
    fields.append(name)
    fields.add(UInt16(1), UInt16(16))
    fields.add(UInt64(0), UInt64(0))
    try append(fields.bytes.span)
  }

  /// Appends what follows the data of a member, which begins at `start`, and adds the member to the
  /// directory.
  private mutating func end(
    _ name: [UInt8], from start: Int, _ crc: UInt32, plain: Int, stored: Int
  ) throws(CairnError) {
    var after = ByteBuilder()
    after.add(ZipMember.descriptorSignature, crc)
    after.add(UInt64(stored), UInt64(plain))
    try append(after.bytes.span)
    var central = ByteBuilder()
    central.add(ZipArchive.centralSignature)
    central.add(UInt16(45))
    central.addCommon(flags: flags(name), method: method)
    central.add(crc, UInt32.max, UInt32.max)
    central.add(UInt16(name.count), UInt16(28), UInt16(0), UInt16(0), UInt16(0))
    // Unix permissions 0600, as Python's zipfile gives.
    central.add(UInt32(0o600) << 16, UInt32.max)
    central.append(name)
    central.add(UInt16(1), UInt16(24))
    central.add(UInt64(plain), UInt64(stored), UInt64(start))
    directory += central.bytes
    memberCount += 1
  }

  /// Writes the central directory and the records at the end.
  package mutating func finish() throws(CairnError) {
    let start = position
    let directory = directory
    try append(directory.span)
    let end = position
    var fields = ByteBuilder()
    guard memberCount > 0 else {
      // Python's zipfile, and so NumPy, recognises an empty archive by a file that begins with this
      // record.
      fields.add(ZipDirectory.endSignature)
      fields.add(UInt16(0), UInt16(0), UInt16(0), UInt16(0))
      fields.add(UInt32(0), UInt32(0))
      fields.add(UInt16(0))
      try append(fields.bytes.span)
      return try file.flush()
    }
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
    try file.flush()
  }

  /// A coder at the beginning of a stream.
  private mutating func nextCoder() throws(CairnError) -> DeflateStream {
    do throws(CodecError) {
      guard var ready = coder.take() else { return try DeflateStream() }
      try ready.reset()
      return ready
    } catch {
      throw CairnError(.outOfMemory, error.message, cause: error)
    }
  }

  private mutating func append(_ bytes: Span<UInt8>) throws(CairnError) {
    try file.append(bytes)
    position += bytes.count
  }

  private static func put(
    _ part: Span<UInt8>, isLast: Bool, _ content: inout Content, _ file: GatheredFile
  ) throws(CairnError) {
    guard var coder = content.coder.take() else {
      return try content.store(part, in: file)
    }
    // Taken out while it is used: with two references, writing into it would copy it.
    var window = content.window
    content.window = []
    var done = 0
    var finished = false
    repeat {
      let step: StreamStep
      do throws(CodecError) {
        var span = window.mutableSpan
        step = try coder.step(
          part.extracting(done..<min(part.count, done + (1 << 20))), isLast: isLast, into: &span)
      } catch {
        throw CairnError(.invalidArgument, error.message, cause: error)
      }
      done += step.consumed
      try content.store(window.span.extracting(0..<step.produced), in: file)
      finished = step.isFinished || (!isLast && done == part.count && step.produced < window.count)
    } while !finished
    content.window = window
    content.coder = consume coder
  }
}

/// A file that collects small pieces before it writes them: an archive of many tiny members
/// consists mostly of such pieces.
package final class GatheredFile {
  private let file: any ByteSink
  private var gathered: [UInt8] = []

  private static let capacity = 1 << 16

  package init(_ file: any ByteSink) { self.file = file }

  /// Appends `bytes`. They are written now or later.
  package func append(_ bytes: Span<UInt8>) throws(CairnError) {
    guard bytes.count < Self.capacity / 4 else {
      try flush()
      return try file.append(bytes)
    }
    if gathered.count + bytes.count > Self.capacity { try flush() }
    for place in bytes.indices { gathered.append(bytes[place]) }
  }

  /// Writes what was collected; must be called at the end.
  package func flush() throws(CairnError) {
    guard !gathered.isEmpty else { return }
    // Taken out, and put back afterwards to reuse its memory.
    var bytes = gathered
    gathered = []
    try file.append(bytes.span)
    bytes.removeAll(keepingCapacity: true)
    gathered = bytes
  }
}

extension ByteBuilder {
  // Not generic, for speed: for an archive of many tiny members these calls are most of the work.

  fileprivate mutating func add(_ values: UInt16...) { for value in values { append(value) } }
  fileprivate mutating func add(_ values: UInt32...) { for value in values { append(value) } }
  fileprivate mutating func add(_ values: UInt64...) { for value in values { append(value) } }

  /// Version needed, flags, method, and the earliest day that DOS can express: the output does not
  /// depend on the clock.
  fileprivate mutating func addCommon(flags: UInt16, method: ZipMember.Method) {
    add(UInt16(45), flags, method.rawValue, UInt16(0), UInt16(0x21))
  }
}
