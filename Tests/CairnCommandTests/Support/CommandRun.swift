// Running the command, and what must be true of everything that it ever prints.

import CairnTestSupport
import Foundation
import Testing

/// What a finished process has left.
struct CommandRun: Sendable {
  /// The exit status; the number of the signal, negative, if it died of one.
  var status: Int32
  /// All of standard output.
  var output: String
  /// All of standard error.
  var errors: String

  /// The lines of standard error.
  var errorLines: [Substring] { errors.split(separator: "\n") }
}

/// Runs `cairn` and checks what every run promises: it ends by itself, prints no escape characters
/// where no terminal reads, and never the trace of a crash.
func cairn(
  _ arguments: String..., in folder: TestFolder, environment: [String: String] = [:],
  sourceLocation: SourceLocation = #_sourceLocation
) async throws -> CommandRun {
  try await cairn(
    arguments, in: folder, environment: environment, sourceLocation: sourceLocation)
}

/// As above, with the arguments in an array.
func cairn(
  _ arguments: [String], in folder: TestFolder, environment: [String: String] = [:],
  sourceLocation: SourceLocation = #_sourceLocation
) async throws -> CommandRun {
  let run = try await execute(
    BuiltCommand.path, arguments, in: folder, environment: environment)
  run.checkManners("cairn \(arguments.joined(separator: " "))", sourceLocation)
  return run
}

/// Runs a script of `sh`, for what needs pipes, redirections or other rights. `$CAIRN` is the
/// command; the arguments are `$1`, `$2` …
func shell(
  _ script: String, _ arguments: String..., in folder: TestFolder,
  sourceLocation: SourceLocation = #_sourceLocation
) async throws -> CommandRun {
  let run = try await execute(
    "/bin/bash", ["-c", script, "bash"] + arguments, in: folder,
    environment: ["CAIRN": BuiltCommand.path])
  run.checkManners(script, sourceLocation)
  return run
}

extension CommandRun {
  fileprivate func checkManners(_ what: String, _ sourceLocation: SourceLocation) {
    #expect(status >= 0, "died of signal \(-status): \(what)", sourceLocation: sourceLocation)
    for text in [output, errors] {
      for sign in ["\u{1B}", "\r", "Fatal error", "Crash", "Stack dump", "Backtrace", ".swift:"] {
        #expect(!text.contains(sign), "\(what)\n\(text)", sourceLocation: sourceLocation)
      }
    }
  }

  /// Checks that the run failed as every failure does: the status, nothing on standard output, and
  /// one line on standard error that begins with the program's name and holds the code in brackets.
  func expectFailure(
    _ code: String, status expected: Int32 = 2, offset: Bool = false,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(status == expected, "\(errors)", sourceLocation: sourceLocation)
    #expect(output == "", sourceLocation: sourceLocation)
    expectComplaint(code, offset: offset, sourceLocation: sourceLocation)
  }

  /// Checks standard error alone.
  func expectComplaint(
    _ code: String, offset: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(errorLines.count == 1, "\(errors)", sourceLocation: sourceLocation)
    #expect(errors.hasPrefix("cairn: "), "\(errors)", sourceLocation: sourceLocation)
    #expect(errors.hasSuffix("\n"), "\(errors)", sourceLocation: sourceLocation)
    #expect(errors.contains("[\(code)]"), "\(errors)", sourceLocation: sourceLocation)
    if offset {
      #expect(errors.contains(/\ at byte [0-9]+/), "\(errors)", sourceLocation: sourceLocation)
    }
  }

  /// Checks that the run did what it should and complained of nothing.
  func expectSuccess(sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(status == 0, "\(errors)", sourceLocation: sourceLocation)
    #expect(errors == "", sourceLocation: sourceLocation)
  }

  /// Checks that the command line was refused: what is wrong and the usage, on standard error.
  func expectUsageError(sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(status == 2, sourceLocation: sourceLocation)
    #expect(output == "", sourceLocation: sourceLocation)
    #expect(errors.hasPrefix("cairn: "), "\(errors)", sourceLocation: sourceLocation)
    #expect(errors.contains("\nUsage: cairn"), "\(errors)", sourceLocation: sourceLocation)
  }
}

/// A process that has been started.
final class RunningCommand: Sendable {
  private let process: Process
  private let ended: AsyncStream<Void>
  private let captured: TestFolder

  /// Starts `executable`. What it prints goes to files, so that no pipe can fill up and stop it.
  init(
    _ executable: String, _ arguments: [String], in folder: TestFolder,
    environment: [String: String] = [:]
  ) throws {
    captured = try TestFolder()
    process = Process()
    process.executableURL = URL(filePath: executable)
    process.arguments = arguments
    process.currentDirectoryURL = URL(filePath: folder.path)
    var all = ProcessInfo.processInfo.environment
    // The width of help is 80 columns, whatever terminal the tests run in.
    all["COLUMNS"] = nil
    all.merge(environment) { $1 }
    process.environment = all
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try captured.create("output")
    process.standardError = try captured.create("errors")
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
    ended = stream
    process.terminationHandler = { _ in continuation.finish() }
    try process.run()
  }

  /// The process's number.
  var processID: Int32 { process.processIdentifier }

  /// Whether it has not ended yet.
  var isRunning: Bool { process.isRunning }

  /// Sends a signal.
  func send(_ signal: Int32) { kill(processID, signal) }

  /// Waits for the end.
  func wait() async throws -> CommandRun {
    for await _ in ended {}
    let status = process.terminationStatus
    return CommandRun(
      status: process.terminationReason == .uncaughtSignal ? -status : status,
      output: try captured.text("output"), errors: try captured.text("errors"))
  }
}

/// The words that make `env` give signals their default meaning, whatever those who run the tests
/// ignore.
func defaultMeaning(of signals: String) -> [String] {
  #if os(Linux)
    ["--default-signal=\(signals)"]
  #else
    []
  #endif
}

func execute(
  _ executable: String, _ arguments: [String], in folder: TestFolder,
  environment: [String: String]
) async throws -> CommandRun {
  try await RunningCommand(executable, arguments, in: folder, environment: environment).wait()
}

/// Runs `cairn` as a user whom permissions bind. Only where ``Privileges/bindsToPermissions``.
func cairnAsOrdinaryUser(
  _ arguments: String..., in folder: TestFolder, sourceLocation: SourceLocation = #_sourceLocation
) async throws -> CommandRun {
  // That user may have no way to where the build is.
  let copy = try Privileges.CommandForEveryone()
  let run = try await execute(
    "/usr/bin/env", Privileges.loweringWords + [copy.path] + arguments, in: folder,
    environment: [:])
  run.checkManners(arguments.joined(separator: " "), sourceLocation)
  return run
}
