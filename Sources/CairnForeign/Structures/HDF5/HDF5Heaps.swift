// The heap of the objects that the records of a tree name, and the heap of texts. Specification,
// III.E, III.G.

import CairnCheckpoints
import CairnContainer
import CairnSystem

/// A heap whose objects lie in blocks that double in size.
struct HDF5FractalHeap {
  private struct Block {
    /// Where the block begins, in the addresses of the heap.
    var start: Int
    var count: Int
    var address: Int
  }
  private let file: HDF5Bytes
  private let offsetWidth: Int
  private let lengthWidth: Int
  private let headByteCount: Int
  private let width: Int
  private let startingByteCount: Int
  private let largestDirect: Int
  private var blocks: [Block] = []
  /// Objects that are too large for the blocks, by their numbers.
  private var huge: [Int: Range<Int>] = [:]

  /// Reads the head of the heap and the places of the blocks.
  init(_ file: HDF5Bytes, at address: Int, _ visits: inout HDF5Visits) throws(CairnError) {
    var fields = try file.fields(at: address)
    try fields.expect("FRHP")
    try fields.version(0...0, of: "a fractal heap")
    try fields.skip(2)
    let filters = try fields.number(2)
    let flags = try fields.byte()
    let largestObject = try fields.number(4)
    _ = try fields.length()
    let hugeIndex = try fields.address()
    try fields.skip(file.addressWidth + 9 * file.lengthWidth)
    width = try fields.number(2)
    startingByteCount = try fields.length()
    largestDirect = try fields.length()
    let bits = try fields.number(2)
    try fields.skip(2)
    let root = try fields.address()
    let rows = try fields.number(2)
    guard filters == 0 else {
      throw fields.failure(.unsupported, "a heap of the HDF5 file is compressed", advice: nil)
    }
    func isPower(_ value: Int) -> Bool { value > 0 && value & (value - 1) == 0 }
    guard (1...64).contains(bits), (1...1_024).contains(width), isPower(startingByteCount),
      isPower(largestDirect), startingByteCount <= largestDirect, largestDirect <= 1 << 32,
      largestObject > 0, rows <= 64
    else { throw fields.failure(.invalidHeader, "a heap has a head that none can have") }
    try visits.enter(at: address, count: fields.consumed + 4, fields)
    try file.checkSum(at: address, count: fields.consumed)
    self.file = file
    offsetWidth = (bits + 7) / 8
    let most = min(largestDirect, largestObject)
    lengthWidth = (Int.bitWidth - most.leadingZeroBitCount + 7) / 8
    if let hugeIndex { huge = try Self.hugeObjects(of: file, at: hugeIndex, &visits) }
    headByteCount = 5 + file.addressWidth + offsetWidth + (flags & 2 != 0 ? 4 : 0)
    guard let root else { return }
    if rows == 0 {
      try addDirect(at: root, start: 0, count: startingByteCount, &visits)
    } else {
      try addIndirect(at: root, start: 0, rows: rows, depth: 0, &visits)
    }
  }

  /// The objects outside the blocks, for heaps whose identifiers are too short to give their
  /// places.
  private static func hugeObjects(
    of file: HDF5Bytes, at index: Int, _ visits: inout HDF5Visits
  ) throws(CairnError) -> [Int: Range<Int>] {
    var objects: [Int: Range<Int>] = [:]
    let records = try HDF5RecordTree.records(
      of: file, at: index, type: 1, maximumCount: 1 << 16, &visits)
    for record in records {
      let region = try MemoryBytes(record)
      var fields = HDF5Fields(
        HDF5Bytes(
          source: region, addressWidth: file.addressWidth, lengthWidth: file.lengthWidth),
        0..<record.count)
      let address = try fields.definedAddress()
      let count = try fields.length()
      objects[try fields.length()] = try file.range(at: address, count: count)
    }
    return objects
  }

  private mutating func addDirect(
    at address: Int, start: Int, count: Int, _ visits: inout HDF5Visits
  ) throws(CairnError) {
    var fields = try file.fields(at: address, count: count)
    try fields.expect("FHDB")
    try visits.enter(at: address, count: count, fields)
    blocks.append(Block(start: start, count: count, address: address))
  }

  private static func log2(_ value: Int) -> Int {
    Int.bitWidth - 1 - max(1, value).leadingZeroBitCount
  }

