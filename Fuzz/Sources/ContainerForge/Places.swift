// Where the parts of a container lie, as far as they can be found. FORMAT.md, sections 1 and 5 to 7.

/// The lengths and marks of the format that the forge needs; its own, so that a mistake of the
/// library's is not repeated here.
enum Format {
  static let superblock = 64
  static let header = 64
  static let commit = 128
  static let magic: [UInt8] = [0x89, 0x43, 0x52, 0x4E, 0x0D, 0x0A, 0x1A, 0x0A]
  static let commitMagic: [UInt8] = [0x89, 0x43, 0x52, 0x4E, 0x45, 0x4E, 0x44, 0x0A]
  static let entry = 128
  static let block = 32
  static let pageTable = 64
  static let page = 65_536
  static let rawBlock = 1 << 20

  static func padded(_ count: Int) -> Int { count + (-count & 63) }
}

/// A frame as its header describes it; the payload lies within the file.
struct FramePlace {
  var header: Int
  var type: String
  var payload: Range<Int>
}

/// A file as the forge sees it: no claim is taken that leads outside the bytes.
struct Places {
  var frames: [FramePlace] = []
  /// Where the commit record begins, if there is one.
  var commit: Int?
  var pageTable: Range<Int>?
  var index: Range<Int>?

  init(_ bytes: [UInt8]) {
    let last = bytes.count - Format.commit
    if last >= Format.superblock, bytes[last..<last + 8].elementsEqual(Format.commitMagic) {
      commit = last
    }
    var offset = Format.superblock
    let end = commit ?? bytes.count
    while offset <= end - Format.header {
      let type = String(decoding: bytes[offset..<offset + 4], as: UTF8.self)
      let start = offset + Format.header
      guard let payload = bytes.range(start, bytes.integer(offset + 8, 8)),
        payload.upperBound <= end
      else { break }
      frames.append(FramePlace(header: offset, type: type, payload: payload))
      offset = start + Format.padded(payload.count)
    }
    pageTable = frames.last { $0.type == "PTAB" }?.payload
    index = frames.last { $0.type == "INDX" }?.payload
  }

  /// The sections of the index, by the counts of the page table; nil where they do not fit it.
  func sections(_ bytes: [UInt8]) -> IndexSections? {
    guard let pageTable, let index, pageTable.count >= Format.pageTable else { return nil }
    let entries = bytes.integer(pageTable.lowerBound + 16, 8)
    let blocks = bytes.integer(pageTable.lowerBound + 24, 8)
    let dimensions = bytes.integer(pageTable.lowerBound + 32, 8)
    guard entries <= index.count / Format.entry, blocks <= index.count / Format.block,
      dimensions <= index.count / 8
    else { return nil }
    let start = index.lowerBound
    let names = start + entries * Format.entry + blocks * Format.block + dimensions * 8
    guard names <= index.upperBound else { return nil }
    let blocksStart = start + entries * Format.entry
    let dimensionsStart = blocksStart + blocks * Format.block
    return IndexSections(
      entries: start..<blocksStart, blocks: blocksStart..<dimensionsStart,
      dimensions: dimensionsStart..<names, names: names..<index.upperBound)
  }
}

/// The four sections of the index, as ranges of the file.
struct IndexSections {
  var entries: Range<Int>
  var blocks: Range<Int>
  var dimensions: Range<Int>
  var names: Range<Int>

  var entryStarts: StrideTo<Int> {
    stride(from: entries.lowerBound, to: entries.upperBound, by: Format.entry)
  }
  var blockStarts: StrideTo<Int> {
    stride(from: blocks.lowerBound, to: blocks.upperBound, by: Format.block)
  }
}
