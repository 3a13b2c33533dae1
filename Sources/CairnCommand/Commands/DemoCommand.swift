// `cairn demo`

import ArgumentParser
import CairnSystem

struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "Save, restore and copy real models, and prove every claim.",
    discussion: """
      First a digit classifier that was trained with Keras: its predictions, its
      copies, and what each copy shares. Then, with --weights, a real transformer's
      weights: there and back, with sizes and rates as this machine measures them.
      Every line with a check mark was tested in the run; if one does not hold, the
      exit status is 2.

      EXAMPLE
        cairn demo --fixtures Fixtures
        cairn demo --weights model.safetensors --keep demo-files
      """)

  @Option(help: ArgumentHelp("Where the digit classifier is.", valueName: "folder"))
  var fixtures = "Fixtures"

  @Option(help: ArgumentHelp("A transformer's weights, safetensors.", valueName: "file"))
  var weights: String?

  @Option(help: ArgumentHelp("Keep the files that are made, in this folder.", valueName: "folder"))
  var keep: String?

  func run() throws {
    // A wrong path is better said now than after the first part.
    if let weights { _ = try FileBytes(path: weights) }
    let folder = try DemoFolder(keptAt: keep)
    defer { folder.remove() }
    var report = DemoReport()
    try DigitsDemo(fixtures: fixtures, folder: folder).run(&report)
    if let weights {
      try TransformerDemo(weights: weights, folder: folder).run(&report)
    } else {
      TransformerDemo.skip(&report)
    }
    report.conclude(kept: keep)
    guard report.broken.isEmpty else { throw Finished(code: Exit.failure) }
  }
}
