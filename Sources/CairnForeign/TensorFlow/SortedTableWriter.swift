// Writing a table of sorted keys (tensorflow/core/lib/io/table_builder.cc, block_builder.cc),
// without compression, like TensorFlow's own writer of bundles.

import CairnSystem

/// A table that is built in memory.
struct SortedTableWriter {
  /// The size at which a block is closed, and the number of keys from one whole key to the next
  /// (tensorflow/core/lib/io/table_options.h).
  private static let blockByteCount = 262_144
  private static let restartInterval = 16

  private var bytes: [UInt8] = []
  private var block = Block(restartInterval: Self.restartInterval)
  private var index = Block(restartInterval: 1)
  /// A block that is written but not yet in the index: its last key, and its place.
  private var pending: (lastKey: [UInt8], handle: [UInt8])?

  /// Entries of a block.
  private struct Block {
    let restartInterval: Int
    var bytes: [UInt8] = []
    var restarts: [UInt32] = [0]
    var sinceRestart = 0
    var lastKey: [UInt8] = []

    mutating func add(_ key: [UInt8], _ value: [UInt8]) {
      var shared = 0
      if sinceRestart < restartInterval {
        while shared < min(lastKey.count, key.count), lastKey[shared] == key[shared] { shared += 1 }
      } else {
        restarts.append(UInt32(clamping: bytes.count))
        sinceRestart = 0
      }
      for number in [shared, key.count - shared, value.count] {
        ProtobufFields.append(UInt64(number), to: &bytes)
      }
      bytes += key[shared...] + value
      lastKey = key
      sinceRestart += 1
    }

    func finished() -> [UInt8] {
      (restarts + [UInt32(clamping: restarts.count)]).reduce(into: bytes) {
        $0 += $1.littleEndianBytes
      }
    }
  }

  /// Adds an entry. Its key must come after all earlier keys.
  mutating func add(_ key: [UInt8], _ value: [UInt8]) {
    if let pending {
      index.add(Self.separator(pending.lastKey, key), pending.handle)
      self.pending = nil
    }
    block.add(key, value)
    if block.bytes.count + 4 * block.restarts.count + 4 >= Self.blockByteCount { closeBlock() }
  }

  private mutating func closeBlock() {
    guard !block.bytes.isEmpty else { return }
    pending = (block.lastKey, write(block.finished()))
    block = Block(restartInterval: Self.restartInterval)
  }

  /// A short key that is at or after `key` and before `next` (`FindShortestSeparator` of LevelDB's
  /// comparator).
  private static func separator(_ key: [UInt8], _ next: [UInt8]) -> [UInt8] {
    guard let place = key.indices.first(where: { $0 >= next.count || key[$0] != next[$0] }),
      place < next.count, key[place] < 0xFF, key[place] + 1 < next[place]
    else { return key }
    return key[..<place] + [key[place] + 1]
  }

  /// A short key at or after `key` (`FindShortSuccessor`).
  private static func successor(_ key: [UInt8]) -> [UInt8] {
    guard let place = key.firstIndex(where: { $0 != 0xFF }) else { return key }
    return key[..<place] + [key[place] + 1]
  }

  /// Appends a block with its kind and checksum.
  ///
  /// - Returns: Its place: offset and length.
  private mutating func write(_ content: [UInt8]) -> [UInt8] {
    var handle: [UInt8] = []
    ProtobufFields.append(UInt64(bytes.count), to: &handle)
    ProtobufFields.append(UInt64(content.count), to: &handle)
    let stored = content + [0]
    bytes += stored + CRC32C.masked(CRC32C.checksum(stored.span)).littleEndianBytes
    return handle
  }

  /// The whole table.
  mutating func finish() -> [UInt8] {
    closeBlock()
    if let pending { index.add(Self.successor(pending.lastKey), pending.handle) }
    let meta = write(Block(restartInterval: Self.restartInterval).finished())
    var footer = meta + write(index.finished())
    footer += repeatElement(0, count: SortedTable.footerByteCount - 8 - footer.count)
    return bytes + footer + SortedTable.magic.littleEndianBytes
  }
}

/// Fields of Protocol Buffers' wire format, being written.
enum ProtobufFields {
  /// A number of variable length.
  static func append(_ value: UInt64, to bytes: inout [UInt8]) {
    var rest = value
    while rest > 127 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 128)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  /// A field with a number. A field of 0 is left out, as in version 3 of the language.
  static func number(_ field: UInt8, _ value: Int) -> [UInt8] {
    guard value != 0 else { return [] }
    var bytes = [field << 3]
    append(UInt64(truncatingIfNeeded: value), to: &bytes)
    return bytes
  }

  /// A field with a message.
  static func message(_ field: UInt8, _ content: [UInt8]) -> [UInt8] {
    var bytes = [field << 3 | 2]
    append(UInt64(content.count), to: &bytes)
    return bytes + content
  }
}
