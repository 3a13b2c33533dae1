// Strings of 8 bytes that come again. FORMAT.md, section "Our encoder and decoder". Unsafe code:
// bounds are argued for below.

enum RepeatKernel {
  /// Counts positions of `sample` whose 8 bytes were seen at an earlier position, as far as a table
  /// of the latest positions tells, leaving out strings of one and the same byte.
  ///
  /// - Parameters:
  ///   - sample: At most 65,535 bytes, so that one more than a position fits the table.
  ///   - stretch: How many positions belong together.
  ///   - looked: How many positions of a stretch, its last ones, are looked at.
  ///   - step: One in this many positions goes into the table.
  ///   - table: 2^`tableBits` zeros; used up.
  static func count(
    in sample: Span<UInt8>, stretch: Int, looked: Int, step: Int,
    table: inout [UInt16], tableBits: Int
  ) -> Int {
    guard sample.count >= 8, sample.count <= 65_535, table.count == 1 << tableBits,
      stretch > 0, looked >= 0, step > 0
    else { return 0 }
    // Loads of 8 bytes begin at position < end <= count - 7, or at an earlier position that the
    // table names; a hash has tableBits bits.
    return unsafe sample.withUnsafeBytes { sample in
      unsafe table.withUnsafeMutableBufferPointer { table in
        guard let from = sample.baseAddress, let latest = table.baseAddress else { return 0 }
        let shift = UInt64(64 - tableBits)
        var hits = 0
        for start in stride(from: 0, to: sample.count - 7, by: stretch) {
          let end = min(start + stretch, sample.count - 7)
          let firstLooked = max(start, end - looked)
          for position in stride(from: start, to: firstLooked, by: step) {
            let string = unsafe UInt64(
              littleEndian: (from + position).loadUnaligned(as: UInt64.self))
            unsafe latest[hash(string, shift)] = UInt16(truncatingIfNeeded: position &+ 1)
          }
          var next = firstLooked
          for position in firstLooked..<end {
            let string = unsafe UInt64(
              littleEndian: (from + position).loadUnaligned(as: UInt64.self))
            let place = hash(string, shift)
            let seen = unsafe Int(latest[place])
            if seen > 0, string != string &<< 8 | string &>> 56 {
              let earlier = unsafe (from + (seen - 1)).loadUnaligned(as: UInt64.self)
              if UInt64(littleEndian: earlier) == string { hits &+= 1 }
            }
            if position == next {
              unsafe latest[place] = UInt16(truncatingIfNeeded: position &+ 1)
              next &+= step
            }
          }
        }
        return hits
      }
    }
  }

  private static func hash(_ string: UInt64, _ shift: UInt64) -> Int {
    Int(truncatingIfNeeded: (string &* 0x9E37_79B1_85EB_CA87) &>> shift)
  }
}
