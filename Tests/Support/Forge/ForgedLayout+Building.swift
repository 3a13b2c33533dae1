// Containers around chosen bytes: a payload as an attachment, a stream as a chunk.

extension ForgedLayout {
  /// Puts a frame ahead of the index.
  package mutating func insert(_ frame: ForgedFrame) {
    let index = frames.lastIndex { $0.type == "INDX" } ?? frames.count
    frames.insert(frame, at: index)
  }

  /// What a chunked tensor says of itself.
  package struct ChunkedTensor: Sendable {
    /// FORMAT.md, section 11: 1 to 26.
    package var dtype: Int
    /// 0 none, 1 byte planes, 2 rotated.
    package var filter: Int
    /// The length of its only dimension.
    package var elementCount: Int
    /// Its logical bytes.
    package var byteCount: Int
    /// Its name.
    package var name: String

    /// A tensor of one dimension.
    package init(dtype: Int, filter: Int, elementCount: Int, byteCount: Int, name: String = "t") {
      self.dtype = dtype
      self.filter = filter
      self.elementCount = elementCount
      self.byteCount = byteCount
      self.name = name
    }
  }

  /// A container of one tensor of one chunk, whose stored bytes are `stored`.
  package init(_ tensor: ChunkedTensor, stored: [UInt8]) {
    self.init()
    let name = Array(tensor.name.utf8)
    var record: [UInt8] = [UInt8(truncatingIfNeeded: tensor.dtype), 0, 1]
    record += [UInt8(truncatingIfNeeded: tensor.filter), 1, 0]
    record.append(name.count, width: 2)
    record.append(0, width: 8)
    record.append(tensor.byteCount, width: 8)
    record += [UInt8](repeating: 0, count: 16)
    record.append(tensor.elementCount, width: 8)
    record += name
    insert(ForgedFrame("TNSR", record))
    var chunk = ForgedFrame("CHNK", stored)
    chunk.header.setField(16, 8, to: tensor.byteCount)
    insert(chunk)

    let frame = Format.superblock
    let data = frame + Format.header + Format.padded(record.count) + Format.header
    var entry: [UInt8] = []
    entry.append(0, width: 8)
    entry.append(name.count, width: 2)
    entry.append(tensor.dtype, width: 2)
    entry += [1, UInt8(truncatingIfNeeded: tensor.filter), 1, 0]
    entry += [UInt8](repeating: 0, count: 32)
    entry.append(1, width: 8)
    entry.append(tensor.byteCount, width: 8)
    entry.append(frame, width: 8)
    entry += [UInt8](repeating: 0, count: Format.entry - entry.count)
    var block: [UInt8] = []
    block.append(data, width: 8)
    block.append(stored.count, width: 4)
    block.append(tensor.byteCount, width: 4)
    block += [UInt8](repeating: 0, count: Format.block - block.count)
    var dimension: [UInt8] = []
    dimension.append(tensor.elementCount, width: 8)
    frames[2].payload = entry + block + dimension + name
    // Entries, blocks, dimensions: one each.
    for field in [16, 24, 32] { frames[3].payload.setField(field, 8, to: 1) }
    commit.setField(64, 8, to: tensor.byteCount)
  }
}
