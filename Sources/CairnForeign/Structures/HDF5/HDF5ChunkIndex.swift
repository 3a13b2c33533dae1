// Where the chunks of a dataset are, for all of the library's kinds of index. Specification,
// III.A.1, VII (Appendix C: fixed array, extensible array, tree of version 2); H5FA*.c, H5EA*.c.

import CairnCheckpoints
import CairnContainer
import CairnSystem

/// Reads an index of chunks into a table.
struct HDF5ChunkIndexReader {
  let file: HDF5Bytes
  let grid: HDF5ChunkGrid
  /// The bytes of a chunk before filters.
  let chunkByteCount: Int
  let isFiltered: Bool
  /// Whether chunks that reach beyond the array are stored without filters.
  let leavesEdgesPlain: Bool
  private(set) var chunks: [Int: HDF5Chunk] = [:]

  init(
    _ file: HDF5Bytes, grid: HDF5ChunkGrid, chunkByteCount: Int, isFiltered: Bool,
    leavesEdgesPlain: Bool
  ) {
    self.file = file
    self.grid = grid
    self.chunkByteCount = chunkByteCount
    self.isFiltered = isFiltered
    self.leavesEdgesPlain = leavesEdgesPlain
  }

  /// The least bytes that an element of an array index takes.
  private var leastElement: Int { file.addressWidth + (isFiltered ? 5 : 0) }

  private mutating func add(
    _ number: Int, at address: Int, count: Int, mask: UInt32, _ fields: HDF5Fields,
    _ visits: inout HDF5Visits
  ) throws(CairnError) {
    let range = try file.range(at: address, count: count)
    let mask = leavesEdgesPlain && grid.isAtEdge(number) ? UInt32.max : mask
    guard chunks.updateValue(HDF5Chunk(range: range, mask: mask), forKey: number) == nil else {
      throw fields.failure(.invalidHeader, "a dataset has a chunk twice")
    }
    // If chunks shared bytes, a small file could hold very much.
    try visits.enter(at: address, count: count, fields)
  }

  /// The tree of the first version.
  mutating func readTree(
    at address: Int, level expected: Int? = nil, _ visits: inout HDF5Visits
  ) throws(CairnError) {
    var fields = try file.fields(at: address)
    let node = try HDF5TreeNode(&fields, kind: 1, below: expected)
    let keyCount = 8 + 8 * (grid.chunk.count + 1)
    try visits.enter(at: address, count: node.byteCount(keyCount + file.addressWidth), fields)
    for _ in 0..<node.count {
      let count = try fields.number(4)
      let mask = UInt32(truncatingIfNeeded: try fields.unsigned(4))
      var offsets: [Int] = []
      for _ in grid.chunk { offsets.append(try fields.number(8)) }
      try fields.skip(8)
      let child = try fields.definedAddress()
      guard node.level == 0 else {
        try readTree(at: child, level: node.level - 1, &visits)
        continue
      }
      guard let number = grid.number(at: offsets) else {
        throw fields.failure(.invalidHeader, "a chunk lies outside its dataset")
      }
      try add(number, at: child, count: count, mask: mask, fields, &visits)
    }
  }

  /// The only chunk.
  mutating func readSingle(
    at address: Int, count: Int?, mask: UInt32, _ fields: HDF5Fields, _ visits: inout HDF5Visits
  ) throws(CairnError) {
    guard grid.total == 1 else {
      throw fields.failure(.invalidHeader, "a dataset of several chunks has an index of one")
    }
    try add(0, at: address, count: count ?? chunkByteCount, mask: mask, fields, &visits)
  }

