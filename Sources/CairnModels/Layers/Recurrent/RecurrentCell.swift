// Cells: what a recurrent layer does in one step. Keras `layers/rnn/lstm.py`, `gru.py`,
// `simple_rnn.py`, the classes that end in `Cell`.

import CairnJSON
import CairnSystem
import CairnTensors

/// What makes one kind of recurrent layer differ from another.
public protocol RecurrentRule: Sendable {
  /// `LSTM`, `GRU` or `SimpleRNN`.
  static var name: String { get }
  /// The number of gates: the kernel has so many times the units as columns.
  static var gateCount: Int { get }
  /// The number of state vectors; the first is the output.
  static var stateCount: Int { get }
}

/// Long short-term memory: input, forget, candidate and output gate; state and memory.
public enum LSTMRule: RecurrentRule {
  /// `LSTM`
  public static var name: String { "LSTM" }
  /// 4
  public static var gateCount: Int { 4 }
  /// 2
  public static var stateCount: Int { 2 }
}

/// Gated recurrent unit: update gate, reset gate and candidate.
public enum GRURule: RecurrentRule {
  /// `GRU`
  public static var name: String { "GRU" }
  /// 3
  public static var gateCount: Int { 3 }
  /// 1
  public static var stateCount: Int { 1 }
}

/// The plain recurrence.
public enum SimpleRNNRule: RecurrentRule {
  /// `SimpleRNN`
  public static var name: String { "SimpleRNN" }
  /// 1
  public static var gateCount: Int { 1 }
  /// 1
  public static var stateCount: Int { 1 }
}

/// The options of a cell, which stand in its layer's configuration.
struct CellOptions: Sendable {
  let units: Int
  let activation: ActivationFunction
  let recurrentActivation: ActivationFunction
  let usesBias: Bool
  let kernelInitializer: Initializer
  let recurrentInitializer: Initializer
  let biasInitializer: Initializer
  let unitForgetBias: Bool
  let resetsAfter: Bool
  let seed: UInt32

