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

  /// Counts the positions of `sample` whose 8 bytes were seen at an earlier position, as far as a
  /// table of the latest positions tells, leaving out strings of one and the same byte.
  ///
  /// - Parameters:
  ///   - sample: At most 65,535 bytes, so that one more than a position fits the table.
  ///   - table: 2^`tableBits` zeros; used up.
  static func stringRepeats(
    in sample: Span<UInt8>, table: inout [UInt16], tableBits: Int
  ) -> Int {
    guard sample.count >= 8, sample.count <= 65_535, table.count == 1 << tableBits else { return 0 }
    // Loads of 8 bytes begin at position <= count - 8, or at an earlier position that the table
    // names; a hash has tableBits bits.
    return unsafe sample.withUnsafeBytes { sample in
      unsafe table.withUnsafeMutableBufferPointer { table in
        guard let from = sample.baseAddress, let latest = table.baseAddress else { return 0 }
        var hits = 0
        for position in 0...(sample.count - 8) {
          let string = unsafe UInt64(
            littleEndian: (from + position).loadUnaligned(as: UInt64.self))
          guard string != string &<< 8 | string &>> 56 else { continue }
          let hash = Int(
            truncatingIfNeeded: (string &* 0x9E37_79B1_85EB_CA87) &>> UInt64(64 - tableBits))
          let seen = unsafe Int(latest[hash])
          if seen > 0 {
            let earlier = unsafe (from + (seen - 1)).loadUnaligned(as: UInt64.self)
            if UInt64(littleEndian: earlier) == string { hits += 1 }
          }
          unsafe latest[hash] = UInt16(truncatingIfNeeded: position + 1)
        }
        return hits
      }
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

  /// Dispatches with `rotated` as a constant, without which the loops are not vectorised.
  @inline(__always)
  private static func split<Element: FixedWidthInteger & UnsignedInteger>(
    _ source: UnsafeRawPointer, _ byteCount: Int, as type: Element.Type, _ rotated: Bool,
    _ target: UnsafeMutableRawPointer
  ) {
    if rotated {
      unsafe splitLoop(source, byteCount, as: type, rotatedBy: 1, target)
    } else {
      unsafe splitLoop(source, byteCount, as: type, rotatedBy: 0, target)
    }
  }

  /// `source` and `target` hold `byteCount` bytes each, a whole number of elements; element `i` is
  /// read at `i * size`, its byte of plane `j` written at `j * count + i`, both below `byteCount`,
  /// so that none of the unchecked products can overflow.
  @inline(__always)
  private static func splitLoop<Element: FixedWidthInteger & UnsignedInteger>(
    _ source: UnsafeRawPointer, _ byteCount: Int, as type: Element.Type, rotatedBy left: Element,
    _ target: UnsafeMutableRawPointer
  ) {
    let size = MemoryLayout<Element>.size
    let count = byteCount / size
    var start = 0
    while start < count {
      let end = min(start + tile, count)
      for plane in 0..<size {
        let output = unsafe target + plane &* count
        let shift = Element(truncatingIfNeeded: 8 &* plane)
        for i in start..<end {
          let element = unsafe Element(
            littleEndian: (source + i &* size).loadUnaligned(as: Element.self))
          // The distance of the right shift is taken modulo the width: rotating by 0 is identity.
          let turned = (element &<< left) | (element &>> (0 &- left))
          unsafe output.storeBytes(
            of: UInt8(truncatingIfNeeded: turned &>> shift), toByteOffset: i, as: UInt8.self)
        }
      }
      start = end
    }
  }

  /// Dispatches like `split`.
  @inline(__always)
  private static func join<Element: FixedWidthInteger & UnsignedInteger>(
    _ source: UnsafeRawPointer, _ byteCount: Int, as type: Element.Type, _ rotated: Bool,
    _ target: UnsafeMutableRawPointer
  ) {
    if rotated {
      unsafe joinLoop(source, byteCount, as: type, rotatedBy: 1, target)
    } else {
      unsafe joinLoop(source, byteCount, as: type, rotatedBy: 0, target)
    }
  }

  /// The inverse of `splitLoop`, with the same bounds.
  @inline(__always)
  private static func joinLoop<Element: FixedWidthInteger & UnsignedInteger>(
    _ source: UnsafeRawPointer, _ byteCount: Int, as type: Element.Type, rotatedBy right: Element,
    _ target: UnsafeMutableRawPointer
  ) {
    let size = MemoryLayout<Element>.size
    let count = byteCount / size
    for i in 0..<count {
      var turned: Element = 0
      for plane in 0..<size {
        let byte = unsafe source.load(fromByteOffset: plane &* count &+ i, as: UInt8.self)
        turned |= Element(truncatingIfNeeded: byte) &<< Element(truncatingIfNeeded: 8 &* plane)
      }
      let element = (turned &>> right) | (turned &<< (0 &- right))
      unsafe (target + i &* size).storeBytes(of: element.littleEndian, as: Element.self)
    }
  }
}
