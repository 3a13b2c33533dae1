// The superblock and the object headers: the start of everything in an HDF5 file. Specification, II
// and IV.A.

import CairnCheckpoints
import CairnContainer
import CairnSystem

/// What the superblock says.
struct HDF5Superblock: Sendable {
  static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

  let file: HDF5Bytes
  let version: UInt8
  /// The address of the root group's object header.
  let root: Int

  /// Where the signature may be: at 0, or at 512, 1024 … behind a block of the user's.
  static func place(in source: any ByteSource) -> Int? {
    var place = 0
    while place <= source.count - signature.count {
      var reader = ByteCursor(source, in: place..<place + signature.count)
      if (try? reader.bytes(signature.count)) == signature { return place }
      place = place == 0 ? 512 : place * 2
    }
    return nil
  }

  /// Reads the superblock.
  ///
  /// - Throws: `invalidHeader`, `truncated`, `unsupported`, `checksumMismatch`.
  init(_ source: any ByteSource) throws(CairnError) {
    guard let place = Self.place(in: source) else {
      throw CairnError(
        .invalidHeader, "the file does not begin as an HDF5 file does",
        at: .init(file: source.path, offset: 0), expected: "89 48 44 46 0D 0A 1A 0A",
        advice: "It is no HDF5 file, or damaged")
    }
    var file = HDF5Bytes(source: source)
    var fields = try file.fields(at: place)
    try fields.skip(8)
    version = try fields.version(0...3, of: "the superblock")
    if version < 2 { try fields.skip(4) }
    file.addressWidth = try Self.width(&fields)
    file.lengthWidth = try Self.width(&fields)
    // From here on fields have the widths that were just read.
    let done = fields.consumed
    fields = try file.fields(at: place)
    try fields.skip(done)
    // Reserved, the ranks of group trees, flags; version 1 has the rank of chunk trees too.
    try fields.skip(version < 2 ? (version == 0 ? 9 : 13) : 1)
    // The place that the file gives for itself is ignored, as in the library: the file may have
    // been moved.
    _ = try fields.address()
    file.base = place
    _ = try fields.address()
    let end = try fields.definedAddress()
    guard end <= source.count else {
      throw CairnError(
        .truncated, "the file is shorter than its superblock says", at: .init(file: source.path),
        expected: "\(end) bytes", found: "\(source.count)",
        advice: "The file is cut short; fetch it again")
    }
    if version < 2 {
      _ = try fields.address()
      _ = try fields.length()
      root = try fields.definedAddress()
    } else {
      root = try fields.definedAddress()
      try file.checkSum(at: 0, count: fields.consumed)
    }
    self.file = file
  }

  private static func width(_ fields: inout HDF5Fields) throws(CairnError) -> Int {
    let place = fields.location
    let width = try fields.byte()
    guard [2, 4, 8].contains(width) else {
      throw CairnError(
        .unsupported, "the HDF5 file's addresses have a width that Cairn does not know", at: place,
        expected: "2, 4 or 8 bytes", found: "\(width)")
    }
    return Int(width)
  }
}

/// A message of an object header: its kind, and where its body is in the source.
struct HDF5Message: Sendable {
  enum Kind: UInt8 {
    case dataspace = 1
    case linkInfo, datatype, oldFillValue, fillValue, link, externalFiles, layout
    case filters = 0x0B
    case attribute = 0x0C
    case continuation = 0x10
    case symbolTable = 0x11
    case attributeInfo = 0x15
  }
  var kind: Kind
  var body: Range<Int>
  /// Whether the body is only a reference to the message.
  var isShared = false
}

/// The messages of an object.
struct HDF5ObjectHeader: Sendable {
  private(set) var messages: [HDF5Message] = []
  let file: HDF5Bytes

