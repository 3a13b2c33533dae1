// What is quicker with instructions that not every machine has: CRC-32 by carry-less
// multiplication, Adler-32 and planes in vectors of 32 bytes, literals' codes in vectors of 64.
// Unsafe code: pointers passed on to C.
//
// Each function does the whole blocks that there are, if the machine can, and says how far it came;
// its caller does the rest, or all of it. Results are the same on every machine.

internal import CCairnKernels
internal import CZlib

enum VectorKernels {
  private static let available = cairn_kernels_available()
  private static let hasAVX2 = available & UInt32(CAIRN_KERNELS_AVX2) != 0
  private static let hasCRC32 = available & UInt32(CAIRN_KERNELS_CRC32) != 0
  private static let hasWideCRC32 = available & UInt32(CAIRN_KERNELS_CRC32_AVX512) != 0
  private static let hasAVX512 = available & UInt32(CAIRN_KERNELS_AVX512) != 0

  /// Bytes or elements that the loops handle at once.
  private static let byteBlock = 64
  private static let elementBlock = 32

  /// The CRC-32 of the first bytes of the `count` at `bytes`, and how many those are.
  static func crc32(
    _ bytes: UnsafePointer<UInt8>, _ count: Int, continuing: UInt32,
    usingWideVectors: Bool = true
  ) -> (count: Int, checksum: UInt32) {
    let whole = count / byteBlock * byteBlock
    guard hasCRC32, whole >= 4 * byteBlock else { return (0, continuing) }
    // The loop reads `whole` bytes, at most `count`, and writes 16.
    return unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16) { remainder in
      guard let base = remainder.baseAddress else { return (0, continuing) }
      if hasWideCRC32, usingWideVectors {
        unsafe cairn_crc32_fold_avx512(~continuing, bytes, whole, base)
      } else {
        unsafe cairn_crc32_fold(~continuing, bytes, whole, base)
      }
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

  /// Joins the first of `count` elements as `JoinKernel.joinTile` does; returns how many those
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

  /// The codes of a block of literals, for `putLiterals`: their low bytes, their high bytes and their
  /// lengths, of 64 symbols from `lowest` on or of all 256.
  struct LiteralTables {
    fileprivate static let narrow = 64
    fileprivate var bytes: [UInt8]
    fileprivate var size: Int
    fileprivate var lowest: UInt8

    /// Nil if the machine cannot use them, or `count` symbols are too few for it to pay.
    ///
    /// - Parameters:
    ///   - lengths: At most 12.
    ///   - present: The symbols that have a code, ascending.
    init?(codes: [UInt16], lengths: [UInt8], present: [Int], count: Int) {
      guard hasAVX512, count >= 4 * literalBlock, let first = present.first,
        let last = present.last
      else { return nil }
      let isNarrow = last - first < Self.narrow
      let start = isNarrow ? min(first, 256 - Self.narrow) : 0
      (size, lowest) = (isNarrow ? Self.narrow : 256, UInt8(start))
      bytes = [UInt8](repeating: 0, count: 3 * size)
      for symbol in present {
        bytes[symbol - start] = UInt8(truncatingIfNeeded: codes[symbol])
        bytes[size + symbol - start] = UInt8(truncatingIfNeeded: codes[symbol] >> 8) & 0x0F
        bytes[2 * size + symbol - start] = min(lengths[symbol], 12)
      }
    }
  }

  /// The symbols of which `putLiterals` writes the codes at once, and the bytes that it may write.
  private static let literalBlock = 64
  private static let literalRoom = 104

  /// Writes the codes of the first of the `count` symbols at `symbols` to `target`, which has
  /// `byteCount` bytes, where `bits`, `held` and `end` say; returns how many those are.
  static func putLiterals(
    _ symbols: UnsafeRawPointer, _ count: Int, _ tables: LiteralTables,
    to target: UnsafeMutableRawPointer, byteCount: Int, _ bits: inout UInt64, _ held: inout UInt64,
    _ end: inout Int
  ) -> Int {
    guard hasAVX512, end >= 0, byteCount - literalRoom >= end else { return 0 }
    // The loops read whole blocks of symbols, at most `count`, and the tables, whose size is what
    // they want; codes have at most 12 bits, so that a round, which begins at `limit` at the latest,
    // ends 96 bytes later at most, and stores 8 bytes at a time.
    let start = unsafe target.assumingMemoryBound(to: UInt8.self)
    let from = unsafe symbols.assumingMemoryBound(to: UInt8.self)
    let limit = unsafe start + (byteCount - literalRoom)
    var place = unsafe cairn_bit_place(bits: bits, held: held, end: start + end)
    let done = unsafe tables.bytes.withUnsafeBufferPointer { bytes in
      guard let base = bytes.baseAddress else { return 0 }
      return unsafe tables.size == LiteralTables.narrow
        ? cairn_put_64_literals_avx512(from, count, tables.lowest, base, limit, &place)
        : cairn_put_256_literals_avx512(from, count, base, limit, &place)
    }
    unsafe (bits, held, end) = (place.bits, place.held, place.end - start)
    return done
  }
}
