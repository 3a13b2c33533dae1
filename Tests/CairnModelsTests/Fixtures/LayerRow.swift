// The rows of Fixtures/keras/layers, as `cairn models` reads them.

import CairnDemo
import CairnModels
import CairnTestSupport
import Testing

/// One row of Fixtures/keras/layers.
typealias LayerRow = LayerGolden

extension LayerGolden: CustomTestStringConvertible {
  package var testDescription: String { name }
  var className: String { String(name.prefix { $0 != "/" }) }

  private static let goldens = try? LayerGoldens(folder: fixtures + "/keras/layers")
  /// The classes that there are rows of.
  static let classes: [String] = goldens?.classes ?? []
  /// All rows. A failure to read them shows as a test without cases, which the first test forbids.
  static let all: [LayerRow] = (try? classes.flatMap { try read($0) }) ?? []

  static func read(_ className: String) throws -> [LayerRow] {
    try goldens?.rows(of: className) ?? []
  }
}
