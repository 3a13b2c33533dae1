// The later kind of tree, which has records. Specification, III.A.2.

import CairnCheckpoints
import CairnContainer
import CairnSystem

/// The records of a tree of the second version.
enum HDF5RecordTree {
  /// All records, in the tree's order.
  static func records(
    of file: HDF5Bytes, at address: Int, type: UInt8, maximumCount: Int,
    _ visits: inout HDF5Visits
  ) throws(CairnError) -> [[UInt8]] {
    var walk = try Walk(file, at: address, type: type, maximumCount: maximumCount, &visits)
    return try walk.run(&visits)
  }

  private struct Walk {
    let file: HDF5Bytes
    let type: UInt8
    let recordByteCount: Int
    let nodeByteCount: Int
    let depth: Int
    let root: Int?
    let rootCount: Int
    let maximumCount: Int
    /// For each level from the leaves up: the widths of two counts, of a node's own records and of
    /// all records in and below it.
    var widths: [(own: Int, total: Int)] = []
    var records: [[UInt8]] = []

    init(
      _ file: HDF5Bytes, at address: Int, type: UInt8, maximumCount: Int,
      _ visits: inout HDF5Visits
    ) throws(CairnError) {
      var fields = try file.fields(at: address)
      try fields.expect("BTHD")
      try fields.version(0...0, of: "a tree of records")
      let found = try fields.byte()
      nodeByteCount = try fields.number(4)
      recordByteCount = try fields.number(2)
      depth = try fields.number(2)
      try fields.skip(2)
      root = try fields.address()
      rootCount = try fields.number(2)
      _ = try fields.length()
      try visits.enter(at: address, count: fields.consumed + 4, fields)
      try file.checkSum(at: address, count: fields.consumed)
      guard found == type, (8...320).contains(recordByteCount),
        (recordByteCount + 10...1 << 24).contains(nodeByteCount), depth < 8
      else {
        throw fields.failure(.invalidHeader, "a tree of records has a head that none can have")
      }
      self.file = file
      self.type = type
      self.maximumCount = maximumCount
      // As H5B2hdr.c computes them.
      var most = (nodeByteCount - 10) / recordByteCount
      var total = most
      let own = Self.width(most)
      widths.append((own, 0))
      for _ in 0..<depth {
        let pointer = file.addressWidth + own + (widths.last?.total ?? 0)
        most = max(0, nodeByteCount - 10 - pointer) / (recordByteCount + pointer)
        total = (most + 1).multipliedSaturated(by: total).addingSaturated(most)
        widths.append((own, Self.width(total)))
      }
    }

    private static func width(_ limit: Int) -> Int {
      max(1, (Int.bitWidth - max(0, limit).leadingZeroBitCount + 7) / 8)
    }

    mutating func run(_ visits: inout HDF5Visits) throws(CairnError) -> [[UInt8]] {
      if let root { try node(at: root, count: rootCount, level: depth, &visits) }
      return records
    }

    private mutating func node(
      at address: Int, count: Int, level: Int, _ visits: inout HDF5Visits
    ) throws(CairnError) {
      var fields = try file.fields(at: address, count: nil)
      try fields.expect(level == 0 ? "BTLF" : "BTIN")
      try fields.version(0...0, of: "a node of records")
      let found = try fields.byte()
      guard found == type, count <= maximumCount - records.count else {
        throw fields.failure(.invalidHeader, "a node of records has a head that none can have")
      }
      var own: [[UInt8]] = []
      for _ in 0..<count { own.append(try fields.bytes(recordByteCount)) }
      var children: [(address: Int, count: Int)] = []
      if level > 0 {
        for _ in 0...count {
          let child = try fields.definedAddress()
          children.append((child, try fields.number(widths[level - 1].own)))
          try fields.skip(widths[level - 1].total)
        }
      }
      try visits.enter(at: address, count: fields.consumed + 4, fields)
      try file.checkSum(at: address, count: fields.consumed)
      for (place, record) in own.enumerated() {
        if level > 0 {
          try node(
            at: children[place].address, count: children[place].count, level: level - 1, &visits)
        }
        records.append(record)
      }
      if let last = children.last {
        try node(at: last.address, count: last.count, level: level - 1, &visits)
      }
    }
  }
}
