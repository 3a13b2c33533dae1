// The 64 bytes ahead of every payload. FORMAT.md, section 5.

import CairnCheckpoints
import CairnSystem

/// The types of frames: four letters, whose case carries properties, as in PNG.
enum FrameType: String, CaseIterable, Sendable {
  case metadata = "META"
  case configuration = "CONF"
  case blob = "BLOB"
  case tensor = "TNSR"
  case padding = "PADD"
  case raw = "RAWD"
  case blockChecksums = "BSUM"
  case chunk = "CHNK"
  case index = "INDX"
  case pageTable = "PTAB"
  case note = "nOTe"
  case generator = "gENR"

  init?(letters: [UInt8]) { self.init(rawValue: String(decoding: letters, as: UTF8.self)) }

  var letters: [UInt8] { Array(rawValue.utf8) }

  /// Whether its frames belong to a tensor.
  var isOfTensor: Bool {
    switch self {
    case .tensor, .padding, .raw, .blockChecksums, .chunk: true
    case .metadata, .configuration, .blob, .index, .pageTable, .note, .generator: false
    }
  }

  /// What its frames attach to the whole, if that is what they do.
  var attachment: AttachmentType? {
    switch self {
    case .metadata: .metadata
    case .configuration: .configuration
    case .blob: .blob
    case .tensor, .padding, .raw, .blockChecksums, .chunk, .index, .pageTable, .note, .generator:
      nil
    }
  }

  /// What a header says that not all have: a payload whose CRC-32 follows in a frame of its own, or one
  /// that is coded and has a number.
  fileprivate var form: (defersChecksum: Bool, isCoded: Bool) {
    switch self {
    case .raw: (true, false)
    case .chunk: (false, true)
    case .metadata, .configuration, .blob, .tensor, .padding, .blockChecksums, .index, .pageTable,
      .note, .generator:
      (false, false)
    }
  }
}

/// A frame's header.
struct FrameHeader: Hashable, Sendable {
  static let byteCount = 64
  static let version: UInt16 = 1
  static let checksumInTrailer: UInt16 = 1

  /// Nil for an ancillary frame of a type that this reader does not know.
  let type: FrameType?
  let letters: [UInt8]
  /// That of an unknown ancillary frame may be any.
  private(set) var version = Self.version
  var flags: UInt16 = 0
  var storedCount = 0
  var logicalCount = 0
  var ordinal: UInt32 = 0
  var chunk: UInt32 = 0
  var checksum: UInt32 = 0

  /// The letters of the type.
  var name: String { String(decoding: letters, as: UTF8.self) }
  /// Whether a reader that does not know the type must refuse the file.
  var isCritical: Bool { letters[0] & 0x20 == 0 }
  /// Whether the frame belongs to a tensor.
  var isOfTensor: Bool { type?.isOfTensor ?? false }

  /// Payload and padding: how far behind the header the next frame begins.
  var paddedCount: Int { storedCount + padding(after: storedCount, to: 64) }

  init(_ type: FrameType, payload: [UInt8], ordinal: UInt32 = 0) {
    self.init(letters: type.letters, payload: payload, ordinal: ordinal)
  }

  init(letters: [UInt8], payload: [UInt8], ordinal: UInt32 = 0) {
    self.letters = letters
    self.type = FrameType(letters: letters)
    self.storedCount = payload.count
    self.logicalCount = payload.count
    self.ordinal = ordinal
    self.checksum = crc32(payload.span)
  }

  init(
    _ type: FrameType, storedCount: Int, logicalCount: Int, ordinal: UInt32, chunk: UInt32 = 0,
    checksum: UInt32?
  ) {
    self.type = type
    self.letters = type.letters
    self.storedCount = storedCount
    self.logicalCount = logicalCount
    self.ordinal = ordinal
    self.chunk = chunk
    self.checksum = checksum ?? 0
    self.flags = checksum == nil ? Self.checksumInTrailer : 0
  }

  var bytes: [UInt8] {
    var fields = ByteBuilder()
    fields.append(letters)
    fields.append(version)
    fields.append(flags)
    fields.append(UInt64(storedCount))
    fields.append(UInt64(logicalCount))
    fields.append(ordinal)
    fields.append(chunk)
    fields.append(checksum)
    fields.appendZeros(24)
    fields.appendChecksum()
    return fields.bytes
  }

  /// Where the padding of the frame at `offset` ends, whatever else its header says: the way through
  /// a file that was never finished. The payload lies within the file, its padding perhaps not.
  static func end(at offset: Int, in source: any ByteSource) throws(CairnError) -> Int {
    try checkRoom(at: offset, in: source)
    return try source.withBytes(in: offset..<offset + byteCount) { (bytes) throws(CairnError) in
      try checkChecksum(bytes, of: "a frame header", at: offset)
      let stored: UInt64 = bytes.field(8)
      let room = source.count - offset - byteCount
      guard stored <= UInt64(room) else {
        throw CairnError(
          .truncated, "the file ends within a frame", at: .init(offset: UInt64(offset + 8)),
          expected: "\(stored) bytes", found: "\(room)")
      }
      return offset + byteCount + Int(stored) + padding(after: Int(stored), to: 64)
    }
  }

  private static func checkRoom(
    at offset: Int, in source: any ByteSource
  ) throws(CairnError) {
    guard offset >= 0, offset <= source.count, source.count - offset >= byteCount else {
      throw CairnError(
        .truncated, "the file ends within a frame header",
        at: .init(offset: UInt64(clamping: offset)),
        expected: "64 bytes", found: "\(max(0, source.count - offset))")
    }
  }

