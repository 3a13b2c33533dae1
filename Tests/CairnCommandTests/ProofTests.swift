// What a command has to prove is proven before anything that was there is replaced.

import CairnContainer
import CairnTensors
import CairnTestSupport
import Foundation
import Testing

@Suite struct ProofTests {
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  private func place(_ name: String) throws {
    try folder.write(
      Array(Data(contentsOf: URL(filePath: fixtures + "/conformance/" + name))),
      to: name)
  }

  /// Files whose index says of a tensor, or of all, what is not so, with every checksum right.
  @Test(
    arguments: [
      "bad-digest-leaf-root-not-repaired.cairn", "bad-digest-leaf-root-repaired.cairn",
      "bad-digest-root.cairn", "bad-digest-of-an-alias.cairn", "bad-entry-digest.cairn",
    ], [["copy"], ["copy", "--no-digests"], ["copy", "--to", "safetensors"]])
  func `What contradicts its own digests is not copied, and no target is touched`(
    name: String, command: [String]
  ) async throws {
    try place(name)
    try folder.write([1, 2, 3], to: "target.cairn")
    let run = try await cairn(command + [name, "target.cairn"], in: folder)
    #expect(run.status == 2, "\(run.errors)")
    #expect(run.output == "")
    #expect(run.errors.contains(name), "\(run.errors)")
    #expect(try folder.bytes("target.cairn") == [1, 2, 3])
    #expect(try folder.names() == [name, "target.cairn"])
  }

  @Test(arguments: ["convert", "edit"])
  func `Nobody signs anew what its digest contradicts`(command: String) async throws {
    try place("bad-digest-leaf-root-repaired.cairn")
    let run = try await cairn(
      command, "--rename", "*=>x/$1", "bad-digest-leaf-root-repaired.cairn", "target.cairn",
      in: folder)
    #expect(run.status == 2 && run.errors.contains("[digestMismatch]"), "\(run.errors)")
    #expect(try folder.names() == ["bad-digest-leaf-root-repaired.cairn"])
  }

  @Test func `A configuration that cannot be written leaves the output as it was`() async throws {
    let name = "ok-configuration-128-deep.cairn"
    try place(name)
    try folder.write([1, 2, 3], to: "weights.safetensors")
    try await cairn(
      "convert", "--write-config", "nowhere/config.json", name,
      "weights.safetensors", in: folder
    ).expectFailure("notFound")
    #expect(try folder.bytes("weights.safetensors") == [1, 2, 3])
  }
}
