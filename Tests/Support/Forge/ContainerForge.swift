// Making the checksums of a changed container right, so that a reader looks at what was changed.

/// Repairs containers that were changed without regard to their checksums.
///
/// A file is read as far as it makes sense; what makes none stays as it is. Lengths are never
/// changed here, and no field but a checksum (``layOut(_:)`` does the rest).
package enum ContainerForge {
  /// `bytes` with every checksum that can be found made right: superblock, frame headers and
  /// payloads, `BSUM`, the blocks and pages of the index, the page table, the commit record.
  ///
  /// A file whose checksums are all right comes out as it was.
  package static func repairingChecksums(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    let places = FrameLayout(bytes)
    bytes.seal(0, Format.superblock)
    sumRawBlocks(&bytes, places)
    sumIndexBlocks(&bytes, places)
    for frame in places.frames where frame.type != "PTAB" { seal(frame, &bytes) }
    sumPageTable(&bytes, places)
    for frame in places.frames where frame.type == "PTAB" { seal(frame, &bytes) }
    if let commit = places.commit {
      if let table = places.pageTable {
        bytes.setField(commit + 32, 4, to: bytes.crc32(table))
      }
      let ends = places.frames.flatMap { frame in
        let end = frame.offset + Format.header
        return Array(bytes[end - 4..<end])
      }
      bytes.setField(commit + 112, 4, to: ends.crc32(0..<ends.count))
      bytes.seal(commit, Format.commit)
    }
    return bytes
  }

  /// Sets the CRC-32 of a frame's payload, unless its flags say that it follows, and its header's.
  private static func seal(_ frame: FrameLayout.Frame, _ bytes: inout [UInt8]) {
    if bytes[frame.offset + 6] & 1 == 0 {
      bytes.setField(frame.offset + 32, 4, to: bytes.crc32(frame.payload))
    }
    bytes.seal(frame.offset, Format.header)
  }

  /// Fills each `BSUM` with the CRC-32s of the `RAWD` ahead of it.
  private static func sumRawBlocks(_ bytes: inout [UInt8], _ places: FrameLayout) {
    for (raw, sums) in zip(places.frames, places.frames.dropFirst())
    where raw.type == "RAWD" && sums.type == "BSUM" {
      var place = sums.payload.lowerBound
      var start = raw.payload.lowerBound
      while start < raw.payload.upperBound, place + 4 <= sums.payload.upperBound {
        let end = min(start + Format.rawBlock, raw.payload.upperBound)
        bytes.setField(place, 4, to: bytes.crc32(start..<end))
        place += 4
        start = end
      }
    }
  }

  /// Sets the CRC-32 of every block record whose bytes lie within the file, outside the index.
  private static func sumIndexBlocks(_ bytes: inout [UInt8], _ places: FrameLayout) {
    guard let sections = places.sections, let index = places.index else { return }
    for block in sections.blockStarts {
      guard let stored = bytes.range(bytes.integer(block, 8), bytes.integer(block + 8, 4)),
        stored.upperBound <= index.lowerBound
      else { continue }
      bytes.setField(block + 16, 4, to: bytes.crc32(stored))
    }
  }

  /// Sets the CRC-32s of the index's pages, and those of the attachments.
  private static func sumPageTable(_ bytes: inout [UInt8], _ places: FrameLayout) {
    guard let table = places.pageTable, let index = places.index,
      table.count >= Format.pageTable
    else { return }
    let pages = (index.count + Format.page - 1) / Format.page
    var place = table.lowerBound + Format.pageTable
    for number in 0..<pages {
      guard place + 4 <= table.upperBound else { return }
      let start = index.lowerBound + number * Format.page
      bytes.setField(
        place, 4, to: bytes.crc32(start..<min(start + Format.page, index.upperBound)))
      place += 4
    }
    place = table.lowerBound + Format.pageTable + 8 * ((pages + 1) / 2)
    while place + 32 <= table.upperBound {
      let header = bytes.integer(place + 8, 8)
      if let frame = places.frames.first(where: { $0.offset == header }) {
        bytes.setField(place + 4, 4, to: bytes.crc32(frame.payload))
      }
      place += 32
    }
  }

  /// `bytes` without content digests, whose SHA-256 no mutation survives: the feature bit, the flag,
  /// the root and the leaves are set to zero. The checksums are not repaired.
  package static func removingDigests(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    let places = FrameLayout(bytes)
    bytes.setField(24, 8, to: bytes.field(24, 8) & ~1)
    if let commit = places.commit {
      bytes.setField(commit + 36, 4, to: bytes.field(commit + 36, 4) & ~1)
      bytes.clear(commit + 80..<commit + 112)
    }
    if let sections = places.sections {
      for entry in sections.entryStarts { bytes.clear(entry + 96..<entry + 128) }
    }
    return bytes
  }
}

extension [UInt8] {
  mutating func clear(_ range: Range<Int>) {
    for place in range { self[place] = 0 }
  }
}
