// The first 64 bytes of a container. FORMAT.md, sections 3 and 4.

import CairnCheckpoints
import CairnSystem

/// What a file declares about itself before its first frame.
struct Superblock: Hashable, Sendable {
  static let byteCount = 64
  static let magic: [UInt8] = [0x89, 0x43, 0x52, 0x4E, 0x0D, 0x0A, 0x1A, 0x0A]
  static let majorVersion: UInt16 = 1
  static let minorVersion: UInt16 = 0
  static let digestsFeature: UInt64 = 1

  var minorVersion = Superblock.minorVersion
  var optionalFeatures: UInt64 = 0
  var log2Alignment = 6
  var log2ChunkSize = 20

  static let log2Alignments: Set<Int> = [6, 12, 14, 16]
  static let log2ChunkSizes = 16...24

  var alignment: Int { 1 << log2Alignment }
  var hasDigests: Bool { optionalFeatures & Self.digestsFeature != 0 }

  var bytes: [UInt8] {
    var fields = ByteBuilder()
    fields.append(Self.magic)
    fields.append(Self.majorVersion)
    fields.append(minorVersion)
    fields.append(UInt32(Self.byteCount))
    fields.append(UInt64(0))
    fields.append(optionalFeatures)
    fields.append(UInt8(log2Alignment))
    fields.append(UInt8(log2ChunkSize))
    fields.appendZeros(26)
    fields.appendChecksum()
    return fields.bytes
  }

  init(log2Alignment: Int, log2ChunkSize: Int, digests: Bool) {
    self.log2Alignment = log2Alignment
    self.log2ChunkSize = log2ChunkSize
    self.optionalFeatures = digests ? Self.digestsFeature : 0
  }

  /// Reads the superblock at the start of `source`. The order of checks is the specification's, so
  /// that a file from the future is called that and not corrupt.
  init(reading source: any ByteSource) throws(CairnError) {
    var bytes = [UInt8](repeating: 0, count: min(Self.byteCount, source.count))
    var span = bytes.mutableSpan
    try source.read(at: 0, into: &span)
    try self.init(bytes.span)
  }

  private init(_ bytes: Span<UInt8>) throws(CairnError) {
    guard bytes.count > 0, begins(bytes, with: Self.magic) else {
      throw CairnError(
        .notACairnFile,
        bytes.count == 0 ? "the file is empty" : "the file is no Cairn container",
        at: .init(offset: 0), expected: "the bytes 89 43 52 4e 0d 0a 1a 0a",
        advice: "Give a file that Cairn wrote, or name the format", remedies: [.inputFormat])
    }
    guard bytes.count == Self.byteCount else {
      throw CairnError(
        .truncated, "the file ends within the superblock", at: .init(offset: UInt64(bytes.count)),
        expected: "at least \(Self.byteCount) bytes")
    }
    let major: UInt16 = bytes.field(8)
    guard major == Self.majorVersion else {
      throw CairnError(
        .unsupportedVersion, "the file has a major version that this reader does not know",
        at: .init(offset: 8), expected: "\(Self.majorVersion)", found: "\(major)",
        advice: "Read it with a newer Cairn")
    }
    minorVersion = bytes.field(10)
    let length: UInt32 = bytes.field(12)
    guard length == UInt32(Self.byteCount) else {
      throw CairnError(
        .invalidSuperblock, "the superblock has another length", at: .init(offset: 12),
        expected: "\(Self.byteCount)", found: "\(length)")
    }
    try checkChecksum(bytes, of: "the superblock", at: 0)
    let required: UInt64 = bytes.field(16)
    guard required == 0 else {
      let bit = required.trailingZeroBitCount
      let name = ["delta", "external", "external slices", "append"]
      throw CairnError(
        .unsupportedFeature, "the file needs a feature that this reader does not have",
        at: .init(offset: 16),
        found: "bit \(bit)" + (bit < name.count ? " (\(name[bit]))" : ""),
        advice: "Read it with a newer Cairn")
    }
    optionalFeatures = bytes.field(24)
    log2Alignment = Int(bytes[32])
    log2ChunkSize = Int(bytes[33])
    guard Self.log2Alignments.contains(log2Alignment) else {
      throw CairnError(
        .invalidSuperblock, "the alignment is none that the format allows", at: .init(offset: 32),
        expected: "6, 12, 14 or 16", found: "\(log2Alignment)")
    }
    guard Self.log2ChunkSizes.contains(log2ChunkSize) else {
      throw CairnError(
        .invalidSuperblock, "the chunk size is none that the format allows",
        at: .init(offset: 33), expected: "16 to 24", found: "\(log2ChunkSize)")
    }
    try checkReserved(bytes, 34..<60, of: "the superblock", at: 0)
  }
}

/// Whether `bytes` begin with `magic`, or are a beginning of it.
func begins(_ bytes: Span<UInt8>, with magic: [UInt8]) -> Bool {
  let shared = min(bytes.count, magic.count)
  return bytes.extracting(0..<shared).isEqual(to: magic.span.extracting(0..<shared))
}

/// Checks that the last four bytes of a record are the CRC-32 of those before.
func checkChecksum(
  _ bytes: Span<UInt8>, of what: String, at offset: Int
) throws(CairnError) {
  let end = bytes.count - 4
  let recorded: UInt32 = bytes.field(end)
  let actual = crc32(bytes.extracting(0..<end))
  guard recorded == actual else {
    throw checksumMismatch(what, at: offset, recorded: recorded, actual: actual)
  }
}

/// The error for bytes whose CRC-32 is not the recorded one.
func checksumMismatch(
  _ what: String, at offset: Int, recorded: UInt32, actual: UInt32
) -> CairnError {
  CairnError(
    .checksumMismatch, "\(what) is damaged", at: .init(offset: UInt64(offset)),
    expected: "CRC-32 " + hexText(recorded), found: hexText(actual),
    advice: restoringAdvice, remedies: [.salvage])
}

/// Checks that reserved bytes are zero.
func checkReserved(
  _ bytes: Span<UInt8>, _ range: Range<Int>, of what: String, at offset: Int
) throws(CairnError) {
  for index in range where bytes[index] != 0 {
    throw CairnError(
      .reservedNotZero, "a reserved byte of \(what) is not zero",
      at: .init(offset: UInt64(offset + index)), expected: "0", found: "\(bytes[index])",
      advice: "Read it with a newer Cairn")
  }
}
