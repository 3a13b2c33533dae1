// The elements of a dataset that is stored in chunks, and of one that is not stored at all.

import CairnCheckpoints
import CairnCodec
import CairnContainer
import CairnSystem

/// Elements that were never written: each is the fill value.
struct FilledElements: ElementBytes {
  let count: Int
  /// One element; its size divides `count`.
  let fill: [UInt8]

  func read(from offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError) {
    for place in 0..<bytes.count { bytes[place] = fill[(offset + place) % fill.count] }
  }
}

/// The rows of a file's chunked datasets that were decoded last, within a bound for the whole file.
final class HDF5Bands: Sendable {
  private struct Held {
    var owner: Int
    var number: Int
    var storage: Storage
  }
  private struct State {
    var held: [Held] = []
    var owners = 0
  }
  private let state = Lock(State())
  /// Held while rows that take much memory are decoded, so that this happens for one at a time.
  private let turn = Lock(())
  /// The most bytes that are held at once.
  private let capacity: Int

  init(_ source: any ByteSource) {
    capacity = source.count.allowance(times: 12, plus: 24 << 20)
  }

  /// A number for the next dataset.
  func owner() -> Int {
    state.withLock { state in
      state.owners += 1
      return state.owners
    }
  }

  /// Refuses chunks if a row of them takes more memory than is allowed.
  ///
  /// - Throws: `overBudget`.
  func check(
    _ grid: HDF5ChunkGrid, chunkByteCount: Int, byteCount: Int, _ fields: HDF5Fields
  ) throws(CairnError) {
    let band = byteCount / grid.dimensions[0] * min(grid.chunk[0], grid.dimensions[0])
    guard let sum = chunkByteCount.multiplied(by: 2)?.adding(band), sum <= capacity else {
      throw fields.failure(
        .overBudget, "a row of a dataset's chunks takes more memory than is allowed",
        expected: "at most \(capacity) bytes", found: "\(band) and a chunk of \(chunkByteCount)",
        advice: "Write the dataset anew with smaller chunks")
    }
  }

  /// The rows with that number: held ones, or decoded now.
  func band(
    _ number: Int, of owner: Int, byteCount: Int,
    _ decode: () throws(CairnError) -> Storage
  ) throws(CairnError) -> Storage {
    if let storage = held(number, of: owner) { return storage }
    guard byteCount > 4 << 20 else {
      let storage = try decode()
      keep(Held(owner: owner, number: number, storage: storage))
      return storage
    }
    return try turn.withLock { (_) throws(CairnError) in
      if let storage = held(number, of: owner) { return storage }
      makeRoom(byteCount)
      let storage = try decode()
      keep(Held(owner: owner, number: number, storage: storage))
      return storage
    }
  }

  private func held(_ number: Int, of owner: Int) -> Storage? {
    state.withLock { state in
      state.held.first { $0.owner == owner && $0.number == number }?.storage
    }
  }

  private func makeRoom(_ byteCount: Int) {
    state.withLock { state in
      while let first = state.held.first,
        byteCount > capacity - state.held.reduce(0, { $0 + $1.storage.byteCount })
      {
        state.held.removeFirst()
        _ = first
      }
    }
  }

  private func keep(_ band: Held) {
    makeRoom(band.storage.byteCount)
    state.withLock { state in
      // Only the last rows of each dataset are kept.
      state.held.removeAll { $0.owner == band.owner }
      state.held.append(band)
      if state.held.count > 64 { state.held.removeFirst() }
    }
  }
}

/// Elements in chunks. Chunks that cover the same rows are decoded together and kept until other
/// rows are read, so that reading from front to back decodes every chunk once.
struct HDF5ChunkedElements: ElementBytes {
  let source: any ByteSource
  let grid: HDF5ChunkGrid
  let chunks: HDF5ChunkPlaces
  let filters: [HDF5Filter]
  /// One element.
  let fill: [UInt8]
  let count: Int
  private let bands: HDF5Bands
  private let owner: Int

  /// - Parameter count: the bytes of all elements, more than 0.
  init(
    _ source: any ByteSource, grid: HDF5ChunkGrid, chunks: HDF5ChunkPlaces,
    filters: [HDF5Filter], fill: [UInt8], count: Int, bands: HDF5Bands
  ) {
    self.source = source
    self.grid = grid
    self.chunks = chunks
    self.filters = filters
    self.fill = fill
    self.count = count
    self.bands = bands
    owner = bands.owner()
  }

