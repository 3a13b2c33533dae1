// A model as a table. Keras `utils/summary_utils.py`, which draws with the package rich: the layout
// is the same to the character, without colours.

import CairnTensors

extension Model {
  /// A table of the model's layers: name and class, output shape, number of parameters, and for a
  /// graph that is no chain what each is connected to; below it the totals and their sizes.
  ///
  /// - Parameters:
  ///   - lineLength: The width in characters, at least 24; if nil 88, 20 more for connections, and 12
  ///     more for the column of flags.
  ///   - expandsNested: Whether layers of models within the model get rows too.
  ///   - showsTrainable: Whether there is a column that says which layers are frozen.
  public func summary(
    lineLength: Int? = nil, expandsNested: Bool = false, showsTrainable: Bool = false
  ) -> String {
    let graph = (self as? Functional)?.graph
    let connections = graph.flatMap { $0.isChain ? nil : $0.connections() }
    var positions = connections == nil ? [0.45, 0.80, 1.0] : [0.3, 0.56, 0.74, 1.0]
    var header = ["Layer (type)", "Output Shape", "Param #"]
    var alignments: [SummaryTable.Alignment] = [.left, .left, .right]
    if connections != nil {
      header.append("Connected to")
      alignments.append(.left)
    }
    if showsTrainable {
      positions = positions.map { $0 * 0.90 } + [1.0]
      header.append("Trainable")
      alignments.append(.center)
    }
    let usual = (connections == nil ? 88 : 108) + (showsTrainable ? 12 : 0)
    let table = SummaryTable(
      header: header, alignments: alignments,
      widths: SummaryTable.widths(positions, lineLength: max(lineLength ?? usual, 24)))
    let rows = SummaryRows(
      connections: connections, expandsNested: expandsNested, showsTrainable: showsTrainable)
    let trainable = trainableWeights
    let frozen = nonTrainableWeights
    return "Model: \"\(name)\"\n" + table.text(rows.rows(of: self))
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

  /// A number of bytes with two decimals, in units of 1,024.
  private static func size(_ bytes: Int) -> String {
    var value = Double(bytes)
    var unit = "B"
    for larger in ["KB", "MB", "GB", "TB", "PB"] where value >= 1024 {
      value /= 1024
      unit = larger
    }
    // Exact: a Double below 2^53, times 100, rounds as in Python's format except on ties. Quotients
    // by powers of two have ties only at multiples of 1/8, and those go to the even digit.
    let hundredths = Int((value * 100).rounded(.toNearestOrEven))
    let fraction = hundredths % 100
    return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) \(unit)"
  }
}

/// The rows of a model's layers.
private struct SummaryRows {
  /// For each layer of the outermost model what it is connected to, if there is such a column.
  let connections: [ObjectIdentifier: String]?
  let expandsNested: Bool
  let showsTrainable: Bool

  func rows(of model: Model, level: Int = 0) -> [[String]] {
    let outputs = (model as? Functional)?.graph.lastOutputs()
    var shape = model.inputShapes?.first
    var rows: [[String]] = []
    // Operations on tensors have rows in the outermost model only.
    for layer in level == 0 && outputs != nil ? model.sublayers : model.layers {
      var shown: String?
      if let outputs {
        shown = outputs[ObjectIdentifier(layer)]?.summary
      } else {
        shape = shape.flatMap { input in try? layer.outputShapes(for: [input]).first }
        shown = (shape ?? (layer as? Model)?.outputShape)?.summary
      }
      rows.append(row(of: layer, shape: shown ?? "?", level: level))
      if expandsNested, let inner = layer as? Model {
        rows += self.rows(of: inner, level: level + 1)
      }
    }
    return rows
  }

  private func row(of layer: any Layer, shape: String, level: Int) -> [String] {
    let prefix = level == 0 ? "" : String(repeating: "   ", count: level) + "└ "
    var row = [
      "\(prefix)\(layer.name) (\(layer.kind.className))", shape,
      layer.isBuilt ? layer.parameterCount.grouped : "0 (unbuilt)",
    ]
    if let connections {
      let text = connections[ObjectIdentifier(layer)] ?? ""
      row.append(text.isEmpty ? "-" : text)
    }
    if showsTrainable { row.append(layer.weights.isEmpty ? "-" : layer.trainable ? "Y" : "N") }
    return row
  }
}
