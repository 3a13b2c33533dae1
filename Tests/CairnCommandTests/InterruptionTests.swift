// Stopped on the way: by the user, by the system, by a reader that has gone.

import CairnCheckpoints
import CairnContainer
import CairnTensors
import CairnTestSupport
import Foundation
import Testing

@Suite(.serialized) struct InterruptionTests {
  private let folder: TestFolder

  init() throws {
    folder = try TestFolder()
    try folder.makeFolder("out")
  }

  /// Starts a conversion and returns when its temporary file is there.
  private func begin(_ output: String) throws -> RunningCommand {
    // Many times what a moment is enough for, so that the signal comes in the middle; zeros become
    // a container in no time, and take no room in one.
    try folder.writeSparse(
      megabytes: output.hasSuffix(".cairn") ? 2048 : 512, to: "large.safetensors")
    let command = try RunningCommand(
      "/usr/bin/env",
      defaultSignals + [
        BuiltCommand.path, "convert", "--threads", "1", "large.safetensors", output,
      ], in: folder)
    try wait(for: command) { $0.hasSuffix(".tmp") }
    return command
  }

  private let defaultSignals = defaultMeaning(of: "INT,TERM,HUP")

  /// Returns when a file with such a name is there, or the command has ended without making one.
  ///
  /// It holds its thread: a task that sleeps is woken after all tests that are waiting for a thread,
  /// when the command has long finished.
  private func wait(for command: RunningCommand, _ isWanted: (String) -> Bool) throws {
    while try command.isRunning && !folder.names(in: "out").contains(where: isWanted) {
      Thread.sleep(forTimeInterval: 0.001)
    }
  }

  /// Holds its thread, as ``wait(for:_:)``.
  private func pause(_ seconds: Double) { Thread.sleep(forTimeInterval: seconds) }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP], ["old.cairn", "old.safetensors", "new.cairn"])
  func `A request to stop leaves nothing behind`(signal: Int32, output: String) async throws {
    try folder.write([1, 2, 3], to: "out/old.cairn")
    try folder.write([1, 2, 3], to: "out/old.safetensors")
    let command = try begin("out/\(output)")
    command.send(signal)
    let run = try await command.wait()
    run.expectFailure("interrupted")
    #expect(run.errors.contains("what was there before is untouched"))
    #expect(try folder.names(in: "out") == ["old.cairn", "old.safetensors"])
    #expect(try folder.bytes("out/old.cairn") == [1, 2, 3])
    #expect(try folder.bytes("out/old.safetensors") == [1, 2, 3])
  }

  @Test func `A copy that is being made leaves nothing behind either, however far it is`()
    async throws
  {
    try folder.writeSparse(megabytes: 64, to: "large.safetensors")
    for delay in [0.05, 0.2, 0.4] {
      let command = try RunningCommand(
        "/usr/bin/env",
        defaultSignals + [BuiltCommand.path, "copy", "large.safetensors", "out/copy.cairn"],
        in: folder)
      try wait(for: command) { $0.hasPrefix(".copy.cairn") }
      pause(delay)
      command.send(SIGINT)
      let run = try await command.wait()
      // It may have been done before the signal came.
      if run.status == 0 { break }
      run.expectFailure("interrupted")
      #expect(run.errors.contains("what was there before is untouched"))
      #expect(try folder.names(in: "out") == [])
    }
  }

  @Test func `Death leaves the old file, and what remains is in nobody's way`() async throws {
    try folder.write([1, 2, 3], to: "out/old.cairn")
    let command = try begin("out/old.cairn")
    command.send(SIGKILL)
    #expect(try await command.wait().status == -SIGKILL)
    #expect(try folder.bytes("out/old.cairn") == [1, 2, 3])
    try folder.writeSafetensors(Samples.plain(), to: "plain.safetensors")
    try await cairn("convert", "plain.safetensors", "out/old.cairn", in: folder).expectSuccess()
    try await cairn("verify", "--deep", "out/old.cairn", in: folder).expectSuccess()
  }

  @Test func `A signal that is to be ignored is ignored`() async throws {
    try folder.writeSparse(megabytes: 8, to: "large.safetensors")
    let command = try RunningCommand(
      "/bin/bash",
      [
        "-c", "trap '' INT HUP; exec \"$0\" convert --threads 1 large.safetensors out/new.cairn",
        BuiltCommand.path,
      ], in: folder)
    while command.isRunning {
      command.send(SIGINT)
      command.send(SIGHUP)
      try await Task.sleep(for: .milliseconds(1))
    }
    try await command.wait().expectSuccess()
    #expect(try folder.names(in: "out") == ["new.cairn"])
  }

  @Test func `A reader that goes away ends the command without a word`() async throws {
    var tensors = NamedTensors()
    for number in 0..<3_000 {
      try tensors.add(Tensor(zeros: .int8, shape: [1]), named: TensorName("tensor/\(number)"))
    }
    try folder.writeContainer(tensors, to: "many.cairn")
    for options in ["", "--json"] {
      let run = try await shell(
        "\"$CAIRN\" info \(options) many.cairn | head -1; exit ${PIPESTATUS[0]}", in: folder)
      #expect(run.status == 2)
      #expect(run.errors == "")
      #expect(run.output.split(separator: "\n").count == 1)
    }
  }

  @Test(
    .enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "there is no /dev/full"))
  func `Output that cannot be written is a failure`() async throws {
    try folder.writeContainer(Samples.plain(), to: "plain.cairn")
    for redirection in [">/dev/full", ">&-"] {
      let run = try await shell("\"$CAIRN\" info plain.cairn \(redirection)", in: folder)
      #expect(run.status == 2)
      #expect(run.errors == "cairn: cannot write the output\n")
    }
  }
}
