// A tensor's bytes in a bundle's data file, checked against their CRC-32C before the first of them
// is used; and the texts of string tensors.

import CairnCheckpoints
import CairnContainer
import CairnSystem

/// Bytes with a CRC-32C in the index.
struct CheckedElements: ElementBytes {
  private let part: PartOfFile
  private let crc: UInt32
  private let checked = Lock(false)
  private let place: CairnError.Location

  init(_ file: any ByteSource, _ entry: BundleEntry) throws(CairnError) {
    part = try PartOfFile(file, at: entry.offset, count: entry.byteCount)
    crc = entry.crc
    place = .init(file: file.path, offset: UInt64(entry.offset))
  }

  var count: Int { part.count }

  func read(from offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError) {
    try checkOnce()
    try part.read(from: offset, into: &bytes)
  }

  func memory() throws(CairnError) -> ByteRegion? {
    try checkOnce()
    return try part.memory()
  }

  private func checkOnce() throws(CairnError) {
    try checked.withLock { (checked) throws(CairnError) in
      guard !checked else { return }
      try check()
      checked = true
    }
  }

  /// Reads all bytes and checks them.
  func check() throws(CairnError) {
    var found: UInt32 = 0
    try part.pass(0..<count, step: 1 << 20) { found = CRC32C.checksum($0, continuing: found) }
    try Self.compare(CRC32C.masked(found), crc, at: place)
  }

  private static func compare(
    _ found: UInt32, _ expected: UInt32, at place: CairnError.Location
  ) throws(CairnError) {
    guard found == expected else {
      throw CairnError(
        .checksumMismatch, "the tensor has another CRC-32C than the index records", at: place,
        expected: hex(expected, digits: 8), found: hex(found, digits: 8),
        advice: "The data file is damaged; fetch it again")
    }
  }

  /// The texts of a string tensor (`WriteStringTensor` of tensor_bundle.cc): lengths of variable
  /// length, their CRC-32C, the bytes. They become end offsets of 64 bits, then the bytes.
  static func texts(
    _ file: any ByteSource, _ entry: BundleEntry, elements: Int, budget: Budget
  ) throws(CairnError) -> HeldElements {
    let range = entry.offset..<entry.offset + entry.byteCount
    let place = CairnError.Location(file: file.path, offset: UInt64(entry.offset))
    // The length of each text takes at least one byte.
    guard elements <= entry.byteCount else {
      throw CairnError(
        .sizeMismatch, "the texts have fewer bytes than lengths", at: place,
        expected: "at least \(elements)", found: "\(entry.byteCount)")
    }
    // Offsets and bytes, and both twice more while they are made.
    try budget.take(3, of: elements.multipliedSaturated(by: 8))
    try budget.take(3, of: entry.byteCount)
    var reader = ProtobufReader(file, in: range)
    var crc: UInt32 = 0
    var ends: [UInt8] = []
    var end = 0
    for _ in 0..<elements {
      let length = try reader.varint()
      let width = length <= UInt64(UInt32.max) ? 4 : 8
      var bytes: [UInt8] = []
      bytes.append(littleEndian: length, width: width)
      crc = CRC32C.checksum(bytes.span, continuing: crc)
      guard let sum = end.adding(Int(clamping: length)), sum <= entry.byteCount else {
        throw CairnError(.sizeMismatch, "the texts are longer than their bytes", at: place)
      }
      end = sum
      ends.append(littleEndian: UInt64(end))
    }
    let stored = try reader.take(4)
    let masked = CRC32C.masked(crc)
    let expected: UInt32 = stored.span.field(0)
    try compare(masked, expected, at: place)
    crc = CRC32C.checksum(stored.span, continuing: crc)
    let bytes = try reader.take(end)
    guard reader.isAtEnd else {
      throw CairnError(.sizeMismatch, "bytes are left behind the texts", at: place)
    }
    crc = CRC32C.checksum(bytes.span, continuing: crc)
    try compare(CRC32C.masked(crc), entry.crc, at: place)
    return try HeldElements(ends + bytes)
  }
}

/// Parts, one after the other along a dimension.
struct ConcatenatedElements: ElementBytes {
  private let parts: [any ElementBytes]
  /// The bytes of each part in one row, and where they begin in the row.
  private let starts: [Int]
  private let rowByteCount: Int
  let count: Int

  /// - Parameter rows: the product of the dimensions ahead of the one that is cut, at least 1. Each
  ///   part has this number of rows.
  init(_ parts: [any ElementBytes], rows: Int) {
    self.parts = parts
    var starts = [0]
    for part in parts { starts.append((starts.last ?? 0) + part.count / rows) }
    self.starts = starts
    rowByteCount = starts.last ?? 0
    count = rowByteCount * rows
  }

  /// The last part that is not empty and begins at or before a place in a row.
  private func part(at within: Int) -> Int {
    var (low, high) = (0, parts.count)
    while low + 1 < high {
      let middle = (low + high) / 2
      if starts[middle] <= within { low = middle } else { high = middle }
    }
    return low
  }

  func read(from offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError) {
    var done = 0
    while done < bytes.count {
      let (row, within) = (offset + done).quotientAndRemainder(dividingBy: rowByteCount)
      let part = self.part(at: within)
      let width = starts[part + 1] - starts[part]
      let step = min(starts[part + 1] - within, bytes.count - done)
      try bytes.withPart(done..<done + step) { (target) throws(CairnError) in
        try parts[part].read(from: row * width + within - starts[part], into: &target)
      }
      done += step
    }
  }
}
