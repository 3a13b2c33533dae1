// A format by name: the value of `--from` and `--to`.

import ArgumentParser
import CairnForeign

struct FormatName: ExpressibleByArgument {
  var format: CheckpointFormat

  init?(argument: String) {
    guard let format = try? CheckpointFormat.named(argument) else { return nil }
    self.format = format
  }

  var defaultValueDescription: String { format.name }
  static var allValueStrings: [String] { CheckpointFormat.all.map(\.name) }
}