  /// Reads the header at an address, with all its continuations.
  ///
  /// - Parameter visits: What has been read before. Nothing is read twice.
  /// - Throws: `invalidHeader`, `unsupported`, `checksumMismatch`, `truncated`.
  init(_ file: HDF5Bytes, at address: Int, _ visits: inout HDF5Visits) throws(CairnError) {
    self.file = file
    var fields = try file.fields(at: address)
    var blocks: [Range<Int>] = []
    if try fields.byte() == 1 {
      try fields.skip(1)
      let limit = try fields.number(2)
      try fields.skip(4)
      let size = try fields.number(4)
      let start = try file.range(at: address, count: 16).upperBound - file.base
      try visits.enter(at: address, count: 16 + size, fields)
      blocks.append(try file.range(at: start, count: size))
      var seen = 0
      var next = 0
      while next < blocks.count {
        try readOld(blocks[next], &blocks, &seen, limit, &visits)
        next += 1
      }
      return
    }
    fields = try file.fields(at: address)
    try fields.expect("OHDR")
    try fields.version(2...2, of: "an object header")
    let flags = try fields.byte()
    if flags & 0x20 != 0 { try fields.skip(16) }
    if flags & 0x10 != 0 { try fields.skip(4) }
    let size = try fields.number(1 << Int(flags & 3))
    let start = address + fields.consumed
    guard let whole = (start - address).adding(size), whole <= fields.remaining + fields.consumed
    else {
      throw fields.failure(.truncated, "an object header goes on behind the file's end")
    }
    try visits.enter(at: address, count: whole + 4, fields)
    try file.checkSum(at: address, count: whole)
    blocks.append(try file.range(at: start, count: size))
    var next = 0
    while next < blocks.count {
      try readNew(blocks[next], isOrdered: flags & 4 != 0, &blocks, &visits)
      next += 1
    }
  }

  private mutating func readOld(
    _ range: Range<Int>, _ blocks: inout [Range<Int>], _ seen: inout Int, _ limit: Int,
    _ visits: inout HDF5Visits
  ) throws(CairnError) {
    var fields = HDF5Fields(file, range)
    while fields.remaining >= 8, seen < limit {
      seen += 1
      let kind = try fields.number(2)
      let size = try fields.number(2)
      let flags = try fields.byte()
      try fields.skip(3)
      let start = range.lowerBound + fields.consumed
      try fields.skip(size)
      guard let body = try add(kind, flags, start..<start + size, fields) else { continue }
      var pointer = HDF5Fields(file, body)
      let address = try pointer.definedAddress()
      let count = try pointer.length()
      let block = try file.range(at: address, count: count)
      try visits.enter(at: address, count: count, pointer)
      blocks.append(block)
    }
  }

  private mutating func readNew(
    _ range: Range<Int>, isOrdered: Bool, _ blocks: inout [Range<Int>], _ visits: inout HDF5Visits
  ) throws(CairnError) {
    var fields = HDF5Fields(file, range)
    let headCount = isOrdered ? 6 : 4
    // If fewer bytes are left than a message's head takes, they are a gap.
    while fields.remaining >= headCount {
      let kind = try fields.number(1)
      let size = try fields.number(2)
      let flags = try fields.byte()
      if isOrdered { try fields.skip(2) }
      let start = range.lowerBound + fields.consumed
      try fields.skip(size)
      guard let body = try add(kind, flags, start..<start + size, fields) else { continue }
      var pointer = HDF5Fields(file, body)
      let address = try pointer.definedAddress()
      let count = try pointer.length()
      guard count >= 8 else {
        throw pointer.failure(.invalidHeader, "a continuation is too short")
      }
      let block = try file.range(at: address, count: count)
      try visits.enter(at: address, count: count, pointer)
      try file.checkSum(at: address, count: count - 4)
      var head = HDF5Fields(file, block)
      try head.expect("OCHK")
      blocks.append(block.lowerBound + 4..<block.upperBound - 4)
    }
  }

