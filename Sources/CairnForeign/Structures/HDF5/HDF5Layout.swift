// Where the elements of a dataset are: in its header, in one piece, or in chunks that filters have
// changed. Specification, III.A.1, IV.A.2.e, f, i, l.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors

/// A filter of a dataset's chunks. Filters are listed in the order in which they were applied.
enum HDF5Filter: Hashable, Sendable {
  case deflate
  /// Sorts the bytes of elements of that width by their place in the element.
  case shuffle(width: Int)
  /// Adds a checksum at the end.
  case fletcher32

  /// Reads a pipeline. Any filter but these three is refused by name.
  static func pipeline(_ fields: inout HDF5Fields) throws(CairnError) -> [HDF5Filter] {
    let version = try fields.version(1...2, of: "a filter pipeline")
    let count = try fields.number(1)
    if version == 1 { try fields.skip(6) }
    var filters: [HDF5Filter] = []
    for _ in 0..<count {
      let place = fields.location
      let identifier = try fields.number(2)
      let nameCount = version == 1 || identifier >= 256 ? try fields.number(2) : 0
      try fields.skip(2)
      let valueCount = try fields.number(2)
      let name = try fields.bytes(nameCount).prefix { $0 != 0 }
      if version == 1 { try fields.skip((8 - nameCount % 8) % 8) }
      var values: [Int] = []
      for _ in 0..<valueCount { values.append(try fields.number(4)) }
      if version == 1, valueCount % 2 == 1 { try fields.skip(4) }
      switch identifier {
      case 1: filters.append(.deflate)
      case 2: filters.append(.shuffle(width: values.first ?? 1))
      case 3: filters.append(.fletcher32)
      default:
        throw CairnError(
          .unsupported, "a dataset's chunks are changed by a filter that Cairn does not know",
          at: place, expected: "deflate, shuffle or fletcher32",
          found: "filter \(identifier) \(String(decoding: name, as: UTF8.self).excerpt)",
          advice: "Write the file anew with one of those, or without")
      }
    }
    guard filters.count <= 8 else {
      throw fields.failure(.limitExceeded, "a dataset has too many filters", expected: "at most 8")
    }
    return filters
  }
}

/// How the chunks of a dataset are found.
enum HDF5ChunkIndex: Hashable, Sendable {
  case tree
  /// There is one chunk, of `byteCount` bytes; the filters whose bits are not set were applied.
  case single(byteCount: Int?, mask: UInt32)
  /// The chunks follow one another, without filters.
  case implicit
  case fixedArray
  case extensibleArray
  case records
}

/// Where a dataset's elements are.
enum HDF5Layout: Sendable {
  /// In the source, as they are.
  case piece(Range<Int>)
  /// Nowhere: every element is the fill value.
  case nowhere
  /// In chunks of this shape. The index finds them; its address is nil if there is none yet.
  case chunks(shape: [Int], index: HDF5ChunkIndex, address: Int?, leavesEdgesPlain: Bool)

  /// Reads the message.
  ///
  /// - Parameter byteCount: of all elements.
  /// - Throws: `unsupported` for virtual datasets and for indices of later libraries.
  init(_ fields: inout HDF5Fields, byteCount: Int) throws(CairnError) {
    let version = try fields.version(1...5, of: "a dataset's layout")
    if version < 3 {
      self = try Self.old(&fields, byteCount: byteCount)
      return
    }
    let kind = try fields.byte()
    switch kind {
    case 0:
      let count = try fields.number(2)
      let start = Int(fields.location.offset ?? 0)
      try fields.skip(count)
      self = try Self.piece(start..<start + count, byteCount, fields)
    case 1:
      let address = try fields.address()
      let count = try fields.length()
      self = try Self.contiguous(address, count, byteCount, fields)
    case 2 where version == 3:
      let rank = try fields.number(1)
      let tree = try fields.address()
      self = .chunks(
        shape: try Self.chunkShape(&fields, rank: rank, width: 4), index: .tree, address: tree,
        leavesEdgesPlain: false)
    case 2:
      self = try Self.late(&fields)
    default:
      throw fields.failure(
        .unsupported, "a dataset's elements are those of other datasets, perhaps of other files",
        found: kind == 3 ? "a virtual dataset" : "layout \(kind)",
        advice: "Cairn follows no path in a file; copy the elements into the file")
    }
  }

