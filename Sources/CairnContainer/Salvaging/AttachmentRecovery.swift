// Metadata, configuration and blobs of a damaged file. FORMAT.md, appendix A.

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// Recovers what belongs to no tensor and names what is lost of it.
struct AttachmentRecovery {
  /// A blob that is intact; its content stays in the file.
  struct BlobPlace: Sendable {
    var name: TensorName
    var payload: Range<Int>
    var checksum: UInt32
  }

  /// A payload, with every CRC-32 that a frame or the page table has for it.
  private struct Candidate {
    var type: AttachmentType
    var payload: Range<Int>
    var checksums: [UInt32]
  }

  private(set) var metadata = Metadata()
  private(set) var configuration: [UInt8]?
  /// Ascending by name.
  private(set) var blobs: [BlobPlace] = []
  private(set) var losses: [SalvageLoss] = []
  private let source: any ByteSource
  private let limits: ContainerLimits

  init(
    _ frames: FrameEvidence, _ index: IndexEvidence?, in source: any ByteSource,
    limits: ContainerLimits
  ) throws(CairnError) {
    self.source = source
    self.limits = limits
    let candidates = Self.candidates(frames, index)
    if let found = try only(
      .metadata, .metadata, candidates,
      { (bytes, offset) throws(CairnError) in
        try MetadataCoding.decode(bytes, at: offset)
      })
    {
      metadata = found
    }
    configuration = try only(
      .configuration, .configuration, candidates
    ) { (bytes, offset) throws(CairnError) in
      // What is written is canonical, whatever stood here.
      try ConfigurationCoding.parse(bytes, at: offset, limits: limits).canonical().text
    }
    try recoverBlobs(candidates.filter { $0.type == .blob })
    nameCut(frames)
    losses.sort { ($0.fileRanges.first?.lowerBound ?? 0) < ($1.fileRanges.first?.lowerBound ?? 0) }
  }

  /// Both routes' candidates, ascending by place; one for each type and place.
  private static func candidates(
    _ frames: FrameEvidence, _ index: IndexEvidence?
  ) -> [Candidate] {
    var all = (frames.attachments + (index?.attachments ?? [])).map {
      Candidate(type: $0.type, payload: $0.payload, checksums: [$0.checksum])
    }
    all.sort {
      ($0.payload.lowerBound, $0.payload.upperBound) < (
        $1.payload.lowerBound, $1.payload.upperBound
      )
    }
    var merged: [Candidate] = []
    for candidate in all {
      if let last = merged.last, last.type == candidate.type, last.payload == candidate.payload {
        merged[merged.count - 1].checksums += candidate.checksums
      } else {
        merged.append(candidate)
      }
    }
    return merged
  }

  /// The payload of a candidate, if it is intact and within the limits.
  private func payload(_ candidate: Candidate) throws(CairnError) -> (bytes: [UInt8], UInt32)? {
    guard candidate.payload.count <= limits.payloadByteCount(of: candidate.type) else { return nil }
    let bytes = try source.withBytes(in: candidate.payload) { $0.array }
    let actual = crc32(bytes.span)
    return candidate.checksums.contains(actual) ? (bytes, actual) : nil
  }

  /// The content of the one frame of its type, if it is intact and valid and there is no other.
  private mutating func only<Content: Equatable>(
    _ type: AttachmentType, _ kind: SalvageLoss.Kind, _ candidates: [Candidate],
    _ decode: (_ payload: [UInt8], _ offset: Int) throws(CairnError) -> Content
  ) throws(CairnError) -> Content? {
    var found: Content?
    var damaged: [Range<Int>] = []
    for candidate in candidates where candidate.type == type {
      var content: Content?
      if let (bytes, _) = try payload(candidate) {
        content = try CairnError.unlessDamaged { () throws(CairnError) in
          try decode(bytes, candidate.payload.lowerBound)
        }
      }
      guard let content else {
        damaged.append(candidate.payload)
        continue
      }
      guard found == nil || found == content else {
        lose(kind, nil, "the file has two that differ", [candidate.payload])
        return nil
      }
      found = content
    }
    if found == nil, !damaged.isEmpty { lose(kind, nil, "its frame is damaged", damaged) }
    return found
  }

  private mutating func recoverBlobs(_ candidates: [Candidate]) throws(CairnError) {
    var places: [TensorName: BlobPlace] = [:]
    var contested: [TensorName: [Range<Int>]] = [:]
    let most =
      min(limits.attachmentCount, ContainerLimits.format.attachmentCount)
      - (metadata.isEmpty ? 0 : 1) - (configuration == nil ? 0 : 1)
    for candidate in candidates {
      guard let (bytes, checksum) = try payload(candidate),
        let blob = try CairnError.unlessDamaged({ () throws(CairnError) in
          try BlobCoding.decode(bytes, at: candidate.payload.lowerBound, limits: limits)
        })
      else {
        lose(.blob, nil, "its frame is damaged", [candidate.payload])
        continue
      }
      let place = BlobPlace(name: blob.name, payload: candidate.payload, checksum: checksum)
      if let other = places[blob.name] {
        // The same bytes twice are one blob.
        if other.payload.count != place.payload.count || other.checksum != checksum {
          contested[blob.name, default: [other.payload]].append(place.payload)
        }
      } else if places.count < most {
        places[blob.name] = place
      } else {
        lose(.blob, blob.name, "there are more blobs than are allowed", [candidate.payload])
      }
    }
    for name in contested.keys.sorted() {
      places[name] = nil
      lose(.blob, name, "another blob has the same name", contested[name] ?? [])
    }
    blobs = places.values.sorted { $0.name < $1.name }
  }

  /// Names the attachment in which the file ends.
  private mutating func nameCut(_ frames: FrameEvidence) {
    guard let cut = frames.cut, let type = cut.header?.type?.attachment else { return }
    let kind: SalvageLoss.Kind?
    switch type {
    case .metadata: kind = metadata.isEmpty ? .metadata : nil
    case .configuration: kind = configuration == nil ? .configuration : nil
    case .blob: kind = .blob
    }
    if let kind { lose(kind, nil, "the file ends within it", [cut.offset..<source.count]) }
  }

  private mutating func lose(
    _ kind: SalvageLoss.Kind, _ name: TensorName?, _ reason: String, _ ranges: [Range<Int>]
  ) {
    var loss = SalvageLoss(kind, name, reason: reason)
    loss.fileRanges = ranges
    losses.append(loss)
  }
}

extension AttachmentRecovery.BlobPlace {
  /// The blob, read and checked anew.
  func read(from source: any ByteSource) throws(CairnError) -> Blob {
    let bytes = try source.withBytes(in: payload) { $0.array }
    let actual = crc32(bytes.span)
    guard actual == checksum else {
      throw checksumMismatch(
        "the payload of a BLOB frame", at: payload.lowerBound, recorded: checksum, actual: actual)
    }
    return try BlobCoding.decode(bytes, at: payload.lowerBound)
  }
}
