// Memory for many tensors at once.

extension ByteRegion {
  /// The most bytes that ``allocate(_:)`` puts into one block.
  package static let slabByteCount = 16 << 20

  /// Memory for blocks of the given sizes, each aligned to ``Storage/alignment`` bytes and not
  /// filled.
  ///
  /// A block that is too small for pages of its own shares a larger one with its neighbours if there
  /// are enough of them: fresh huge pages are several times as fast to fill as fresh small ones. A
  /// shared block lives for as long as any part of it is held.
  ///
  /// - Throws: `outOfMemory`, `invalidArgument` for a negative size.
  package static func allocate(_ byteCounts: [Int]) throws(CairnError) -> [ByteRegion] {
    let threshold = Storage.hugePageThreshold
    var regions: [ByteRegion?] = byteCounts.map { _ in nil }
    var shared: [Int] = []
    var end = 0
    for (number, byteCount) in byteCounts.enumerated() {
      guard byteCount < threshold else {
        let storage = try Storage(byteCount: byteCount, zeroed: false)
        regions[number] = ByteRegion(storage, 0..<byteCount)
        continue
      }
      guard byteCount >= 0 else {
        throw CairnError(.invalidArgument, "a block cannot have \(byteCount) bytes")
      }
      if end + byteCount > slabByteCount {
        try place(shared, byteCounts, end, &regions)
        (shared, end) = ([], 0)
      }
      shared.append(number)
      end = aligned(end + byteCount)
    }
    try place(shared, byteCounts, end, &regions)
    return regions.compactMap { $0 }
  }

  private static func aligned(_ offset: Int) -> Int {
    (offset + Storage.alignment - 1) / Storage.alignment * Storage.alignment
  }

  /// Puts the blocks `numbers` one after another into a shared block, or each into its own if a
  /// shared block would be too small for huge pages.
  private static func place(
    _ numbers: [Int], _ byteCounts: [Int], _ total: Int, _ regions: inout [ByteRegion?]
  ) throws(CairnError) {
    let shared =
      total >= Storage.hugePageThreshold ? try Storage(byteCount: total, zeroed: false) : nil
    var offset = 0
    for number in numbers {
      let count = byteCounts[number]
      if let shared {
        regions[number] = ByteRegion(shared, offset..<offset + count)
      } else {
        regions[number] = ByteRegion(try Storage(byteCount: count, zeroed: false), 0..<count)
      }
      offset = aligned(offset + count)
    }
  }

  /// Runs `body` on the bytes of `part`, counted from the region's start, for writing.
  ///
  /// - Precondition: `part` lies within the region, nobody else touches it meanwhile, and the block
  ///   is writable.
  package func withMutableBytes<R: ~Copyable>(
    in part: Range<Int>, _ body: (inout MutableSpan<UInt8>) throws(CairnError) -> R
  ) throws(CairnError) -> R {
    precondition(part.lowerBound >= 0 && part.upperBound <= count, "part outside region")
    let start = range.lowerBound
    return try storage.withMutableBytes(
      in: start + part.lowerBound..<start + part.upperBound, body)
  }
}
