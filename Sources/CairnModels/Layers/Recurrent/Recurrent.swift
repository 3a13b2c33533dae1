// Keras `layers/rnn/rnn.py`, `lstm.py`, `gru.py`, `simple_rnn.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// Long short-term memory (Hochreiter and Schmidhuber, 1997).
public typealias LSTM = Recurrent<LSTMRule>
/// Gated recurrent units (Cho et al., 2014).
public typealias GRU = Recurrent<GRURule>
/// The plain recurrence.
public typealias SimpleRNN = Recurrent<SimpleRNNRule>

/// A layer that goes through the steps of a sequence, with a state that it carries along.
///
/// Call: `(n, steps, c)`, maybe with initial states. Output: the last step's `(n, units)` or all
/// `(n, steps, units)`, and maybe the last states. Variables: those of its cell. A stateful layer
/// begins where the call before ended; its states are in the full state, not among the weights.
public final class Recurrent<Rule: RecurrentRule>: KerasLayer, SeededLayer {
  static var kind: LayerKind {
    LayerKind(Rule.recurrence.rawValue, callArguments: ["initial_state"])
  }

  let core: LayerState
  /// The number of outputs of a step.
  var units: Int { cell.options.units }
  /// Whether all steps' outputs are given, in the order in which they are gone through.
  let returnsSequences: Bool
  /// Whether the last states are given too.
  let returnsState: Bool
  /// Whether the steps are gone through from the last to the first.
  let goesBackwards: Bool
  /// Whether a call begins with the states of the call before.
  let isStateful: Bool
  private let unrolls: Bool
  private let zeroesMaskedOutput: Bool
  let cell: RecurrentCell<Rule>

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
    var settings: LayerSettings = [
      "units": units, "activation": activation,
      "use_bias": usesBias, "return_sequences": returnsSequences,
      "return_state": returnsState, "go_backwards": goesBackwards,
      "stateful": isStateful,
    ]
    if Rule.recurrence.gateCount > 1 {
      settings["recurrent_activation"] = recurrentActivation
    }
    try self.init(
      making: settings, name: name, trainable: trainable, dtype: dtype)
  }

  init(
    reading reader: inout ConfigurationReader, in context: inout BuildContext
  ) throws(CairnError) {
    returnsSequences = try reader.bool("return_sequences", default: false)
    returnsState = try reader.bool("return_state", default: false)
    goesBackwards = try reader.bool("go_backwards", default: false)
    isStateful = try reader.bool("stateful", default: false)
    unrolls = try reader.bool("unroll", default: false)
    zeroesMaskedOutput = try reader.bool("zero_output_for_mask", default: false)
    let options = try CellOptions(Rule.self, reading: &reader, in: &context)
    core = try reader.layerState(className: Self.className)
    cell = try RecurrentCell(options, trainable: core.isTrainable, dtype: core.dtype)
  }

  /// The cell.
  var parts: [(name: String, layer: any Layer)] { [("cell", cell)] }

  /// Makes the cell's variables and, for a stateful layer, the states.
  func prepare(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) {
    guard state.inputShapes == nil, let input = inputs.first else { return }
    _ = try outputShapes(for: [input])
    try cell.build(for: [BatchShape([input.dimensions[0], input.dimensions[2]])], in: &context)
    try state.buildOnce(for: inputs) { () throws(CairnError) in
      guard isStateful else { return [] }
      guard let examples = input.dimensions[0] else {
        throw shapeMismatch(
          expected: "a fixed number of examples, as the layer is stateful", found: input)
      }
      var states: [LayerVariable] = []
      for index in 0..<Rule.recurrence.stateCount {
        states.append(
          try context.makeVariable(
            "state_\(index)", dimensions: [examples, units], initializer: .zeros, role: .state,
            dtype: state.dtype.computeDType))
      }
      return states
    }
  }

  /// Sets a stateful layer's states to zero.
  ///
  /// - Throws: `outOfMemory`.
  package func resetState() throws(CairnError) {
    for place in state.variables {
      try place.variable.assign(Tensor(zeros: place.variable.dtype, shape: place.variable.shape))
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
    let output = try BatchShape(returnsSequences ? [examples, steps, units] : [examples, units])
    let states = try [BatchShape](
      repeating: BatchShape([examples, units]), count: returnsState ? Rule.recurrence.stateCount : 0
    )
    return [output] + states
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

  /// As for the sequence's shape.
  func specs(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [TensorSpec] {
    try checkNamed(arguments)
    return try outputShapes(for: buildShapes(for: arguments)).map {
      TensorSpec($0, dtype: state.dtype.computeDType)
    }
  }

  /// As for a call with a sequence and maybe initial states.
  func results(
    _ inputs: [Tensor], in context: EvaluationContext
  ) throws(CairnError) -> [Tensor] {
    guard let sequence = inputs.first else { throw state.notBuilt() }
    var arguments = CallArguments([.tensor(MaskedTensor(sequence))])
    if inputs.count > 1 {
      arguments.named = [
        ("initial_state", .list(inputs.dropFirst().map { .tensor(MaskedTensor($0)) }))
      ]
    }
    return try evaluate(arguments, in: context).map(\.tensor)
  }

  /// Goes through the steps; those that a mask leaves out keep output and states as they were.
  func results(
    _ arguments: CallArguments<MaskedTensor>, in context: EvaluationContext
  ) throws(CairnError) -> [MaskedTensor] {
    try checkNamed(arguments)
    // A list of tensors in front is the sequence and its initial states.
    let leading = arguments.positional.first?.tensors ?? []
    guard let input = leading.first else { throw state.notBuilt() }
    let precision = try state.precision(of: input.tensor)
    let shapes = try outputShapes(for: [BatchShape(input.tensor.shape)])
    let given = arguments.argument(1, "initial_state")?.tensors ?? Array(leading.dropFirst())
    let mask = arguments.argument(2, "mask")?.tensors.first?.tensor ?? input.mask
    let states = try initialStates(given.map(\.tensor), examples: input.tensor.shape[0])
    let pass = RecurrentPass(
      goesBackwards: goesBackwards, startsFromZero: unrolls,
      zeroesMasked: zeroesMaskedOutput && !unrolls, keepsAll: returnsSequences,
      shape: try context.shape(shapes[0]), layer: name)
    let (output, last) =
      switch precision {
      case .single:
        try pass(
          RecurrentWeights<Float>(of: cell.state, cell.options), input.tensor, mask, states)
      case .double:
        try pass(
          RecurrentWeights<Double>(of: cell.state, cell.options), input.tensor, mask, states)
      }
    if isStateful {
      for (index, value) in last.enumerated() {
        let variable = try state.requireVariable("state_\(index)")
        try variable.assign(value.cast(to: variable.dtype))
      }
    }
    let results = [MaskedTensor(output, mask: returnsSequences ? mask : nil)]
    return returnsState ? results + last.map { MaskedTensor($0) } : results
  }

  private func initialStates(
    _ given: [Tensor], examples: Int
  ) throws(CairnError) -> [Tensor] {
    var states = given
    if states.isEmpty, isStateful {
      for index in 0..<Rule.recurrence.stateCount {
        let value = try state.requireVariable("state_\(index)").value
        states.append(try value.cast(to: state.evaluationDType))
      }
    }
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
