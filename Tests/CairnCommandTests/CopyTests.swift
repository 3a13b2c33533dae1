// `cairn copy`: a copy that is proven equal.

import CairnContainer
import CairnTensors
import CairnTestSupport
import Testing

@Suite struct CopyTests {
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  @Test func `A copy is equal, and says so`() async throws {
    try folder.writeContainer(Samples.rich(), to: "rich.cairn")
    let run = try await cairn("copy", "rich.cairn", "copy.cairn", in: folder)
    run.expectSuccess()
    #expect(
      run.output.hasPrefix(
        "copy.cairn: 8 tensors equal to rich.cairn in every bit, root digest "))
    #expect(run.output.split(separator: "\n").count == 1)
    try await cairn("diff", "rich.cairn", "copy.cairn", in: folder).expectSuccess()
    try await cairn("verify", "--deep", "copy.cairn", in: folder).expectSuccess()
  }

  @Test func `A copy of a canonical file with its options is the same file`() async throws {
    try folder.writeContainer(Samples.rich(), to: "rich.cairn")
    try await cairn("copy", "--codec", "raw", "rich.cairn", "copy.cairn", in: folder)
      .expectSuccess()
    try #expect(folder.bytes("rich.cairn") == folder.bytes("copy.cairn"))
  }

  @Test func `A copy can be in the other format`() async throws {
    try folder.writeSafetensors(Samples.plain(), to: "plain.safetensors")
    try await cairn("copy", "plain.safetensors", "copy.cairn", in: folder).expectSuccess()
    try await cairn("copy", "--to", "safetensors", "copy.cairn", "back", in: folder)
      .expectSuccess()
    try #expect(folder.bytes("plain.safetensors") == folder.bytes("back"))
  }

  @Test func `The options of writing are those of convert`() async throws {
    try folder.writeContainer(Samples.plain(), to: "plain.cairn")
    let options = [
      "--codec", "raw", "--align", "4K", "--no-digests", "--no-sync", "--threads", "1",
    ]
    try await cairn(["copy", "plain.cairn", "copied.cairn"] + options, in: folder)
      .expectSuccess()
    try await cairn(["convert", "plain.cairn", "converted.cairn"] + options, in: folder)
      .expectSuccess()
    try #expect(folder.bytes("copied.cairn") == folder.bytes("converted.cairn"))
    #expect(try folder.bytes("copied.cairn")[32] == 12)
    try await cairn("copy", "--no-clobber", "plain.cairn", "copied.cairn", in: folder)
      .expectFailure("alreadyExists")
    try await cairn("copy", "--chunk", "3", "plain.cairn", "x.cairn", in: folder)
      .expectUsageError()
  }

  @Test func `What cannot be copied is a failure`() async throws {
    try await cairn("copy", "absent.cairn", "copy.cairn", in: folder).expectFailure("notFound")
    try folder.writeContainer(Samples.plain(), to: "plain.cairn")
    try await cairn("copy", "plain.cairn", "copy.pkl", in: folder).expectFailure("unknownFormat")
    try await cairn("copy", "plain.cairn", "absent/copy.cairn", in: folder)
      .expectFailure("notFound")
    #expect(try folder.names() == ["plain.cairn"])
  }
}
