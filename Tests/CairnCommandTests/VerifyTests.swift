// `cairn verify`: 0 valid, 1 invalid, 2 not to be read.

import CairnCheckpoints
import CairnContainer
import CairnJSON
import CairnTensors
import CairnTestSupport
import Testing

/// A way to damage a container, and the code that the complaint must have.
struct Damage: Sendable, CustomTestStringConvertible {
  var what: String
  var code: String
  var apply: @Sendable (inout [UInt8]) -> Void

  init(_ what: String, _ code: String, _ apply: @escaping @Sendable (inout [UInt8]) -> Void) {
    self.what = what
    self.code = code
    self.apply = apply
  }

  var testDescription: String { what }

  static let all: [Damage] = [
    Damage("another magic", "notACairnFile") { $0[1] ^= 0x20 },
    Damage("an empty file", "truncated") { $0 = [] },
    Damage("a file from the future", "unsupportedVersion") { $0[8] = 2 },
    Damage("a feature from the future", "unsupportedFeature") {
      $0[16] |= 1
      $0 = ContainerForge.repairingChecksums($0)
    },
    Damage("a flip in the superblock", "checksumMismatch") { $0[33] ^= 1 },
    Damage("a flip in a frame's header", "checksumMismatch") {
      $0[FrameLayout($0).frames[2].offset + 9] ^= 1
    },
    Damage("a flip in the metadata", "checksumMismatch") {
      $0[FrameLayout($0).frames("META")[0].payload.lowerBound + 7] ^= 0x10
    },
    Damage("a flip in a tensor", "checksumMismatch") {
      $0[FrameLayout($0).frames("RAWD")[1].payload.lowerBound + 100] ^= 0x80
    },
    Damage("a flip in the padding", "paddingNotZero") {
      $0[FrameLayout($0).frames("RAWD")[2].payload.upperBound] = 1
    },
    Damage("a flip in the checksums of blocks", "checksumMismatch") {
      $0[FrameLayout($0).frames("BSUM")[0].payload.lowerBound] ^= 1
    },
    Damage("a flip in the index", "checksumMismatch") {
      $0[FrameLayout($0).frames("INDX")[0].payload.lowerBound + 130] ^= 1
    },
    Damage("a flip in the page table", "checksumMismatch") {
      $0[FrameLayout($0).frames("PTAB")[0].payload.lowerBound + 17] ^= 1
    },
    Damage("a flip in the commit record", "checksumMismatch") { $0[$0.count - 128 + 50] ^= 1 },
    Damage("the routes telling two stories", "routesDisagree") {
      // The position in a tensor's own header, but not in the index; every checksum is right.
      $0[FrameLayout($0).frames("TNSR")[0].payload.lowerBound + 8] ^= 1
      $0 = ContainerForge.repairingChecksums($0)
    },
    Damage("the last byte gone", "truncated") { $0.removeLast() },
    Damage("the second half gone", "truncated") { $0.removeLast($0.count / 2 + 3) },
    Damage("all but ten bytes gone", "truncated") { $0 = Array($0.prefix(10)) },
    Damage("no commit record", "notCommitted") { $0.removeLast(128) },
    Damage("nothing but the superblock", "notCommitted") { $0 = Array($0.prefix(64)) },
    Damage("a byte at the end", "trailingBytes") { $0.append(0) },
    Damage("a second file at the end", "trailingBytes") { $0 += $0 },
  ]
}

@Suite struct VerifyTests {
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  private func container(
    _ source: any TensorSource, options: WriteOptions = Samples.raw
  ) throws -> [UInt8] {
    try folder.writeContainer(source, to: "original.cairn", options: options)
    return try folder.bytes("original.cairn")
  }

  @Test(arguments: [[], ["--deep"]])
  func `A valid file is valid`(options: [String]) async throws {
    try folder.writeContainer(Samples.rich(), to: "raw.cairn")
    try folder.writeContainer(Samples.rich(), to: "auto.cairn", options: WriteOptions())
    try folder.writeContainer(NamedTensors(), to: "empty.cairn")
    try folder.writeSafetensors(Samples.plain(), to: "plain.safetensors")
    for file in ["raw.cairn", "auto.cairn", "empty.cairn", "plain.safetensors"] {
      let run = try await cairn(["verify", file] + options, in: folder)
      run.expectSuccess()
      #expect(run.output.hasPrefix("\(file): valid "))
      #expect(run.output.split(separator: "\n").count == 1)
    }
  }

