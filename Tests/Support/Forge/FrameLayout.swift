// A container's frames, read as FORMAT.md, sections 1 and 5 to 7, says and not by the code under test:
// to cut and damage files in chosen places, and to say what must be left of them.

/// The lengths and marks of the format that are needed here; their own, so that a mistake of the
/// library's is not repeated.
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

/// The parts of a file, as far as they can be found: no claim is taken that leads outside the bytes.
package struct FrameLayout: Sendable {
  /// A frame as its header describes it; the payload lies within the file.
  package struct Frame: Equatable, Sendable, CustomStringConvertible {
    package var type: String
    /// Where its header begins.
    package var offset: Int
    package var payload: Range<Int>
    package var ordinal: Int
    package var chunk: Int

    package var description: String { "\(type) of \(ordinal) at \(offset)" }
    /// Whether a tensor's content lies in it.
    package var isOfTensor: Bool { ["TNSR", "RAWD", "BSUM", "CHNK"].contains(type) }
    package var isAttachment: Bool { ["META", "CONF", "BLOB"].contains(type) }
    /// Header, payload and padding.
    package var whole: Range<Int> {
      offset..<payload.lowerBound + Format.padded(payload.count)
    }
  }

  package let bytes: [UInt8]
  package private(set) var frames: [Frame] = []
  /// Where the commit record begins, if there is one.
  package private(set) var commit: Int?
  package let pageTable: Range<Int>?
  package let index: Range<Int>?
  /// What the TNSR frames say.
  package private(set) var tensors: [Tensor] = []

  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
    let last = bytes.count - Format.commit
    if last >= Format.superblock, bytes[last..<last + 8].elementsEqual(Format.commitMagic) {
      commit = last
    }
    var offset = Format.superblock
    let end = commit ?? bytes.count
    while offset <= end - Format.header {
      let start = offset + Format.header
      guard let payload = bytes.range(start, bytes.integer(offset + 8, 8)),
        payload.upperBound <= end
      else { break }
      frames.append(
        Frame(
          type: String(decoding: bytes[offset..<offset + 4], as: UTF8.self), offset: offset,
          payload: payload, ordinal: bytes.integer(offset + 24, 4),
          chunk: bytes.integer(offset + 28, 4)))
      offset = start + Format.padded(payload.count)
    }
    pageTable = frames.last { $0.type == "PTAB" }?.payload
    index = frames.last { $0.type == "INDX" }?.payload
    tensors = frames("TNSR").compactMap { Tensor($0, in: bytes) }
  }

  package func frames(_ type: String) -> [Frame] { frames.filter { $0.type == type } }

  /// The name of a blob.
  package func blobName(_ frame: Frame) -> String {
    let start = frame.payload.lowerBound + 2
    return String(decoding: bytes[start..<start + bytes.integer(start - 2, 2)], as: UTF8.self)
  }
}

// MARK: - Tensors

extension FrameLayout {
  /// What a TNSR frame says.
  package struct Tensor: Sendable {
    package var ordinal: Int
    package var name: String
    package var storage: UInt8
    package var owner: Int
    package var byteCount: Int

    init?(_ frame: Frame, in bytes: [UInt8]) {
      let start = frame.payload.lowerBound
      let name = start + 40 + 8 * bytes.integer(start + 4, 1)
      guard name <= frame.payload.upperBound else { return nil }
      ordinal = frame.ordinal
      self.name = String(decoding: bytes[name..<frame.payload.upperBound], as: UTF8.self)
      storage = bytes[start + 2]
      owner = bytes.integer(start + 12, 4)
      byteCount = bytes.integer(start + 16, 8)
    }
  }

  /// The names of the tensors of which all frames that the tensor needs satisfy `isThere`, and of
  /// their aliases.
  package func tensors(where isThere: (Frame) -> Bool) -> Set<String> {
    var there = Set(tensors.map(\.ordinal))
    for frame in frames where frame.isOfTensor && !isThere(frame) { there.remove(frame.ordinal) }
    for tensor in tensors where tensor.storage == 2 && !there.contains(tensor.owner) {
      there.remove(tensor.ordinal)
    }
    return Set(tensors.filter { there.contains($0.ordinal) }.map(\.name))
  }
}

// MARK: - The index

extension FrameLayout {
  /// The four sections of the index, as ranges of the file.
  package struct IndexSections {
    package var entries: Range<Int>
    package var blocks: Range<Int>
    package var dimensions: Range<Int>
    package var names: Range<Int>

    package var entryStarts: StrideTo<Int> {
      stride(from: entries.lowerBound, to: entries.upperBound, by: Format.entry)
    }
    package var blockStarts: StrideTo<Int> {
      stride(from: blocks.lowerBound, to: blocks.upperBound, by: Format.block)
    }
  }

  /// The sections of the index, by the counts of the page table; nil where they do not fit it.
  package var sections: IndexSections? {
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
