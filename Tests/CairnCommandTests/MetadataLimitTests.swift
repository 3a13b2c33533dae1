// Metadata of which the format cannot hold all, and sizes on the command line.

import CairnCheckpoints
import CairnTensors
import CairnTestSupport
import Testing

@Suite struct MetadataLimitTests {
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  @Test
  func `Metadata beyond the limit is refused with the largest keys named, and can be left out`()
    async throws
  {
    var metadata = Metadata()
    metadata["vocabulary"] = .string(String(repeating: "v", count: 17 << 20))
    metadata["merges"] = .string(String(repeating: "m", count: 1 << 20))
    metadata["name"] = .string("a model")
    var tensors = NamedTensors()
    tensors.metadata = metadata
    try tensors.add(Tensor([1 as Float], shape: [1]), named: "w")
    try folder.writeSafetensors(tensors, to: "a.safetensors")
    let refused = try await cairn("convert", "a.safetensors", "a.cairn", in: folder)
    refused.expectFailure("limitExceeded")
    #expect(refused.errors.contains("expected at most 16777216 bytes"))
    #expect(refused.errors.contains("not needed: ‘vocabulary’ takes 17825"))
    #expect(refused.errors.contains("(--exclude-metadata)"))
    #expect(try folder.names() == ["a.safetensors"])
    try await cairn(
      "convert", "--exclude-metadata", "vocab*", "a.safetensors", "a.cairn", in: folder
    ).expectSuccess()
    let info = try await cairn("info", "a.cairn", in: folder)
    #expect(info.output.contains("name = \"a model\""))
    #expect(info.output.contains("merges"))
    #expect(!info.output.contains("vocabulary"))
    try await cairn(
      "convert", "--exclude-metadata", "none", "a.safetensors", "b.cairn", in: folder
    ).expectFailure("noSuchTensor")
  }

  @Test(arguments: ["1", "64K", "5GB", "5 GB", "1.5 gb", "64 KiB", "2MiB", "1T"])
  func `Sizes are taken as help and info write them`(_ size: String) async throws {
    try folder.writeSafetensors(Samples.plain(), to: "a.safetensors")
    try await cairn(
      "convert", "--to", "sharded", "--shard-size", size, "a.safetensors",
      "m.safetensors.index.json", in: folder
    ).expectSuccess()
  }

  @Test(arguments: ["0", "-1", "x", "5 XB", "1.5", "1e3", "9999999999999GB", ".", "5 GB B"])
  func `Other sizes are refused`(_ size: String) async throws {
    try folder.writeSafetensors(Samples.plain(), to: "a.safetensors")
    let run = try await cairn(
      "convert", "--shard-size=\(size)", "a.safetensors", "m.safetensors.index.json", in: folder)
    run.expectUsageError()
  }

  @Test(arguments: ["-1", "0", "1025"])
  func `A number of threads that cannot be is refused as a number`(_ threads: String) async throws {
    let run = try await cairn("convert", "--threads", threads, "a", "b", in: folder)
    run.expectUsageError()
    #expect(run.errors.contains("a number from 1 to 1,024, not \(threads)"))
  }
}
