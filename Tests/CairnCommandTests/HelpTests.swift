// Help, the version, and command lines that are none.

import CairnTestSupport
import Testing

@Suite struct HelpTests {
  private let folder: TestFolder

  init() throws { folder = try TestFolder() }

  /// The commands that the overview lists.
  private func commands() async throws -> [String] {
    let run = try await cairn("--help", in: folder)
    let list = try #require(run.output.components(after: "SUBCOMMANDS:\n"))
    return list.split(separator: "\n").compactMap { line in
      line.prefixMatch(of: /\  ([a-z]+)/).map { String($0.1) }
    }
  }

  @Test func `The overview is the golden one, however it is asked for`() async throws {
    for arguments in [[], ["--help"], ["-h"], ["help"]] {
      let run = try await cairn(arguments, in: folder)
      run.expectSuccess()
      try Goldens.check(run.output, "help")
    }
  }

  @Test func `Each command's help is the golden one, and has an example`() async throws {
    let commands = try await commands()
    #expect(
      Set(commands).isSuperset(of: ["info", "verify", "diff", "convert", "copy"]))
    for command in commands {
      let run = try await cairn(command, "--help", in: folder)
      run.expectSuccess()
      #expect(run.output.contains("\nEXAMPLE\n  cairn \(command) "), "\(command)")
      for line in run.output.split(separator: "\n") where !line.hasPrefix("USAGE:") {
        #expect(line.count <= 80, "\(command): \(line)")
      }
      try Goldens.check(run.output, "help-\(command)")
      let other = try await cairn("help", command, in: folder)
      #expect(other.output == run.output)
    }
  }

  @Test func `The examples of the overview are command lines`() async throws {
    let overview = try await cairn("--help", in: folder).output
    let commands = try await commands()
    let examples = overview.split(separator: "\n").filter { $0.hasPrefix("  cairn ") }
    #expect(examples.count >= 3)
    for example in examples {
      let words = example.split(separator: " ").map(String.init)
      #expect(commands.contains(words[1]), "\(example)")
      // There are no such files: the command line is accepted, and then something is missing.
      try await cairn(Array(words.dropFirst()), in: folder).expectFailure("notFound")
    }
  }

  @Test func `The version is a number`() async throws {
    let run = try await cairn("--version", in: folder)
    run.expectSuccess()
    #expect(try /[0-9]+\.[0-9]+\.[0-9]+\n/.wholeMatch(in: run.output) != nil)
  }

  @Test(arguments: [
    ["frobnicate"], ["--frobnicate"], ["info"], ["info", "a", "b"], ["verify"], ["diff", "a"],
    ["diff", "a", "b", "c"], ["convert", "a"], ["copy"], ["info", "--josn", "a"],
    ["verify", "--from"],
  ])
  func `A wrong command line says what is wrong and how it is right`(
    arguments: [String]
  ) async throws {
    try await cairn(arguments, in: folder).expectUsageError()
  }

  @Test func `A wrong argument is shown, not sent to the terminal`() async throws {
    let run = try await cairn("info", "file", "--\u{1B}[31mred", in: folder)
    run.expectUsageError()
    #expect(run.errors.contains(#"--\u{1b}[31mred"#))
  }
}

extension String {
  /// What follows on the first occurrence of `marker`.
  fileprivate func components(after marker: String) -> Substring? {
    firstRange(of: marker).map { self[$0.upperBound...] }
  }
}
