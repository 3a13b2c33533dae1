// Adler-32 in plain Swift: RFC 1950 section 9. Unsafe code: bounds are argued for below.

enum AdlerKernel {
  private static let prime: UInt32 = 65_521
  /// Bytes summed up before remainders are taken: the weighted sum of as many, at most
  /// 255 * 4096 * 4097 / 2, fits into 32 bits.
  private static let block = 4096
  /// 4096, 4095 … 1: products of 16-bit factors are what vectors of any machine are good at.
  private static let weights = (0..<block).map { Int16(block - $0) }

  /// The Adler-32 of the `count` bytes at `bytes`.
  static func adler32(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, continuing: UInt32
  ) -> UInt32 {
    guard count > 0 else { return continuing }
    // A block has `own` bytes, start + own <= count, and uses the last `own` of the weights.
    return unsafe weights.withUnsafeBufferPointer { weights in
      guard let all = weights.baseAddress else { return continuing }
      var (low, high) = (continuing & 0xFFFF, continuing >> 16)
      for start in stride(from: 0, to: count, by: block) {
        let own = min(block, count - start)
        let (from, weight) = unsafe (bytes + start, all + (block - own))
        var (sum, weighted) = (0 as Int32, 0 as Int32)
        for i in 0..<own {
          let byte = unsafe Int32(from[i])
          sum &+= byte
          unsafe weighted &+= byte &* Int32(weight[i])
        }
        let before = UInt64(low) * UInt64(own) + UInt64(UInt32(bitPattern: weighted))
        high = UInt32(truncatingIfNeeded: (UInt64(high) + before) % UInt64(prime))
        low = (low + UInt32(bitPattern: sum)) % prime
      }
      return high << 16 | low
    }
  }
}
