// The steps of a recurrent layer, one after the other; masks are those of Keras's
// `backend/jax/rnn.py`.

import CairnSystem
import CairnTensors

/// One pass through a sequence.
struct RecurrentRun<Rule: RecurrentRule> {
  var states: [[Float]] = []
  var goesBackwards = false
  /// Whether the output before the first step counts as zero, as where Keras unrolls the loop, and
  /// not as the first state.
  var startsFromZero = false
  var zeroesMasked = false
  var keepsAll = false
  private let weights: RecurrentWeights<Rule>
  private let examples: Int
  private let steps: Int
  private let mask: [Bool]?
  private let projected: [Float]

  init(
    _ input: Tensor, mask: Tensor?, weights: RecurrentWeights<Rule>, layer: String
  ) throws(CairnError) {
    self.weights = weights
    examples = input.shape[0]
    steps = input.shape[1]
    self.mask = try mask?.stepMask(examples: examples, steps: steps, of: layer)
    projected = weights.projected(try input.scalars(), rows: examples * steps)
  }

  /// The outputs: of the last step, or of all in the order of going.
  mutating func finish() throws(CairnError) -> [Float] {
    let units = weights.options.units
    var previous = startsFromZero ? [Float](repeating: 0, count: examples * units) : states[0]
    var all: [[Float]] = []
    for step in goesBackwards ? Array((0..<steps).reversed()) : Array(0..<steps) {
      var input: [Float] = []
      for example in 0..<examples {
        let start = (example * steps + step) * weights.columns
        input += projected[start..<start + weights.columns]
      }
      var next = try weights.step(input, states, rows: examples)
      var output = next[0]
      if let mask {
        for example in 0..<examples where !mask[example * steps + step] {
          for index in example * units..<(example + 1) * units {
            output[index] = zeroesMasked ? 0 : previous[index]
            for state in next.indices { next[state][index] = states[state][index] }
          }
        }
      }
      states = next
      previous = output
      if keepsAll { all.append(output) }
    }
    guard keepsAll else { return steps == 0 ? states[0] : previous }
    return (0..<examples).flatMap { example in
      all.flatMap { $0[example * units..<(example + 1) * units] }
    }
  }
}
