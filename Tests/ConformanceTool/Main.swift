// The conformance suite's way to Cairn's own reader, and what tries to slip damage past it.

import ArgumentParser

@main
struct ConformanceTool: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cairn-conformance",
    abstract: "Cairn's reader for Tests/Conformance/run.py, and the damage that it must detect.",
    subcommands: [ReadCommand.self, SalvageCommand.self, DetectCommand.self])
}
