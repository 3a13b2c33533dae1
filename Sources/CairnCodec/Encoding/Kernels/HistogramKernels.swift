// Counting bytes. FORMAT.md, section "Our encoder and decoder". Unsafe code: bounds are argued for
// below.

extension PlaneKernels {
  /// Counts how often each byte occurs.
  ///
  /// Complexity: O(*n*).
  static func histogram(of bytes: Span<UInt8>) -> [UInt32] {
    var counts = [UInt32](repeating: 0, count: 256)
    addHistogram(of: bytes, to: &counts, at: 0)
    return counts
  }

  /// Adds how often each byte occurs to the 256 places of `counts` from `start` on.
  ///
  /// Complexity: O(*n*).
  static func addHistogram(of bytes: Span<UInt8>, to counts: inout [UInt32], at start: Int) {
    guard start >= 0, start <= counts.count - 256 else { return }
    // The guard shows that `start` has 256 places; pieces lie within `count`.
    unsafe bytes.withUnsafeBytes { source in
      unsafe counts.withUnsafeMutableBufferPointer { counts in
        unsafe withUnsafeTemporaryAllocation(of: UInt16.self, capacity: places) { tables in
          guard let from = source.baseAddress, let tables = tables.baseAddress,
            let sums = counts.baseAddress
          else { return }
          for first in stride(from: 0, to: source.count, by: piece) {
            let count = min(piece, source.count - first)
            let (lowest, width) = unsafe range(of: from + first, count)
            // The width as a constant, without which the loops are not vectorised.
            if count >= fewestPaired, width <= 32 {
              unsafe addNarrow(from + first, count, lowest, 5, tables, to: sums + start)
            } else if count >= fewestPaired, width <= 64 {
              unsafe addNarrow(from + first, count, lowest, 6, tables, to: sums + start)
            } else {
              unsafe addAny(from + first, count, tables, to: sums + start)
            }
          }
        }
      }
    }
  }

  /// Bytes counted at once: no 16-bit place can overflow.
  private static let piece = 65_528
  /// The places of eight tables of 256, or of two of 64 squared.
  private static let places = 8192
  /// The bytes for which it pays to count pairs.
  private static let fewestPaired = 2048

  /// The lowest byte, and how many values there are from it to the highest, both included.
  private static func range(of from: UnsafeRawPointer, _ count: Int) -> (lowest: UInt8, width: Int)
  {
    var (lowest, highest) = (UInt8.max, UInt8.min)
    for index in 0..<count {
      let byte = unsafe from.load(fromByteOffset: index, as: UInt8.self)
      lowest = min(lowest, byte)
      highest = max(highest, byte)
    }
    return (lowest, Int(highest) - Int(lowest) + 1)
  }

  /// Counts pairs, half as many as there are bytes, and adds their rows and columns up.
  ///
  /// Bounds: bytes are less than 2^`bits`, 64 at most, above `lowest`; their distance from it has so
  /// many bits, so that a pair indexes a table of the square of it. What is added to is in place
  /// 255 at most of `sums`. Loads end at `count`.
  @inline(__always)
  private static func addNarrow(
    _ from: UnsafeRawPointer, _ count: Int, _ lowest: UInt8, _ bits: UInt64,
    _ tables: UnsafeMutablePointer<UInt16>, to sums: UnsafeMutablePointer<UInt32>
  ) {
    let span = 1 &<< Int(truncatingIfNeeded: bits)
    let size = span &* span
    unsafe tables.initialize(repeating: 0, count: 2 * size)
    let other = unsafe tables + size
    let all = UInt64(lowest) &* 0x0101_0101_0101_0101
    let first = 0x0001_0001_0001_0001 &* UInt64(truncatingIfNeeded: span &- 1)
    let second = first &<< bits
    let pair = UInt64(truncatingIfNeeded: size &- 1)
    var i = 0
    while count &- i >= 8 {
      // No byte is below `lowest`, so that nothing is borrowed.
      let word = unsafe UInt64(littleEndian: (from + i).loadUnaligned(as: UInt64.self)) &- all
      let pairs = word & first | (word &>> (8 &- bits)) & second
      unsafe tables[Int(truncatingIfNeeded: pairs & pair)] &+= 1
      unsafe other[Int(truncatingIfNeeded: (pairs &>> 16) & pair)] &+= 1
      unsafe tables[Int(truncatingIfNeeded: (pairs &>> 32) & pair)] &+= 1
      unsafe other[Int(truncatingIfNeeded: pairs &>> 48)] &+= 1
      i &+= 8
    }
    while i < count {
      unsafe sums[Int(from.load(fromByteOffset: i, as: UInt8.self))] &+= 1
      i &+= 1
    }
    unsafe withUnsafeTemporaryAllocation(of: UInt16.self, capacity: span) { columns in
      guard let columns = columns.baseAddress else { return }
      unsafe columns.initialize(repeating: 0, count: span)
      for row in 0..<min(span, 256 - Int(lowest)) {
        var sum: UInt16 = 0
        for column in 0..<span {
          let pairs = unsafe tables[span &* row &+ column] &+ other[span &* row &+ column]
          sum &+= pairs
          unsafe columns[column] &+= pairs
        }
        unsafe sums[Int(lowest) &+ row] &+= UInt32(sum)
      }
      for column in 0..<min(span, 256 - Int(lowest)) {
        unsafe sums[Int(lowest) &+ column] &+= UInt32(columns[column])
      }
    }
  }

  /// Counts bytes; eight tables take turns, so that bytes that come often don't wait for their own
  /// last store.
  ///
  /// Bounds: loads end at `count`; a byte indexes a table of 256, of which there are eight.
  private static func addAny(
    _ from: UnsafeRawPointer, _ count: Int, _ tables: UnsafeMutablePointer<UInt16>,
    to sums: UnsafeMutablePointer<UInt32>
  ) {
    unsafe tables.initialize(repeating: 0, count: 2048)
    var i = 0
    while count &- i >= 8 {
      let word = unsafe UInt64(littleEndian: (from + i).loadUnaligned(as: UInt64.self))
      for table in 0..<8 {
        let byte = (word &>> UInt64(truncatingIfNeeded: 8 &* table)) & 0xFF
        unsafe tables[256 &* table &+ Int(truncatingIfNeeded: byte)] &+= 1
      }
      i &+= 8
    }
    while i < count {
      unsafe tables[Int(from.load(fromByteOffset: i, as: UInt8.self))] &+= 1
      i &+= 1
    }
    for symbol in 0..<256 {
      var sum: UInt32 = 0
      for table in 0..<8 { unsafe sum &+= UInt32(tables[256 &* table &+ symbol]) }
      unsafe sums[symbol] &+= sum
    }
  }
}