  private mutating func addIndirect(
    at address: Int, start: Int, rows: Int, depth: Int, _ visits: inout HDF5Visits
  ) throws(CairnError) {
    var fields = try file.fields(at: address)
    try fields.expect("FHIB")
    try fields.version(0...0, of: "a block of blocks")
    try fields.skip(file.addressWidth + offsetWidth)
    // Blocks that are smaller than the whole first row cannot contain blocks; then `rows` is not
    // positive.
    let entries = max(0, rows) * width
    guard rows > 0, depth < 8, entries <= fields.remaining / file.addressWidth else {
      throw fields.failure(.invalidHeader, "a block of blocks is larger than the file")
    }
    try visits.enter(at: address, count: fields.consumed + entries * file.addressWidth + 4, fields)
    try file.checkSum(at: address, count: fields.consumed + entries * file.addressWidth)
    let directRows = Self.log2(largestDirect) - Self.log2(startingByteCount) + 2
    var next = start
    for row in 0..<rows {
      // Sizes double from the third row on.
      let doubled = 1 << min(62, max(0, row - 1))
      guard let count = startingByteCount.multiplied(by: doubled), count > 0 else {
        throw fields.failure(.invalidHeader, "a block of a heap is larger than can be counted")
      }
      for _ in 0..<width {
        let child = try fields.address()
        if let child {
          if row < directRows {
            try addDirect(at: child, start: next, count: count, &visits)
          } else {
            let rows = Self.log2(count) - Self.log2(startingByteCount) - Self.log2(width) + 1
            try addIndirect(at: child, start: next, rows: rows, depth: depth + 1, &visits)
          }
        }
        guard let sum = next.adding(count) else {
          throw fields.failure(.invalidHeader, "a heap is larger than can be counted")
        }
        next = sum
      }
    }
  }

  /// The last block that begins at or before an address of the heap.
  private func block(around offset: Int) -> Block? {
    var (low, high) = (0, blocks.count)
    while low < high {
      let middle = (low + high) / 2
      if blocks[middle].start <= offset { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? blocks[low - 1] : nil
  }

  /// A reader of an object, by its identifier.
  ///
  /// - Throws: `unsupported` for objects that lie outside the blocks.
  func fields(of identifier: [UInt8]) throws(CairnError) -> HDF5Fields {
    let nowhere = CairnError(
      .invalidHeader, "an object of a heap lies outside its blocks",
      at: .init(file: file.source.path), advice: HDF5Bytes.advice)
    guard let head = identifier.first else { throw nowhere }
    if head & 0xF0 == 0x10, !huge.isEmpty {
      let number = identifier.span.number(at: 1, width: identifier.count - 1)
      guard let number = Int(exactly: number), let range = huge[number] else { throw nowhere }
      return HDF5Fields(file, range)
    }
    guard head & 0xF0 == 0 else {
      throw CairnError(
        .unsupported, "an attribute or link is too large for its heap, and stands elsewhere",
        at: .init(file: file.source.path), found: "an object of kind \(head >> 4 & 3)")
    }
    func number(_ bytes: ArraySlice<UInt8>) -> Int? {
      var value: UInt64 = 0
      for (place, byte) in bytes.enumerated() where place < 8 {
        value |= UInt64(byte) << UInt64(8 * place)
      }
      return Int(exactly: value)
    }
    guard identifier.count >= 1 + offsetWidth + lengthWidth,
      let offset = number(identifier[1..<1 + offsetWidth]),
      let count = number(identifier[(1 + offsetWidth)..<(1 + offsetWidth + lengthWidth)]),
      let block = block(around: offset), offset - block.start >= headByteCount,
      count <= block.count, offset - block.start <= block.count - count
    else { throw nowhere }
    return try file.fields(at: block.address + offset - block.start, count: count)
  }
}

/// The heap of texts and sequences. A collection is read when one of its objects is asked for.
struct HDF5GlobalHeap {
  private let file: HDF5Bytes
  /// For each collection that was read: the ranges of its objects, by number.
  private var collections: [Int: [Int: Range<Int>]] = [:]

  private let budget: Budget

  init(_ file: HDF5Bytes, budget: Budget) {
    self.file = file
    self.budget = budget
  }

  /// Where an object of a collection is.
  mutating func object(
    _ number: Int, inCollectionAt address: Int, _ visits: inout HDF5Visits
  ) throws(CairnError) -> Range<Int> {
    if collections[address] == nil {
      collections[address] = try objects(at: address, &visits)
    }
    guard let range = collections[address]?[number] else {
      throw CairnError(
        .invalidHeader, "a text of the HDF5 file is not where it should be",
        at: .init(file: file.source.path, offset: UInt64(clamping: address)),
        expected: "object \(number)", advice: HDF5Bytes.advice)
    }
    return range
  }

  private func objects(
    at address: Int, _ visits: inout HDF5Visits
  ) throws(CairnError) -> [Int: Range<Int>] {
    var fields = try file.fields(at: address)
    try fields.expect("GCOL")
    try fields.version(1...1, of: "a heap of texts")
    try fields.skip(3)
    let whole = try fields.length()
    let head = fields.consumed
    guard whole >= head else {
      throw fields.failure(.invalidHeader, "a heap of texts is smaller than its head")
    }
    try visits.enter(at: address, count: whole, fields)
    let range = try file.range(at: address, count: whole)
    fields = HDF5Fields(file, range.lowerBound + head..<range.upperBound)
    var objects: [Int: Range<Int>] = [:]
    while fields.remaining >= 8 + file.lengthWidth {
      let number = try fields.number(2)
      try fields.skip(6)
      let count = try fields.length()
      // Number 0 is the free space at the end.
      guard number != 0 else { break }
      let start = range.lowerBound + head + fields.consumed
      try fields.skip(count)
      try budget.take(bytes: 64)
      guard objects.updateValue(start..<start + count, forKey: number) == nil else {
        throw fields.failure(.invalidHeader, "a heap of texts has two objects of one number")
      }
      try fields.skip(min(fields.remaining, (8 - count % 8) % 8))
    }
    return objects
  }
}
