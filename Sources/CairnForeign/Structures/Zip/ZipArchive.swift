// A strict reader of ZIP archives, as far as checkpoints use them: members stored or deflated,
// ZIP64. PKWARE's APPNOTE.TXT 6.3.10. Broken archives that tools read differently are refused.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors

/// Where an archive may differ from the rules of the format.
struct ZipTolerance: Sendable {
  /// Whether bytes may follow the archive's end, within the 64 KiB in which readers look for it.
  var allowsTail = false
  /// Whether a CRC-32 of 0 means that there is none, as in files that PyTorch saves without
  /// checksums.
  var zeroMeansUnchecked = false
  /// Whether a name may be any text. Where nothing is ever unpacked, a name that leads out of a
  /// folder does no harm.
  var allowsAnyName = false
  /// Whether the bytes that deflated members give are limited to a plausible number.
  var boundsExpansion = false
  /// If set, bytes that are inflated only to reach others are limited: to this number, and 16 times
  /// the archive's size.
  var waste: Int?

  /// The rules of the format.
  static let none = ZipTolerance()
  /// What PyTorch itself reads.
  static let torch = ZipTolerance(
    allowsTail: true, zeroMeansUnchecked: true, boundsExpansion: true, waste: 256 << 20)
  /// The rules of the format, for arrays that deflate no better than a mask with few ones.
  static let numpy = ZipTolerance(
    allowsAnyName: true, boundsExpansion: true, waste: 256 << 20)
}

/// An archive whose central directory has been read and checked against every local header.
///
/// Refused are members that overlap, names that occur twice, names that lead out of a folder,
/// encryption, methods other than stored and deflate, more than one disk, sizes that DEFLATE cannot
/// reach, and any difference between the central directory and a local header, a descriptor or the
/// ZIP64 record.
struct ZipArchive: Sendable {
  let source: any ByteSource
  /// The members that are not folders, in the order of the central directory.
  private(set) var members: [ZipMember] = []
  /// The places of those members in the list, by the UTF-8 of their names.
  private let indices: [ByteKey: Int]
  private let inflater: InflaterPool
  /// Bytes behind the archive's end.
  let trailingByteCount: Int
  private let tolerance: ZipTolerance

  static let advice = "The archive is damaged or hostile; fetch it again"
  static let centralSignature: UInt32 = 0x0201_4B50

  /// Reads an archive's directory.
  ///
  /// - Parameter memberLimit: The most members; each takes some 200 bytes of memory.
  /// - Throws: `truncated`, `invalidArchive`, `unsupported`, `duplicateName`, `invalidPath`,
  ///   `limitExceeded`, each with the offset; and the errors of reading.
  init(
    _ source: any ByteSource, memberLimit: Int = 1 << 20, tolerance: ZipTolerance = .none
  ) throws(CairnError) {
    self.source = source
    self.tolerance = tolerance
    let directory = try ZipDirectory(
      source, memberLimit: memberLimit, allowsTail: tolerance.allowsTail)
    trailingByteCount = directory.trailingByteCount
    var all: [ZipMember] = []
    var indices: [ByteKey: Int] = [:]
    var names = Set<ByteKey>()
    var reader = ByteCursor(source, in: directory.range)
    for _ in 0..<directory.memberCount {
      let start = reader.location
      var (member, nameBytes) = try Self.centralMember(&reader, tolerance)
      guard names.insert(ByteKey(member.name)).inserted else {
        throw CairnError(
          .duplicateName, "two members of the archive have the same name",
          at: .init(file: source.path, offset: start.offset, name: member.name))
      }
      try member.checkLocalHeader(
        in: source, nameBytes: nameBytes, before: directory.range.lowerBound)
      all.append(member)
    }
    guard reader.isAtEnd else {
      throw reader.failure(
        .invalidArchive, "the central directory goes on after its last member",
        expected: "\(directory.memberCount) members", advice: Self.advice)
    }
    try Self.checkOverlap(all, path: source.path)
    for member in all where !member.isFolder {
      indices[ByteKey(member.name)] = members.count
      members.append(member)
    }
    self.indices = indices
    // To go back in a deflated member, decoding must start again. Doing this so often that it takes
    // long is refused.
    let waste = tolerance.waste.map { source.count.allowance(times: 16, plus: $0) }
    inflater = InflaterPool(
      source, waste: waste, refusal: Self.refusal(of: members, source, tolerance))
  }

  /// The member of that name.
  func member(_ name: String) -> ZipMember? { member(ByteKey(name)) }

  /// The member of that name.
  func member(_ name: ByteKey) -> ZipMember? { indices[name].map { members[$0] } }

  /// The content of a member.
  func content(of member: ZipMember) -> ZipContent {
    ZipContent(
      source: source, member: member, inflater: inflater,
      isChecked: !(tolerance.zeroMeansUnchecked && member.crc == 0))
  }

  /// The bytes of a member's content.
  func bytes(of member: ZipMember) throws(CairnError) -> [UInt8] {
    let content = content(of: member)
    return try content.withBytes(in: 0..<content.count) { $0.array }
  }