  /// The tree of the second version, whose records have the place of each chunk in the grid.
  mutating func readRecords(at address: Int, _ visits: inout HDF5Visits) throws(CairnError) {
    let rank = grid.chunk.count
    let records = try HDF5RecordTree.records(
      of: file, at: address, type: isFiltered ? 11 : 10,
      maximumCount: min(grid.total, file.source.count), &visits)
    for record in records {
      var fields = HDF5Fields(
        HDF5Bytes(
          source: try MemoryBytes(record), addressWidth: file.addressWidth,
          lengthWidth: file.lengthWidth), 0..<record.count)
      let child = try fields.definedAddress()
      var count = chunkByteCount
      var mask: UInt32 = 0
      if isFiltered {
        let width = record.count - file.addressWidth - 4 - 8 * rank
        guard (1...8).contains(width) else {
          throw fields.failure(.invalidHeader, "a record of a chunk has a size that none can have")
        }
        count = try fields.number(width)
        mask = UInt32(truncatingIfNeeded: try fields.unsigned(4))
      }
      var number = 0
      for axis in 0..<rank {
        let place = try fields.number(8)
        guard place < grid.counts[axis] else {
          throw fields.failure(.invalidHeader, "a chunk lies outside its dataset")
        }
        number = number * grid.counts[axis] + place
      }
      try add(number, at: child, count: count, mask: mask, try file.fields(at: 0), &visits)
    }
  }

  // MARK: Arrays

  /// An element of an array index.
  private mutating func element(
    _ place: Int, _ fields: inout HDF5Fields, width: Int, _ numbering: HDF5ChunkNumbering,
    _ visits: inout HDF5Visits
  ) throws(CairnError) {
    let address = try fields.address()
    var count = chunkByteCount
    var mask: UInt32 = 0
    if isFiltered {
      let size = try fields.unsigned(width - file.addressWidth - 4)
      mask = UInt32(truncatingIfNeeded: try fields.unsigned(4))
      guard let address, size > 0 else { return }
      guard let number = Int(exactly: size) else {
        throw fields.failure(.invalidHeader, "a chunk has more bytes than can be counted")
      }
      count = number
      guard let place = numbering.number(of: place) else { return }
      return try add(place, at: address, count: count, mask: mask, fields, &visits)
    }
    guard let address, let number = numbering.number(of: place) else { return }
    try add(number, at: address, count: count, mask: mask, fields, &visits)
  }

  /// Elements that follow one another, with a checksum behind them; in pages if there are many.
  private mutating func elements(
    _ range: Range<Int>, at address: Int, headByteCount: Int, width: Int, pageCount page: Int,
    isThere: (Int) -> Bool, _ numbering: HDF5ChunkNumbering, _ visits: inout HDF5Visits
  ) throws(CairnError) {
    guard range.count > page else {
      let count = headByteCount + range.count * width
      var fields = try file.fields(at: address, count: count + 4)
      try visits.enter(at: address, count: count + 4, fields)
      try file.checkSum(at: address, count: count)
      try fields.skip(headByteCount)
      for place in range { try element(place, &fields, width: width, numbering, &visits) }
      return
    }
    var fields = try file.fields(at: address, count: headByteCount + 4)
    try visits.enter(at: address, count: headByteCount + 4, fields)
    try file.checkSum(at: address, count: headByteCount)
    var start = range.lowerBound
    var next = address + headByteCount + 4
    var number = 0
    while start < range.upperBound {
      let end = min(range.upperBound, start + page)
      let count = (end - start) * width
      if isThere(number) {
        fields = try file.fields(at: next, count: count + 4)
        try visits.enter(at: next, count: count + 4, fields)
        try file.checkSum(at: next, count: count)
        for place in start..<end { try element(place, &fields, width: width, numbering, &visits) }
      }
      next += count + 4
      start = end
      number += 1
    }
  }

  /// Whether the bit of a page is set; the first is the highest of its byte.
  private static func bit(_ number: Int, of bytes: ArraySlice<UInt8>) -> Bool {
    let place = bytes.startIndex + number / 8
    return place < bytes.endIndex && bytes[place] & (0x80 >> UInt8(number % 8)) != 0
  }

