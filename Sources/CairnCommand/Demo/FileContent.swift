// Whole files: reading a small one, comparing two of any size.

import CairnSystem

extension FileBytes {
  /// All bytes. For small files.
  func wholeContent() throws(CairnError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var span = bytes.mutableSpan
    try read(at: 0, into: &span)
    return bytes
  }

  /// Where the first byte is that differs, as `cmp` finds it: the length of the shorter file if one
  /// is the other's beginning; nil if both are the same.
  func firstDifference(from other: FileBytes) throws(CairnError) -> Int? {
    let common = min(count, other.count)
    var mine: [UInt8] = []
    var theirs: [UInt8] = []
    var offset = 0
    while offset < common {
      try Interruption.check()
      let length = min(1 << 20, common - offset)
      if mine.count != length {
        mine = [UInt8](repeating: 0, count: length)
        theirs = mine
      }
      var span = mine.mutableSpan
      try read(at: offset, into: &span)
      span = theirs.mutableSpan
      try other.read(at: offset, into: &span)
      if !mine.span.isEqual(to: theirs.span) {
        return offset + (mine.indices.first { mine[$0] != theirs[$0] } ?? 0)
      }
      offset += length
    }
    return count == other.count ? nil : common
  }
}