  private static func piece(
    _ range: Range<Int>, _ byteCount: Int, _ fields: HDF5Fields
  ) throws(CairnError) -> Self {
    guard range.count == byteCount else {
      throw fields.failure(
        .sizeMismatch, "a dataset has another number of bytes than its type and shape ask for",
        expected: "\(byteCount)", found: "\(range.count)")
    }
    return .piece(range)
  }

  private static func contiguous(
    _ address: Int?, _ count: Int, _ byteCount: Int, _ fields: HDF5Fields
  ) throws(CairnError) -> Self {
    guard let address, byteCount > 0 else { return .nowhere }
    return try piece(fields.file.range(at: address, count: count), byteCount, fields)
  }

  private static func chunkShape(
    _ fields: inout HDF5Fields, rank: Int, width: Int
  ) throws(CairnError) -> [Int] {
    guard (2...Shape.maximumRank + 1).contains(rank) else {
      throw fields.failure(.invalidHeader, "a dataset's chunks have too few or many dimensions")
    }
    var shape: [Int] = []
    for _ in 0..<rank {
      let dimension = try fields.number(width)
      guard (1...Int(UInt32.max)).contains(dimension) else {
        throw fields.failure(
          .invalidHeader, "a dataset's chunks have a dimension that none can have")
      }
      shape.append(dimension)
    }
    // The last dimension is the width of an element.
    return shape.dropLast()
  }

  private static func old(
    _ fields: inout HDF5Fields, byteCount: Int
  ) throws(CairnError) -> Self {
    let rank = try fields.number(1)
    let kind = try fields.byte()
    try fields.skip(5)
    let address = kind == 0 ? nil : try fields.address()
    if kind == 2 {
      return .chunks(
        shape: try chunkShape(&fields, rank: rank, width: 4), index: .tree, address: address,
        leavesEdgesPlain: false)
    }
    try fields.skip(4 * rank)
    guard kind == 0 else {
      // The size comes from the shape, since the dimensions here have only 32 bits.
      return try contiguous(address, byteCount, byteCount, fields)
    }
    let count = try fields.number(4)
    let start = Int(fields.location.offset ?? 0)
    try fields.skip(count)
    return try piece(start..<start + count, byteCount, fields)
  }

  private static func late(_ fields: inout HDF5Fields) throws(CairnError) -> Self {
    let flags = try fields.byte()
    let rank = try fields.number(1)
    let width = try fields.number(1)
    guard (1...8).contains(width) else {
      throw fields.failure(.invalidHeader, "a dataset's chunks have dimensions of no width")
    }
    let shape = try chunkShape(&fields, rank: rank, width: width)
    let kind = try fields.byte()
    let index: HDF5ChunkIndex
    switch kind {
    case 1:
      let isFiltered = flags & 2 != 0
      index = .single(
        byteCount: isFiltered ? try fields.length() : nil,
        mask: isFiltered ? UInt32(truncatingIfNeeded: try fields.unsigned(4)) : 0)
    case 2: index = .implicit
    case 3:
      index = .fixedArray
      try fields.skip(1)
    case 4:
      index = .extensibleArray
      try fields.skip(5)
    case 5:
      index = .records
      try fields.skip(6)
    default:
      throw fields.failure(
        .unsupported, "a dataset's chunks are found by an index that Cairn does not read",
        found: "an index of kind \(kind)",
        advice: "Write the file anew for earlier versions of the library (libver='earliest')")
    }
    return .chunks(
      shape: shape, index: index, address: try fields.address(),
      leavesEdgesPlain: flags & 1 != 0)
  }
}