  /// Keeps a message. For a continuation message, returns the body, which says where the header
  /// goes on.
  private mutating func add(
    _ kind: Int, _ flags: UInt8, _ body: Range<Int>, _ fields: HDF5Fields
  ) throws(CairnError) -> Range<Int>? {
    guard let raw = UInt8(exactly: kind), let kind = HDF5Message.Kind(rawValue: raw) else {
      guard flags & 0x80 == 0 else {
        throw fields.failure(
          .unsupported, "an object has a message that must be understood and is not",
          found: "type \(kind)", advice: nil)
      }
      return nil
    }
    let isShared = flags & 2 != 0
    if kind == .continuation {
      guard !isShared else {
        throw fields.failure(.invalidHeader, "a continuation of a header stands elsewhere")
      }
      return body
    }
    messages.append(HDF5Message(kind: kind, body: body, isShared: isShared))
    return nil
  }

  /// Whether there is a message of that kind.
  func has(_ kind: HDF5Message.Kind) -> Bool { messages.contains { $0.kind == kind } }

  /// A reader of the first message of that kind.
  ///
  /// - Throws: `unsupported` for a shared message that cannot be found; what is wrong with the
  ///   header that has the message.
  func fields(of kind: HDF5Message.Kind) throws(CairnError) -> HDF5Fields? {
    guard let message = messages.first(where: { $0.kind == kind }) else { return nil }
    return try fields(message)
  }

  /// A reader of a message, in this header or shared.
  func fields(_ message: HDF5Message) throws(CairnError) -> HDF5Fields {
    let fields = HDF5Fields(file, message.body)
    return message.isShared ? try Self.shared(message.kind, fields) : fields
  }

  /// Readers of all messages of that kind, and whether each message is only a reference.
  func all(_ kind: HDF5Message.Kind) -> [(fields: HDF5Fields, isShared: Bool)] {
    messages.filter { $0.kind == kind }.map { (HDF5Fields(file, $0.body), $0.isShared) }
  }

  /// A reader of a message in another object's header, that of a named type. Specification, IV.A.2
  /// ("shared message").
  static func shared(
    _ kind: HDF5Message.Kind, _ place: HDF5Fields
  ) throws(CairnError) -> HDF5Fields {
    var fields = place
    let version = try fields.version(1...3, of: "a reference to a shared message")
    let type = try fields.byte()
    if version == 1 { try fields.skip(6) }
    guard version < 3 || type == 2 else {
      throw fields.failure(
        .unsupported, "a type or message stands in a heap that the whole file shares",
        found: "a shared message", advice: "Save the file without shared messages")
    }
    // Visits are counted for each header separately: many datasets may have one type, and a type
    // refers to no other.
    var visits = HDF5Visits(fields.file.source)
    let header = try HDF5ObjectHeader(fields.file, at: fields.definedAddress(), &visits)
    guard let message = header.messages.first(where: { $0.kind == kind && !$0.isShared }) else {
      throw fields.failure(.invalidHeader, "a shared message is not where it should be")
    }
    return HDF5Fields(fields.file, message.body)
  }
}

/// The structures of a file that were read. Each is read only once. So cycles end, and the size of
/// the file bounds the work.
struct HDF5Visits {
  private var starts: Set<Int> = []
  private var total = 0
  private let limit: Int

  init(_ source: any ByteSource) { limit = source.count }

  /// Whether a structure was read at that address.
  func contains(_ address: Int) -> Bool { starts.contains(address) }

  /// Notes that a structure is read.
  ///
  /// - Throws: `invalidHeader` if one was read at that address before, or if all together have more
  ///   bytes than the file.
  mutating func enter(at address: Int, count: Int, _ fields: HDF5Fields) throws(CairnError) {
    guard starts.insert(address).inserted, let sum = total.adding(max(0, count)), sum <= limit
    else {
      throw fields.failure(
        .invalidHeader, "a structure of the HDF5 file is used twice, or leads back to itself")
    }
    total = sum
  }
}