  /// The bytes of the rows in one band; the last band may have fewer.
  private var bandByteCount: Int {
    count / grid.dimensions[0] * min(grid.chunk[0], grid.dimensions[0])
  }

  func read(from offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError) {
    let bandByteCount = bandByteCount
    var done = 0
    while done < bytes.count {
      let number = (offset + done) / bandByteCount
      let start = (offset + done) % bandByteCount
      let storage = try bands.band(number, of: owner, byteCount: bandByteCount) {
        () throws(CairnError) in try decode(number)
      }
      let part = min(bytes.count - done, storage.byteCount - start)
      storage.withBytes(in: start..<start + part) { bytes.copy($0, at: done) }
      done += part
    }
  }

  /// Decodes all chunks whose place along the first dimension is `number`.
  private func decode(_ number: Int) throws(CairnError) -> Storage {
    let first = number * bandByteCount
    let storage = try Storage(byteCount: min(bandByteCount, count - first), zeroed: true)
    let across = grid.total / grid.counts[0]
    for place in number * across..<(number + 1) * across {
      guard let chunk = chunks[place] else {
        try copy(nil, place, into: storage)
        continue
      }
      let decoded = try HDF5ChunkDecoder(
        source: source, filters: filters, byteCount: grid.chunk.reduce(fill.count, *)
      ).decode(chunk)
      try copy(decoded, place, into: storage)
    }
    return storage
  }

  /// Copies a chunk to its place among the rows, or the fill value if there is no chunk.
  private func copy(
    _ decoded: [UInt8]?, _ place: Int, into storage: Storage
  ) throws(CairnError) {
    if decoded == nil, !fill.contains(where: { $0 != 0 }) { return }
    let rank = grid.chunk.count
    // Where the chunk begins along each dimension, and how much of it is within the array.
    var origin = [Int](repeating: 0, count: rank)
    var rest = place
    for axis in stride(from: rank - 1, through: 0, by: -1) {
      origin[axis] = rest % grid.counts[axis] * grid.chunk[axis]
      rest /= grid.counts[axis]
    }
    let extent = (0..<rank).map { min(grid.chunk[$0], grid.dimensions[$0] - origin[$0]) }
    origin[0] = 0
    var index = [Int](repeating: 0, count: rank)
    let runByteCount = extent[rank - 1] * fill.count
    storage.withMutableBytes(in: 0..<storage.byteCount) { bytes in
      while true {
        var (from, to) = (0, 0)
        for axis in 0..<rank {
          from = from * grid.chunk[axis] + index[axis]
          to = to * grid.dimensions[axis] + origin[axis] + index[axis]
        }
        if let decoded {
          let start = from * fill.count
          bytes.copy(decoded.span.extracting(start..<start + runByteCount), at: to * fill.count)
        } else {
          for byte in 0..<runByteCount {
            bytes[to * fill.count + byte] = fill[byte % fill.count]
          }
        }
        var axis = rank - 2
        while axis >= 0 {
          index[axis] += 1
          if index[axis] < extent[axis] { break }
          index[axis] = 0
          axis -= 1
        }
        if axis < 0 { return }
      }
    }
  }
}

/// Undoes the filters of a chunk.
struct HDF5ChunkDecoder {
  let source: any ByteSource
  let filters: [HDF5Filter]
  /// The bytes of the chunk's elements.
  let byteCount: Int