  @Test(arguments: Damage.all)
  func `Damage is named, with its place`(damage: Damage) async throws {
    var file = try container(Samples.rich())
    damage.apply(&file)
    try folder.write(file, to: "damaged.cairn")
    let run = try await cairn("verify", "damaged.cairn", in: folder)
    run.expectFailure(damage.code, status: 1, offset: true)
    #expect(run.errors.hasPrefix("cairn: damaged.cairn: "))
  }

  @Test func `A flip of any bit is found, wherever it is`() async throws {
    let file = try container(Samples.rich())
    for place in stride(from: 3, to: file.count, by: 701) {
      var bytes = file
      bytes[place] ^= 1 << UInt8(place % 8)
      try folder.write(bytes, to: "flipped.cairn")
      let run = try await cairn("verify", "flipped.cairn", in: folder)
      #expect(run.status == 1, "byte \(place)")
      #expect(run.errorLines.count == 1)
    }
  }

  @Test func `A cut at any place is found`() async throws {
    let file = try container(Samples.plain())
    for length in stride(from: 0, to: file.count, by: 901) {
      try folder.write(Array(file.prefix(length)), to: "cut.cairn")
      let run = try await cairn("verify", "cut.cairn", in: folder)
      #expect(run.status == 1, "\(length) bytes")
      #expect(run.errorLines.count == 1)
    }
  }

  @Test func `Only --deep sees an element that its type does not allow`() async throws {
    var options = Samples.raw
    options.digests = false
    var tensors = NamedTensors()
    try tensors.add(Tensor(dtype: .bool, shape: [3], bytes: [0, 1, 1]), named: "mask")
    var file = try container(tensors, options: options)
    file[FrameLayout(file).frames("RAWD")[0].payload.lowerBound + 2] = 2
    file = ContainerForge.repairingChecksums(file)
    try folder.write(file, to: "two.cairn")
    try await cairn("verify", "two.cairn", in: folder).expectSuccess()
    let deep = try await cairn("verify", "--deep", "two.cairn", in: folder)
    deep.expectFailure("invalidElement", status: 1, offset: true)
    #expect(deep.errors.contains("‘mask’"))
  }

  @Test func `Only --deep sees content that its digest does not fit`() async throws {
    var file = try container(Samples.plain())
    file[FrameLayout(file).frames("RAWD")[0].payload.lowerBound + 2] ^= 4
    file = ContainerForge.repairingChecksums(file)
    try folder.write(file, to: "changed.cairn")
    try await cairn("verify", "changed.cairn", in: folder).expectSuccess()
    try await cairn("verify", "--deep", "changed.cairn", in: folder)
      .expectFailure("digestMismatch", status: 1, offset: true)
  }

