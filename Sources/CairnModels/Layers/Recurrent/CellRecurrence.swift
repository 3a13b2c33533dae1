// Keras `layers/rnn/rnn.py`, `stacked_rnn_cells.py`: a recurrent layer around any cell, or around a
// stack of several.

import CairnJSON
import CairnSystem
import CairnTensors

/// A cell that an `RNN` layer applies to each step of a sequence.
protocol StepCell: KerasLayer {
  /// The lengths of the states, the output's first.
  var stateSizes: [Int] { get }
  /// The number of outputs of a step.
  var outputSize: Int { get }
  /// One step: the output, and the states after it.
  func step(
    _ input: Tensor, _ states: [Tensor], in context: EvaluationContext
  ) throws(CairnError) -> (output: Tensor, states: [Tensor])
}

extension RecurrentCell: StepCell {
  var stateSizes: [Int] { [Int](repeating: options.units, count: Rule.recurrence.stateCount) }
  var outputSize: Int { options.units }

  func step(
    _ input: Tensor, _ states: [Tensor], in context: EvaluationContext
  ) throws(CairnError) -> (output: Tensor, states: [Tensor]) {
    // Each cell computes in its own type.
    var inputs: [Tensor] = []
    for tensor in [input] + states { inputs.append(try tensor.cast(to: state.evaluationDType)) }
    let next = try evaluate(inputs, in: context)
    guard let output = next.first else { throw state.notBuilt() }
    return (output, next)
  }
}

/// A stack of cells: each takes the output of the one below.
final class StackedCells: StepCell, MadeLayer {
  static let kind = LayerKind("StackedRNNCells")

  let core: LayerState
  let cells: [any StepCell]

  init(
    reading reader: inout ConfigurationReader, in context: inout RebuildContext
  ) throws(CairnError) {
    guard let elements = reader.take("cells")?.arrayValue, !elements.isEmpty else {
      throw reader.invalid("cells", expected: "an array of cells")
    }
    var cells: [any StepCell] = []
    for (index, element) in elements.enumerated() {
      let path = "\(reader.path(of: "cells"))[\(index)]"
      guard let cell = try context.layer(from: element, at: path) as? any StepCell else {
        throw CairnError(
          .unsupportedConfiguration, "a layer is no cell of a recurrent one", at: .init(name: path),
          expected: "LSTMCell, GRUCell or SimpleRNNCell")
      }
      cells.append(cell)
    }
    self.cells = cells
    core = try reader.layerState(className: Self.className)
  }

  var parts: [(name: String, layer: any Layer)] {
    var names = LayerNames()
    return cells.map { cell in
      let name = names.unique(LayerName.automatic(for: cell.kind.className))
      _ = names.insert(name)
      return ("cells/" + name, cell)
    }
  }
  var stateSizes: [Int] { cells.flatMap(\.stateSizes) }
  var outputSize: Int { cells.last?.outputSize ?? 0 }

  var config: JSONObject {
    state.settings(with: ["cells": .array(cells.map(\.kerasConfiguration))])
  }

  func prepare(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) {
    var shape = try only(inputs)
    for cell in cells {
      if !cell.isBuilt { try cell.build(for: [shape], in: &context) }
      shape = try BatchShape([shape.dimensions.first ?? nil, cell.outputSize])
    }
    try state.buildOnce(for: inputs) { [] }
  }

  func shapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape] {
    guard var shape = inputs.first else { throw state.notBuilt() }
    let examples = shape.dimensions.first ?? nil
    for cell in cells {
      _ = try cell.outputShapes(for: [shape])
      shape = try BatchShape([examples, cell.outputSize])
    }
    var shapes: [BatchShape] = []
    for size in [outputSize] + stateSizes { shapes.append(try BatchShape([examples, size])) }
    return shapes
  }

  func results(
    _ inputs: [Tensor], in context: EvaluationContext
  ) throws(CairnError) -> [Tensor] {
    guard let input = inputs.first else { throw state.notBuilt() }
    let (output, states) = try step(input, Array(inputs.dropFirst()), in: context)
    return [output] + states
  }

  func step(
    _ input: Tensor, _ states: [Tensor], in context: EvaluationContext
  ) throws(CairnError) -> (output: Tensor, states: [Tensor]) {
    var (output, rest, all) = (input, states[...], [Tensor]())
    for cell in cells {
      let count = cell.stateSizes.count
      guard rest.count >= count else {
        throw CairnError(
          .countMismatch, "a cell has more states than it is given", at: .init(name: cell.name),
          expected: "\(count)", found: "\(rest.count)")
      }
      let (next, own) = try cell.step(output, Array(rest.prefix(count)), in: context)
      rest = rest.dropFirst(count)
      output = next
      all += own
    }
    return (output, all)
  }
}

