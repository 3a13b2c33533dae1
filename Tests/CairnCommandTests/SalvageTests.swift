// `cairn salvage`: what is intact goes to a new container, what is lost is said.

import CairnCheckpoints
import CairnContainer
import CairnJSON
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@Suite struct SalvageTests {
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  /// A container with one damaged tensor.
  @discardableResult
  private func writeDamaged() throws -> [UInt8] {
    try folder.writeContainer(Samples.rich(), to: "whole.cairn")
    var file = try folder.bytes("whole.cairn")
    let kernel = FrameLayout(file).frames("RAWD").max { $0.payload.count < $1.payload.count }
    file[try #require(kernel).payload.lowerBound + 100] ^= 1
    try folder.write(file, to: "broken.cairn")
    return file
  }

  @Test func `What is intact is written, what is lost is named`() async throws {
    try writeDamaged()
    let run = try await cairn("salvage", "broken.cairn", "out.cairn", in: folder)
    run.expectSuccess()
    try Goldens.check(run.output, "salvage")
    try await cairn("verify", "--deep", "out.cairn", in: folder).expectSuccess()
    let diff = try await cairn("diff", "--json", "whole.cairn", "out.cairn", in: folder)
    #expect(diff.status == 1)
    let report = try JSONValue(parsing: Array(diff.output.utf8))
    // The tensor and its other name are missing; nothing else differs.
    #expect(report["missing"]?["total"]?.intValue == 2)
    for kind in ["extra", "retyped", "reshaped", "different", "metadata", "blobs"] {
      #expect(report[kind]?["total"]?.intValue == 0, "\(kind)")
    }
    #expect(try folder.names() == ["broken.cairn", "out.cairn", "whole.cairn"])
  }

  @Test func `JSON says the same`() async throws {
    let file = try writeDamaged()
    let run = try await cairn("salvage", "--json", "broken.cairn", "out.cairn", in: folder)
    run.expectSuccess()
    let report = try JSONValue(parsing: Array(run.output.utf8))
    #expect(report["valid"] == .bool(false))
    #expect(report["error"]?["code"] == .string("checksumMismatch"))
    #expect(report["output"] == .string("out.cairn"))
    #expect(report["tensors"]?.intValue == 6)
    #expect(report["metadata"]?.intValue == 3)
    #expect(report["configuration"] == .bool(true))
    #expect(report["blobs"]?.intValue == 1)
    let info = try await cairn("info", "--json", "out.cairn", in: folder)
    let root = try JSONValue(parsing: Array(info.output.utf8))["rootDigest"]
    #expect(report["rootDigest"] == root)
    let lost = try #require(report["lost"]?.arrayValue)
    #expect(lost.map { $0["name"]?.stringValue } == ["dense/kernel", "head/kernel"])
    #expect(lost.allSatisfy { $0["kind"] == .string("tensor") })
    let data = try #require(
      FrameLayout(file).frames("RAWD").max { $0.payload.count < $1.payload.count }
    ).payload
    #expect(
      lost[0]["file"]
        == [[.integer(Int64(data.lowerBound)), .integer(Int64(data.upperBound))]])
    #expect(lost[0]["bytes"] == [[0, 12_288]])
    #expect(lost[0]["elements"] == [[0, 3_072]])
  }

  @Test func `A file that was never finished gives what is in it`() async throws {
    try folder.writeContainer(Samples.rich(), to: "whole.cairn")
    let file = try folder.bytes("whole.cairn")
    try folder.write(Array(file[..<FrameLayout(file).frames("INDX")[0].offset]), to: "broken.cairn")
    let verify = try await cairn("verify", "broken.cairn", in: folder)
    verify.expectFailure("notCommitted", status: 1)
    #expect(verify.errors.contains("`cairn salvage`"))
    let run = try await cairn("salvage", "broken.cairn", "out.cairn", in: folder)
    run.expectSuccess()
    #expect(run.output.contains("the file ends before its index"))
    try await cairn("diff", "whole.cairn", "out.cairn", in: folder).expectSuccess()
  }

  @Test func `Of an intact file a copy is made, and that is said`() async throws {
    try folder.writeContainer(Samples.rich(), to: "whole.cairn")
    let run = try await cairn("salvage", "--codec", "raw", "whole.cairn", "out.cairn", in: folder)
    run.expectSuccess()
    #expect(
      run.output
        == "out.cairn: 8 tensors, metadata, configuration, 1 blob copied from whole.cairn, "
        + "which is intact\n")
    try #expect(folder.bytes("out.cairn") == folder.bytes("whole.cairn"))
    try folder.writeContainer(NamedTensors(), to: "empty.cairn")
    try await cairn("salvage", "empty.cairn", "out.cairn", in: folder).expectSuccess()
    try await cairn("diff", "empty.cairn", "out.cairn", in: folder).expectSuccess()
  }

  @Test func `Partial keeps a damaged tensor with zeros`() async throws {
    let values = (0..<40_000).map { Float($0 / 100) }
    var tensors = try NamedTensors([("w", Tensor(values))])
    try tensors.add(Samples.floats([3]), named: "x")
    var options = WriteOptions()
    options.log2ChunkSize = 16
    options.durability = .none
    try folder.writeContainer(tensors, to: "whole.cairn", options: options)
    var file = try folder.bytes("whole.cairn")
    file[FrameLayout(file).frames("CHNK")[1].payload.lowerBound + 7] ^= 8
    try folder.write(file, to: "broken.cairn")
    let whole = try await cairn("salvage", "broken.cairn", "out.cairn", in: folder)
    whole.expectSuccess()
    #expect(whole.output.contains("lost: tensor ‘w’: 1 of its 3 chunks is damaged or missing"))
    let run = try await cairn("salvage", "--partial", "broken.cairn", "out.cairn", in: folder)
    run.expectSuccess()
    #expect(
      run.output.contains(
        "damaged: tensor ‘w’, in part: 1 of its 3 chunks is damaged or missing, zeros in their place"
      ))
    #expect(run.output.contains("elements 16384–32767"))
    let copy = try NamedTensors(reading: Container(path: folder.file("out.cairn")))
    var expected = values
    for index in 16_384..<32_768 { expected[index] = 0 }
    #expect(try copy["w"]?.bytes == Tensor(expected).bytes)
    try await cairn("verify", "--deep", "out.cairn", in: folder).expectSuccess()
  }

  @Test(arguments: [[], ["--json"]])
  func `Where nothing is left nothing is written`(options: [String]) async throws {
    try folder.write(Array(repeating: 7, count: 1_000), to: "noise.cairn")
    try folder.write([], to: "empty.cairn")
    for file in ["noise.cairn", "empty.cairn"] {
      let run = try await cairn(["salvage", file, "out.cairn"] + options, in: folder)
      #expect(run.status == 2)
      run.expectComplaint("nothingRecovered")
      if options.isEmpty {
        #expect(run.output == "")
      } else {
        let report = try JSONValue(parsing: Array(run.output.utf8))
        #expect(report["output"] == .null && report["tensors"] == 0)
      }
    }
    #expect(try folder.names() == ["empty.cairn", "noise.cairn"])
  }

  @Test func `Nothing is written over the damaged file, whatever it is called`() async throws {
    let before = try writeDamaged()
    try folder.link("link.cairn", to: "broken.cairn")
    for (input, output) in [
      ("broken.cairn", "broken.cairn"), ("broken.cairn", "./broken.cairn"),
      ("broken.cairn", "link.cairn"), ("link.cairn", "broken.cairn"),
    ] {
      try await cairn("salvage", input, output, in: folder).expectFailure("invalidArgument")
    }
    try #expect(folder.bytes("broken.cairn") == before)
    #expect(try folder.names() == ["broken.cairn", "link.cairn", "whole.cairn"])
  }

  @Test func `What was at the output is replaced whole, or not at all`() async throws {
    try writeDamaged()
    try folder.write([1, 2, 3], to: "out.cairn")
    try await cairn("salvage", "--no-clobber", "broken.cairn", "out.cairn", in: folder)
      .expectFailure("alreadyExists")
    try await cairn("salvage", "broken.cairn", "absent/out.cairn", in: folder)
      .expectFailure("notFound")
    try await cairn("salvage", "broken.cairn", "out.safetensors", in: folder)
      .expectFailure("invalidArgument")
    try await cairn("salvage", "absent.cairn", "out.cairn", in: folder).expectFailure("notFound")
    try #expect(folder.bytes("out.cairn") == [1, 2, 3])
    try await cairn("salvage", "broken.cairn", "out.cairn", in: folder).expectSuccess()
    try await cairn("verify", "out.cairn", in: folder).expectSuccess()
  }

  @Test func `A file from the future is not salvaged`() async throws {
    try folder.writeContainer(Samples.plain(), to: "whole.cairn")
    var file = try folder.bytes("whole.cairn")
    file[16] = 1
    file = ContainerForge.repairingChecksums(file)
    try folder.write(file, to: "future.cairn")
    try await cairn("salvage", "future.cairn", "out.cairn", in: folder)
      .expectFailure("unsupportedFeature")
  }
}
