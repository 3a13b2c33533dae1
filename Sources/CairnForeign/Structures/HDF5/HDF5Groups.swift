// What a group holds: a tree of names (old groups), or link messages in the header or in a heap
// (new groups). Specification, III.A.1, III.B, III.C, III.D, IV.A.2.c, f, g, r.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors

/// A name in a group, and the address of the object header that it leads to.
struct HDF5Link: Sendable {
  var name: [UInt8]
  var address: Int
  /// The kind of a link that does not lead to an object of the file: "soft", "external". It has a
  /// path, which is not followed.
  var kind: String?
  /// The place in the order of creation, if the group keeps it.
  var order: UInt64?
}

/// Reads the links of a group.
struct HDF5LinkReader {
  let file: HDF5Bytes
  let maximumCount: Int
  let budget: Budget
  private(set) var links: [HDF5Link] = []

  private static let longestName = 1 << 16
  static let deepestTree = 32

  init(_ file: HDF5Bytes, maximumCount: Int, budget: Budget) {
    self.file = file
    self.maximumCount = maximumCount
    self.budget = budget
  }

  /// Whether a header belongs to a group.
  static func isGroup(_ header: HDF5ObjectHeader) -> Bool {
    header.messages.contains { $0.kind == .symbolTable || $0.kind == .linkInfo }
  }

  /// All links of the group, in the order of creation if the group keeps it, otherwise by the
  /// names' bytes.
  ///
  mutating func read(
    _ header: HDF5ObjectHeader, _ visits: inout HDF5Visits
  ) throws(CairnError) -> [HDF5Link] {
    if var fields = try header.fields(of: .symbolTable) {
      let tree = try fields.definedAddress()
      let names = try LocalHeap(file, at: fields.definedAddress(), &visits)
      try readTree(at: tree, level: nil, names, &visits)
    }
    for message in header.messages where message.kind == .link {
      var fields = try header.fields(message)
      try add(link: &fields)
    }
    if var fields = try header.fields(of: .linkInfo) {
      try fields.version(0...0, of: "a group's link information")
      let flags = try fields.byte()
      if flags & 1 != 0 { try fields.skip(8) }
      let heap = try fields.address()
      let index = try fields.address()
      if let heap, let index {
        let objects = try HDF5FractalHeap(file, at: heap, &visits)
        let records = try HDF5RecordTree.records(
          of: file, at: index, type: 5, maximumCount: maximumCount, &visits)
        for record in records {
          // A hash of the name, then the heap's identifier.
          var fields = try objects.fields(of: Array(record.dropFirst(4)))
          try add(link: &fields)
        }
      }
    }
    let areOrdered = links.allSatisfy { $0.order != nil }
    links.sort {
      if areOrdered, let left = $0.order, let right = $1.order, left != right {
        return left < right
      }
      return $0.name.lexicographicallyPrecedes($1.name)
    }
    return links
  }

  private mutating func append(
    _ name: [UInt8], _ address: Int, _ order: UInt64?, _ fields: HDF5Fields, kind: String? = nil
  ) throws(CairnError) {
    try budget.take(bytes: name.count + 96)
    guard links.count < maximumCount else {
      throw fields.failure(
        .limitExceeded, "the file has more objects than is allowed",
        expected: "at most \(maximumCount)", advice: "Allow more in the limits")
    }
    guard !name.isEmpty, !name.contains(UInt8(ascii: "/")), name != [UInt8(ascii: ".")] else {
      throw fields.failure(
        .invalidName, "a name in the HDF5 file can be none of a group's",
        found: String(decoding: name, as: UTF8.self).excerpt)
    }
    links.append(HDF5Link(name: name, address: address, kind: kind, order: order))
  }

  private mutating func add(link fields: inout HDF5Fields) throws(CairnError) {
    try fields.version(1...1, of: "a link")
    let flags = try fields.byte()
    let kind = flags & 8 != 0 ? try fields.byte() : 0
    let order = flags & 4 != 0 ? try fields.unsigned(8) : nil
    if flags & 0x10 != 0 { try fields.skip(1) }
    let count = try fields.number(1 << Int(flags & 3))
    guard count <= Self.longestName else {
      throw fields.failure(
        .invalidName, "a name in the HDF5 file is too long",
        expected: "at most \(Self.longestName) bytes", found: "\(count)")
    }
    let name = try fields.bytes(count)
    guard kind == 0 else {
      let found = kind == 64 ? "external link" : kind == 1 ? "soft link" : "link of kind \(kind)"
      return try append(name, 0, order, fields, kind: found)
    }
    try append(name, try fields.definedAddress(), order, fields)
  }