  private func checkElement(_ width: Int, _ fields: HDF5Fields) throws(CairnError) {
    let widest = file.addressWidth + (isFiltered ? 12 : 0)
    guard width >= leastElement, width <= widest else {
      throw fields.failure(.invalidHeader, "an index of chunks has elements that none can have")
    }
  }

  /// An array with one element for each chunk that the dataset may have.
  mutating func readFixedArray(
    at address: Int, _ numbering: HDF5ChunkNumbering, _ visits: inout HDF5Visits
  ) throws(CairnError) {
    var fields = try file.fields(at: address)
    try fields.expect("FAHD")
    try fields.version(0...0, of: "a fixed array")
    let client = try fields.byte()
    let width = try fields.number(1)
    let pageBits = try fields.number(1)
    let count = try fields.length()
    let block = try fields.address()
    try visits.enter(at: address, count: fields.consumed + 4, fields)
    try file.checkSum(at: address, count: fields.consumed)
    try checkElement(width, fields)
    guard client == (isFiltered ? 1 : 0), pageBits < 32, count <= file.source.count,
      numbering.total.map({ count <= $0 }) ?? false
    else {
      throw fields.failure(.invalidHeader, "an index of chunks has a head that none can have")
    }
    guard let block else { return }
    fields = try file.fields(at: block)
    try fields.expect("FADB")
    try fields.version(0...0, of: "a block of a fixed array")
    try fields.skip(1 + file.addressWidth)
    let page = 1 << pageBits
    var bits: [UInt8] = []
    if count > page {
      bits = try fields.bytes((count / page + (count % page == 0 ? 0 : 1) + 7) / 8)
    }
    try elements(
      0..<count, at: block, headByteCount: fields.consumed, width: width, pageCount: page,
      isThere: { Self.bit($0, of: bits[...]) }, numbering, &visits)
  }

  /// An array that grows along one dimension.
  mutating func readExtensibleArray(
    at address: Int, _ numbering: HDF5ChunkNumbering, _ visits: inout HDF5Visits
  ) throws(CairnError) {
    var fields = try file.fields(at: address)
    try fields.expect("EAHD")
    try fields.version(0...0, of: "an extensible array")
    let client = try fields.byte()
    let width = try fields.number(1)
    let bits = try fields.number(1)
    let direct = try fields.number(1)
    let leastBlock = try fields.number(1)
    let leastPointers = try fields.number(1)
    let pageBits = try fields.number(1)
    try fields.skip(6 * file.lengthWidth)
    let index = try fields.address()
    try visits.enter(at: address, count: fields.consumed + 4, fields)
    try file.checkSum(at: address, count: fields.consumed)
    try checkElement(width, fields)
    func isPower(_ value: Int) -> Bool { value > 0 && value & (value - 1) == 0 }
    guard client == (isFiltered ? 1 : 0), (1...64).contains(bits), isPower(leastBlock),
      isPower(leastPointers), leastPointers > 1, pageBits < 32,
      leastBlock.trailingZeroBitCount <= bits
    else {
      throw fields.failure(.invalidHeader, "an index of chunks has a head that none can have")
    }
    guard let index else { return }
    fields = try file.fields(at: index)
    try fields.expect("EAIB")
    try fields.version(0...0, of: "the first block of an extensible array")
    try fields.skip(1 + file.addressWidth)
    let blockCount = 2 * (leastPointers - 1)
    let superCount = 1 + bits - leastBlock.trailingZeroBitCount
    let firstSuper = min(superCount, 2 * leastPointers.trailingZeroBitCount)
    let whole =
      fields.consumed + direct * width
      + (blockCount + superCount - firstSuper) * file.addressWidth
    try visits.enter(at: index, count: whole + 4, fields)
    try file.checkSum(at: index, count: whole)
    for place in 0..<direct { try element(place, &fields, width: width, numbering, &visits) }
    var blocks: [Int?] = []
    for _ in 0..<blockCount { blocks.append(try fields.address()) }
    let array = ArrayForm(
      width: width, page: 1 << pageBits, offsetWidth: (bits + 7) / 8, numbering: numbering)
    var start = direct
    var next = 0
    for level in 0..<superCount {
      // From level to level, first the size of the blocks doubles, then their number, in turn.
      guard level < 100, let blockNumber = Int(exactly: 1.0.scaled(level / 2)),
        let size = Int(exactly: Double(leastBlock).scaled((level + 1) / 2)), size < 1 << 40
      else { return }
      if level < firstSuper {
        for _ in 0..<blockNumber {
          if next < blocks.count, let block = blocks[next] {
            try readBlock(at: block, start..<start + size, array, pages: nil, &visits)
          }
          next += 1
          start += size
        }
      } else {
        if let superBlock = try fields.address() {
          try readSuperBlock(
            at: superBlock, blockCount: blockNumber, size: size, start: start, array, &visits)
        }
        let sum = blockNumber.multipliedSaturated(by: size)
        guard start < Int.max / 2, sum < Int.max / 2 else { return }
        start += sum
      }
    }
  }

