// Putting a chunk together, in one pass: planes are taken from where they were decoded to and from
// where the stream stores them, and all of them go into the Adler-32.
// FORMAT.md, section "Our encoder and decoder". Unsafe code: bounds are argued for below.

enum JoinKernel {
  /// Elements handled at once.
  private static let tile = 4096

  /// Joins planes to elements.
  ///
  /// - Parameters:
  ///   - planes: The planes, one after the other, but for what `runs` lists.
  ///   - runs: Stretches of the planes that are in `stored`, in the order of the planes.
  ///   - logical: The elements; as long as `planes`.
  ///   - usingVectors: Whether to use special instructions, if the machine has them.
  /// - Returns: The Adler-32 of the planes.
  static func join(
    _ planes: Span<UInt8>, runs: [StoredRun], in stored: Span<UInt8>, layout: ChunkLayout,
    into logical: inout MutableSpan<UInt8>, usingVectors: Bool = true
  ) throws(CodecError) -> UInt32 {
    let size = layout.elementSize
    let count = logical.count / size
    guard layout.filter.hasPlanes, planes.count == logical.count, logical.count == count * size
    else {
      throw CodecError(.invalidArgument, "planes of \(planes.count) bytes for \(logical.count)")
    }
    // Each run lies within `planes` and within `stored`, and after the one before it.
    var end = 0
    for run in runs {
      guard run.out >= end, run.count > 0, run.count <= planes.count - run.out, run.source >= 0,
        run.count <= stored.count - run.source
      else { throw CodecError(.invalidArgument, "a stored block has no place among the planes") }
      end = run.out + run.count
    }
    var sums = [UInt32](repeating: 1, count: size)
    unsafe planes.withUnsafeBytes { planes in
      unsafe stored.withUnsafeBytes { stored in
        unsafe logical.withUnsafeMutableBytes { logical in
          guard let from = planes.baseAddress, let to = logical.baseAddress else { return }
          let sources = unsafe Sources(
            count: count, planes: from, runs: runs, stored: stored.baseAddress ?? from)
          unsafe join(sources, layout, usingVectors, to: to, &sums)
        }
      }
    }
    return sums.dropFirst().reduce(sums[0]) { Checksum.adler32($0, then: $1, count: count) }
  }

  /// Where the bytes of planes are.
  @unsafe private struct Sources {
    let count: Int
    let planes: UnsafeRawPointer
    let runs: [StoredRun]
    let stored: UnsafeRawPointer

    /// Where the bytes of `range` of the planes are; gathers them, as many, at `gathered` if they
    /// are in several pieces.
    ///
    /// - Parameter next: The first run that does not end before an earlier range.
    func locate(
      _ range: Range<Int>, _ next: inout Int, _ gathered: UnsafeMutableRawPointer
    ) -> UnsafeRawPointer {
      while unsafe next < runs.count, unsafe runs[next].out + runs[next].count <= range.lowerBound {
        next += 1
      }
      var (position, index) = (range.lowerBound, next)
      while true {
        // The piece from `position` on reaches to the end of its run, to the next run, or to the
        // end of the range.
        var piece = unsafe planes + position
        var end = range.upperBound
        if unsafe index < runs.count {
          let run = unsafe runs[index]
          if run.out <= position {
            unsafe piece = stored + (run.source + position - run.out)
            end = min(end, run.out + run.count)
            index += 1
          } else {
            end = min(end, run.out)
          }
        }
        if position == range.lowerBound, end == range.upperBound { return unsafe piece }
        unsafe (gathered + (position - range.lowerBound)).copyMemory(
          from: piece, byteCount: end - position)
        position = end
        if position == range.upperBound { return UnsafeRawPointer(gathered) }
      }
    }
  }

  /// Joins tile by tile. A tile of plane `p` from element `start` on is the `own` bytes from
  /// p * count + start on, at most up to (p + 1) * count; in pieces, it is gathered in the plane's
  /// part of a buffer, `tile` bytes.
  private static func join(
    _ sources: Sources, _ layout: ChunkLayout, _ usingVectors: Bool,
    to target: UnsafeMutableRawPointer, _ sums: inout [UInt32]
  ) {
    let size = layout.elementSize
    let count = unsafe sources.count
    var next = [Int](repeating: 0, count: size)
    unsafe withUnsafeTemporaryAllocation(byteCount: tile * size, alignment: 64) { buffer in
      unsafe withUnsafeTemporaryAllocation(
        of: UnsafePointer<UInt8>.self, capacity: size
      ) { tiles in
        guard let gathered = buffer.baseAddress, let list = tiles.baseAddress else { return }
        for start in stride(from: 0, to: count, by: tile) {
          let own = min(tile, count - start)
          for plane in 0..<size {
            let first = plane * count + start
            let place = unsafe sources.locate(
              first..<first + own, &next[plane], gathered + plane * tile)
            unsafe sums[plane] = Checksum.adler32(place, own, continuing: sums[plane])
            unsafe tiles.initializeElement(
              at: plane, to: place.assumingMemoryBound(to: UInt8.self))
          }
          unsafe joinTile(
            UnsafePointer(list), own, layout: layout, usingVectors: usingVectors,
            to: target + start * size)
        }
      }
    }
  }
}
