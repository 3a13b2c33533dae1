// A model as a table. Keras `utils/summary_utils.py`, which draws with the package rich: the layout
// is the same to the character, without colours.

import CairnTensors

extension Model {
  /// A table of the model's layers: name and class, output shape, number of parameters; below it
  /// the totals and their sizes.
  ///
  /// - Parameters:
  ///   - lineLength: The width in characters, at least 24; if nil 88, and 12 more for the column of
  ///     flags.
  ///   - expandsNested: Whether layers of models within the model get rows too.
  ///   - showsTrainable: Whether there is a column that says which layers are frozen.
  public func summary(
    lineLength: Int? = nil, expandsNested: Bool = false, showsTrainable: Bool = false
  ) -> String {
    var positions = [0.45, 0.80, 1.0]
    var header = ["Layer (type)", "Output Shape", "Param #"]
    if showsTrainable {
      positions = positions.map { $0 * 0.90 } + [1.0]
      header.append("Trainable")
    }
    let length = max(lineLength ?? (showsTrainable ? 100 : 88), 24)
    let table = SummaryTable(
      header: header, alignments: [.left, .left, .right, .center],
      widths: SummaryTable.widths(positions, lineLength: length))
    let rows = rows(of: self, level: 0, expandsNested, showsTrainable)
    let trainable = trainableWeights
    let frozen = nonTrainableWeights
    return "Model: \"\(name)\"\n" + table.text(rows)
      + total("Total", trainable + frozen) + "\n"
      + total("Trainable", trainable) + "\n"
      + total("Non-trainable", frozen) + "\n"
  }

  private func total(_ title: String, _ weights: [Variable]) -> String {
    let count = weights.reduce(0) { $0 + $1.shape.elementCount }
    let bytes = weights.reduce(0) {
      $0 + ($1.dtype.byteCount(elements: $1.shape.elementCount) ?? 0)
    }
    return " \(title) params: \(count.grouped) (\(Self.size(bytes)))"
  }

  private func rows(
    of model: Model, level: Int, _ expandsNested: Bool, _ showsTrainable: Bool
  ) -> [[String]] {
    let prefix = level == 0 ? "" : String(repeating: "   ", count: level) + "└ "
    var shape = model.inputShapes?.first
    var rows: [[String]] = []
    for layer in model.layers {
      if let graph = model as? Functional {
        shape = graph.outputShape(of: layer)
      } else {
        shape = shape.flatMap { input in try? layer.outputShapes(for: [input]).first }
      }
      let shown = shape ?? (layer as? Model)?.outputShape
      var row = [
        "\(prefix)\(layer.name) (\(type(of: layer).className))",
        shown?.description ?? "?",
        layer.isBuilt ? layer.parameterCount.grouped : "0 (unbuilt)",
      ]
      if showsTrainable { row.append(layer.weights.isEmpty ? "-" : layer.trainable ? "Y" : "N") }
      rows.append(row)
      if expandsNested, let inner = layer as? Model {
        rows += self.rows(of: inner, level: level + 1, expandsNested, showsTrainable)
      }
    }
    return rows
  }

  /// A number of bytes with two decimals, in units of 1,024.
  private static func size(_ bytes: Int) -> String {
    var value = Double(bytes)
    var unit = "B"
    for larger in ["KB", "MB", "GB", "TB", "PB"] where value >= 1024 {
      value /= 1024
      unit = larger
    }
    // Exact: a Double below 2^53 times 100 rounds as Python's format does but on ties, which
    // quotients by powers of two meet only at multiples of 1/8; those go to the even digit.
    let hundredths = Int((value * 100).rounded(.toNearestOrEven))
    let fraction = hundredths % 100
    return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) \(unit)"
  }
}
