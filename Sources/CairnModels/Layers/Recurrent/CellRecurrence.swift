// Keras `layers/rnn/rnn.py`, `stacked_rnn_cells.py`: a recurrent layer around any cell, or several one
// above the other.

import CairnJSON
import CairnSystem
import CairnTensors

/// What an `RNN` layer goes through a sequence with.
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

/// Cells one above the other: each takes what the one below gives.
final class StackedCells: StepCell, EnclosingLayer {
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
    var settings = state.settings
    settings["cells"] = .array(cells.map(\.kerasConfiguration))
    return settings
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
/// Call and output: as of ``Recurrent``. Variables: the cells'.
package final class CellRecurrence: KerasLayer, RecurrentLayer, EnclosingLayer {
  static let kind = LayerKind("RNN", callArguments: ["initial_state"])

  let core: LayerState
  /// Whether all steps' outputs are given, in the order in which they are gone through.
  let returnsSequences: Bool
  /// Whether the last states are given too.
  let returnsState: Bool
  /// Whether the steps are gone through from the last to the first.
  let goesBackwards: Bool
  private let isStateful: Bool
  private let zeroesMaskedOutput: Bool
  private let cell: any StepCell

  init(
    reading reader: inout ConfigurationReader, in context: inout RebuildContext
  ) throws(CairnError) {
    returnsSequences = try reader.bool("return_sequences", default: false)
    returnsState = try reader.bool("return_state", default: false)
    goesBackwards = try reader.bool("go_backwards", default: false)
    isStateful = try reader.bool("stateful", default: false)
    _ = try reader.bool("unroll", default: false)
    zeroesMaskedOutput = try reader.bool("zero_output_for_mask", default: false)
    guard let wrapped = reader.take("cell") else {
      throw reader.invalid("cell", expected: "a cell's configuration")
    }
    guard
      let cell = try context.layer(from: wrapped, at: reader.path(of: "cell")) as? any StepCell
    else {
      throw reader.unsupported("cell", "a layer is no cell of a recurrent one")
    }
    self.cell = cell
    core = try reader.layerState(className: Self.className)
  }

  /// The cell.
  var parts: [(name: String, layer: any Layer)] { [("cell", cell)] }

  /// The keys of Keras's `get_config` for this class.
  var config: JSONObject {
    var settings = state.settings
    settings["cell"] = cell.kerasConfiguration
    return settings
  }

  /// Makes the cell's variables.
  func prepare(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) {
    guard state.inputShapes == nil, let input = inputs.first else { return }
    guard input.rank == 3 else { throw shapeMismatch(expected: "three dimensions", found: input) }
    if !cell.isBuilt {
      let step = try BatchShape([input.dimensions[0], input.dimensions[2]])
      try cell.build(for: [step], in: &context)
    }
    try state.buildOnce(for: [input]) { () throws(CairnError) in
      guard isStateful else { return [] }
      guard let examples = input.dimensions[0] else {
        throw shapeMismatch(
          expected: "a fixed number of examples, as the layer is stateful", found: input)
      }
      var states: [LayerVariable] = []
      for (index, size) in cell.stateSizes.enumerated() {
        states.append(
          try context.makeVariable(
            "state_\(index)", dimensions: [examples, size], initializer: .zeros, role: .state,
            dtype: state.dtype.computeDType))
      }
      return states
    }
  }

  /// The last step or all steps, and maybe the states.
  func shapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape] {
    guard let input = inputs.first, input.rank == 3 else {
      throw CairnError(
        .shapeMismatch, "the layer takes sequences", at: .init(name: name),
        expected: "three dimensions", found: inputs.first.map { "\($0)" } ?? "nothing")
    }
    let (examples, steps) = (input.dimensions[0], input.dimensions[1])
    _ = try cell.outputShapes(for: [BatchShape([examples, input.dimensions[2]])])
    var shapes = [
      try BatchShape(
        returnsSequences ? [examples, steps, cell.outputSize] : [examples, cell.outputSize])
    ]
    if returnsState {
      for size in cell.stateSizes { shapes.append(try BatchShape([examples, size])) }
    }
    return shapes
  }

