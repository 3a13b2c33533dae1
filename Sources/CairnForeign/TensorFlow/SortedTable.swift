// The table of sorted keys in a bundle's index (tensorflow/core/lib/io/table_format.txt,
// LevelDB's):
//
//     blocks         entries, restart points, one byte of compression, CRC-32C
//     index block    the last key of each block, and where the block is
//     footer         48 bytes at the end: where the meta-index and the index are, magic

import CairnCheckpoints
import CairnContainer
import CairnSystem

/// The entries of a table, in ascending order of their keys.
struct SortedTable {
  private(set) var entries: [(key: [UInt8], value: [UInt8])] = []

  static let magic: UInt64 = 0xDB47_7524_8B80_FB57
  static let footerByteCount = 48
  static let advice = "The index is damaged; fetch it again"
  /// The largest block, decoded.
  private static let maximumBlockByteCount = 16 << 20

  /// Where a block is.
  private struct Handle {
    var offset: Int
    var byteCount: Int
  }

  /// Reads a whole table.
  ///
  /// - Throws: `truncated`, `invalidHeader`, `checksumMismatch`, `corruptStream`, `limitExceeded`.
  init(_ source: any ByteSource, limits: ContainerLimits, budget: Budget) throws(CairnError) {
    guard source.count >= Self.footerByteCount else {
      throw CairnError(
        .truncated, "the file is too short for a table", at: .init(offset: UInt64(source.count)),
        advice: Self.advice)
    }
    let start = source.count - Self.footerByteCount
    var footer = ProtobufReader(source, in: start..<source.count)
    _ = try Self.handle(&footer)
    let index = try Self.handle(&footer)
    var end = ByteCursor(source, in: source.count - 8..<source.count)
    guard try end.integer(UInt64.self) == Self.magic else {
      throw CairnError(
        .invalidHeader, "the file does not end as a table does", at: .init(offset: UInt64(start)),
        advice: Self.advice)
    }
    var blockEnd = 0
    for entry in try Self.block(index, source, budget) {
      var value = ProtobufReader(try MemoryBytes(entry.value))
      let handle = try Self.handle(&value)
      // Blocks follow one another, so none is read twice, however often the index names it.
      guard handle.offset >= blockEnd else {
        throw CairnError(
          .invalidHeader, "the blocks of the table overlap",
          at: .init(offset: UInt64(clamping: handle.offset)), advice: Self.advice)
      }
      entries += try Self.block(handle, source, budget)
      guard entries.count <= limits.tensorCount else {
        throw CairnError(
          .limitExceeded, "the table has more entries than is allowed",
          expected: "at most \(limits.tensorCount)")
      }
      blockEnd = handle.offset + handle.byteCount
    }
    for (one, next) in zip(entries, entries.dropFirst())
    where !one.key.lexicographicallyPrecedes(next.key) {
      throw CairnError(
        .invalidHeader, "the keys of the table do not ascend",
        at: .init(name: String(decoding: next.key, as: UTF8.self)), advice: Self.advice)
    }
  }

  private static func handle(_ reader: inout ProtobufReader) throws(CairnError) -> Handle {
    let offset = try reader.varint()
    return Handle(offset: Int(clamping: offset), byteCount: Int(clamping: try reader.varint()))
  }

  /// The entries of one block.
  private static func block(
    _ handle: Handle, _ source: any ByteSource, _ budget: Budget
  ) throws(CairnError) -> [(key: [UInt8], value: [UInt8])] {
    let place = CairnError.Location(offset: UInt64(handle.offset))
    guard handle.offset <= source.count - footerByteCount,
      handle.byteCount <= source.count - footerByteCount - handle.offset - 5
    else {
      throw CairnError(
        .truncated, "a block reaches beyond the table", at: place,
        found: "\(handle.byteCount) bytes", advice: advice)
    }
    let end = handle.offset + handle.byteCount
    // Memory for the block as it is stored, and for what it is decoded to.
    try budget.take(3, of: handle.byteCount)
    defer { budget.giveBack(bytes: 3 * handle.byteCount) }
    let stored = try source.withBytes(in: handle.offset..<end + 1) { $0.array }
    var trailer = ByteCursor(source, in: end + 1..<end + 5)
    let expected: UInt32 = try trailer.integer()
    let found = CRC32C.masked(CRC32C.checksum(stored.span))
    guard expected == found else {
      throw CairnError(
        .checksumMismatch, "a block has another CRC-32C than the table records", at: place,
        expected: hex(expected, digits: 8), found: hex(found, digits: 8), advice: advice)
    }
    var bytes = Array(stored.dropLast())
    switch stored.last {
    case 0: break
    case 1:
      let plain = SnappyDecoder.byteCount(of: bytes) ?? 0
      try budget.take(2, of: plain)
      defer { budget.giveBack(bytes: 2 * plain) }
      guard let decoded = SnappyDecoder.decode(bytes, limit: maximumBlockByteCount) else {
        throw CairnError(.corruptStream, "a block is no Snappy data", at: place, advice: advice)
      }
      bytes = decoded
    default:
      throw CairnError(
        .unsupported, "a block is compressed by an unknown method", at: place,
        found: "\(stored.last ?? 0)")
    }
    return try entries(bytes, at: place, budget)
  }

  private static func entries(
    _ bytes: [UInt8], at place: CairnError.Location, _ budget: Budget
  ) throws(CairnError) -> [(key: [UInt8], value: [UInt8])] {
    func broken(_ message: String) -> CairnError {
      CairnError(.invalidHeader, message, at: place, advice: advice)
    }
    guard bytes.count >= 4 else { throw broken("a block has no restart points") }
    let restarts = Int(bytes.span.field(bytes.count - 4, as: UInt32.self))
    guard restarts <= (bytes.count - 4) / 4 else {
      throw broken("a block's restart points are too many")
    }
    let end = bytes.count - 4 - 4 * restarts
    let memory = try MemoryBytes(bytes)
    var reader = ProtobufReader(memory, in: 0..<end)
    var entries: [(key: [UInt8], value: [UInt8])] = []
    var key: [UInt8] = []
    while !reader.isAtEnd {
      let shared = Int(clamping: try reader.varint())
      let unshared = Int(clamping: try reader.varint())
      let count = Int(clamping: try reader.varint())
      guard shared <= key.count, shared + min(unshared, 1 << 20) <= 1 << 16 else {
        throw broken("a key shares more than the key ahead of it has, or is too long")
      }
      // An entry with a key of many bytes may take only three in the file, and an entry may have no
      // value.
      try budget.take(bytes: 128 + shared + unshared + min(count, reader.remaining))
      let rest = try reader.take(unshared)
      key = Array(key[..<shared]) + rest
      entries.append((key, try reader.take(count)))
    }
    return entries
  }
}
