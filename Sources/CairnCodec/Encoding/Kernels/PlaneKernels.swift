// The coder's loops over every byte of a chunk: splitting elements into byte planes, and counting.
// FORMAT.md, section "Chunks and planes". Unsafe code: each function checks the lengths that make its
// accesses right, or says which its caller must have checked, then runs unchecked.

enum PlaneKernels {
  /// Writes byte `j` of each of the `count` elements at `source` to where the `j`-th of `targets`
  /// points: `count` bytes each, and as many places as the layout, which has a filter, has planes.
  static func splitTile(
    _ source: UnsafeRawPointer, _ count: Int, layout: ChunkLayout, usingVectors: Bool,
    to targets: UnsafePointer<UnsafeMutablePointer<UInt8>>
  ) {
    let rotated = layout.filter.rotates
    let done =
      usingVectors
      ? unsafe VectorKernels.splitTile(
        source, count, elementSize: layout.elementSize, rotated: rotated, to: targets)
      : 0
    let rest = unsafe source + done * layout.elementSize
    for plane in 0..<layout.elementSize {
      let target = unsafe UnsafeMutableRawPointer(targets[plane] + done)
      switch layout.elementSize {
      case 2: unsafe splitTile(rest, count - done, as: UInt16.self, rotated, plane, target)
      case 4: unsafe splitTile(rest, count - done, as: UInt32.self, rotated, plane, target)
      default: unsafe splitTile(rest, count - done, as: UInt64.self, rotated, plane, target)
      }
    }
  }

  /// Counts the bytes that equal the byte before them.
  ///
  /// Eight bytes at a time: a byte of `different` is 0 where a byte equals its predecessor, and
  /// adding 0x7F to its low bits carries into its top bit unless it is.
  ///
  /// Complexity: O(*n*), some 20 GB/s.
  static func repeatCount(in bytes: Span<UInt8>) -> Int {
    let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
    let ones: UInt64 = 0x0101_0101_0101_0101
    let even: UInt64 = 0x00FF_00FF_00FF_00FF
    // Loads begin at i - 1 >= 0 and end at i + 8 * words <= count.
    return unsafe bytes.withUnsafeBytes { bytes in
      guard let from = bytes.baseAddress else { return 0 }
      var total = 0
      var i = 1
      while bytes.count - i >= 8 {
        // Each byte of `sums` counts one lane: 255 rounds at most.
        let words = min((bytes.count - i) / 8, 255)
        var sums: UInt64 = 0
        for word in 0..<words {
          let here = unsafe from + (i &+ word &* 8)
          let different =
            unsafe here.loadUnaligned(as: UInt64.self)
            ^ (here - 1).loadUnaligned(as: UInt64.self)
          sums &+= (~(((different & low) &+ low) | different) &>> 7) & ones
        }
        let pairs = (sums & even) &+ ((sums &>> 8) & even)
        total += Int(truncatingIfNeeded: (pairs &* 0x0001_0001_0001_0001) &>> 48)
        i += words * 8
      }
      while i < bytes.count {
        unsafe total += bytes[i] == bytes[i - 1] ? 1 : 0
        i += 1
      }
      return total
    }
  }

  /// Dispatches with `rotated` as a constant, without which the loop is not vectorised.
  @inline(__always)
  private static func splitTile<Element: FixedWidthInteger & UnsignedInteger>(
    _ source: UnsafeRawPointer, _ count: Int, as type: Element.Type, _ rotated: Bool,
    _ plane: Int, _ target: UnsafeMutableRawPointer
  ) {
    if rotated {
      unsafe splitLoop(source, count, as: type, rotatedBy: 1, plane, target)
    } else {
      unsafe splitLoop(source, count, as: type, rotatedBy: 0, plane, target)
    }
  }

  /// Element `i` is read at `i * size`, its byte written at `i`, for each `i` below `count`.
  @inline(__always)
  private static func splitLoop<Element: FixedWidthInteger & UnsignedInteger>(
    _ source: UnsafeRawPointer, _ count: Int, as type: Element.Type, rotatedBy left: Element,
    _ plane: Int, _ target: UnsafeMutableRawPointer
  ) {
    let shift = Element(truncatingIfNeeded: 8 &* plane)
    for i in 0..<count {
      let element = unsafe Element(
        littleEndian: (source + i &* MemoryLayout<Element>.size).loadUnaligned(as: Element.self))
      // The distance of the right shift is taken modulo the width: rotating by 0 is identity.
      let turned = (element &<< left) | (element &>> (0 &- left))
      unsafe target.storeBytes(
        of: UInt8(truncatingIfNeeded: turned &>> shift), toByteOffset: i, as: UInt8.self)
    }
  }
}
