// The fields of a GGUF file, in either byte order.

import CairnSystem

/// A place in a GGUF file's header.
struct GGUFReader {
  private var reader: ByteCursor
  /// Whether numbers have their most significant byte first.
  private(set) var isBigEndian = false

  /// The budget for everything that is made from the header.
  let budget: Budget

  init(_ source: any ByteSource, _ budget: Budget) {
    reader = ByteCursor(source)
    self.budget = budget
  }

  var position: Int { reader.position }
  var remaining: Int { reader.remaining }
  var location: CairnError.Location { reader.location }

  func failure(
    _ code: CairnError.Code, _ message: String, expected: String? = nil, found: String? = nil
  ) -> CairnError {
    reader.failure(
      code, message, expected: expected, found: found, advice: GGUFHeader.advice)
  }

  /// The version, which tells the byte order: its lower half is never zero.
  mutating func version() throws(CairnError) -> UInt32 {
    let version: UInt32 = try reader.integer()
    isBigEndian = version & 0xFFFF == 0
    return isBigEndian ? version.byteSwapped : version
  }

  mutating func byte() throws(CairnError) -> UInt8 { try reader.byte() }
  mutating func bytes(_ count: Int) throws(CairnError) -> [UInt8] { try reader.bytes(count) }

  mutating func integer<T: FixedWidthInteger>(
    _ type: T.Type = T.self
  ) throws(CairnError) -> T {
    let value: T = try reader.integer()
    return isBigEndian ? value.byteSwapped : value
  }

  /// A text: its length, then its bytes.
  mutating func text() throws(CairnError) -> [UInt8] {
    let count = Int(clamping: try integer(UInt64.self))
    // 48 bytes for the array's own header. An empty array has none.
    if count > 0 { try budget.take(bytes: min(count, reader.remaining) + 48) }
    return try reader.bytes(count)
  }

  /// Skips a text.
  mutating func skipText() throws(CairnError) {
    try reader.skip(Int(clamping: integer(UInt64.self)))
  }

  mutating func skip(_ count: Int) throws(CairnError) { try reader.skip(count) }

  /// A count of things that take at least `smallest` bytes each. A count beyond what the file can
  /// hold throws, so no loop runs over it.
  mutating func count(smallest: Int, limit: Int = .max) throws(CairnError) -> Int {
    let place = reader.location
    let count: UInt64 = try integer()
    let most = min(limit, reader.remaining / smallest)
    guard count <= UInt64(most) else {
      throw CairnError(
        .truncated, "the file is too short for what it counts", at: place,
        expected: "at most \(most)", found: "\(count)", advice: GGUFHeader.advice)
    }
    return Int(count)
  }
}