  /// The sequence's shape.
  func shapesToBuild(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [BatchShape] {
    Array(arguments.positional.flatMap(\.tensors).prefix(1)).map(\.shape)
  }

  /// As for the sequence's shape.
  func specs(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [TensorSpec] {
    try checkNamed(arguments)
    return try outputShapes(for: buildShapes(for: arguments)).map {
      TensorSpec($0, dtype: state.dtype.computeDType)
    }
  }

  /// As with masks, without.
  func results(
    _ inputs: [Tensor], in context: EvaluationContext
  ) throws(CairnError) -> [Tensor] {
    try evaluate(CallArguments(inputs: inputs.map { MaskedTensor($0) }), in: context)
      .map(\.tensor)
  }

  /// Goes through the steps; those that a mask leaves out keep output and states as they were.
  func results(
    _ arguments: CallArguments<MaskedTensor>, in context: EvaluationContext
  ) throws(CairnError) -> [MaskedTensor] {
    try checkNamed(arguments)
    let leading = arguments.positional.first?.tensors ?? []
    guard let input = leading.first else { throw state.notBuilt() }
    try state.check(input.tensor)
    let shapes = try outputShapes(for: [BatchShape(input.tensor.shape)])
    let (examples, steps) = (input.tensor.shape[0], input.tensor.shape[1])
    let mask = arguments.argument(2, "mask")?.tensors.first?.tensor ?? input.mask
    let chosen = try mask?.stepMask(examples: examples, steps: steps, of: name)
    var states = (arguments.argument(1, "initial_state")?.tensors ?? Array(leading.dropFirst()))
      .map(\.tensor)
    if states.isEmpty, isStateful {
      for index in cell.stateSizes.indices {
        let kept = try state.requireVariable("state_\(index)").value
        states.append(try kept.cast(to: state.evaluationDType))
      }
    }
    if states.isEmpty {
      for size in cell.stateSizes {
        states.append(
          try Tensor(zeros: state.evaluationDType, shape: context.shape([examples, size])))
      }
    }
    guard states.count == cell.stateSizes.count,
      zip(states, cell.stateSizes).allSatisfy({ $0.shape.dimensions == [examples, $1] })
    else {
      throw CairnError(
        .shapeMismatch, "the layer is given other states than its cells have",
        at: .init(name: name), expected: cell.stateSizes.map(String.init).joined(separator: ", "),
        found: states.map { "\($0.shape)" }.joined(separator: ", "))
    }
    var previous = try Tensor(
      zeros: state.evaluationDType, shape: context.shape([examples, cell.outputSize]))
    var outputs: [Tensor] = []
    for step in goesBackwards ? Array((0..<steps).reversed()) : Array(0..<steps) {
      let slice = try input.tensor.gathered(
        [Array(0..<examples), [step], Array(0..<input.tensor.shape[2])], in: context
      ).reshaped(to: Shape([examples, input.tensor.shape[2]]))
      var (output, next) = try cell.step(slice, states, in: context)
      output = try output.cast(to: state.evaluationDType)
      if let chosen {
        let rows = (0..<examples).map { chosen[$0 * steps + step] }
        for index in next.indices {
          next[index] = try next[index].cast(to: states[index].dtype)
            .rows(where: rows, else: states[index])
        }
        let rest =
          zeroesMaskedOutput ? try Tensor(zeros: output.dtype, shape: output.shape) : previous
        output = try output.rows(where: rows, else: rest)
      }
      (states, previous) = (next, output)
      if returnsSequences { outputs.append(output) }
    }
    if isStateful {
      for (index, value) in states.enumerated() {
        let variable = try state.requireVariable("state_\(index)")
        try variable.assign(value.cast(to: variable.dtype))
      }
    }
    let result = try context.shape(shapes[0])
    if returnsSequences {
      previous =
        outputs.isEmpty
        ? try Tensor(zeros: state.evaluationDType, shape: result)
        : try Tensor.concatenated(outputs, axis: 1, shape: result)
    }
    let first = [MaskedTensor(previous, mask: returnsSequences ? mask : nil)]
    return returnsState ? first + states.map { MaskedTensor($0) } : first
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
