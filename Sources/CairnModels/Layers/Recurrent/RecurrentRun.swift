// The steps of a recurrent layer, one after the other; masks are those of Keras's
// `backend/jax/rnn.py`.

import CairnSystem
import CairnTensors

/// How a layer goes through a sequence.
struct RecurrentPass {
  var goesBackwards: Bool
  /// Whether the output before the first step counts as zero, as where Keras unrolls the loop, and
  /// not as the first state.
  var startsFromZero: Bool
  var zeroesMasked: Bool
  var keepsAll: Bool
  /// The output's shape.
  var shape: Shape
  /// The layer's name, for errors.
  var layer: String

  /// The output and the last states, from the first.
  func callAsFunction<Scalar: FloatScalar>(
    _ weights: RecurrentWeights<Scalar>, _ input: Tensor, _ mask: Tensor?, _ states: [Tensor]
  ) throws(CairnError) -> (output: Tensor, states: [Tensor]) {
    var run = try RecurrentRun(self, input, mask: mask, weights: weights)
    for state in states { run.states.append(try state.scalars()) }
    let output = try Tensor(run.finish(), shape: shape)
    var last: [Tensor] = []
    for state in run.states {
      last.append(try Tensor(state, shape: Shape([input.shape[0], weights.options.units])))
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

  init(
    _ pass: RecurrentPass, _ input: Tensor, mask: Tensor?, weights: RecurrentWeights<Scalar>
  ) throws(CairnError) {
    self.pass = pass
    self.weights = weights
    examples = input.shape[0]
    steps = input.shape[1]
    self.mask = try mask?.stepMask(examples: examples, steps: steps, of: pass.layer)
    projected = weights.projected(try input.scalars(), rows: examples * steps)
  }

  /// The outputs: of the last step, or of all in the order of going.
  mutating func finish() throws(CairnError) -> [Scalar] {
    let units = weights.options.units
    var previous = pass.startsFromZero ? [Scalar](repeating: 0, count: examples * units) : states[0]
    var all: [[Scalar]] = []
    for step in pass.goesBackwards ? Array((0..<steps).reversed()) : Array(0..<steps) {
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
            output[index] = pass.zeroesMasked ? 0 : previous[index]
            for state in next.indices { next[state][index] = states[state][index] }
          }
        }
      }
      states = next
      previous = output
      if pass.keepsAll { all.append(output) }
    }
    guard pass.keepsAll else { return steps == 0 ? states[0] : previous }
    return (0..<examples).flatMap { example in
      all.flatMap { $0[example * units..<(example + 1) * units] }
    }
  }
}
