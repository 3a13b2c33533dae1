// The page table: the way from the commit record into the index. FORMAT.md, section 7.

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// Where the index lies, how long its sections are, the CRC-32 of each page, the attachments.
struct PageTable: Hashable, Sendable {
  static let fixedByteCount = 64
  static let pageByteCount = 65_536
  /// The largest payload: 4 bytes a page of at most 4 GiB of index, 32 an attachment.
  static let largestByteCount =
    fixedByteCount + 4 * 65_536 + 8 + AttachmentRecord.byteCount
    * ContainerLimits.format.attachmentCount

  var indexFrameOffset: Int
  var entryCount: Int
  var blockCount: Int
  var dimensionCount: Int
  var nameByteCount: Int
  var pageChecksums: [UInt32]
  var attachments: [AttachmentRecord]

  var blocksStart: Int { entryCount * IndexEntry.byteCount }
  var dimensionsStart: Int { blocksStart + blockCount * BlockRecord.byteCount }
  var namesStart: Int { dimensionsStart + dimensionCount * 8 }
  var indexByteCount: Int { namesStart + nameByteCount }
  /// Where the index's first byte lies in the file.
  var indexStart: Int { indexFrameOffset + FrameHeader.byteCount }

  static func pages(of byteCount: Int) -> Pieces {
    Pieces(byteCount: byteCount, pieceByteCount: pageByteCount)
  }

  var payload: [UInt8] {
    var fields = ByteBuilder()
    fields.append(UInt64(indexFrameOffset))
    fields.append(UInt64(indexByteCount))
    fields.append(UInt64(entryCount))
    fields.append(UInt64(blockCount))
    fields.append(UInt64(dimensionCount))
    fields.append(UInt64(nameByteCount))
    fields.append(UInt32(pageChecksums.count))
    fields.append(UInt32(attachments.count))
    fields.append(UInt64(0))
    for checksum in pageChecksums { fields.append(checksum) }
    fields.align(to: 8)
    for attachment in attachments { fields.append(attachment.bytes) }
    return fields.bytes
  }

  init(
    indexFrameOffset: Int, entryCount: Int, blockCount: Int, dimensionCount: Int,
    nameByteCount: Int, pageChecksums: [UInt32], attachments: [AttachmentRecord]
  ) {
    self.indexFrameOffset = indexFrameOffset
    self.entryCount = entryCount
    self.blockCount = blockCount
    self.dimensionCount = dimensionCount
    self.nameByteCount = nameByteCount
    self.pageChecksums = pageChecksums
    self.attachments = attachments
  }

