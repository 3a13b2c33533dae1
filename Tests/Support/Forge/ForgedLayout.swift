// Laying a container out anew after its frames have changed in length, number or order.

/// A frame that can be changed freely.
package struct ForgedFrame: Sendable {
  /// The 64 bytes of its header; its lengths and checksums are set when the file is laid out.
  package var header: [UInt8]
  /// Its bytes.
  package var payload: [UInt8]
  /// Where the header lay; nil for a frame that is new.
  var origin: Int?
  var originalCount: Int

  /// The four letters.
  package var type: String { String(decoding: header.prefix(4), as: UTF8.self) }

  /// A new frame.
  package init(_ type: String, _ payload: [UInt8], ordinal: Int = 0, chunk: Int = 0) {
    header = Array(type.utf8) + [1, 0]
    header += [UInt8](repeating: 0, count: Format.header - header.count)
    if type == "RAWD" { header[6] = 1 }
    header.setField(24, 4, to: ordinal)
    header.setField(28, 4, to: chunk)
    self.payload = payload
    originalCount = payload.count
  }

  init(_ place: FrameLayout.Frame, in bytes: [UInt8]) {
    header = Array(bytes[place.offset..<place.offset + Format.header])
    payload = Array(bytes[place.payload])
    origin = place.offset
    originalCount = payload.count
  }
}