  init<Rule: RecurrentRule>(
    _ rule: Rule.Type, reading reader: inout ConfigurationReader, in context: inout BuildContext
  ) throws(CairnError) {
    units = try reader.integer("units", in: 1...ConfigurationReader.greatestExtent)
    activation = try reader.activation("activation", default: .tanh)
    recurrentActivation =
      rule == SimpleRNNRule.self
      ? .linear : try reader.activation("recurrent_activation", default: .sigmoid)
    usesBias = try reader.bool("use_bias", default: true)
    kernelInitializer = try reader.initializer("kernel_initializer", default: .glorotUniform)
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
/// has one, `bias`: `(gates · units,)`, or for a GRU that resets afterwards one for the input and
/// one for the state `(2, 3 · units)`; and the state of a seed generator, which is no weight.
final class RecurrentCell<Rule: RecurrentRule>: Layer {
  static var className: String { "\(Rule.name)Cell" }

  let state: LayerState
  let options: CellOptions

  init(_ options: CellOptions, trainable: Bool, dtype: DTypePolicy) throws(CairnError) {
    self.options = options
    state = try LayerState(
      className: Self.className, name: LayerName.automatic(for: Self.className),
      trainable: trainable, dtype: dtype)
  }

  func makeVariables(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] {
    let input = try only(inputs)
    guard let last = input.dimensions.last, let width = last else {
      throw shapeMismatch(expected: "a last dimension that is known", found: input)
    }
    let dtype = state.dtype.variableDType
    let columns = Rule.gateCount * options.units
    var variables = [
      try context.makeVariable(
        "kernel", dimensions: [width, columns], initializer: options.kernelInitializer,
        role: .trainable, dtype: dtype),
      try context.makeVariable(
        "recurrent_kernel", dimensions: [options.units, columns],
        initializer: options.recurrentInitializer, role: .trainable, dtype: dtype),
    ]
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

  func outputShapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape] {
    guard let input = inputs.first else { throw state.notBuilt() }
    if let kernel = state.variable("kernel"), let last = input.dimensions.last, let width = last,
      width != kernel.shape[0]
    {
      throw shapeMismatch(expected: "a last dimension of \(kernel.shape[0])", found: input)
    }
    return try [BatchShape](
      repeating: BatchShape([input.dimensions.first ?? nil, options.units]),
      count: Rule.stateCount)
  }

  /// One step: the new states, for an input and the states before.
  func evaluate(
    _ inputs: [Tensor], in context: EvaluationContext
  ) throws(CairnError) -> [Tensor] {
    guard inputs.count == 1 + Rule.stateCount, let input = inputs.first, input.rank == 2 else {
      throw CairnError(
        .countMismatch, "a cell takes an input and its states", at: .init(name: name),
        expected: "\(1 + Rule.stateCount)", found: "\(inputs.count)")
    }
    let weights = try RecurrentWeights<Rule>(of: self)
    var states: [[Float]] = []
    for state in inputs.dropFirst() { states.append(try state.scalars()) }
    let projected = try weights.projected(input.scalars(), rows: input.shape[0])
    states = try weights.step(projected, states, rows: input.shape[0])
    var outputs: [Tensor] = []
    for state in states {
      outputs.append(try Tensor(state, shape: Shape([input.shape[0], options.units])))
    }
    return outputs
  }
}

/// A cell's weights while it runs.
struct RecurrentWeights<Rule: RecurrentRule> {
  let options: CellOptions
  private let kernel: [Float]
  private let recurrent: [Float]
  private let bias: [Float]
  private let recurrentBias: [Float]

  init(of cell: RecurrentCell<Rule>) throws(CairnError) {
    options = cell.options
    kernel = try cell.state.weightScalars("kernel")
    recurrent = try cell.state.weightScalars("recurrent_kernel")
    let all = options.usesBias ? try cell.state.weightScalars("bias") : []
    let columns = Rule.gateCount * options.units
    bias = Array(all.prefix(columns))
    recurrentBias = Array(all.dropFirst(columns))
  }

  /// The number of values for each example and step.
  var columns: Int { Rule.gateCount * options.units }

  /// Inputs times the kernel, plus the bias; row by row.
  func projected(_ inputs: [Float], rows: Int) -> [Float] {
    let width = kernel.count / max(columns, 1)
    var result = MatrixProduct.product(
      inputs, kernel, rows: rows, inner: width, columns: columns)
    result.addToRows(bias)
    return result
  }

  /// The states after a step.
  func step(
    _ input: [Float], _ states: [[Float]], rows: Int
  ) throws(CairnError) -> [[Float]] {
    if Rule.self == LSTMRule.self { return try longShortTerm(input, states, rows: rows) }
    if Rule.self == GRURule.self { return try gated(input, states[0], rows: rows) }
    var sum = recurrence(states[0], rows: rows)
    for index in sum.indices { sum[index] += input[index] }
    return [try options.activation.values(sum, width: options.units)]
  }

  private func recurrence(_ state: [Float], rows: Int) -> [Float] {
    var result = MatrixProduct.product(
      state, recurrent, rows: rows, inner: options.units, columns: columns)
    result.addToRows(recurrentBias)
    return result
  }

  /// The part of each row that belongs to a gate.
  private func gate(_ index: Int, _ values: [Float], rows: Int) -> [Float] {
    let units = options.units
    var part: [Float] = []
    part.reserveCapacity(rows * units)
    for row in 0..<rows {
      let start = row * columns + index * units
      part += values[start..<start + units]
    }
    return part
  }

  private func longShortTerm(
    _ input: [Float], _ states: [[Float]], rows: Int
  ) throws(CairnError) -> [[Float]] {
    var sum = recurrence(states[0], rows: rows)
    for index in sum.indices { sum[index] += input[index] }
    let (inner, outer) = (options.activation, options.recurrentActivation)
    let width = options.units
    let i = try outer.values(gate(0, sum, rows: rows), width: width)
    let f = try outer.values(gate(1, sum, rows: rows), width: width)
    let candidate = try inner.values(gate(2, sum, rows: rows), width: width)
    let o = try outer.values(gate(3, sum, rows: rows), width: width)
    var memory = states[1]
    for index in memory.indices {
      memory[index] = f[index] * memory[index] + i[index] * candidate[index]
    }
    var output = try inner.values(memory, width: width)
    for index in output.indices { output[index] *= o[index] }
    return [output, memory]
  }

  private func gated(
    _ input: [Float], _ state: [Float], rows: Int
  ) throws(CairnError) -> [[Float]] {
    let width = options.units
    let (inner, outer) = (options.activation, options.recurrentActivation)
    let sums = recurrence(state, rows: rows)
    func sum(_ index: Int, _ other: [Float]) -> [Float] {
      zip(gate(index, input, rows: rows), other).map { $0 + $1 }
    }
    let z = try outer.values(sum(0, gate(0, sums, rows: rows)), width: width)
    let r = try outer.values(sum(1, gate(1, sums, rows: rows)), width: width)
    var candidate: [Float]
    if options.resetsAfter {
      candidate = zip(gate(2, sums, rows: rows), r).map { $0 * $1 }
    } else {
      let reset = zip(state, r).map { $0 * $1 }
      candidate = gate(2, recurrence(reset, rows: rows), rows: rows)
    }
    candidate = try inner.values(sum(2, candidate), width: width)
    var output = state
    for index in output.indices {
      output[index] = z[index] * state[index] + (1 - z[index]) * candidate[index]
    }
    return [output]
  }
}

extension ActivationFunction {
  /// The function's values, for rows of `width`.
  func values(_ rows: [Float], width: Int) throws(CairnError) -> [Float] {
    if self == .linear || rows.isEmpty { return rows }
    var tensor = try Tensor(rows, shape: Shape([rows.count / width, width]))
    try apply(to: &tensor)
    guard tensor.elementCount == rows.count else {
      throw CairnError(
        .shapeMismatch, "\(rawValue) changes the shape, which a cell's activation must not")
    }
    return try tensor.scalars()
  }
}
