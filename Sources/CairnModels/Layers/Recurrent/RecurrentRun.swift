// The steps of a recurrent layer, one after the other; masks are those of Keras's
// `backend/jax/rnn.py`.

import CairnSystem
import CairnTensors

/// What a layer needs to go through a sequence.
struct RecurrentPass: FloatWork {
  let sequence: SequenceOptions
  let cell: LayerState
  let options: CellOptions
  let input: Tensor
  let mask: Tensor?
  /// The states before the first step.
  let states: [Tensor]
  /// The output's shape.
  let shape: Shape
  /// The layer's name, for errors.
  let layer: String
  let threads: Threads

  /// Goes through the steps from the first states; returns the output and the last states.
  func run<Scalar: FloatScalar>(
    as type: Scalar.Type
  ) throws(CairnError) -> (output: Tensor, states: [Tensor]) {
    var run = try RecurrentRun<Scalar>(self)
    let output = try Tensor(run.finish(), shape: shape)
    var last: [Tensor] = []
    for state in run.states {
      last.append(try Tensor(state, shape: Shape([input.shape[0], options.units])))
    }
    return (output, last)
  }
}

/// One pass through a sequence.
private struct RecurrentRun<Scalar: FloatScalar> {
  var states: [[Scalar]] = []
  private let pass: RecurrentPass
  private let weights: RecurrentWeights<Scalar>
  private let examples: Int
  private let steps: Int
  private let mask: [Bool]?
  private let projected: [Scalar]

  init(_ pass: RecurrentPass) throws(CairnError) {
    self.pass = pass
    weights = try RecurrentWeights(of: pass.cell, pass.options)
    examples = pass.input.shape[0]
    steps = pass.input.shape[1]
    mask = try pass.mask?.stepMask(examples: examples, steps: steps, of: pass.layer)
    projected = try weights.projected(pass.input, threads: pass.threads)
    for state in pass.states { states.append(try state.scalars()) }
  }

  /// The outputs: of the last step, or of all steps in the order in which they are gone through.
  mutating func finish() throws(CairnError) -> [Scalar] {
    let units = weights.options.units
    let sequence = pass.sequence
    // Where Keras unrolls the loop, the output before the first step counts as zero instead of the
    // first state, and masked outputs are never set to zero.
    var previous =
      sequence.unrolls ? [Scalar](repeating: 0, count: examples * units) : states[0]
    let zeroes = sequence.zeroesMasked && !sequence.unrolls
    var all: [[Scalar]] = []
    for step in sequence.order(of: steps) {
      var input: [Scalar] = []
      for example in 0..<examples {
        let start = (example * steps + step) * weights.columns
        input += projected[start..<start + weights.columns]
      }
      var next = try weights.step(input, states, rows: examples)
      var output = next[0]
      if let mask {
        for example in 0..<examples where !mask[example * steps + step] {
          for index in example * units..<(example + 1) * units {
            output[index] = zeroes ? 0 : previous[index]
            for state in next.indices { next[state][index] = states[state][index] }
          }
        }
      }
      states = next
      previous = output
      if sequence.returnsSequences { all.append(output) }
    }
    guard sequence.returnsSequences else { return steps == 0 ? states[0] : previous }
    return (0..<examples).flatMap { example in
      all.flatMap { $0[example * units..<(example + 1) * units] }
    }
  }
}
