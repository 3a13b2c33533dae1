// What the frames of a damaged file say of its content. FORMAT.md, appendix A.

import CairnCheckpoints
import CairnCodec
import CairnSystem
import CairnTensors

/// The frames that a scan has met, sorted by what they speak of.
struct FrameEvidence {
  /// A TNSR frame.
  struct Tensor {
    var ordinal: UInt32
    /// What it says, if the payload is intact and valid.
    var record: TensorRecord?
    /// The name, if that much is intact and valid.
    var name: TensorName?
    var payload: Range<Int>
  }

  /// A CHNK frame; its payload has not been looked at.
  struct Chunk {
    var ordinal: UInt32
    var number: UInt32
    var checksum: UInt32
    var logicalCount: UInt32
    var payload: Range<Int>
  }

  /// A RAWD frame and the BSUM frame directly behind it, if there is one that fits.
  struct Raw {
    var ordinal: UInt32
    var payload: Range<Int>
    var checksums: Range<Int>?
    /// The CRC-32 of the checksums.
    var checksum: UInt32 = 0
  }

  /// A META, CONF or BLOB frame; its payload has not been looked at.
  struct Attachment {
    var type: AttachmentType
    var checksum: UInt32
    var payload: Range<Int>
  }

  private(set) var tensors: [Tensor] = []
  /// Ascending by ordinal, number and place.
  private(set) var chunks: [Chunk] = []
  /// Ascending by ordinal and place.
  private(set) var raws: [Raw] = []
  private(set) var attachments: [Attachment] = []
  /// The ordinals that a tensor's frames name, each at least once.
  private(set) var ordinals: [UInt32] = []
  /// What nothing explains, ascending.
  private(set) var unexplained: [(range: Range<Int>, isForeign: Bool)] = []
  /// The frame in which the file ends.
  private(set) var cut: (header: FrameHeader?, offset: Int)?
  private(set) var commitOffset: Int?
  private(set) var hasIndex = false
  /// Where the padding of the last raw frame ends.
  private var rawEnd: Int?

  init(
    scanning source: any ByteSource, until end: Int, known: [Range<Int>] = [],
    progress: (Int) throws(CairnError) -> Void
  ) throws(CairnError) {
    var scan = FrameScan(source, until: end, known: known)
    try scan.run(progress: progress) { (sighting) throws(CairnError) in
      switch sighting {
      case .frame(let header, let offset): try add(header, at: offset, in: source)
      case .foreign(let range): unexplained.append((range, true))
      case .unexplained(let range): unexplained.append((range, false))
      case .commit(let offset): commitOffset = offset
      case .cut(let header, let offset): cut = (header, offset)
      }
    }
    chunks.sort {
      ($0.ordinal, $0.number, $0.payload.lowerBound) < (
        $1.ordinal, $1.number, $1.payload.lowerBound
      )
    }
    raws.sort { ($0.ordinal, $0.payload.lowerBound) < ($1.ordinal, $1.payload.lowerBound) }
  }

  private mutating func add(
    _ header: FrameHeader, at offset: Int, in source: any ByteSource
  ) throws(CairnError) {
    let start = offset + FrameHeader.byteCount
    let payload = start..<start + header.storedCount
    let next = start + header.paddedCount
    let frame = offset..<next
    guard header.ordinal < ContainerLimits.format.tensorCount else {
      unexplained.append((frame, true))
      return
    }
    if header.isOfTensor, ordinals.last != header.ordinal { ordinals.append(header.ordinal) }
    switch header.type {
    case .tensor:
      tensors.append(try Self.tensor(header, at: offset, payload, in: source))
    case .chunk:
      guard header.logicalCount <= ChunkLayout.largestLogicalLength else { break }
      chunks.append(
        Chunk(
          ordinal: header.ordinal, number: header.chunk, checksum: header.checksum,
          logicalCount: UInt32(header.logicalCount), payload: payload))
    case .raw:
      raws.append(Raw(ordinal: header.ordinal, payload: payload))
      rawEnd = next
    case .blockChecksums:
      guard rawEnd == offset, let last = raws.last, last.ordinal == header.ordinal,
        header.storedCount == 4 * Pieces.blocks(of: last.payload.count).count
      else { break }
      raws[raws.count - 1].checksums = payload
      raws[raws.count - 1].checksum = header.checksum
    case .index: hasIndex = true
    case .metadata, .configuration, .blob, .padding, .pageTable, .note, .generator, nil: break
    }
    if let type = header.type?.attachment {
      attachments.append(Attachment(type: type, checksum: header.checksum, payload: payload))
    }
  }

  private static func tensor(
    _ header: FrameHeader, at offset: Int, _ payload: Range<Int>, in source: any ByteSource
  ) throws(CairnError) -> Tensor {
    var tensor = Tensor(ordinal: header.ordinal, payload: payload)
    guard header.storedCount <= TensorRecord.largestByteCount,
      let bytes = try CairnError.unlessDamaged({ () throws(CairnError) in
        try source.payload(of: header, at: offset)
      })
    else { return tensor }
    tensor.name = TensorRecord.name(inFramePayload: bytes)
    tensor.record = try CairnError.unlessDamaged { () throws(CairnError) in
      try TensorRecord(framePayload: bytes, at: payload.lowerBound)
    }
    return tensor
  }

  /// The chunks of the tensor of that ordinal, ascending by number.
  func chunks(of ordinal: UInt32) -> ArraySlice<Chunk> {
    let start = chunks.firstIndex(ascending: { $0.ordinal >= ordinal })
    return chunks[start...].prefix { $0.ordinal == ordinal }
  }

  /// The raw frames of the tensor of that ordinal.
  func raws(of ordinal: UInt32) -> ArraySlice<Raw> {
    let start = raws.firstIndex(ascending: { $0.ordinal >= ordinal })
    return raws[start...].prefix { $0.ordinal == ordinal }
  }
}

extension Array {
  /// The first index from which on `isBehind` holds; it holds for no element ahead of one for which
  /// it does not.
  func firstIndex(ascending isBehind: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
