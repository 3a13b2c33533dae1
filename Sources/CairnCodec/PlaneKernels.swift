// The loops over every byte of a chunk: splitting elements into byte planes, joining them, and
// counting. FORMAT.md, section "Chunks and planes". One of the module's three files with unsafe
// code: each function checks the lengths that make its accesses right, then runs unchecked.

enum PlaneKernels {
  /// Writes the byte planes of `logical` to `planes`, which must be as long.
  ///
  /// Complexity: O(*n*), some 8 GB/s.
  static func split(
    _ logical: Span<UInt8>, layout: ChunkLayout, into planes: inout MutableSpan<UInt8>
  ) throws(CodecError) {
    try requireEqualLengths(logical.count, planes.count, layout)
    let rotated = layout.filter == .rotatedBytePlanes
    // `logical` and `planes` have the same length, a whole number of elements (checked above).
    unsafe logical.withUnsafeBytes { source in
      unsafe planes.withUnsafeMutableBytes { target in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        switch (layout.filter, layout.elementSize) {
        case (.none, _): unsafe to.copyMemory(from: from, byteCount: source.count)
        case (_, 2): unsafe split(from, source.count, as: UInt16.self, rotated, to)
        case (_, 4): unsafe split(from, source.count, as: UInt32.self, rotated, to)
        default: unsafe split(from, source.count, as: UInt64.self, rotated, to)
        }
      }
    }
  }

  /// Writes the elements whose byte planes are `planes` to `logical`, which must be as long.
  ///
  /// Complexity: O(*n*).
  static func join(
    _ planes: Span<UInt8>, layout: ChunkLayout, into logical: inout MutableSpan<UInt8>
  ) throws(CodecError) {
    try requireEqualLengths(planes.count, logical.count, layout)
    let rotated = layout.filter == .rotatedBytePlanes
    // `logical` and `planes` have the same length, a whole number of elements (checked above).
    unsafe planes.withUnsafeBytes { source in
      unsafe logical.withUnsafeMutableBytes { target in
        guard let from = source.baseAddress, let to = target.baseAddress else { return }
        switch (layout.filter, layout.elementSize) {
        case (.none, _): unsafe to.copyMemory(from: from, byteCount: source.count)
        case (_, 2): unsafe join(from, source.count, as: UInt16.self, rotated, to)
        case (_, 4): unsafe join(from, source.count, as: UInt32.self, rotated, to)
        default: unsafe join(from, source.count, as: UInt64.self, rotated, to)
        }
      }
    }
  }

  /// Copies all of `source` to `target` from `offset` on.
  static func copy(
    _ source: Span<UInt8>, to target: inout MutableSpan<UInt8>, at offset: Int
  ) throws(CodecError) {
    guard offset >= 0, offset <= target.count, source.count <= target.count - offset else {
      throw CodecError(.invalidArgument, "no room for \(source.count) bytes at \(offset)")
    }
    // The guard shows that offset + source.count lies within the target.
    unsafe source.withUnsafeBytes { from in
      unsafe target.withUnsafeMutableBytes { to in
        guard let from = from.baseAddress, let to = to.baseAddress else { return }
        unsafe (to + offset).copyMemory(from: from, byteCount: source.count)
      }
    }
  }

  /// Counts how often each byte occurs.
  ///
  /// Four tables take turns, so that a run of one byte does not wait for its own last store.
  ///
  /// Complexity: O(*n*).
  static func histogram(of bytes: Span<UInt8>) -> [UInt32] {
    var tables = [UInt32](repeating: 0, count: 4 * 256)
    // Loads stay within `count` (i + 8 <= count, i < count); a byte indexes a table of 256, and
    // the tables start at 0, 256, 512 and 768 of 1024.
    unsafe bytes.withUnsafeBytes { source in
      unsafe tables.withUnsafeMutableBufferPointer { table in
        guard let from = source.baseAddress, let t = table.baseAddress else { return }
        let count = source.count
        var i = 0
        while count - i >= 8 {
          let word = unsafe UInt64(
            littleEndian: (from + i).loadUnaligned(as: UInt64.self))
          unsafe t[Int(truncatingIfNeeded: word & 0xFF)] &+= 1
          unsafe t[256 + Int(truncatingIfNeeded: (word &>> 8) & 0xFF)] &+= 1
          unsafe t[512 + Int(truncatingIfNeeded: (word &>> 16) & 0xFF)] &+= 1
          unsafe t[768 + Int(truncatingIfNeeded: (word &>> 24) & 0xFF)] &+= 1
          unsafe t[Int(truncatingIfNeeded: (word &>> 32) & 0xFF)] &+= 1
          unsafe t[256 + Int(truncatingIfNeeded: (word &>> 40) & 0xFF)] &+= 1
          unsafe t[512 + Int(truncatingIfNeeded: (word &>> 48) & 0xFF)] &+= 1
          unsafe t[768 + Int(truncatingIfNeeded: word &>> 56)] &+= 1
          i += 8
        }
        while i < count {
          unsafe t[Int(from.load(fromByteOffset: i, as: UInt8.self))] &+= 1
          i += 1
        }
      }
    }
    for i in 0..<256 {
      let (second, third, fourth) = (tables[256 + i], tables[512 + i], tables[768 + i])
      tables[i] += second + third + fourth
    }
    tables.removeLast(3 * 256)
    return tables
  }

