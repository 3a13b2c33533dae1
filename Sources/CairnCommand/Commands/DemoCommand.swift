// `cairn demo`

import ArgumentParser
import CairnDemo
import CairnTerminal

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
    guard try Demo.run(fixtures: fixtures, weights: weights, keptAt: keep) else {
      throw Finished(code: Exit.failure)
    }
  }
}