  /// Reads a node of an old group's tree, one level below its parent.
  private mutating func readTree(
    at address: Int, level expected: Int?, _ names: LocalHeap, _ visits: inout HDF5Visits
  ) throws(CairnError) {
    var fields = try file.fields(at: address)
    let node = try HDF5TreeNode(&fields, kind: 0, below: expected)
    let entryCount = file.lengthWidth + file.addressWidth
    try visits.enter(at: address, count: node.byteCount(entryCount), fields)
    try fields.skip(file.lengthWidth)
    for _ in 0..<node.count {
      let child = try fields.definedAddress()
      try fields.skip(file.lengthWidth)
      if node.level > 0 {
        try readTree(at: child, level: node.level - 1, names, &visits)
      } else {
        try readSymbols(at: child, names, &visits)
      }
    }
  }

  private mutating func readSymbols(
    at address: Int, _ names: LocalHeap, _ visits: inout HDF5Visits
  ) throws(CairnError) {
    var fields = try file.fields(at: address)
    try fields.expect("SNOD")
    try fields.version(1...1, of: "a node of symbols")
    try fields.skip(1)
    let count = try fields.number(2)
    let entryCount = file.lengthWidth + file.addressWidth + 24
    try visits.enter(at: address, count: 8 + count * entryCount, fields)
    for _ in 0..<count {
      let name = try names.text(at: fields.length(), limit: Self.longestName)
      let object = try fields.address()
      let cached = try fields.number(4)
      try fields.skip(20)
      guard cached != 2, let object else {
        try append(name, 0, nil, fields, kind: "soft link")
        continue
      }
      try append(name, object, nil, fields)
    }
  }
}

/// The head of a node of the old kind of tree.
struct HDF5TreeNode {
  let level: Int
  /// How many children it has.
  let count: Int
  private let headByteCount: Int

  /// - Parameters:
  ///   - kind: 0 for the names of a group, 1 for the chunks of an array.
  ///   - below: The level that the node must have; nil for a root.
  init(_ fields: inout HDF5Fields, kind: UInt8, below: Int?) throws(CairnError) {
    let start = fields.consumed
    let place = fields.location
    try fields.expect("TREE")
    let found = try fields.byte()
    level = try fields.number(1)
    count = try fields.number(2)
    _ = try fields.address()
    _ = try fields.address()
    let isInPlace: Bool
    if let below {
      isInPlace = below == level
    } else {
      isInPlace = level < HDF5LinkReader.deepestTree
    }
    guard found == kind, isInPlace else {
      throw CairnError(
        .invalidHeader, "a node of a tree is of another kind or level than its place asks for",
        at: place, advice: HDF5Bytes.advice)
    }
    headByteCount = fields.consumed - start
  }

  /// The bytes of the whole node. A key and a child take `entry` bytes together.
  func byteCount(_ entry: Int) -> Int { headByteCount + count * entry }
}

/// The names of an old group.
private struct LocalHeap {
  let file: HDF5Bytes
  let data: Range<Int>

  init(_ file: HDF5Bytes, at address: Int, _ visits: inout HDF5Visits) throws(CairnError) {
    var fields = try file.fields(at: address)
    try fields.expect("HEAP")
    try fields.version(0...0, of: "a local heap")
    try fields.skip(3)
    let count = try fields.length()
    _ = try fields.length()
    let start = try fields.definedAddress()
    data = try file.range(at: start, count: count)
    try visits.enter(at: address, count: fields.consumed, fields)
    self.file = file
  }

  /// The text from an offset to the next NUL.
  func text(at offset: Int, limit: Int) throws(CairnError) -> [UInt8] {
    var fields = HDF5Fields(file, data)
    try fields.skip(offset)
    var text: [UInt8] = []
    while true {
      let byte = try fields.byte()
      if byte == 0 { return text }
      guard text.count < limit else {
        throw fields.failure(
          .invalidName, "a name in the HDF5 file is too long", expected: "at most \(limit) bytes")
      }
      text.append(byte)
    }
  }
}
