// The fixed-width records of the index. FORMAT.md, section 7.

import CairnCodec
import CairnSystem
import CairnTensors

/// A tensor's record in the index.
struct IndexEntry: Hashable, Sendable {
  static let byteCount = 128

  var record: TensorRecord
  var nameStart: Int
  var ordinal: UInt32
  var firstDimension: Int
  var firstBlock: Int
  var blockCount: Int
  /// Where the TNSR frame begins.
  var frameOffset: Int
  /// The leaf digest; zeros without digests and for an alias.
  var digest: ContentDigest

  var bytes: [UInt8] {
    var fields = ByteBuilder()
    fields.append(UInt64(nameStart))
    fields.append(UInt16(record.name.utf8.count))
    fields.append(record.dtype.row.code)
    fields.append(record.storageClass.rawValue)
    fields.append(record.filter.rawValue)
    fields.append(UInt8(record.shape.rank))
    fields.append(UInt8(0))
    fields.append(ordinal)
    fields.append(record.position)
    fields.append(record.owner)
    fields.append(UInt32(0))
    fields.append(UInt64(firstDimension))
    fields.append(UInt64(firstBlock))
    fields.append(UInt64(blockCount))
    fields.append(UInt64(record.byteCount))
    fields.append(UInt64(frameOffset))
    fields.append(record.dtype.blockFields.typeID)
    fields.append(record.dtype.blockFields.elements)
    fields.append(record.dtype.blockFields.bytes)
    fields.appendZeros(12)
    fields.append(digest.bytes)
    return fields.bytes
  }
}

/// Where one block's bytes lie, and their checksum.
struct BlockRecord: Hashable, Sendable {
  static let byteCount = 32

  var offset: Int
  var storedCount: Int
  var logicalCount: Int
  var checksum: UInt32

  var bytes: [UInt8] {
    var fields = ByteBuilder()
    fields.append(UInt64(offset))
    fields.append(UInt32(storedCount))
    fields.append(UInt32(logicalCount))
    fields.append(checksum)
    fields.appendZeros(12)
    return fields.bytes
  }

  init(offset: Int, storedCount: Int, logicalCount: Int, checksum: UInt32) {
    self.offset = offset
    self.storedCount = storedCount
    self.logicalCount = logicalCount
    self.checksum = checksum
  }

  /// Reads a record that lies at `position` in the file, of a file of `fileCount` bytes.
  init(_ bytes: Span<UInt8>, at position: Int, fileCount: Int) throws(CairnError) {
    let offset: UInt64 = bytes.field(0)
    storedCount = Int(bytes.field(8, as: UInt32.self))
    logicalCount = Int(bytes.field(12, as: UInt32.self))
    checksum = bytes.field(16)
    try checkReserved(bytes, 20..<32, of: "a block record", at: position)
    guard offset <= UInt64(fileCount), storedCount <= fileCount - Int(offset) else {
      throw CairnError(
        .invalidIndex, "a block lies outside the file", at: .init(offset: UInt64(position)),
        expected: "within \(fileCount) bytes", found: "\(storedCount) bytes at \(offset)")
    }
    self.offset = Int(offset)
  }
}

/// What belongs to no tensor and counts.
enum AttachmentType: CaseIterable, Sendable {
  case metadata, configuration, blob

  /// The type of its frame.
  var frame: FrameType {
    switch self {
    case .metadata: .metadata
    case .configuration: .configuration
    case .blob: .blob
    }
  }

  /// Whether a file has at most one.
  var isSingle: Bool {
    switch self {
    case .metadata, .configuration: true
    case .blob: false
    }
  }
}

/// Where the frame of an attachment is.
struct AttachmentRecord: Hashable, Sendable {
  static let byteCount = 32

  var type: AttachmentType
  var checksum: UInt32
  var frameOffset: Int
  var payloadCount: Int

  var bytes: [UInt8] {
    var fields = ByteBuilder()
    fields.append(type.frame.letters)
    fields.append(checksum)
    fields.append(UInt64(frameOffset))
    fields.append(UInt64(payloadCount))
    fields.append(UInt64(0))
    return fields.bytes
  }
}
