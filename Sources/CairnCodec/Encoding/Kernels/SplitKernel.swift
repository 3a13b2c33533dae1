// Taking a chunk apart, in one pass while it is in the cache: planes that are noise go where the
// stream stores them, the others to a buffer, and all of them into the Adler-32.
// FORMAT.md, section "Our encoder and decoder". Unsafe code: bounds are argued for below.

enum SplitKernel {
  /// Elements handled at once.
  private static let tile = 4096

  /// Writes the byte planes of `logical` to `planes`, which must be as long; returns their
  /// Adler-32.
  @discardableResult
  static func split(
    _ logical: Span<UInt8>, layout: ChunkLayout, into planes: inout MutableSpan<UInt8>,
    usingVectors: Bool = true
  ) throws(CodecError) -> UInt32 {
    var nothing: [UInt8] = []
    var blocks = nothing.mutableSpan
    return try split(
      logical, layout: layout, storedPlanes: 0, storedBlocks: &blocks, rest: &planes,
      usingVectors: usingVectors)
  }

  /// Splits `logical` into its byte planes.
  ///
  /// - Parameters:
  ///   - storedPlanes: How many planes, the lowest first, go to `storedBlocks`.
  ///   - storedBlocks: Stored blocks of the length that `StoredBlocks` gives; between their headers
  ///     go the bytes.
  ///   - rest: The other planes one after the other.
  ///   - usingVectors: Whether to use special instructions, if the machine has them.
  /// - Returns: The Adler-32 of all planes one after the other.
  static func split(
    _ logical: Span<UInt8>, layout: ChunkLayout, storedPlanes: Int,
    storedBlocks: inout MutableSpan<UInt8>, rest: inout MutableSpan<UInt8>,
    usingVectors: Bool = true
  ) throws(CodecError) -> UInt32 {
    let size = layout.elementSize
    let count = logical.count / size
    guard layout.filter.hasPlanes, logical.count == count * size, (0...size).contains(storedPlanes),
      storedBlocks.count == StoredBlocks.length(of: storedPlanes * count),
      rest.count == (size - storedPlanes) * count
    else {
      throw CodecError(.invalidArgument, "no room for the planes of \(logical.count) bytes")
    }
    var sums = [UInt32](repeating: 1, count: size)
    unsafe logical.withUnsafeBytes { source in
      unsafe storedBlocks.withUnsafeMutableBytes { blocks in
        unsafe rest.withUnsafeMutableBytes { rest in
          guard let from = source.baseAddress else { return }
          let places = unsafe Places(
            count: count, storedPlanes: storedPlanes, blocks: blocks.baseAddress,
            rest: rest.baseAddress)
          unsafe split(from, layout, usingVectors, to: places, &sums)
        }
      }
    }
    return sums.dropFirst().reduce(sums[0]) { Checksum.adler32($0, then: $1, count: count) }
  }

  /// Where the bytes of planes go.
  @unsafe private struct Places {
    let count: Int
    let storedPlanes: Int
    let blocks: UnsafeMutableRawPointer?
    let rest: UnsafeMutableRawPointer?

    /// Where the bytes of `plane` from element `start` on go, and how many have room there.
    ///
    /// In `rest` that is at (plane - storedPlanes) * count + start. Of the stored planes it is the
    /// bytes from plane * count + start on; block b begins 5 * (b + 1) bytes later than it would
    /// without headers, and `StoredBlocks.length` allows for as many headers.
    func place(of plane: Int, from start: Int) -> (UnsafeMutableRawPointer?, room: Int) {
      let position = unsafe plane * count + start
      guard unsafe plane < storedPlanes else {
        return unsafe (rest.map { unsafe $0 + (position - storedPlanes * count) }, count - start)
      }
      let block = position / StoredBlocks.capacity
      let offset = position + StoredBlocks.headerLength * (block + 1)
      return unsafe (
        blocks.map { unsafe $0 + offset }, (block + 1) * StoredBlocks.capacity - position
      )
    }
  }

  /// Splits tile by tile. A tile of a plane that crosses from one stored block into the next is
  /// made in the plane's part of a buffer, `tile` bytes, and copied in two: a block is longer than
  /// a tile.
  private static func split(
    _ from: UnsafeRawPointer, _ layout: ChunkLayout, _ usingVectors: Bool, to places: Places,
    _ sums: inout [UInt32]
  ) {
    let size = layout.elementSize
    unsafe withUnsafeTemporaryAllocation(byteCount: tile * size, alignment: 64) { crossing in
      unsafe withUnsafeTemporaryAllocation(
        of: UnsafeMutablePointer<UInt8>.self, capacity: size
      ) { targets in
        guard let made = crossing.baseAddress, let list = targets.baseAddress else { return }
        for start in unsafe stride(from: 0, to: places.count, by: tile) {
          let own = min(tile, unsafe places.count - start)
          for plane in 0..<size {
            let (place, room) = unsafe places.place(of: plane, from: start)
            guard let place = unsafe place else { return }
            let target = unsafe room < own ? made + plane * tile : place
            unsafe targets.initializeElement(
              at: plane, to: target.assumingMemoryBound(to: UInt8.self))
          }
          unsafe PlaneKernels.splitTile(
            from + start * size, own, layout: layout, usingVectors: usingVectors,
            to: UnsafePointer(list))
          for plane in 0..<size {
            unsafe sums[plane] = Checksum.adler32(list[plane], own, continuing: sums[plane])
            let (place, room) = unsafe places.place(of: plane, from: start)
            guard room < own, let place = unsafe place else { continue }
            let next = unsafe place + (room + StoredBlocks.headerLength)
            unsafe place.copyMemory(from: made + plane * tile, byteCount: room)
            unsafe next.copyMemory(from: made + (plane * tile + room), byteCount: own - room)
          }
        }
      }
    }
  }
}
