// Several processes at one file: writers never mix, readers never see half a file.

import CairnCheckpoints
import CairnContainer
import CairnForeign
import CairnModelFiles
import CairnSystem
import CairnTensors
import CairnTestSupport
import Foundation
import Testing

@Suite(.serialized) struct AtOnceTests {
  private let folder: TestFolder

  init() throws {
    folder = try TestFolder()
    try folder.makeFolder("out")
    for (seed, name) in [(1, "a"), (2, "b")] {
      try folder.writeNoise(200_000, seed: UInt64(seed), to: "\(name).safetensors")
    }
  }

  @Test func `Of two writers at once each finishes, and one file is there, whole`() async throws {
    for name in ["a", "b"] {
      try await cairn("convert", "\(name).safetensors", "\(name).cairn", in: folder)
        .expectSuccess()
    }
    let expected = try ["a", "b"].map { try folder.bytes("\($0).cairn") }
    for _ in 0..<8 {
      let writers = try ["a", "b"].map { name in
        try RunningCommand(
          BuiltCommand.path, ["convert", "\(name).safetensors", "out/target.cairn"], in: folder)
      }
      for writer in writers { try await writer.wait().expectSuccess() }
      #expect(try folder.names(in: "out") == ["target.cairn"])
      #expect(try expected.contains(folder.bytes("out/target.cairn")))
    }
  }

  @Test func `Of two writers that must not replace, one finishes`() async throws {
    let arguments = ["convert", "--no-clobber", "a.safetensors", "out/target.cairn"]
    let writers = try (0..<2).map { _ in
      try RunningCommand(BuiltCommand.path, arguments, in: folder)
    }
    var statuses: [Int32] = []
    for writer in writers {
      let run = try await writer.wait()
      statuses.append(run.status)
      if run.status != 0 { run.expectFailure("alreadyExists") }
    }
    #expect(statuses.sorted() == [0, 2])
    #expect(try folder.names(in: "out") == ["target.cairn"])
    try await cairn("verify", "--deep", "out/target.cairn", in: folder).expectSuccess()
  }

  /// Replaces `out/target` twice `rounds` times, by the one content and the other, each in its
  /// format.
  private func replacements(_ rounds: Int, formats: [String]) throws -> RunningCommand {
    let convert = { (name: String, format: String) in
      #""$CAIRN" convert --no-sync --to \#(format) \#(name).safetensors out/target"#
    }
    let script = """
      set -e
      for round in $(seq \(rounds)); do
        \(convert("a", formats[0])) > out.txt
        \(convert("b", formats[1])) > out.txt
      done
      """
    return try RunningCommand(
      "/bin/bash", ["-c", script], in: folder, environment: ["CAIRN": BuiltCommand.path])
  }

  @Test func `A reader during 50 replacements finds one file or the other, whole`() async throws {
    try await read(during: 25, formats: ["cairn", "cairn"])
  }

  @Test func `So does one whose file changes its format`() async throws {
    try await read(during: 10, formats: ["cairn", "safetensors"])
  }

  private func read(during rounds: Int, formats: [String]) async throws {
    let first = try await cairn(
      "convert", "--to", formats[0], "a.safetensors", "out/target", in: folder)
    first.expectSuccess()
    let contents = try ["a", "b"].map { name in
      try fingerprint(CheckpointFile.open(folder.file("\(name).safetensors")))
    }
    let writer = try replacements(rounds, formats: formats)
    var seen: [Int] = [0, 0]
    var reads = 0
    while writer.isRunning {
      // Mapped, by position, and by the command itself, in turn.
      if reads % 8 == 7 {
        try await cairn("verify", "out/target", in: folder).expectSuccess()
      } else {
        var options = ReadOptions()
        options.access = reads % 2 == 0 ? .positioned : .mapped
        let file = try CheckpointFile.open(folder.file("out/target"), options: options)
        try file.verify(.deep)
        let which = try #require(contents.firstIndex(of: fingerprint(file)))
        seen[which] += 1
      }
      reads += 1
    }
    try await writer.wait().expectSuccess()
    #expect(seen[0] > 0 && seen[1] > 0)
    #expect(try folder.names(in: "out") == ["target"])
  }

  /// The bytes of the file's one tensor.
  private func fingerprint(_ file: CheckpointFile) throws -> [UInt8] {
    try file.source.tensor(at: 0).bytes
  }
}
