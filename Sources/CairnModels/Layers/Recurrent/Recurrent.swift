// Keras `layers/rnn/rnn.py`, `lstm.py`, `gru.py`, `simple_rnn.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// Long short-term memory (Hochreiter and Schmidhuber, 1997).
///
/// Call: `(n, steps, c)`, maybe with initial states. Output: the last step's `(n, units)` or all
/// `(n, steps, units)`, and maybe the last states. Variables: those of its cell. A stateful layer
/// begins where the previous call ended; its states are in the full state, not among the weights.
public final class LSTM: RuledLayer {
  let core: LayerState
  let sequence: SequenceOptions
  let cell: RecurrentCell<LSTMRule>

  init(
    _ core: LayerState, _ sequence: SequenceOptions, _ cell: RecurrentCell<LSTMRule>
  ) {
    (self.core, self.sequence, self.cell) = (core, sequence, cell)
  }

  /// A recurrent layer of `units` outputs.
  ///
  /// - Throws: `invalidArgument`; `invalidName`.
  public convenience init(
    _ units: Int, activation: ActivationFunction = .tanh,
    recurrentActivation: ActivationFunction = .sigmoid, usesBias: Bool = true,
    returnsSequences: Bool = false, returnsState: Bool = false, goesBackwards: Bool = false,
    isStateful: Bool = false, name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: [
        "units": units, "activation": activation, "use_bias": usesBias,
        "return_sequences": returnsSequences, "return_state": returnsState,
        "go_backwards": goesBackwards, "stateful": isStateful,
        "recurrent_activation": recurrentActivation,
      ], name: name, trainable: trainable, dtype: dtype)
  }
}

/// Gated recurrent units (Cho et al., 2014).
///
/// Call: `(n, steps, c)`, maybe with initial states. Output: the last step's `(n, units)` or all
/// `(n, steps, units)`, and maybe the last states. Variables: those of its cell. A stateful layer
/// begins where the previous call ended; its states are in the full state, not among the weights.
public final class GRU: RuledLayer {
  let core: LayerState
  let sequence: SequenceOptions
  let cell: RecurrentCell<GRURule>

  init(
    _ core: LayerState, _ sequence: SequenceOptions, _ cell: RecurrentCell<GRURule>
  ) {
    (self.core, self.sequence, self.cell) = (core, sequence, cell)
  }

  /// A recurrent layer of `units` outputs.
  ///
  /// - Throws: `invalidArgument`; `invalidName`.
  public convenience init(
    _ units: Int, activation: ActivationFunction = .tanh,
    recurrentActivation: ActivationFunction = .sigmoid, usesBias: Bool = true,
    returnsSequences: Bool = false, returnsState: Bool = false, goesBackwards: Bool = false,
    isStateful: Bool = false, name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: [
        "units": units, "activation": activation, "use_bias": usesBias,
        "return_sequences": returnsSequences, "return_state": returnsState,
        "go_backwards": goesBackwards, "stateful": isStateful,
        "recurrent_activation": recurrentActivation,
      ], name: name, trainable: trainable, dtype: dtype)
  }
}

/// The plain recurrence.
///
/// Call: `(n, steps, c)`, maybe with initial states. Output: the last step's `(n, units)` or all
/// `(n, steps, units)`, and maybe the last states. Variables: those of its cell. A stateful layer
/// begins where the previous call ended; its states are in the full state, not among the weights.
public final class SimpleRNN: RuledLayer {
  let core: LayerState
  let sequence: SequenceOptions
  let cell: RecurrentCell<SimpleRNNRule>

  init(
    _ core: LayerState, _ sequence: SequenceOptions, _ cell: RecurrentCell<SimpleRNNRule>
  ) {
    (self.core, self.sequence, self.cell) = (core, sequence, cell)
  }

  /// A recurrent layer of `units` outputs.
  ///
  /// - Throws: `invalidArgument`; `invalidName`.
  public convenience init(
    _ units: Int, activation: ActivationFunction = .tanh,
    usesBias: Bool = true, returnsSequences: Bool = false, returnsState: Bool = false,
    goesBackwards: Bool = false, isStateful: Bool = false, name: String? = nil,
    trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: [
        "units": units, "activation": activation, "use_bias": usesBias,
        "return_sequences": returnsSequences, "return_state": returnsState,
        "go_backwards": goesBackwards, "stateful": isStateful,
      ], name: name, trainable: trainable, dtype: dtype)
  }
}