  /// Counts the bytes that equal the byte before them.
  ///
  /// Complexity: O(*n*).
  static func repeatCount(in bytes: Span<UInt8>) -> Int {
    // Both i and i - 1 lie in 0 ..< count, since i runs over 1 ..< count.
    unsafe bytes.withUnsafeBufferPointer { bytes in
      guard let p = bytes.baseAddress else { return 0 }
      var total = 0
      var start = 1
      while start < bytes.count {
        // Blocks of 255 let the count stay in one byte, which keeps the loop 16 lanes wide.
        let end = min(start + 255, bytes.count)
        var inBlock: UInt8 = 0
        for i in start..<end { unsafe inBlock &+= p[i] == p[i - 1] ? 1 : 0 }
        total += Int(inBlock)
        start = end
      }
      return total
    }
  }

  private static func requireEqualLengths(
    _ source: Int, _ target: Int, _ layout: ChunkLayout
  ) throws(CodecError) {
    guard source == target, source.isMultiple(of: layout.elementSize) else {
      throw CodecError(.invalidArgument, "planes of \(target) bytes for \(source) bytes")
    }
  }

  /// Elements handled per round: 32 KiB of `UInt64` at most, so that a round's source stays in the
  /// first cache while each plane is taken from it.
  private static let tile = 4096

  /// `source` and `target` hold `byteCount` bytes each, a whole number of elements; element `i` is
  /// read at `i * size`, its byte of plane `j` written at `j * count + i`, both below `byteCount`.
  @inline(__always)
  private static func split<Element: FixedWidthInteger & UnsignedInteger>(
    _ source: UnsafeRawPointer, _ byteCount: Int, as type: Element.Type, _ rotated: Bool,
    _ target: UnsafeMutableRawPointer
  ) {
    let size = MemoryLayout<Element>.size
    let count = byteCount / size
    // One loop with a variable distance serves both filters: rotating by 0 changes nothing.
    let left = Element(rotated ? 1 : 0)
    let right = Element(rotated ? Element.bitWidth - 1 : 0)
    var start = 0
    while start < count {
      let end = min(start + tile, count)
      for plane in 0..<size {
        let output = unsafe target + plane * count
        let shift = Element(8 * plane)
        for i in start..<end {
          let element = unsafe Element(
            littleEndian: (source + i * size).loadUnaligned(as: Element.self))
          let turned = (element &<< left) | (element &>> right)
          unsafe output.storeBytes(
            of: UInt8(truncatingIfNeeded: turned &>> shift), toByteOffset: i, as: UInt8.self)
        }
      }
      start = end
    }
  }

  /// The inverse of `split`, with the same bounds.
  @inline(__always)
  private static func join<Element: FixedWidthInteger & UnsignedInteger>(
    _ source: UnsafeRawPointer, _ byteCount: Int, as type: Element.Type, _ rotated: Bool,
    _ target: UnsafeMutableRawPointer
  ) {
    let size = MemoryLayout<Element>.size
    let count = byteCount / size
    let right = Element(rotated ? 1 : 0)
    let left = Element(rotated ? Element.bitWidth - 1 : 0)
    for i in 0..<count {
      var turned: Element = 0
      for plane in 0..<size {
        let byte = unsafe source.load(fromByteOffset: plane * count + i, as: UInt8.self)
        turned |= Element(byte) &<< Element(8 * plane)
      }
      let element = (turned &>> right) | (turned &<< left)
      unsafe (target + i * size).storeBytes(of: element.littleEndian, as: Element.self)
    }
  }
}