  @Test func `Only --deep sees a chunk that does not decode`() async throws {
    var file = try container(Samples.plain(), options: WriteOptions())
    let chunk = try #require(
      FrameLayout(file).frames("CHNK").first { $0.payload.count < file.integer($0.offset + 16, 8) })
    file[chunk.payload.upperBound - 1] ^= 1
    file = ContainerForge.repairingChecksums(file)
    try folder.write(file, to: "stream.cairn")
    try await cairn("verify", "stream.cairn", in: folder).expectSuccess()
    try await cairn("verify", "--deep", "stream.cairn", in: folder)
      .expectFailure("corruptChunk", status: 1, offset: true)
  }

  @Test func `Damaged safetensors are invalid`() async throws {
    let good = try SafetensorsCase.valid(in: folder)
    for (name, bytes) in [
      ("cut.safetensors", Array(good.dropLast())), ("longer.safetensors", good + [0]),
      ("empty.safetensors", []), ("short.safetensors", Array(good.prefix(5))),
      ("length.safetensors", [UInt8](repeating: 255, count: 8) + good.dropFirst(8)),
    ] {
      try folder.write(bytes, to: name)
      let run = try await cairn("verify", name, in: folder)
      #expect(run.status == 1, "\(name)")
      #expect(run.output == "")
      #expect(run.errorLines.count == 1)
      #expect(run.errors.contains(/\ at byte [0-9]+.*\[[A-Za-z]+\]/), "\(run.errors)")
    }
  }

  @Test func `--deep checks the elements of safetensors too`() async throws {
    try folder.writeHeader(
      #"{"mask":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}"#, to: "two.safetensors")
    try folder.write(folder.bytes("two.safetensors") + [2], to: "two.safetensors")
    try await cairn("verify", "two.safetensors", in: folder).expectSuccess()
    try await cairn("verify", "--deep", "two.safetensors", in: folder)
      .expectFailure("invalidElement", status: 1)
  }

  @Test func `Zeros without end are decoded where that is asked for`() async throws {
    // 200 MB of zeros in some 250 KB: more than 64 MiB, and 64 times the file.
    var tensors = NamedTensors()
    let count = 50_000_000
    try tensors.add(
      Tensor(dtype: .float32, shape: [count], bytes: [UInt8](repeating: 0, count: 4 * count)),
      named: "w")
    try folder.writeContainer(tensors, to: "zeros.cairn", options: WriteOptions())
    try await cairn("verify", "zeros.cairn", in: folder).expectSuccess()
    for arguments in [["verify", "--deep"], ["diff", "zeros.cairn"]] {
      let refused = try await cairn(arguments + ["zeros.cairn"], in: folder)
      refused.expectFailure("overBudget")
      #expect(refused.errors.contains("--expand"))
      try await cairn(arguments + ["--expand", "zeros.cairn"], in: folder).expectSuccess()
    }
  }

  @Test func `A file that is no checkpoint at all is invalid`() async throws {
    try folder.write([], to: "nothing")
    try folder.write(Array("a text that is long enough to be looked at".utf8), to: "text")
    try await cairn("verify", "nothing", in: folder).expectFailure("unknownFormat")
    try await cairn("verify", "text", in: folder).expectFailure("notACheckpoint")
  }

  @Test func `What cannot be read is no verdict`() async throws {
    try folder.makeFolder("folder.cairn")
    try folder.link("circle.cairn", to: "circle.cairn")
    try await cairn("verify", "absent.cairn", in: folder).expectFailure("notFound")
    try await cairn("verify", "folder.cairn", in: folder).expectFailure("notARegularFile")
    try await cairn("verify", "/dev/null", in: folder).expectFailure("notARegularFile")
    try await cairn("verify", "circle.cairn", in: folder).expectFailure("inputOutput")
    try await cairn("verify", "", in: folder).expectFailure("invalidArgument")
    // A pipe that nobody writes to must not be waited for.
    let pipe = try await shell("mkfifo pipe.cairn && \"$CAIRN\" verify pipe.cairn", in: folder)
    pipe.expectFailure("notARegularFile")
  }

  @Test(.enabled(if: Privileges.bindsToPermissions, "permissions do not bind root"))
  func `A file that may not be read is no verdict`() async throws {
    try folder.writeContainer(Samples.plain(), to: "secret.cairn")
    try folder.setMode("secret.cairn", 0o000)
    let run = try await cairnAsOrdinaryUser("verify", "secret.cairn", in: folder)
    run.expectFailure("permissionDenied")
  }

  @Test func `JSON says path, verdict, level and the parts of the error`() async throws {
    var file = try container(Samples.plain())
    let valid = try await cairn("verify", "--json", "--deep", "original.cairn", in: folder)
    valid.expectSuccess()
    #expect(
      try JSONValue(parsing: Array(valid.output.utf8)) == [
        "path": "original.cairn", "valid": true, "level": "deep",
      ])
    file.removeLast(128)
    try folder.write(file, to: "cut.cairn")
    let cut = try await cairn("verify", "--json", "cut.cairn", in: folder)
    #expect(cut.status == 1)
    cut.expectComplaint("notCommitted", offset: true)
    let value = try JSONValue(parsing: Array(cut.output.utf8))
    #expect(value["valid"] == .bool(false))
    #expect(value["level"] == .string("structure"))
    #expect(value["error"]?["code"] == .string("notCommitted"))
    #expect(value["error"]?["offset"]?.intValue == file.count)
    #expect(value["error"]?["file"] == .string("cut.cairn"))
    #expect(value["error"]?["message"]?.stringValue?.isEmpty == false)
    let absent = try await cairn("verify", "--json", "absent.cairn", in: folder)
    absent.expectFailure("notFound")
  }

  @Test func `A line feed in a path does not break the line`() async throws {
    let run = try await cairn("verify", "one\ntwo\u{202E}.cairn", in: folder)
    run.expectFailure("notFound")
    #expect(run.errors.contains(#"one\u{a}two\u{202e}.cairn"#))
  }
}
