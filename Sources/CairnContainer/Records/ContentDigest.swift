// The digests of content: a leaf for each tensor, one root. FORMAT.md, section 15.

import CairnCodec
import CairnSystem
import CairnTensors

/// A SHA-256 digest: 32 bytes.
package struct ContentDigest: Hashable, Sendable, CustomStringConvertible {
  /// The 32 bytes.
  package let bytes: [UInt8]

  /// - Precondition: 32 bytes.
  init(bytes: [UInt8]) {
    precondition(bytes.count == 32, "a digest has 32 bytes")
    self.bytes = bytes
  }

  init(of content: [UInt8]) { self.init(of: content.span) }

  init(of content: Span<UInt8>) { self.init(bytes: SHA256.digest(of: content)) }

  /// 32 zeros: the absence of a digest.
  static let none = ContentDigest(bytes: [UInt8](repeating: 0, count: 32))

  /// 64 hexadecimal digits.
  package var description: String { bytes.hexDigits }
}

/// The digests of the segments in `bytes`, which begin at a segment's border.
func segmentDigests(of bytes: Span<UInt8>) -> [ContentDigest] {
  let whole = bytes.count / Pieces.mebibyte * Pieces.mebibyte
  var digests = SHA256.digests(ofPartsOf: Pieces.mebibyte, in: bytes.extracting(0..<whole))
    .map { ContentDigest(bytes: $0) }
  if whole < bytes.count {
    digests.append(ContentDigest(of: bytes.extracting(whole..<bytes.count)))
  }
  return digests
}

/// The leaf digest of a tensor whose bytes come in order, in parts of any size.
struct LeafDigest {
  private var leaf = SHA256()
  private var segment = SHA256()
  private var segmentCount = 0

  init(dtype: DType, shape: Shape, byteCount: Int) {
    var fields = ByteBuilder()
    fields.append(Array("cairn.leaf.1".utf8))
    fields.appendZeros(4)
    fields.append(dtype.row.code)
    fields.append(UInt16(shape.rank))
    fields.append(dtype.blockFields.typeID)
    fields.append(dtype.blockFields.elements)
    fields.append(dtype.blockFields.bytes)
    for dimension in shape.dimensions { fields.append(UInt64(dimension)) }
    fields.append(UInt64(byteCount))
    leaf.update(fields.bytes.span)
  }

  mutating func absorb(_ bytes: Span<UInt8>) {
    var start = 0
    while start < bytes.count {
      let whole = (bytes.count - start) / Pieces.mebibyte * Pieces.mebibyte
      if segmentCount == 0, whole > 0 {
        for digest in segmentDigests(of: bytes.extracting(start..<start + whole)) {
          absorb(segment: digest)
        }
        start += whole
        continue
      }
      let count = min(Pieces.mebibyte - segmentCount, bytes.count - start)
      segment.update(bytes.extracting(start..<start + count))
      segmentCount += count
      start += count
      if segmentCount == Pieces.mebibyte { closeSegment() }
    }
  }

  /// Absorbs a segment whose digest is known; all bytes before it came in whole segments.
  mutating func absorb(segment: ContentDigest) { leaf.update(segment.bytes.span) }

  private mutating func closeSegment() {
    leaf.update(segment.finalize().span)
    segment = SHA256()
    segmentCount = 0
  }

  mutating func finish() -> ContentDigest {
    if segmentCount > 0 { closeSegment() }
    return ContentDigest(bytes: leaf.finalize())
  }
}

/// The root digest, its parts given in the order of the index.
struct RootDigest {
  private var root = SHA256()

  init(entryCount: Int) {
    var fields = ByteBuilder()
    fields.append(Array("cairn.root.1".utf8))
    fields.appendZeros(4)
    fields.append(UInt64(entryCount))
    root.update(fields.bytes.span)
  }

  /// An entry: with its leaf if it represents its tie group, else with the row of the entry that
  /// does.
  mutating func add(
    name: TensorName, position: UInt32, leaf: ContentDigest, representative: Int?
  ) {
    var fields = ByteBuilder()
    fields.append(UInt32(name.utf8.count))
    fields.append(name.utf8)
    fields.append(position)
    if let representative {
      fields.append(UInt8(1))
      fields.append(UInt64(representative))
      fields.appendZeros(24)
    } else {
      fields.append(UInt8(0))
      fields.append(leaf.bytes)
    }
    root.update(fields.bytes.span)
  }

  /// The root, given the digests of the payloads of META and CONF and of the blobs by name.
  mutating func finish(
    metadata: ContentDigest?, configuration: ContentDigest?, blobs: [ContentDigest]
  ) -> ContentDigest {
    var fields = ByteBuilder()
    fields.append((metadata ?? .none).bytes)
    fields.append((configuration ?? .none).bytes)
    fields.append(UInt32(blobs.count))
    for blob in blobs { fields.append(blob.bytes) }
    root.update(fields.bytes.span)
    return ContentDigest(bytes: root.finalize())
  }
}

/// The digests of what belongs to no tensor.
struct AttachmentDigests {
  var metadata: ContentDigest?
  var configuration: ContentDigest?
  /// By ascending name.
  var blobs: [ContentDigest] = []

  /// The root digest over them and the index, of which `entry` gives each row.
  func root<E: Error>(
    entryCount: Int, entry: (Int) throws(E) -> IndexEntry
  ) throws(E) -> ContentDigest {
    var owners: [Int] = []
    owners.reserveCapacity(entryCount)
    for row in 0..<entryCount {
      let record = try entry(row).record
      owners.append(record.ownsData ? row : Int(record.owner))
    }
    let ties = TieGroups(owners: owners)
    var root = RootDigest(entryCount: entryCount)
    for row in 0..<entryCount {
      let record = try entry(row).record
      let representative = ties.representative(of: row)
      root.add(
        name: record.name, position: record.position, leaf: try entry(ties.owner(of: row)).digest,
        representative: representative == row ? nil : representative)
    }
    return root.finish(metadata: metadata, configuration: configuration, blobs: blobs)
  }
}

/// The partition of entries into those that share one tensor.
private struct TieGroups {
  private let owners: [Int]
  private var lowest: [Int: Int] = [:]

  /// - Parameter owners: for each row the row that owns its data.
  init(owners: [Int]) {
    self.owners = owners
    for (row, owner) in owners.enumerated() where owner != row {
      lowest[owner] = min(lowest[owner] ?? owner, row)
    }
  }

  func owner(of row: Int) -> Int { owners[row] }

  /// The lowest row of the group that `row` is in.
  func representative(of row: Int) -> Int { lowest[owners[row]] ?? owners[row] }
}
