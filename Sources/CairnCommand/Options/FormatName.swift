// A format by name: the value of `--from` and `--to`.

import ArgumentParser
import CairnCheckpoints
import CairnForeign
import CairnModelFiles

struct FormatName: ExpressibleByArgument {
  var format: CheckpointFormat

  init?(argument: String) {
    guard let format = try? FormatRegistry.standard.named(argument) else { return nil }
    self.format = format
  }

  var defaultValueDescription: String { format.name }
  static var allValueStrings: [String] { FormatRegistry.standard.formats.map(\.name) }
}
