// A source of bytes of one's own: what is kept back to front, such as by a store that knows no better.

import Cairn

/// Bytes that are kept in reverse.
struct Reversed: ByteSource {
  let kept: [UInt8]

  var count: Int { kept.count }
  var path: String? { nil }
  var memory: ByteRegion? { nil }

  func read(at offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError) {
    guard offset >= 0, offset <= count, bytes.count <= count - offset else {
      throw CairnError(.changedWhileReading, "the bytes end before they should")
    }
    for index in bytes.indices { bytes[index] = kept[count - 1 - offset - index] }
  }
}