  /// Reads every member and checks it against its CRC-32.
  ///
  /// - Parameter progress: Told of the bytes of content that have been read.
  func checkContents(_ progress: ProgressHandler) throws(CairnError) {
    let total = contentByteCount
    var done = 0
    for member in members {
      try content(of: member).checkAll { (count) throws(CairnError) in
        try WorkProgress.report(done + count, of: total, to: progress)
      }
      done += member.byteCount
    }
  }

  /// The error for inflating anything, if inflation is bounded and the members would be far more
  /// than the archive has bytes for.
  private static func refusal(
    of members: [ZipMember], _ source: any ByteSource, _ tolerance: ZipTolerance
  ) -> CairnError? {
    guard tolerance.boundsExpansion else { return nil }
    let most = Int.plausible(ofFile: source.count)
    let total = members.lazy.filter { $0.method == .deflated }
      .reduce(0) { $0.addingSaturated($1.byteCount) }
    guard total > most else { return nil }
    return CairnError(
      .overBudget, "what the archive's members inflate to takes more work than is allowed",
      at: .init(file: source.path), expected: "at most \(most) bytes", found: "\(total)",
      advice: "Save the checkpoint without compression")
  }

  /// The bytes of content of all members.
  private var contentByteCount: Int {
    members.sumSaturated(\.byteCount)
  }

  private static func checkOverlap(_ members: [ZipMember], path: String?) throws(CairnError) {
    var end = 0
    for member in members.sorted(by: { $0.headerOffset < $1.headerOffset }) {
      guard member.headerOffset >= end else {
        throw CairnError(
          .invalidArchive, "two members of the archive overlap",
          at: .init(file: path, offset: UInt64(member.headerOffset), name: member.name),
          expected: "a member from byte \(end) on", advice: advice)
      }
      end = member.end
    }
  }

  /// One record of the central directory.
  private static func centralMember(
    _ reader: inout ByteCursor, _ tolerance: ZipTolerance
  ) throws(CairnError) -> (ZipMember, [UInt8]) {
    let start = reader.location
    let signature: UInt32 = try reader.integer()
    guard signature == centralSignature else {
      throw CairnError(
        .invalidArchive, "the central directory does not go on with a member", at: start,
        expected: "PK\\x01\\x02", advice: advice)
    }
    try reader.skip(4)
    let fields = try ZipFields(&reader)
    let commentCount: UInt16 = try reader.integer()
    let disk: UInt16 = try reader.integer()
    try reader.skip(6)
    let offset: UInt32 = try reader.integer()
    let nameBytes = try reader.bytes(Int(fields.nameCount))
    let name = try ZipName.decode(
      nameBytes, isUTF8: fields.flags & ZipMember.utf8Flag != 0,
      allowsAny: tolerance.allowsAnyName, at: start)
    var sizes = ZipExtra.Sizes(stored: fields.stored, plain: fields.plain, offset: offset)
    try ZipExtra.apply(try reader.bytes(Int(fields.extraCount)), to: &sizes, at: start, name: name)
    try reader.skip(Int(commentCount))
    func refuse(_ code: CairnError.Code, _ message: String, _ found: String?) -> CairnError {
      CairnError(
        code, message, at: .init(file: start.file, offset: start.offset, name: name),
        found: found)
    }
    // Bit 0: encrypted; 5: patched; 6: strong encryption; 13: masked headers.
    guard fields.flags & 0b0010_0000_0110_0001 == 0 else {
      throw refuse(.unsupported, "a member of the archive is encrypted", "flags \(fields.flags)")
    }
    guard let method = ZipMember.Method(rawValue: fields.method) else {
      throw refuse(
        .unsupported, "a member is compressed by a method other than stored and deflate",
        "method \(fields.method)")
    }
    guard disk == 0 else {
      throw refuse(.unsupported, "the archive spans several disks", "disk \(disk)")
    }
    guard let stored = Int(exactly: sizes.stored), let plain = Int(exactly: sizes.plain),
      let offset = Int(exactly: sizes.offset)
    else { throw refuse(.invalidArchive, "a size is more than can be counted", nil) }
    let member = ZipMember(
      name: name, method: method, flags: fields.flags, crc: fields.crc, storedByteCount: stored,
      byteCount: plain, headerOffset: offset)
    try checkSizes(member, at: start)
    return (member, nameBytes)
  }

  private static func checkSizes(
    _ member: ZipMember, at place: CairnError.Location
  ) throws(CairnError) {
    let place = CairnError.Location(file: place.file, offset: place.offset, name: member.name)
    if member.method == .stored {
      guard member.byteCount == member.storedByteCount else {
        throw CairnError(
          .invalidArchive, "a stored member has two sizes", at: place,
          expected: "\(member.storedByteCount)", found: "\(member.byteCount)", advice: advice)
      }
      return
    }
    let most = member.storedByteCount.multipliedSaturated(by: ZipMember.largestExpansion)
    guard member.byteCount <= most.addingSaturated(64) else {
      throw CairnError(
        .invalidArchive, "a member claims to be larger than DEFLATE can make it", at: place,
        expected: "at most \(most) bytes", found: "\(member.byteCount)", advice: advice)
    }
  }
}