  /// Reads and checks the header at `offset`; the payload lies within the file.
  init(reading source: any ByteSource, at offset: Int) throws(CairnError) {
    try Self.checkRoom(at: offset, in: source)
    self = try source.withBytes(in: offset..<offset + Self.byteCount) {
      (bytes) throws(CairnError) in
      try FrameHeader(bytes, at: offset, sourceCount: source.count)
    }
  }

  /// Checks the 64 bytes of a header that lies at `offset` of a source of `sourceCount` bytes.
  init(_ bytes: Span<UInt8>, at offset: Int, sourceCount: Int) throws(CairnError) {
    try checkChecksum(bytes, of: "a frame header", at: offset)
    let letters = (0..<4).map { bytes[$0] }
    (self.letters, type) = (letters, FrameType(letters: letters))
    func location(_ field: Int) -> CairnError.Location { .init(offset: UInt64(offset + field)) }
    // Four letters, the third in upper case.
    guard letters[2] & 0x20 == 0,
      letters.allSatisfy({ ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A })
    else {
      throw CairnError(
        .invalidFrame, "a frame type is not four letters with the third in upper case",
        at: location(0), found: letters.map { hex($0, digits: 2) }.joined(separator: " "))
    }
    guard type != nil || !isCritical else {
      throw CairnError(
        .unknownCriticalFrame,
        "the file has a critical frame of a type that this reader does not know",
        at: location(0), found: name, advice: "Read it with a newer Cairn")
    }
    version = bytes.field(4)
    guard version == Self.version || type == nil else {
      throw CairnError(
        .unsupportedVersion, "a \(name) frame has a version that this reader does not know",
        at: location(4), expected: "\(Self.version)", found: "\(version)",
        advice: "Read it with a newer Cairn")
    }
    flags = bytes.field(6)
    let form = type?.form ?? (defersChecksum: false, isCoded: false)
    guard flags == (form.defersChecksum ? Self.checksumInTrailer : 0) else {
      throw CairnError(
        .invalidFrame, "a \(name) frame has flags that it cannot have", at: location(6),
        expected: form.defersChecksum ? "1" : "0", found: "\(flags)")
    }
    let stored: UInt64 = bytes.field(8)
    let logical: UInt64 = bytes.field(16)
    // The bound also makes every later sum of offsets fit an Int.
    guard stored <= UInt64(sourceCount - offset - Self.byteCount) else {
      throw CairnError(
        .truncated, "the file ends within a \(name) frame", at: location(8),
        expected: "\(stored) bytes", found: "\(sourceCount - offset - Self.byteCount)")
    }
    guard logical < UInt64(1) << 63, form.isCoded || logical == stored else {
      throw CairnError(
        .invalidFrame, "a \(name) frame has a logical length that it cannot have",
        at: location(16), expected: "\(stored)", found: "\(logical)")
    }
    storedCount = Int(stored)
    logicalCount = Int(logical)
    ordinal = bytes.field(24)
    chunk = bytes.field(28)
    checksum = bytes.field(32)
    try checkReserved(bytes, 36..<60, of: "a frame header", at: offset)
    guard !form.defersChecksum || checksum == 0 else {
      throw CairnError(
        .invalidFrame, "a frame whose CRC-32 follows has one in its header too",
        at: location(32), expected: "0", found: hexText(checksum))
    }
    guard ordinal == 0 || isOfTensor else {
      throw CairnError(
        .invalidFrame, "a \(name) frame names a tensor", at: location(24), expected: "0",
        found: "\(ordinal)")
    }
    guard chunk == 0 || form.isCoded else {
      throw CairnError(
        .invalidFrame, "a \(name) frame has a chunk number", at: location(28),
        expected: "0", found: "\(chunk)")
    }
    if form.isCoded {
      try Self.checkExpansion(stored: storedCount, logical: logicalCount, at: offset + 8)
    }
  }

  /// Checks the two lengths of a chunk against each other, before anything is allocated.
  static func checkExpansion(stored: Int, logical: Int, at offset: Int) throws(CairnError) {
    guard stored <= logical else {
      throw CairnError(
        .invalidFrame, "a chunk takes more bytes than it holds",
        at: .init(offset: UInt64(offset)), expected: "at most \(logical)", found: "\(stored)")
    }
    guard stored > 0 else {
      throw CairnError(
        .corruptChunk, "a chunk takes no bytes, and no stream is that short",
        at: .init(offset: UInt64(offset)),
        expected: "at least 1", found: "0")
    }
    // DEFLATE codes at most 258 bytes in two bits, less the stream's own overhead.
    guard logical - 64 <= stored.multipliedSaturated(by: 1_032) else {
      throw CairnError(
        .limitExceeded, "a chunk declares more bytes than its stream can give",
        at: .init(offset: UInt64(offset)), expected: "at most 1,032 × \(stored) + 64",
        found: "\(logical)")
    }
  }
}

extension ByteSource {
  /// The payload of a frame, with its CRC checked.
  func payload(of header: FrameHeader, at offset: Int) throws(CairnError) -> [UInt8] {
    let start = offset + FrameHeader.byteCount
    return try withBytes(in: start..<start + header.storedCount) { (bytes) throws(CairnError) in
      let actual = crc32(bytes)
      guard actual == header.checksum else {
        throw checksumMismatch(
          "the payload of a \(header.name) frame", at: start, recorded: header.checksum,
          actual: actual)
      }
      return bytes.array
    }
  }
}
