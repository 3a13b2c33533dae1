// What is quicker with instructions that not every machine has: CRC-32 by carry-less
// multiplication, Adler-32 and planes in vectors of 32 bytes. Unsafe code: pointers passed on to C.
//
// Each function does the whole blocks that there are, if the machine can, and says how far it came;
// its caller does the rest, or all of it. Results are the same on every machine.

internal import CCairnKernels
internal import CZlib

enum VectorKernels {
  private static let available = cairn_kernels_available()
  private static let hasAVX2 = available & UInt32(CAIRN_KERNELS_AVX2) != 0
  private static let hasCRC32 = available & UInt32(CAIRN_KERNELS_CRC32) != 0

  /// Bytes or elements that the loops handle at once.
  private static let byteBlock = 64
  private static let elementBlock = 32

  /// The CRC-32 of the first bytes of the `count` at `bytes`, and how many those are.
  static func crc32(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, continuing: UInt32
  ) -> (count: Int, checksum: UInt32) {
    let whole = count / byteBlock * byteBlock
    guard hasCRC32, whole >= 4 * byteBlock else { return (0, continuing) }
    // The loop reads `whole` bytes, at most `count`, and writes 16.
    return unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16) { remainder in
      guard let base = remainder.baseAddress else { return (0, continuing) }
      unsafe cairn_crc32_fold(~continuing, bytes, whole, base)
      // A state of 0 is that of the complement, all ones.
      return (whole, UInt32(truncatingIfNeeded: unsafe crc32_z(0xFFFF_FFFF, base, 16)))
    }
  }

  /// The Adler-32 of the first bytes of the `count` at `bytes`, and how many those are.
  static func adler32(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, continuing: UInt32
  ) -> (count: Int, checksum: UInt32) {
    let whole = count / byteBlock * byteBlock
    guard hasAVX2, whole > 0 else { return (0, continuing) }
    // The loop reads `whole` bytes, at most `count`.
    return (whole, unsafe cairn_adler32_avx2(continuing, bytes, whole))
  }

  /// Splits the first of the `count` elements at `source` as `PlaneKernels.splitTile` does; returns
  /// how many those are.
  static func splitTile(
    _ source: UnsafeRawPointer, _ count: Int, elementSize: Int, rotated: Bool,
    to targets: UnsafePointer<UnsafeMutablePointer<UInt8>>
  ) -> Int {
    let whole = count / elementBlock * elementBlock
    guard hasAVX2, whole > 0 else { return 0 }
    // The loops read `whole` elements and write as many bytes of each plane, at most `count`.
    let elements = unsafe source.assumingMemoryBound(to: UInt8.self)
    switch elementSize {
    case 2: unsafe cairn_split2_avx2(elements, whole, rotated ? 1 : 0, targets)
    case 4: unsafe cairn_split4_avx2(elements, whole, rotated ? 1 : 0, targets)
    default: return 0
    }
    return whole
  }

  /// Joins the first of `count` elements as `PlaneKernels.joinTile` does; returns how many those
  /// are.
  static func joinTile(
    _ planes: UnsafePointer<UnsafePointer<UInt8>>, _ count: Int, elementSize: Int, rotated: Bool,
    to target: UnsafeMutableRawPointer
  ) -> Int {
    let whole = count / elementBlock * elementBlock
    guard hasAVX2, whole > 0 else { return 0 }
    // The loops read `whole` bytes of each plane and write as many elements, at most `count`.
    let elements = unsafe target.assumingMemoryBound(to: UInt8.self)
    switch elementSize {
    case 2: unsafe cairn_join2_avx2(planes, whole, rotated ? 1 : 0, elements)
    case 4: unsafe cairn_join4_avx2(planes, whole, rotated ? 1 : 0, elements)
    default: return 0
    }
    return whole
  }
}
