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
            let lowest = unsafe lowestOfNarrow(from + first, count)
            if let lowest {
              unsafe addNarrow(from + first, count, lowest, tables, to: sums + start)
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
  /// The places of eight tables of 256, or of two of `span` squared.
  private static let places = 8192
  /// How many byte values there are between the lowest and the highest, both included, for pairs of
  /// bytes to be counted.
  private static let span = 64
  /// The bytes for which that pays.
  private static let fewestPaired = 2048

  /// The lowest of the bytes if all lie within `span` values from it on, and are many.
  private static func lowestOfNarrow(_ from: UnsafeRawPointer, _ count: Int) -> UInt8? {
    guard count >= fewestPaired else { return nil }
    var (lowest, highest) = (UInt8.max, UInt8.min)
    for index in 0..<count {
      let byte = unsafe from.load(fromByteOffset: index, as: UInt8.self)
      lowest = min(lowest, byte)
      highest = max(highest, byte)
    }
    return Int(highest) - Int(lowest) < span ? lowest : nil
  }

  /// Counts pairs, half as many as there are bytes, and adds their rows and columns up.
  ///
  /// Bounds: what is added to is in place `lowest` + 63 at most of `sums`, if a byte as high has been
  /// found; the distance of a byte from `lowest` has six bits, so that a pair indexes a table of
  /// 64 * 64. Loads end at `count`.
  private static func addNarrow(
    _ from: UnsafeRawPointer, _ count: Int, _ lowest: UInt8, _ tables: UnsafeMutablePointer<UInt16>,
    to sums: UnsafeMutablePointer<UInt32>
  ) {
    unsafe tables.initialize(repeating: 0, count: 2 * span * span)
    let other = unsafe tables + span * span
    let all = UInt64(lowest) &* 0x0101_0101_0101_0101
    var i = 0
    while count &- i >= 8 {
      // No byte is below `lowest`, so that nothing is borrowed.
      let word = unsafe UInt64(littleEndian: (from + i).loadUnaligned(as: UInt64.self)) &- all
      let pairs = word & 0x003F_003F_003F_003F | (word &>> 2) & 0x0FC0_0FC0_0FC0_0FC0
      unsafe tables[Int(truncatingIfNeeded: pairs & 0x0FFF)] &+= 1
      unsafe other[Int(truncatingIfNeeded: (pairs &>> 16) & 0x0FFF)] &+= 1
      unsafe tables[Int(truncatingIfNeeded: (pairs &>> 32) & 0x0FFF)] &+= 1
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
