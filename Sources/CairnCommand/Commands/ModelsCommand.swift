// `cairn models`

import ArgumentParser
import CairnDemo
import CairnJSON
import CairnModels
import CairnSystem
import CairnTerminal

struct ModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models",
    abstract: "List the classes of layers, or hold them against Keras's outputs.",
    discussion: """
      Without a folder: the classes that a model's configuration may name. With a folder of golden \
      rows, which Fixtures/scripts/make_keras_layers.py writes with Keras: the table of layers, \
      options and the largest distance from what Keras computed, relative to the largest element.
      Exit status 1 says that a row is beyond its tolerance.

      EXAMPLE
        cairn models Fixtures/keras/layers
      """)

  @Argument(help: "The folder of golden rows.")
  var folder: String?

  @Flag(help: "Print JSON: classes, or rows and their number within tolerance.")
  var json = false

  func run() throws {
    guard let folder else { return try list() }
    let goldens = try LayerGoldens(folder: folder)
    var results: [LayerGoldens.Result] = []
    for (index, name) in goldens.classes.enumerated() {
      try Interruption.check()
      results += try goldens.results(of: name)
      try ProgressBar("models").update(WorkProgress(done: index + 1, total: goldens.classes.count))
    }
    ProgressBar.clear()
    let within = results.count { $0.isWithin }
    if json {
      try say(results, within: within)
    } else {
      var table = TextTable([
        ("layer", .left), ("options", .left), ("error", .right), ("tolerance", .right), ("", .left),
      ])
      for row in results {
        table.add([
          row.layer.printable, row.options.printable, Self.short(row.error),
          Self.short(row.tolerance), row.isWithin ? "" : "BEYOND",
        ])
      }
      Terminal.say(table.lines.joined(separator: "\n"))
      Terminal.say(
        "\(results.count) rows of \(goldens.classes.count) classes, \(within) within tolerance")
    }
    if within < results.count { throw Finished(code: Exit.negative) }
  }

  private func list() throws {
    let names = LayerRegistry.standard.names
    if json {
      Terminal.say(
        try JSONValue.object(["classes": .array(names.map { .string($0) })]).text(.pretty))
    } else {
      Terminal.say(names.joined(separator: "\n"))
    }
  }

  private func say(_ results: [LayerGoldens.Result], within: Int) throws {
    let rows = results.map { row -> JSONValue in
      [
        "layer": .string(row.layer), "options": .string(row.options),
        "error": row.error.isFinite ? .double(row.error) : .null,
        "tolerance": .double(row.tolerance), "within": .bool(row.isWithin),
      ]
    }
    Terminal.say(
      try JSONValue.object([
        "rows": .array(rows), "count": .integer(Int64(results.count)),
        "within": .integer(Int64(within)),
      ]).text(.pretty))
  }

  /// A number in two digits: `3.1e-07`.
  private static func short(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return value == 0 ? "0" : "–" }
    var exponent = 0
    var digits = value
    while digits < 0.995 { (digits, exponent) = (digits * 10, exponent - 1) }
    while digits >= 9.95 { (digits, exponent) = (digits / 10, exponent + 1) }
    let sign = exponent < 0 ? "-" : "+"
    let power = abs(exponent)
    return ByteCount.decimal(digits, digits: 1) + "e\(sign)\(power < 10 ? "0" : "")\(power)"
  }
}