/// A layer that goes through the steps of a sequence with one of Keras's own cells, and a state that it
/// carries along.
protocol RuledLayer: RecurrentLayer, SeededLayer {
  associatedtype Rule: RecurrentRule
  var cell: RecurrentCell<Rule> { get }
  init(_ core: LayerState, _ sequence: SequenceOptions, _ cell: RecurrentCell<Rule>)
}

extension RuledLayer {
  static var kind: LayerKind {
    LayerKind(Rule.recurrence.rawValue, callArguments: ["initial_state"])
  }

  /// The number of outputs of a step.
  var units: Int { cell.options.units }

  init(
    reading reader: inout ConfigurationReader, in context: inout BuildContext
  ) throws(CairnError) {
    let sequence = try SequenceOptions(reading: &reader)
    let options = try CellOptions(Rule.self, reading: &reader, in: &context)
    let core = try reader.layerState(className: Self.className)
    let cell = try RecurrentCell<Rule>(options, trainable: core.isTrainable, dtype: core.dtype)
    self.init(core, sequence, cell)
  }

  var stepCell: any StepCell { cell }

  /// Makes the cell's variables and, for a stateful layer, the states.
  func prepare(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) {
    guard state.inputShapes == nil, let input = inputs.first else { return }
    _ = try outputShapes(for: [input])
    try cell.build(for: [BatchShape([input.dimensions[0], input.dimensions[2]])], in: &context)
    try state.buildOnce(for: inputs) { () throws(CairnError) in
      try makeStates(for: input, in: &context)
    }
  }

  /// The sequence's shape, and those of initial states.
  func shapesToBuild(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [BatchShape] {
    let states = arguments["initial_state"]?.tensors ?? []
    return (arguments.positional.flatMap(\.tensors) + states).map(\.shape)
  }

  /// The sequence's shape, and by name if there were initial states.
  var buildConfig: JSONObject? {
    guard let shapes = inputShapes, let sequence = shapes.first else { return nil }
    guard shapes.count > 1 else { return ["input_shape": sequence.json] }
    let states = shapes.dropFirst().map(\.json)
    return [
      "shapes_dict": [
        "sequences_shape": sequence.json,
        "initial_state_shape": states.count == 1 ? states[0] : .array(states),
      ]
    ]
  }

  /// Goes through the steps; those that a mask leaves out keep output and states as they were.
  func results(
    _ arguments: CallArguments<MaskedTensor>, in context: EvaluationContext
  ) throws(CairnError) -> [MaskedTensor] {
    let call = try SequenceCall(arguments, of: self)
    let precision = try state.precision(of: call.input)
    let shapes = try outputShapes(for: [BatchShape(call.input.shape)])
    // A list of tensors in front is the sequence and its initial states.
    let states = try initialStates(
      call.states ?? call.following, examples: call.input.shape[0])
    let (output, last) = try precision.run(
      RecurrentPass(
        sequence: sequence, cell: cell.state, options: cell.options, input: call.input,
        mask: call.mask, states: states, shape: context.shape(shapes[0]), layer: name,
        threads: context.threads))
    try keep(last)
    return results(output, last, mask: call.mask)
  }

  private func initialStates(
    _ given: [Tensor], examples: Int
  ) throws(CairnError) -> [Tensor] {
    let states = given.isEmpty ? try keptStates(Rule.recurrence.stateCount) : given
    if states.isEmpty {
      let zeros = try Tensor(zeros: state.evaluationDType, shape: Shape([examples, units]))
      return Array(repeating: zeros, count: Rule.recurrence.stateCount)
    }
    for state in states where state.shape.dimensions != [examples, units] {
      throw shapeMismatch(
        expected: "a state of (\(examples), \(units))", found: BatchShape(state.shape))
    }
    guard states.count == Rule.recurrence.stateCount else {
      throw CairnError(
        .countMismatch, "the layer has another number of states", at: .init(name: name),
        expected: "\(Rule.recurrence.stateCount)", found: "\(states.count)")
    }
    return states
  }
}