  private struct ArrayForm {
    var width: Int
    var page: Int
    var offsetWidth: Int
    var numbering: HDF5ChunkNumbering
  }

  private mutating func readSuperBlock(
    at address: Int, blockCount: Int, size: Int, start: Int, _ array: ArrayForm,
    _ visits: inout HDF5Visits
  ) throws(CairnError) {
    var fields = try file.fields(at: address)
    try fields.expect("EASB")
    try fields.version(0...0, of: "a block of blocks of an extensible array")
    try fields.skip(1 + file.addressWidth + array.offsetWidth)
    let pageCount = size > array.page ? size / array.page : 0
    let bitByteCount = (pageCount + 7) / 8
    guard blockCount <= fields.remaining / (bitByteCount + file.addressWidth) else {
      throw fields.failure(.invalidHeader, "a block of blocks is larger than the file")
    }
    let bits = try fields.bytes(blockCount * bitByteCount)
    let whole = fields.consumed + blockCount * file.addressWidth
    try visits.enter(at: address, count: whole + 4, fields)
    try file.checkSum(at: address, count: whole)
    for number in 0..<blockCount {
      guard let block = try fields.address() else { continue }
      let first = start + number * size
      try readBlock(
        at: block, first..<first + size, array,
        pages: bits[number * bitByteCount..<(number + 1) * bitByteCount], &visits)
    }
  }

  private mutating func readBlock(
    at address: Int, _ range: Range<Int>, _ array: ArrayForm, pages: ArraySlice<UInt8>?,
    _ visits: inout HDF5Visits
  ) throws(CairnError) {
    var fields = try file.fields(at: address)
    try fields.expect("EADB")
    try fields.version(0...0, of: "a block of an extensible array")
    try fields.skip(1 + file.addressWidth + array.offsetWidth)
    guard range.count <= array.page || pages != nil else {
      throw fields.failure(.invalidHeader, "a block of an extensible array has pages unexpectedly")
    }
    // Checked before the loop over the elements: there cannot be more than the file has bytes.
    guard range.count <= file.source.count || range.count > array.page else {
      throw fields.failure(.truncated, "an index of chunks is larger than the file")
    }
    let there = pages ?? []
    guard range.count / array.page <= 8 * max(1, there.count) else {
      throw fields.failure(.invalidHeader, "an index of chunks has more pages than are noted")
    }
    try elements(
      range, at: address, headByteCount: fields.consumed, width: array.width,
      pageCount: array.page, isThere: { Self.bit($0, of: there) }, array.numbering, &visits)
  }
}

extension Double {
  /// The value times a power of two.
  fileprivate func scaled(_ exponent: Int) -> Double {
    self * Double(sign: .plus, exponent: exponent, significand: 1)
  }
}
