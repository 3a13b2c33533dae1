// The numbers of chunks: how chunks cover an array, how an index numbers them, where each is.
// H5VM.c.

import CairnSystem

/// How chunks cover an array.
struct HDF5ChunkGrid: Sendable {
  let dimensions: [Int]
  let chunk: [Int]
  /// How many chunks there are along each dimension.
  let counts: [Int]
  /// How many chunks there are in all.
  let total: Int

  /// Nil if the number of chunks overflows.
  init?(dimensions: [Int], chunk: [Int]) {
    guard dimensions.count == chunk.count else { return nil }
    self.dimensions = dimensions
    self.chunk = chunk
    counts = zip(dimensions, chunk).map { $0 / $1 + ($0 % $1 == 0 ? 0 : 1) }
    guard let total = counts.product() else { return nil }
    self.total = total
  }

  /// The number of the chunk whose first element is at `offsets`; nil if no chunk begins there.
  func number(at offsets: [Int]) -> Int? {
    var number = 0
    for axis in chunk.indices {
      guard offsets[axis] % chunk[axis] == 0, offsets[axis] < dimensions[axis] else { return nil }
      number = number * counts[axis] + offsets[axis] / chunk[axis]
    }
    return number
  }

  /// Whether a chunk reaches beyond the array.
  func isAtEdge(_ number: Int) -> Bool {
    var rest = number
    for axis in chunk.indices.reversed() {
      let place = rest % counts[axis]
      rest /= counts[axis]
      if place == counts[axis] - 1, dimensions[axis] % chunk[axis] != 0 { return true }
    }
    return false
  }
}

/// A chunk of a dataset, in the source.
struct HDF5Chunk: Sendable {
  var range: Range<Int>
  /// The filters that this chunk skips, by their bits.
  var mask: UInt32
}

/// The chunks of a dataset, by their numbers in the grid.
enum HDF5ChunkPlaces: Sendable {
  case table([Int: HDF5Chunk])
  /// One after the other, without filters, in the order of a grid that may be larger.
  case sequence(start: Int, byteCount: Int, numbering: HDF5ChunkNumbering)

  subscript(number: Int) -> HDF5Chunk? {
    switch self {
    case .table(let chunks): return chunks[number]
    case .sequence(let start, let byteCount, let numbering):
      let place = start + numbering.place(of: number) * byteCount
      return HDF5Chunk(range: place..<place + byteCount, mask: 0)
    }
  }

  var isEmpty: Bool {
    if case .table(let chunks) = self { chunks.isEmpty } else { false }
  }

  /// The bytes of all chunks.
  func byteCount(of grid: HDF5ChunkGrid) -> Int {
    switch self {
    case .table(let chunks):
      chunks.values.sumSaturated(\.range.count)
    case .sequence(_, let byteCount, _): grid.total * byteCount
    }
  }
}

/// How an index numbers chunks: in the grid that the array may grow to, with an unbounded dimension
/// first.
struct HDF5ChunkNumbering: Sendable {
  private let grid: HDF5ChunkGrid
  /// The dimensions in the order of the numbering, the slowest first.
  private let order: [Int]
  /// How far the number of a chunk grows with a step along each dimension.
  private let steps: [Int]
  /// How many numbers there are; nil if there is no bound.
  let total: Int?

  /// Nil if the number of chunks overflows.
  ///
  /// - Parameter swizzles: Whether a dimension without a bound comes first (`H5VM_swizzle_coords`).
  init?(_ grid: HDF5ChunkGrid, greatest: [Int?], swizzles: Bool) {
    self.grid = grid
    var order = Array(grid.chunk.indices)
    if swizzles, let unbounded = greatest.firstIndex(where: { $0 == nil }), unbounded > 0 {
      order.remove(at: unbounded)
      order.insert(unbounded, at: 0)
    }
    self.order = order
    var steps = [Int](repeating: 1, count: order.count)
    var step = 1
    var total: Int? = nil
    for place in order.indices.reversed() {
      let axis = order[place]
      steps[axis] = step
      guard let most = greatest[axis] else {
        // Only the slowest dimension may be unbounded.
        guard place == 0 else { return nil }
        break
      }
      let count = most / grid.chunk[axis] + (most % grid.chunk[axis] == 0 ? 0 : 1)
      guard let product = step.multiplied(by: max(1, count)) else { return nil }
      step = product
      if place == 0 { total = step }
    }
    self.steps = steps
    self.total = total
  }

  /// The place in the index of a chunk of the grid.
  func place(of number: Int) -> Int {
    var rest = number
    var place = 0
    for axis in grid.chunk.indices.reversed() {
      place += rest % grid.counts[axis] * steps[axis]
      rest /= grid.counts[axis]
    }
    return place
  }

  /// The number in the grid of a chunk of the index; nil for a chunk behind the array's end.
  func number(of place: Int) -> Int? {
    var rest = place
    var coordinates = [Int](repeating: 0, count: order.count)
    for axis in order {
      coordinates[axis] = rest / steps[axis]
      rest %= steps[axis]
    }
    var number = 0
    for axis in grid.chunk.indices {
      guard coordinates[axis] < grid.counts[axis] else { return nil }
      number = number * grid.counts[axis] + coordinates[axis]
    }
    return number
  }
}
