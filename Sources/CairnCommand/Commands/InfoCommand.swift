// `cairn info`

import ArgumentParser
import CairnCheckpoints
import CairnForeign
import CairnJSON
import CairnModelFiles

struct InfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Say what a checkpoint holds.",
    discussion: """
      Reads the index only, never the tensors.

      EXAMPLE
        cairn info model.cairn
        cairn info --json model.safetensors
      """)

  @Argument(help: "The checkpoint.")
  var file: String

  @Flag(help: "Print JSON: format, version, bytes, storedBytes, metadata, remarks, tensors, …")
  var json = false

  @Option(help: "The file's format, instead of finding it out.")
  var from: FormatName?

  func run() throws {
    let checkpoint = try CheckpointFile.open(file, format: from?.format)
    let description = try CheckpointDescription(checkpoint)
    if json {
      try description.writeJSON()
    } else {
      description.writeText()
    }
  }
}
