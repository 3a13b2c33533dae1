// Cells: what a recurrent layer does in one step. Keras `layers/rnn/lstm.py`, `gru.py`,
// `simple_rnn.py`, the classes that end in `Cell`.

import CairnJSON
import CairnSystem
import CairnTensors

/// What makes one kind of recurrent layer differ from another, as a type.
protocol RecurrentRule: Sendable {
  /// What a step is.
  static var recurrence: Recurrence { get }
}

/// What a recurrent layer does in a step, under the name of Keras's class.
enum Recurrence: String, Sendable {
  /// Long short-term memory.
  case longShortTerm = "LSTM"
  /// Gated recurrent units.
  case gated = "GRU"
  /// The plain recurrence.
  case simple = "SimpleRNN"

  /// The number of gates: the kernel has this many columns for each unit.
  var gateCount: Int { self == .longShortTerm ? 4 : self == .gated ? 3 : 1 }
  /// The number of state vectors; the first is the output.
  var stateCount: Int { self == .longShortTerm ? 2 : 1 }
}

/// Long short-term memory: input, forget, candidate and output gate; state and memory.
enum LSTMRule: RecurrentRule {
  static var recurrence: Recurrence { .longShortTerm }
}
/// Gated recurrent unit: update gate, reset gate and candidate.
enum GRURule: RecurrentRule {
  static var recurrence: Recurrence { .gated }
}
/// The plain recurrence.
enum SimpleRNNRule: RecurrentRule {
  static var recurrence: Recurrence { .simple }
}

/// The options of a cell, which stand in its layer's configuration.
struct CellOptions: Sendable {
  let units: Int
  let activation: OutputActivation
  let recurrentActivation: OutputActivation
  let usesBias: Bool
  let kernelInitializer: Initializer
  let recurrentInitializer: Initializer
  let biasInitializer: Initializer
  let unitForgetBias: Bool
  let resetsAfter: Bool
  let seed: UInt32
  /// What a step is, and how many values it makes of each unit's.
  let recurrence: Recurrence
  let gateCount: Int

  init<Rule: RecurrentRule>(
    _ rule: Rule.Type, reading reader: inout ConfigurationReader, in context: inout BuildContext
  ) throws(CairnError) {
    recurrence = Rule.recurrence
    gateCount = Rule.recurrence.gateCount
    units = try reader.integer("units", in: 1...ConfigurationReader.greatestExtent)
    activation = try reader.activation("activation", default: .tanh)
    recurrentActivation =
      rule == SimpleRNNRule.self
      ? .function(.linear) : try reader.activation("recurrent_activation", default: .sigmoid)
    usesBias = try reader.bool("use_bias", default: true)
    kernelInitializer = try reader.initializer("kernel_initializer", default: .glorotUniform())
    recurrentInitializer = try reader.initializer("recurrent_initializer", default: .orthogonal())
    biasInitializer = try reader.initializer("bias_initializer", default: .zeros)
    unitForgetBias =
      rule == LSTMRule.self ? try reader.bool("unit_forget_bias", default: true) : false
    resetsAfter = rule == GRURule.self ? try reader.bool("reset_after", default: true) : false
    _ = try reader.rate("dropout")
    _ = try reader.rate("recurrent_dropout")
    _ = reader.preserved([
      "kernel_regularizer", "recurrent_regularizer", "bias_regularizer", "activity_regularizer",
      "kernel_constraint", "recurrent_constraint", "bias_constraint",
    ])
    // Keras 2's choice of a loop: it changes no result.
    for key in ["implementation", "time_major"] { _ = reader.take(key) }
    seed = try reader.generatorSeed(in: &context)
    // Keras does not write that class's seed.
    if rule == SimpleRNNRule.self { reader.forget("seed") }
  }
}