/// A container taken apart into its frames.
package struct ForgedLayout: Sendable {
  /// The first 64 bytes.
  package var superblock: [UInt8]
  /// All frames, those of the index and the page table too.
  package var frames: [ForgedFrame]
  /// The last 128 bytes.
  package var commit: [UInt8]

  /// The frames of `bytes`; nil if there is no commit record at the end or not a single frame.
  package init?(_ bytes: [UInt8]) {
    let places = FrameLayout(bytes)
    guard let commit = places.commit, !places.frames.isEmpty else { return nil }
    superblock = Array(bytes[..<Format.superblock])
    frames = places.frames.map { ForgedFrame($0, in: bytes) }
    self.commit = Array(bytes[commit...])
  }

  /// A container of no tensors and no attachments.
  package init() {
    superblock = Format.magic + [1, 0, 0, 0, 64, 0, 0, 0]
    superblock += [UInt8](repeating: 0, count: Format.superblock - superblock.count)
    superblock[32] = 6
    superblock[33] = 20
    frames = [
      ForgedFrame("INDX", []),
      ForgedFrame("PTAB", [UInt8](repeating: 0, count: Format.pageTable)),
    ]
    commit = Format.commitMagic + [UInt8](repeating: 0, count: Format.commit - 8)
  }

  /// The file, with every place, length, count and checksum that follows from its frames.
  ///
  /// What is not a matter of layout stays as it is: names, types, shapes, logical lengths.
  package func bytes() -> [UInt8] {
    var layout = self
    layout.fillPaddingFrames()
    let starts = layout.starts()
    layout.moveIndex(to: starts)
    layout.makePageTable(starts)
    layout.makeCommit(starts)
    var file = layout.superblock
    for frame in layout.frames {
      var header = frame.header
      header.setField(8, 8, to: frame.payload.count)
      if frame.type != "CHNK" { header.setField(16, 8, to: frame.payload.count) }
      file += header
      file += frame.payload
      file.align(to: 64)
    }
    file += layout.commit
    return ContainerForge.repairingChecksums(file)
  }

  /// Where each frame's header comes to lie, and, at the end, where the commit record does. The page
  /// table's length is not final, but it is the last frame whose place is needed.
  private func starts() -> [Int] {
    var starts = [Format.superblock]
    for frame in frames {
      starts.append(starts[starts.count - 1] + Format.header + Format.padded(frame.payload.count))
    }
    return starts
  }

  /// Makes each `PADD` as long as the alignment of the `RAWD` behind it asks for.
  private mutating func fillPaddingFrames() {
    let alignment = 1 << min(Int(superblock[32]), 16)
    var offset = Format.superblock
    for number in frames.indices {
      if frames[number].type == "PADD", number + 1 < frames.count,
        frames[number + 1].type == "RAWD"
      {
        let gap = -(offset + 2 * Format.header) & (alignment - 1)
        frames[number].payload = [UInt8](repeating: 0, count: gap)
      }
      offset += Format.header + Format.padded(frames[number].payload.count)
    }
  }

  /// Points the index's entries and blocks to where their frames are now.
  private mutating func moveIndex(to starts: [Int]) {
    guard let place = frames.lastIndex(where: { $0.type == "INDX" }),
      let table = frames.last(where: { $0.type == "PTAB" })?.payload
    else { return }
    var index = frames[place].payload
    let entries = min(table.integer(16, 8), index.count / Format.entry)
    let blocksStart = entries * Format.entry
    let blocks = min(table.integer(24, 8), (index.count - blocksStart) / Format.block)
    for entry in 0..<entries {
      let field = entry * Format.entry + 64
      let old = index.integer(field, 8)
      if let number = frames.firstIndex(where: { $0.origin == old }) {
        index.setField(field, 8, to: starts[number])
      }
    }
    for block in 0..<blocks {
      let field = blocksStart + block * Format.block
      let old = index.integer(field, 8)
      guard
        let number = frames.firstIndex(where: { frame in
          frame.origin.map {
            (0..<max(frame.originalCount, 1)).contains(old - $0 - Format.header)
          } ?? false
        }), let origin = frames[number].origin
      else { continue }
      let frame = frames[number]
      let within = old - origin - Format.header
      index.setField(field, 8, to: starts[number] + Format.header + within)
      if within == 0, index.integer(field + 8, 4) == frame.originalCount {
        index.setField(field + 8, 4, to: frame.payload.count)
      }
    }
    frames[place].payload = index
  }

  /// Makes the page table that the index and the attachments ask for, keeping its counts.
  private mutating func makePageTable(_ starts: [Int]) {
    guard let place = frames.lastIndex(where: { $0.type == "PTAB" }),
      let number = frames.lastIndex(where: { $0.type == "INDX" })
    else { return }
    let index = frames[number].payload.count
    var table = Array(frames[place].payload.prefix(Format.pageTable))
    table += [UInt8](repeating: 0, count: Format.pageTable - table.count)
    let sections = [(16, Format.entry), (24, Format.block), (32, 8)].reduce(0) {
      $0.addingReportingOverflow(
        table.integer($1.0, 8).multipliedReportingOverflow(by: $1.1).partialValue
      ).partialValue
    }
    table.setField(0, 8, to: starts[number])
    table.setField(8, 8, to: index)
    if sections >= 0, sections <= index { table.setField(40, 8, to: index - sections) }
    let pages = (index + Format.page - 1) / Format.page
    table.setField(48, 4, to: pages)
    table += [UInt8](repeating: 0, count: 8 * ((pages + 1) / 2))
    var attachments = 0
    for (frame, start) in zip(frames, starts)
    where ["META", "CONF", "BLOB"].contains(frame.type) {
      attachments += 1
      table += Array(frame.type.utf8) + [0, 0, 0, 0]
      table.append(start, width: 8)
      table.append(frame.payload.count, width: 8)
      table.append(0, width: 8)
    }
    table.setField(52, 4, to: attachments)
    frames[place].payload = table
  }

  private mutating func makeCommit(_ starts: [Int]) {
    guard let place = frames.lastIndex(where: { $0.type == "PTAB" }) else { return }
    let end = self.starts()[frames.count]
    commit.setField(8, 8, to: end + Format.commit)
    commit.setField(16, 8, to: starts[place])
    commit.setField(24, 8, to: frames[place].payload.count)
    commit.setField(48, 8, to: frames[place].payload.integer(16, 8))
    commit.setField(56, 8, to: frames.count)
    let stored = frames.reduce(0) {
      $0 + ($1.type == "RAWD" || $1.type == "CHNK" ? $1.payload.count : 0)
    }
    commit.setField(72, 8, to: stored)
  }
}
