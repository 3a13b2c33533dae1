// The loop that makes elements of byte planes. FORMAT.md, section "Chunks and planes". Unsafe code: the
// caller has checked the lengths that make its accesses right.

extension JoinKernel {
  /// Writes the `count` elements whose planes the first places of `planes` point to, each of
  /// `count` bytes, to `target`.
  static func joinTile(
    _ planes: UnsafePointer<UnsafePointer<UInt8>>, _ count: Int, layout: ChunkLayout,
    usingVectors: Bool, to target: UnsafeMutableRawPointer
  ) {
    let rotated = layout.filter.rotates
    let done =
      usingVectors
      ? unsafe VectorKernels.joinTile(
        planes, count, elementSize: layout.elementSize, rotated: rotated, to: target)
      : 0
    let rest = unsafe target + done * layout.elementSize
    switch layout.elementSize {
    case 2: unsafe joinTile(planes, done..<count, as: UInt16.self, rotated, rest)
    case 4: unsafe joinTile(planes, done..<count, as: UInt32.self, rotated, rest)
    default: unsafe joinTile(planes, done..<count, as: UInt64.self, rotated, rest)
    }
  }

  /// Dispatches with `rotated` as a constant, without which the loop is not vectorised.
  @inline(__always)
  private static func joinTile<Element: FixedWidthInteger & UnsignedInteger>(
    _ planes: UnsafePointer<UnsafePointer<UInt8>>, _ range: Range<Int>, as type: Element.Type,
    _ rotated: Bool, _ target: UnsafeMutableRawPointer
  ) {
    if rotated {
      unsafe joinLoop(planes, range, as: type, rotatedBy: 1, target)
    } else {
      unsafe joinLoop(planes, range, as: type, rotatedBy: 0, target)
    }
  }

  /// Takes a byte of each plane, element by element of `range`.
  @inline(__always)
  private static func joinLoop<Element: FixedWidthInteger & UnsignedInteger>(
    _ planes: UnsafePointer<UnsafePointer<UInt8>>, _ range: Range<Int>, as type: Element.Type,
    rotatedBy right: Element, _ target: UnsafeMutableRawPointer
  ) {
    let size = MemoryLayout<Element>.size
    let first = range.lowerBound
    // Local copies, of which the compiler knows that no store below changes them.
    let (a, b) = unsafe (planes[0] + first, planes[1] + first)
    let (c, d) = unsafe size > 2 ? (planes[2] + first, planes[3] + first) : (a, b)
    let (e, f) = unsafe size > 4 ? (planes[4] + first, planes[5] + first) : (a, b)
    let (g, h) = unsafe size > 4 ? (planes[6] + first, planes[7] + first) : (a, b)
    for i in 0..<range.count {
      var turned = unsafe byte(a, i, 0, as: type) | byte(b, i, 1, as: type)
      if size > 2 { unsafe turned |= byte(c, i, 2, as: type) | byte(d, i, 3, as: type) }
      if size > 4 {
        unsafe turned |= byte(e, i, 4, as: type) | byte(f, i, 5, as: type)
        unsafe turned |= byte(g, i, 6, as: type) | byte(h, i, 7, as: type)
      }
      let element = (turned &>> right) | (turned &<< (0 &- right))
      unsafe (target + i &* size).storeBytes(of: element.littleEndian, as: Element.self)
    }
  }

  @inline(__always)
  private static func byte<Element: FixedWidthInteger & UnsignedInteger>(
    _ plane: UnsafePointer<UInt8>, _ index: Int, _ number: Int, as type: Element.Type
  ) -> Element {
    unsafe Element(truncatingIfNeeded: plane[index]) &<< Element(truncatingIfNeeded: 8 &* number)
  }
}