/// A layer that goes through the steps of a sequence with a cell, or with several; Keras's `RNN`.
///
/// Call and output: as for ``LSTM``. Variables: the cells'.
package final class CellRecurrence: RecurrentLayer, MadeLayer {
  static let kind = LayerKind("RNN", callArguments: ["initial_state"])

  let core: LayerState
  let sequence: SequenceOptions
  /// The cell.
  let stepCell: any StepCell

  init(
    reading reader: inout ConfigurationReader, in context: inout RebuildContext
  ) throws(CairnError) {
    sequence = try SequenceOptions(reading: &reader)
    guard let wrapped = reader.take("cell") else {
      throw reader.invalid("cell", expected: "a cell's configuration")
    }
    guard
      let cell = try context.layer(from: wrapped, at: reader.path(of: "cell")) as? any StepCell
    else {
      throw reader.unsupported("cell", "a layer is no cell of a recurrent one")
    }
    stepCell = cell
    core = try reader.layerState(className: Self.className)
  }

  /// The keys of Keras's `get_config` for this class.
  var config: JSONObject { state.settings(with: ["cell": stepCell.kerasConfiguration]) }

  /// Makes the cell's variables.
  func prepare(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) {
    guard state.inputShapes == nil, let input = inputs.first else { return }
    guard input.rank == 3 else { throw shapeMismatch(expected: "three dimensions", found: input) }
    if !stepCell.isBuilt {
      let step = try BatchShape([input.dimensions[0], input.dimensions[2]])
      try stepCell.build(for: [step], in: &context)
    }
    try state.buildOnce(for: [input]) { () throws(CairnError) in
      try makeStates(for: input, in: &context)
    }
  }

  /// Goes through the steps; those that a mask leaves out keep output and states as they were.
  func results(
    _ arguments: CallArguments<MaskedTensor>, in context: EvaluationContext
  ) throws(CairnError) -> [MaskedTensor] {
    let call = try SequenceCall(arguments, of: self)
    let input = call.input
    try state.check(input)
    let shapes = try outputShapes(for: [BatchShape(input.shape)])
    let (examples, steps) = (input.shape[0], input.shape[1])
    let chosen = try call.mask?.stepMask(examples: examples, steps: steps, of: name)
    let (sizes, type) = (stepCell.stateSizes, state.evaluationDType)
    var states = call.states ?? call.following
    if states.isEmpty { states = try keptStates(sizes.count) }
    if states.isEmpty {
      for size in sizes {
        states.append(try Tensor(zeros: type, shape: context.shape([examples, size])))
      }
    }
    guard states.count == sizes.count,
      zip(states, sizes).allSatisfy({ $0.shape.dimensions == [examples, $1] })
    else {
      throw CairnError(
        .shapeMismatch, "the layer is given other states than its cells have",
        at: .init(name: name), expected: sizes.map(String.init).joined(separator: ", "),
        found: states.map { "\($0.shape)" }.joined(separator: ", "))
    }
    var previous = try Tensor(
      zeros: type, shape: context.shape([examples, stepCell.outputSize]))
    var outputs: [Tensor] = []
    for step in sequence.order(of: steps) {
      var (output, next) = try stepCell.step(input.step(step, in: context), states, in: context)
      output = try output.cast(to: type)
      if let chosen {
        let rows = (0..<examples).map { chosen[$0 * steps + step] }
        for index in next.indices {
          next[index] = try next[index].cast(to: states[index].dtype)
            .rows(where: rows, else: states[index])
        }
        let rest =
          sequence.zeroesMasked ? try Tensor(zeros: output.dtype, shape: output.shape) : previous
        output = try output.rows(where: rows, else: rest)
      }
      (states, previous) = (next, output)
      if sequence.returnsSequences { outputs.append(output) }
    }
    try keep(states)
    let result = try context.shape(shapes[0])
    if sequence.returnsSequences {
      previous =
        outputs.isEmpty
        ? try Tensor(zeros: type, shape: result)
        : try Tensor.concatenated(outputs, axis: 1, shape: result)
    }
    return results(previous, states, mask: call.mask)
  }
}

extension Tensor {
  /// The rows of this tensor where a flag is set, of another elsewhere.
  fileprivate func rows(where flags: [Bool], else other: Tensor) throws(CairnError) -> Tensor {
    let length = shape.dimensions.dropFirst().reduce(1, *)
    let both = try Tensor.concatenated(
      [self, other], axis: 0,
      shape: Shape([2 * flags.count] + Array(shape.dimensions.dropFirst())))
    return try both.runs(
      shape: shape, length: length,
      sources: flags.indices.map { flags[$0] ? $0 : $0 + flags.count })
  }
}
