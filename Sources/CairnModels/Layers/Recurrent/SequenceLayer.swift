// What layers that go through sequences have in common: their settings, what they are called with, and the
// states that they keep. Keras `layers/rnn/rnn.py`.

import CairnJSON
import CairnSystem
import CairnTensors

/// How a layer goes through a sequence.
struct SequenceOptions: Sendable {
  /// Whether all steps' outputs are given, in the order in which they are gone through.
  let returnsSequences: Bool
  /// Whether the last states are given too.
  let returnsState: Bool
  /// Whether the steps are gone through from the last to the first.
  let goesBackwards: Bool
  /// Whether a call begins with the states of the call before.
  let isStateful: Bool
  /// Whether Keras unrolls the loop.
  let unrolls: Bool
  /// Whether the output of a step that a mask leaves out is zero, instead of that of the step
  /// before.
  let zeroesMasked: Bool

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    returnsSequences = try reader.bool("return_sequences", default: false)
    returnsState = try reader.bool("return_state", default: false)
    goesBackwards = try reader.bool("go_backwards", default: false)
    isStateful = try reader.bool("stateful", default: false)
    unrolls = try reader.bool("unroll", default: false)
    zeroesMasked = try reader.bool("zero_output_for_mask", default: false)
  }

  /// The numbers of the steps, in the order in which they are gone through.
  func order(of steps: Int) -> [Int] {
    goesBackwards ? Array((0..<steps).reversed()) : Array(0..<steps)
  }
}

/// What a layer that goes through a sequence is called with.
struct SequenceCall {
  let input: Tensor
  /// The input's own mask.
  let inputMask: Tensor?
  /// The mask that is used: the call's, or else the input's own.
  let mask: Tensor?
  /// The initial states, if the call gives them as that argument.
  let states: [Tensor]?
  /// The tensors that follow the sequence if the first argument is a list.
  let following: [Tensor]

  init(_ arguments: CallArguments<MaskedTensor>, of layer: any Layer) throws(CairnError) {
    try layer.checkNamed(arguments)
    let leading = arguments.positional.first?.tensors ?? []
    guard let first = leading.first else { throw layer.state.notBuilt() }
    input = first.tensor
    inputMask = first.mask
    mask = arguments.argument(2, "mask")?.tensors.first?.tensor ?? first.mask
    states = arguments.argument(1, "initial_state")?.tensors.map(\.tensor)
    following = leading.dropFirst().map(\.tensor)
  }
}

/// A layer that is called with a sequence, and maybe with states.
protocol SequenceLayer: CallLayer {}

extension SequenceLayer {
  /// The sequence's shape: initial states need no building.
  func shapesToBuild(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [BatchShape] {
    arguments.positional.flatMap(\.tensors).prefix(1).map(\.shape)
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
}

/// A layer that goes through the steps of a sequence one by one.
protocol SteppingLayer: SequenceLayer {
  var sequence: SequenceOptions { get }
}

extension SteppingLayer {
  /// The states of a stateful layer, of those dimensions, zero at first.
  func makeStates(
    _ dimensions: [[Int]], in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] {
    var states: [LayerVariable] = []
    for (index, dimensions) in dimensions.enumerated() {
      states.append(
        try context.makeVariable(
          "state_\(index)", dimensions: dimensions, initializer: .zeros, role: .state,
          dtype: state.dtype.computeDType))
    }
    return states
  }

  /// The given number of states of the previous call, in the type that is computed in; none if the
  /// layer keeps none.
  func keptStates(_ count: Int) throws(CairnError) -> [Tensor] {
    guard sequence.isStateful else { return [] }
    var states: [Tensor] = []
    for index in 0..<count {
      let kept = try state.requireVariable("state_\(index)").value
      states.append(try kept.cast(to: state.evaluationDType))
    }
    return states
  }

  /// Keeps the states for the next call, if the layer does that.
  func keep(_ states: [Tensor]) throws(CairnError) {
    guard sequence.isStateful else { return }
    for (index, value) in states.enumerated() {
      let variable = try state.requireVariable("state_\(index)")
      try variable.assign(value.cast(to: variable.dtype))
    }
  }

  /// What comes out: the output, with a mask if it is a sequence, and the states if they are asked for.
  func results(_ output: Tensor, _ states: [Tensor], mask: Tensor?) -> [MaskedTensor] {
    let first = [MaskedTensor(output, mask: sequence.returnsSequences ? mask : nil)]
    return sequence.returnsState ? first + states.map { MaskedTensor($0) } : first
  }
}

/// A recurrent layer around a cell whose states are vectors: what ``Bidirectional`` takes two of.
protocol RecurrentLayer: SteppingLayer {
  var stepCell: any StepCell { get }
}

extension RecurrentLayer {
  /// The cell.
  var parts: [(name: String, layer: any Layer)] { [("cell", stepCell)] }

  /// The states of a stateful layer.
  func makeStates(
    for input: BatchShape, in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] {
    guard sequence.isStateful else { return [] }
    guard let examples = input.dimensions[0] else {
      throw shapeMismatch(
        expected: "a fixed number of examples, as the layer is stateful", found: input)
    }
    return try makeStates(stepCell.stateSizes.map { [examples, $0] }, in: &context)
  }

  /// The last step or all steps, and maybe the states.
  func shapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape] {
    guard let input = inputs.first, input.rank == 3 else {
      throw CairnError(
        .shapeMismatch, "the layer takes sequences", at: .init(name: name),
        expected: "three dimensions", found: inputs.first.map { "\($0)" } ?? "nothing")
    }
    let (examples, steps) = (input.dimensions[0], input.dimensions[1])
    _ = try stepCell.outputShapes(for: [BatchShape([examples, input.dimensions[2]])])
    let size = stepCell.outputSize
    var shapes = [
      try BatchShape(sequence.returnsSequences ? [examples, steps, size] : [examples, size])
    ]
    if sequence.returnsState {
      for size in stepCell.stateSizes { shapes.append(try BatchShape([examples, size])) }
    }
    return shapes
  }
}

extension Tensor {
  /// One step of each example of a sequence.
  func step(_ number: Int, in context: EvaluationContext) throws(CairnError) -> Tensor {
    let rest = Array(shape.dimensions.dropFirst(2))
    return try gathered(
      [Array(0..<shape[0]), [number]] + rest.map { Array(0..<$0) }, in: context
    ).reshaped(to: Shape([shape[0]] + rest))
  }
}
