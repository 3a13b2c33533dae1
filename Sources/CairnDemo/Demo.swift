// The demo from its beginning to its end.

package import CairnSystem

package enum Demo {
  /// Runs all parts, and prints what they show and which claims were checked.
  ///
  /// - Parameters:
  ///   - fixtures: The folder that has `digits/`.
  ///   - weights: A transformer's weights, for the second part.
  ///   - kept: Where the files that are made are kept; nil for nowhere.
  /// - Returns: Whether every claim holds.
  package static func run(
    fixtures: String, weights: String?, keptAt kept: String?
  ) throws(CairnError) -> Bool {
    // A wrong path is better reported now than after the first part.
    if let weights { _ = try FileBytes(path: weights) }
    let folder = try DemoFolder(keptAt: kept)
    defer { folder.remove() }
    var report = DemoReport()
    try DigitsDemo(fixtures: fixtures, folder: folder).run(&report)
    if let weights {
      try TransformerDemo(weights: weights, folder: folder).run(&report)
    } else {
      TransformerDemo.skip(&report)
    }
    report.conclude(kept: kept)
    return report.broken.isEmpty
  }
}