/// A recurrent layer's cell: its weights, and one step.
///
/// Variables: `kernel` `(n, gates · units)`, `recurrent_kernel` `(units, gates · units)` and, if it
/// has one, `bias` `(gates · units,)`. For a GRU that resets afterwards, `bias` is
/// `(2, 3 · units)`: one for the input and one for the state. There is also the state of a seed
/// generator, which is not a weight.
final class RecurrentCell<Rule: RecurrentRule>: KerasLayer, SeededLayer {
  static var kind: LayerKind { LayerKind("\(Rule.recurrence.rawValue)Cell") }

  let core: LayerState
  let options: CellOptions

  init(_ options: CellOptions, trainable: Bool, dtype: DTypePolicy) throws(CairnError) {
    self.options = options
    core = try LayerState(
      className: Self.className, name: LayerName.automatic(for: Self.className),
      trainable: trainable, dtype: dtype)
  }

  /// A cell that stands in a configuration by itself.
  init(
    reading reader: inout ConfigurationReader, in context: inout BuildContext
  ) throws(CairnError) {
    options = try CellOptions(Rule.self, reading: &reader, in: &context)
    // As a cell the class writes its seed.
    reader.record("seed", reader.raw["seed"] ?? .null)
    core = try reader.layerState(className: Self.className)
  }

  func variables(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] {
    let input = try only(inputs)
    guard let last = input.dimensions.last, let width = last else {
      throw shapeMismatch(expected: "a last dimension that is known", found: input)
    }
    let dtype = state.dtype.variableDType
    let columns = Rule.recurrence.gateCount * options.units
    var variables = try context.makeWeights(
      [
        ("kernel", [width, columns], options.kernelInitializer),
        ("recurrent_kernel", [options.units, columns], options.recurrentInitializer),
      ], dtype: dtype)
    if options.usesBias {
      let bias = try context.makeVariable(
        "bias", dimensions: options.resetsAfter ? [2, columns] : [columns],
        initializer: options.biasInitializer, role: .trainable, dtype: dtype)
      if options.unitForgetBias, !context.isZero { try raiseForgetBias(bias.variable) }
      variables.append(bias)
    }
    variables.append(try .seedGenerator(options.seed))
    return variables
  }

  /// The forget gate's bias begins with ones (Jozefowicz et al., 2015).
  private func raiseForgetBias(_ bias: Variable) throws(CairnError) {
    var values: [Float] = try bias.value.cast(to: .float32).scalars()
    for index in options.units..<2 * options.units { values[index] = 1 }
    try bias.assign(Tensor(values).cast(to: bias.dtype))
  }

  func shapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape] {
    guard let input = inputs.first else { throw state.notBuilt() }
    if let kernel = state.variable("kernel"), let last = input.dimensions.last, let width = last,
      width != kernel.shape[0]
    {
      throw shapeMismatch(expected: "a last dimension of \(kernel.shape[0])", found: input)
    }
    return try [BatchShape](
      repeating: BatchShape([input.dimensions.first ?? nil, options.units]),
      count: Rule.recurrence.stateCount)
  }

  /// One step: the new states, for an input and the states before.
  func results(
    _ inputs: [Tensor], in context: EvaluationContext
  ) throws(CairnError) -> [Tensor] {
    guard inputs.count == 1 + Rule.recurrence.stateCount, let input = inputs.first, input.rank == 2
    else {
      throw CairnError(
        .countMismatch, "a cell takes an input and its states", at: .init(name: name),
        expected: "\(1 + Rule.recurrence.stateCount)", found: "\(inputs.count)")
    }
    return try state.precision(of: inputs).run(
      CellStep(
        cell: state, options: options, input: input, states: inputs.dropFirst(),
        threads: context.threads))
  }
}

/// One step of a cell by itself.
private struct CellStep: FloatWork {
  let cell: LayerState
  let options: CellOptions
  let input: Tensor
  let states: ArraySlice<Tensor>
  let threads: Threads

  func run<Scalar: FloatScalar>(as type: Scalar.Type) throws(CairnError) -> [Tensor] {
    try RecurrentWeights<Scalar>(of: cell, options).evaluate(
      input, states: states, threads: threads)
  }
}
