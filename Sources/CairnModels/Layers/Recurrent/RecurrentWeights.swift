// One step of a recurrent layer, in arrays. Keras `layers/rnn/lstm.py`, `gru.py`, `simple_rnn.py`.

import CairnSystem
import CairnTensors

/// A cell's weights while it runs.
struct RecurrentWeights<Scalar: FloatScalar>: Sendable {
  let options: CellOptions
  private let kernel: Tensor
  private let recurrent: PackedMatrix<Scalar>
  private let bias: [Scalar]
  private let recurrentBias: [Scalar]

  init(of state: LayerState, _ options: CellOptions) throws(CairnError) {
    self.options = options
    kernel = try state.weight("kernel")
    recurrent = try state.weight("recurrent_kernel").withScalars(of: Scalar.self) {
      (values) throws(CairnError) in
      try PackedMatrix(values, inner: options.units, columns: options.gateCount * options.units)
    }
    let all: [Scalar] = options.usesBias ? try state.weightScalars("bias") : []
    let columns = options.gateCount * options.units
    bias = Array(all.prefix(columns))
    recurrentBias = Array(all.dropFirst(columns))
  }

  /// The number of values for each example and step.
  var columns: Int { options.gateCount * options.units }

  /// Inputs `(…, n)` times the kernel, plus the bias; row by row.
  func projected(_ inputs: Tensor, threads: Threads) throws(CairnError) -> [Scalar] {
    let rows = try Shape(Array(inputs.shape.dimensions.dropLast())).elementCount
    return try MatrixProduct.product(
      of: inputs.reshaped(to: Shape([rows, kernel.shape[0]])), kernel,
      adding: bias.isEmpty ? nil : Tensor(bias), shape: Shape([rows, columns]), threads: threads
    ).scalars()
  }

  /// The states after a step.
  func step(
    _ input: [Scalar], _ states: [[Scalar]], rows: Int
  ) throws(CairnError) -> [[Scalar]] {
    switch options.recurrence {
    case .longShortTerm: return try longShortTerm(input, states, rows: rows)
    case .gated: return try gated(input, states[0], rows: rows)
    case .simple:
      var sum = recurrence(states[0], rows: rows)
      for index in sum.indices { sum[index] += input[index] }
      return [try options.activation.values(sum, width: options.units)]
    }
  }

  /// One step of the cell by itself: the new states.
  func evaluate(
    _ input: Tensor, states: ArraySlice<Tensor>, threads: Threads
  ) throws(CairnError) -> [Tensor] {
    var values: [[Scalar]] = []
    for state in states { values.append(try state.scalars()) }
    let rows = input.shape[0]
    values = try step(projected(input, threads: threads), values, rows: rows)
    var outputs: [Tensor] = []
    for state in values {
      outputs.append(try Tensor(state, shape: Shape([rows, options.units])))
    }
    return outputs
  }

  private func recurrence(_ state: [Scalar], rows: Int) -> [Scalar] {
    recurrent.product(state, rows: rows, adding: recurrentBias)
  }

  /// The part of each row that belongs to a gate.
  private func gate(_ index: Int, _ values: [Scalar], rows: Int) -> [Scalar] {
    let units = options.units
    var part: [Scalar] = []
    part.reserveCapacity(rows * units)
    for row in 0..<rows {
      let start = row * columns + index * units
      part += values[start..<start + units]
    }
    return part
  }

  private func longShortTerm(
    _ input: [Scalar], _ states: [[Scalar]], rows: Int
  ) throws(CairnError) -> [[Scalar]] {
    var sum = recurrence(states[0], rows: rows)
    for index in sum.indices { sum[index] += input[index] }
    return try options.recurrentActivation.longShortTerm(
      gate: { gate($0, sum, rows: rows) }, memory: states[1], inner: options.activation,
      width: options.units)
  }

  private func gated(
    _ input: [Scalar], _ state: [Scalar], rows: Int
  ) throws(CairnError) -> [[Scalar]] {
    let width = options.units
    let (inner, outer) = (options.activation, options.recurrentActivation)
    let sums = recurrence(state, rows: rows)
    func sum(_ index: Int, _ other: [Scalar]) -> [Scalar] {
      zip(gate(index, input, rows: rows), other).map { $0 + $1 }
    }
    let z = try outer.values(sum(0, gate(0, sums, rows: rows)), width: width)
    let r = try outer.values(sum(1, gate(1, sums, rows: rows)), width: width)
    var candidate: [Scalar]
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

extension OutputActivation {
  /// The states after a step of long short-term memory, where this is the activation of the gates.
  /// `gate` gives the sums of a gate, `memory` is the memory before the step, and `inner` is the
  /// activation of the candidate and of the output.
  func longShortTerm<Scalar: FloatScalar>(
    gate: (Int) -> [Scalar], memory: [Scalar], inner: OutputActivation, width: Int
  ) throws(CairnError) -> [[Scalar]] {
    let i = try values(gate(0), width: width)
    let f = try values(gate(1), width: width)
    let candidate = try inner.values(gate(2), width: width)
    let o = try values(gate(3), width: width)
    var memory = memory
    for index in memory.indices {
      memory[index] = f[index] * memory[index] + i[index] * candidate[index]
    }
    var output = try inner.values(memory, width: width)
    for index in output.indices { output[index] *= o[index] }
    return [output, memory]
  }
}