  /// Reads a page table whose payload begins at `offset`; the PTAB frame begins 64 bytes earlier.
  init(payload: [UInt8], at offset: Int, limits: ContainerLimits) throws(CairnError) {
    let bytes = payload.span
    func invalid(_ message: String, _ field: Int, expected: String? = nil, found: String? = nil)
      -> CairnError
    {
      CairnError(
        .invalidIndex, message, at: .init(offset: UInt64(offset + field)), expected: expected,
        found: found)
    }
    guard payload.count >= Self.fixedByteCount else {
      throw invalid("the page table is too short", 0, found: "\(payload.count) bytes")
    }
    try checkReserved(bytes, 56..<64, of: "the page table", at: offset)

    func count(
      _ field: Int, atMost limit: Int, _ what: String, _ code: CairnError.Code = .limitExceeded
    ) throws(CairnError) -> Int {
      let value: UInt64 = bytes.field(field)
      guard value <= UInt64(limit) else {
        throw CairnError(
          code, "there are more \(what) than there may be",
          at: .init(offset: UInt64(offset + field)), expected: "at most \(limit)",
          found: "\(value)")
      }
      return Int(value)
    }
    let format = ContainerLimits.format
    let indexLimit = min(limits.indexByteCount, format.indexByteCount)
    let indexByteCount = try count(8, atMost: indexLimit, "bytes of index")
    entryCount = try count(16, atMost: min(limits.tensorCount, format.tensorCount), "tensors")
    blockCount = try count(24, atMost: min(limits.blockCount, format.blockCount), "blocks")
    // Bounded by the index's own size, which keeps every product below far from overflowing.
    dimensionCount = try count(32, atMost: indexByteCount / 8, "dimensions", .invalidIndex)
    nameByteCount = try count(40, atMost: indexByteCount, "bytes of names", .invalidIndex)
    let frameOffset: UInt64 = bytes.field(0)
    guard frameOffset % 64 == 0, frameOffset >= 64, frameOffset < UInt64(offset) else {
      throw invalid(
        "the index lies where it cannot", 0, expected: "a multiple of 64 below \(offset)",
        found: "\(frameOffset)")
    }
    indexFrameOffset = Int(frameOffset)
    pageChecksums = []
    attachments = []
    guard self.indexByteCount == indexByteCount else {
      throw invalid(
        "the index has another length than its sections", 8, expected: "\(self.indexByteCount)",
        found: "\(indexByteCount)")
    }
    let frameEnd = indexStart + indexByteCount + padding(after: indexByteCount, to: 64)
    guard frameEnd == offset - FrameHeader.byteCount else {
      throw invalid(
        "the page table does not follow directly on the index", 8,
        expected: "\(offset - FrameHeader.byteCount)", found: "\(frameEnd)")
    }
    let pageCount = Self.pages(of: indexByteCount).count
    guard bytes.field(48, as: UInt32.self) == UInt32(pageCount) else {
      throw invalid(
        "the number of pages is not the index's", 48, expected: "\(pageCount)",
        found: "\(bytes.field(48, as: UInt32.self))")
    }
    let attachmentCount = Int(bytes.field(52, as: UInt32.self))
    guard attachmentCount <= min(limits.attachmentCount, format.attachmentCount) else {
      throw CairnError(
        .limitExceeded, "there are more attachments than are allowed",
        at: .init(offset: UInt64(offset + 52)), found: "\(attachmentCount)")
    }
    let checksumsEnd = Self.fixedByteCount + 4 * pageCount
    let attachmentsStart = checksumsEnd + padding(after: checksumsEnd, to: 8)
    guard payload.count == attachmentsStart + attachmentCount * AttachmentRecord.byteCount else {
      throw invalid(
        "the page table has another length than its counts give", 48,
        expected: "\(attachmentsStart + attachmentCount * AttachmentRecord.byteCount)",
        found: "\(payload.count)")
    }
    try checkReserved(bytes, checksumsEnd..<attachmentsStart, of: "the page table", at: offset)
    pageChecksums = (0..<pageCount).map { bytes.field(Self.fixedByteCount + 4 * $0) }
    var last = 0
    for index in 0..<attachmentCount {
      let start = attachmentsStart + index * AttachmentRecord.byteCount
      let type = FrameType(letters: (start..<start + 4).map { payload[$0] })?.attachment
      let frame: UInt64 = bytes.field(start + 8)
      let length: UInt64 = bytes.field(start + 16)
      try checkReserved(
        bytes, start + 24..<start + 32, of: "an attachment record", at: offset)
      guard let type else {
        throw invalid("an attachment is of another type than META, CONF and BLOB", start)
      }
      guard frame > UInt64(last), frame % 64 == 0, frame < UInt64(indexFrameOffset),
        length <= UInt64(indexFrameOffset) - frame
      else {
        throw invalid(
          "an attachment lies where it cannot", start + 8,
          expected: "ascending multiples of 64 below \(indexFrameOffset)",
          found: "\(length) bytes at \(frame)")
      }
      let limit = limits.payloadByteCount(of: type)
      guard length <= UInt64(limit) else {
        throw CairnError(
          .limitExceeded, "a \(type.frame.rawValue) frame is larger than is allowed",
          at: .init(offset: UInt64(offset + start + 16)), expected: "at most \(limit) bytes",
          found: "\(length)")
      }
      last = Int(frame)
      attachments.append(
        AttachmentRecord(
          type: type, checksum: bytes.field(start + 4), frameOffset: Int(frame),
          payloadCount: Int(length)))
    }
    for type in AttachmentType.allCases
    where type.isSingle && attachments.filter({ $0.type == type }).count > 1 {
      throw invalid("there is more than one \(type.frame.rawValue) frame", attachmentsStart)
    }
  }
}