  func decode(_ chunk: HDF5Chunk) throws(CairnError) -> [UInt8] {
    let place = CairnError.Location(
      file: source.path, offset: UInt64(chunk.range.lowerBound))
    try Self.ask(for: chunk.range.count)
    var bytes = try source.withBytes(in: chunk.range) { $0.array }
    // The most bytes that a filter may give: each checksum adds four.
    var room = byteCount
    for filter in filters where filter == .fletcher32 { room += 4 }
    for (number, filter) in filters.enumerated().reversed() where chunk.mask >> number & 1 == 0 {
      switch filter {
      case .deflate: bytes = try inflated(bytes, room: room, place)
      case .shuffle(let width): bytes = try Self.unshuffled(bytes, width: width)
      case .fletcher32:
        guard bytes.count >= 4 else { throw Self.failure("a chunk is shorter than its sum", place) }
        let stored: UInt32 = bytes.span.field(bytes.count - 4)
        bytes.removeLast(4)
        let found = Self.fletcher32(bytes)
        guard found == stored else {
          throw CairnError(
            .checksumMismatch, "a chunk has another Fletcher sum than it records", at: place,
            expected: hex(stored, digits: 8), found: hex(found, digits: 8), advice: HDF5Bytes.advice
          )
        }
      }
    }
    guard bytes.count == byteCount else {
      throw CairnError(
        .sizeMismatch, "a chunk has another number of bytes than its shape asks for", at: place,
        expected: "\(byteCount)", found: "\(bytes.count)", advice: HDF5Bytes.advice)
    }
    return bytes
  }

  /// Asks first for the memory that an array will take: if an array gets none, the process ends.
  private static func ask(for byteCount: Int) throws(CairnError) {
    _ = try Storage(byteCount: byteCount, zeroed: false)
  }

  private static func failure(_ message: String, _ place: CairnError.Location) -> CairnError {
    CairnError(.corruptStream, message, at: place, advice: HDF5Bytes.advice)
  }

  /// Decodes an RFC 1950 stream of at most `room` bytes and checks its Adler-32.
  private func inflated(
    _ input: [UInt8], room: Int, _ place: CairnError.Location
  ) throws(CairnError) -> [UInt8] {
    guard input.count >= 6, input[0] & 15 == 8, (Int(input[0]) << 8 | Int(input[1])) % 31 == 0,
      input[1] & 0x20 == 0
    else { throw Self.failure("a chunk is no zlib stream", place) }
    // One byte more, to notice a stream that goes on.
    let most = room + 1
    try Self.ask(for: most)
    var output = [UInt8](repeating: 0, count: most)
    var taken = 2
    var made = 0
    do throws(CodecError) {
      var stream = try InflateStream()
      var step = StreamStep(consumed: 0, produced: 0, isFinished: false)
      repeat {
        var all = output.mutableSpan
        step = try all.withPart(made..<most) { (rest) throws(CodecError) in
          try stream.step(input.span.extracting(taken..<input.count), into: &rest)
        }
        taken += step.consumed
        made += step.produced
      } while !step.isFinished && made <= room && step.consumed + step.produced > 0
      guard step.isFinished, made <= room else { throw CodecError(.corruptStream, "") }
    } catch {
      throw Self.failure(
        made > room
          ? "a chunk gives more bytes than its shape asks for" : "a chunk's stream is broken",
        place)
    }
    output.removeLast(room + 1 - made)
    let stored = input[taken...].prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    guard input.count - taken == 4, stored == Checksum.adler32(output.span) else {
      throw Self.failure("a chunk's stream has another Adler-32 than it records", place)
    }
    return output
  }

  /// Reverses the shuffle filter, which sorts the bytes of elements by their place in the element.
  private static func unshuffled(_ bytes: [UInt8], width: Int) throws(CairnError) -> [UInt8] {
    guard width > 1 else { return bytes }
    let elements = bytes.count / width
    try ask(for: bytes.count)
    var output = bytes
    for place in 0..<(elements > 0 ? width : 0) {
      for element in 0..<elements {
        output[element * width + place] = bytes[place * elements + element]
      }
    }
    return output
  }

  /// `H5_checksum_fletcher32` of the library (H5checksum.c).
  static func fletcher32(_ bytes: [UInt8]) -> UInt32 {
    var (low, high): (UInt32, UInt32) = (0, 0)
    func fold(_ sum: UInt32) -> UInt32 { (sum & 0xFFFF) + (sum >> 16) }
    var place = 0
    while place + 1 < bytes.count {
      let end = min(bytes.count - 1, place + 720)
      while place < end {
        low &+= UInt32(bytes[place]) << 8 | UInt32(bytes[place + 1])
        high &+= low
        place += 2
      }
      (low, high) = (fold(low), fold(high))
    }
    if place < bytes.count {
      low &+= UInt32(bytes[place]) << 8
      high &+= low
      (low, high) = (fold(low), fold(high))
    }
    return fold(high) << 16 | fold(low)
  }
}
