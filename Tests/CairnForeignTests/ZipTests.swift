// Archives that must be refused, each with its code, and the ones that may not be.

import CairnCheckpoints
import CairnCodec
import CairnContainer
@testable import CairnForeign
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite struct ZipTests {
  /// A forged archive of two members with one thing wrong.
  private static func forge(_ change: (inout ZipForge) -> Void) -> [UInt8] {
    var forge = ZipForge(members: [
      ForgedMember("a.txt", Array("one".utf8)), ForgedMember("b.txt", Array("two and more".utf8)),
    ])
    change(&forge)
    return forge.bytes
  }

  private static func read(_ bytes: [UInt8]) throws(CairnError) {
    let archive = try ZipArchive(MemoryBytes(bytes))
    try archive.checkContents { (_) throws(CairnError) in }
  }

  @Test func `An honest archive is read`() throws {
    let archive = try ZipArchive(MemoryBytes(Self.forge { _ in }))
    #expect(archive.members.map(\.name) == ["a.txt", "b.txt"])
    let member = try #require(archive.member("b.txt"))
    let content = archive.content(of: member)
    #expect(try content.withBytes(in: 0..<content.count) { $0.array } == Array("two and more".utf8))
    // A comment at the end, folders, and the bytes of the end record within the comment.
    try Self.read(Self.forge { $0.comment = Array("any comment".utf8) })
    try Self.read(Self.forge { $0.members.append(ForgedMember("folder/", [])) })
    try Self.read(
      Self.forge { $0.comment = [0x50, 0x4B, 5, 6] + [UInt8](repeating: 1, count: 30) })
    #expect(try ZipArchive(MemoryBytes(ZipForge(members: []).bytes)).members.isEmpty)
  }

  struct Hostile: Sendable, CustomTestStringConvertible {
    var what: String
    var code: CairnError.Code
    var bytes: [UInt8]
    var testDescription: String { what }

    init(_ what: String, _ code: CairnError.Code, _ change: (inout ZipForge) -> Void) {
      self.what = what
      self.code = code
      bytes = ZipTests.forge(change)
    }
  }

  static let hostile: [Hostile] = [
    .init("two members at one place", .invalidArchive) {
      $0.members[1] = $0.members[0]
      $0.members[1].name = "c.txt"
      $0.members[1].localName = "c.txt"
      $0.members[1].offset = 0
    },
    .init("a member within another's data", .invalidArchive) {
      let inner = ZipForge(members: [ForgedMember("b.txt", Array("two and more".utf8))]).bytes
      $0.members[0].data = Array(inner.prefix(47))
      $0.members[1].offset = 35
    },
    .init("one name twice", .duplicateName) {
      $0.members[1].name = "a.txt"
      $0.members[1].localName = "a.txt"
    },
    .init("a name that goes up", .invalidPath) { $0.members[0].name = "../a.txt" },
    .init("a name that goes up within", .invalidPath) { $0.members[0].name = "x/../../a" },
    .init("an absolute name", .invalidPath) { $0.members[0].name = "/etc/passwd" },
    .init("a name with a drive", .invalidPath) { $0.members[0].name = "C:a.txt" },
    .init("a name with backslashes", .invalidPath) { $0.members[0].name = "..\\a.txt" },
    .init("a name with a NUL", .invalidArchive) { $0.members[0].name = "a\0.txt" },
    .init("an empty name", .invalidArchive) { $0.members[0].name = "" },
    .init("another name in the local header", .invalidArchive) {
      $0.members[0].localName = "z.txt"
    },
    .init("another method in the local header", .invalidArchive) { $0.members[0].localMethod = 8 },
    .init("other flags in the local header", .invalidArchive) { $0.members[0].localFlags = 2 },
    .init("another CRC in the local header", .invalidArchive) { $0.members[0].localCRC = 1 },
    .init("another size in the local header", .invalidArchive) { $0.members[0].localSize = 2 },
    .init("no local header", .invalidArchive) { $0.members[1].offset = 1 },
    .init("a local header beyond the directory", .truncated) { $0.members[1].offset = 4_000 },
    .init("the wrong CRC in both", .checksumMismatch) { $0.members[0].crc = 1 },
    .init("two sizes of a stored member", .invalidArchive) { $0.members[0].size = 4 },
    .init("encrypted", .unsupported) { $0.members[0].flags = 1 },
    .init("strongly encrypted", .unsupported) { $0.members[0].flags = 1 << 6 },
    .init("bzip2", .unsupported) { $0.members[0].method = 12 },
    .init("no DEFLATE stream", .corruptStream) { $0.members[0].method = 8 },
    .init("a bomb that DEFLATE cannot make", .invalidArchive) {
      $0.members[0].method = 8
      $0.members[0].size = 1_000_000
      $0.members[0].localSize = 1_000_000
    },
    .init("an empty stream that claims bytes", .corruptStream) {
      $0.members[0].method = 8
      $0.members[0].data = [3, 0]
      $0.members[0].size = 100
      $0.members[0].flags = 8
      $0.members[0].localSize = 0
      $0.members[0].localCRC = 0
      $0.members[0].data += descriptor(crc: Checksum.of([3, 0]), stored: 2, plain: 100)
      $0.members[0].storedSize = 2
      $0.members[0].crc = Checksum.of([3, 0])
    },
    .init("a descriptor that disagrees", .invalidArchive) {
      $0.members[0].flags = 8
      $0.members[0].localSize = 0
      $0.members[0].localCRC = 0
      $0.members[0].storedSize = 3
      $0.members[0].size = 3
      $0.members[0].crc = Checksum.of(Array("one".utf8))
      $0.members[0].data += descriptor(crc: 7, stored: 3, plain: 3)
    },
    .init("a second disk", .unsupported) { $0.members[0].disk = 1 },
    .init("more members than there are", .invalidArchive) { $0.count = 3 },
    .init("fewer members than there are", .invalidArchive) { $0.count = 1 },
    .init("a count that no directory holds", .invalidArchive) { $0.count = 60_000 },
    .init("a directory elsewhere", .invalidArchive) { $0.directoryOffset = 3 },
    .init("bytes behind the directory", .invalidArchive) { $0.between = [0, 0] },
    .init("bytes behind the end", .trailingBytes) { $0.behind = [0] },
    .init("a ZIP64 field that is too short", .invalidArchive) {
      $0.members[0].extra = [1, 0, 4, 0, 9, 9, 9, 9]
      $0.members[0].size = .max
      $0.members[0].storedSize = .max
      $0.members[0].localSize = 3
    },
    .init("a ZIP64 size beyond 2^63", .invalidArchive) {
      $0.members[0].extra = [1, 0, 16, 0] + [UInt8](repeating: 0xFF, count: 16)
      $0.members[0].size = .max
      $0.members[0].storedSize = .max
      $0.members[0].localSize = 3
    },
  ]

  private static func descriptor(crc: UInt32, stored: UInt32, plain: UInt32) -> [UInt8] {
    ZipForge.le(UInt32(0x0807_4B50)) + ZipForge.le(crc) + ZipForge.le(stored) + ZipForge.le(plain)
  }

  @Test(arguments: hostile)
  func `A broken archive is refused`(hostile: Hostile) throws {
    let error = #expect(throws: CairnError.self) { try Self.read(hostile.bytes) }
    #expect(error?.code == hostile.code, "\(String(describing: error))")
    #expect(error?.location.offset != nil)
  }

  @Test func `A flipped byte anywhere is refused or changes nothing that is read`() throws {
    let whole = try contents(of: "\(fixtures)/numpy/deflated.npz")
    let original = try NamedTensors(reading: NPZFile(MemoryBytes(whole)))
    var accepted = 0
    for place in whole.indices {
      var bytes = whole
      bytes[place] ^= 0x55
      do throws(CairnError) {
        let file = try NPZFile(MemoryBytes(bytes))
        let tensors = try NamedTensors(reading: file)
        // Times, versions and attributes mean nothing here; names and bits do.
        #expect(tensors.names == original.names, "byte \(place)")
        for name in original.names { #expect(tensors[name] == original[name], "byte \(place)") }
        accepted += 1
      } catch {
        #expect(!error.code.name.isEmpty)
      }
    }
    #expect(accepted < whole.count / 4)
  }

  @Test func `An archive cut anywhere is refused`() throws {
    for name in ["deflated", "descriptors", "stored"] {
      let whole = try contents(of: "\(fixtures)/numpy/\(name).npz")
      for count in stride(from: 0, to: whole.count, by: 7) {
        let error = #expect(throws: CairnError.self) {
          try NPZFile(MemoryBytes(Array(whole[..<count])))
        }
        #expect(error?.code == .truncated || error?.code == .invalidArchive)
      }
    }
  }

  @Test func `A deflated member is read in any order of its parts`() throws {
    let source = try NPZFile(MemoryBytes(contents(of: "\(fixtures)/numpy/deflated.npz")))
    let index = try #require(try source.index(of: "complex128"))
    let whole = try source.tensor(at: index).bytes
    for start in [80, 3, 90, 0, 41, 40, 95] {
      var part = [UInt8](repeating: 0, count: min(9, whole.count - start))
      var span = part.mutableSpan
      try source.read(at: index, from: start, into: &span)
      #expect(part == Array(whole[start..<start + part.count]))
    }
  }

  @Test func `Members that would be far more than the archive are listed, and not inflated`() throws
  {
    // A stored block of DEFLATE, whose member claims as much as DEFLATE could make of it.
    let count = 60_000
    let head: [UInt8] = [1] + ZipForge.le(UInt16(count)) + ZipForge.le(~UInt16(count))
    var members: [ForgedMember] = []
    for name in ["a", "b"] {
      var member = ForgedMember(name, head + [UInt8](repeating: 7, count: count))
      member.method = 8
      member.size = 61_000_000
      members.append(member)
    }
    let file = try NPZFile(MemoryBytes(ZipForge(members: members).bytes))
    #expect(try file.blobEntries.map(\.byteCount) == [61_000_000, 61_000_000])
    let error = #expect(throws: CairnError.self) { try file.check(.deep, progress: { _ in }) }
    #expect(error?.code == .overBudget)
  }
}

extension Checksum {
  /// The CRC-32 of an array.
  static func of(_ bytes: [UInt8]) -> UInt32 { crc32(bytes.span) }
}
