// Keras `layers/rnn/conv_lstm.py`, `conv_lstm1d.py` and their siblings.

import CairnJSON
import CairnSystem
import CairnTensors

/// Convolutional long short-term memory over rows.
package typealias ConvLSTM1D = ConvLSTM<OneDimensional>
/// Convolutional long short-term memory over pictures.
package typealias ConvLSTM2D = ConvLSTM<TwoDimensional>
/// Convolutional long short-term memory over volumes.
package typealias ConvLSTM3D = ConvLSTM<ThreeDimensional>

/// Long short-term memory whose states are pictures, and whose products are convolutions
/// (Shi et al., 2015).
///
/// Call: `(n, steps, …, c)`. Output: the last step's `(n, …, filters)`, or all of them. Variables:
/// those of its cell.
package final class ConvLSTM<Rank: SpatialRank>: SteppingLayer, FloatCallLayer, SeededLayer {
  static var kind: LayerKind {
    LayerKind("ConvLSTM\(Rank.rank)D", callArguments: ["initial_state"])
  }

  let core: LayerState
  let sequence: SequenceOptions
  private let window: ConvolutionWindow
  private let filters: Int
  private let activation: OutputActivation
  private let recurrentActivation: OutputActivation
  private let cell: ConvLSTMCell

  init(
    reading reader: inout ConfigurationReader, in context: inout BuildContext
  ) throws(CairnError) {
    sequence = try SequenceOptions(reading: &reader)
    filters = try reader.integer("filters", in: 1...ConfigurationReader.greatestExtent)
    window = try ConvolutionWindow(reading: &reader, rank: Rank.rank)
    try window.checkStrides(reader)
    activation = try reader.activation("activation", default: .tanh)
    recurrentActivation = try reader.activation("recurrent_activation", default: .hardSigmoid)
    let usesBias = try reader.bool("use_bias", default: true)
    let initializers = (
      kernel: try reader.initializer("kernel_initializer", default: .glorotUniform()),
      recurrent: try reader.initializer("recurrent_initializer", default: .orthogonal()),
      bias: try reader.initializer("bias_initializer", default: .zeros)
    )
    _ = try reader.bool("unit_forget_bias", default: true)
    _ = reader.preserved([
      "kernel_regularizer", "recurrent_regularizer", "bias_regularizer", "activity_regularizer",
      "kernel_constraint", "recurrent_constraint", "bias_constraint",
    ])
    _ = try reader.rate("dropout")
    _ = try reader.rate("recurrent_dropout")
    let seed = try reader.generatorSeed(in: &context)
    core = try reader.layerState(className: Self.className)
    cell = try ConvLSTMCell(
      kernel: window.kernelSize, filters: filters, usesBias: usesBias, initializers, seed: seed,
      trainable: core.isTrainable, dtype: core.dtype)
  }

  /// The cell.
  var parts: [(name: String, layer: any Layer)] { [("cell", cell)] }

  private func step(_ input: BatchShape) throws(CairnError) -> BatchShape {
    guard input.rank == Rank.rank + 3 else {
      throw shapeMismatch(expected: "\(Rank.rank + 3) dimensions", found: input)
    }
    return try BatchShape([input.dimensions[0]] + input.dimensions.dropFirst(2))
  }

  /// Makes the cell's variables.
  func prepare(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) {
    guard state.inputShapes == nil, let input = inputs.first else { return }
    _ = try outputShapes(for: [input])
    let channels = try window.channels(of: step(input), self)
    try cell.build(for: [BatchShape([nil, channels])], in: &context)
    try state.buildOnce(for: [input]) { () throws(CairnError) in
      guard sequence.isStateful else { return [] }
      let picture = try window.outputShape(for: step(input), channels: filters, self)
      let dimensions = picture.dimensions.compactMap { $0 }
      guard dimensions.count == picture.rank else {
        throw shapeMismatch(
          expected: "fixed dimensions, as the layer is stateful", found: input)
      }
      return try makeStates([dimensions, dimensions], in: &context)
    }
  }

  /// The last step's picture or all steps', and maybe the states.
  func shapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape] {
    guard let input = inputs.first else { throw state.notBuilt() }
    let single = try step(input)
    let channels = try window.channels(of: single, self)
    if let kernel = cell.state.variable("kernel"), kernel.shape[Rank.rank] != channels {
      throw shapeMismatch(expected: "\(kernel.shape[Rank.rank]) channels", found: input)
    }
    let picture = try window.outputShape(for: single, channels: filters, self)
    let all = try BatchShape(
      [input.dimensions[0], input.dimensions[1]] + picture.dimensions.dropFirst())
    return [sequence.returnsSequences ? all : picture]
      + (sequence.returnsState ? [picture, picture] : [])
  }

  func opened(
    _ arguments: CallArguments<MaskedTensor>
  ) throws(CairnError) -> (call: SequenceCall, operands: [Tensor]) {
    let call = try SequenceCall(arguments, of: self)
    return (call, [call.input])
  }

  /// Goes through the steps.
  func evaluate<Scalar: FloatScalar>(
    _ call: SequenceCall, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> [MaskedTensor] {
    let input = call.input
    let shapes = try outputShapes(for: [BatchShape(input.shape)])
    let (examples, steps) = (input.shape[0], input.shape[1])
    let mask = try call.mask?.stepMask(examples: examples, steps: steps, of: name)
    let single = try window.outputShape(
      for: step(BatchShape(input.shape)), channels: filters, self)
    let picture = try context.shape(single)
    // The states have their channels last, whatever the format.
    let inner = try Tensor(zeros: Scalar.dtype, shape: picture).withChannelsLast(
      from: window.dataFormat
    ).shape
    var (hidden, memory) = (
      [Scalar](repeating: 0, count: inner.elementCount),
      [Scalar](repeating: 0, count: inner.elementCount)
    )
    var given = call.states ?? []
    if given.isEmpty { given = try keptStates(2) }
    if given.count == 2 {
      hidden = try given[0].withChannelsLast(from: window.dataFormat).scalars()
      memory = try given[1].withChannelsLast(from: window.dataFormat).scalars()
    }
    guard given.isEmpty || given.count == 2, hidden.count == inner.elementCount,
      memory.count == inner.elementCount
    else { throw shapeMismatch(expected: "two states of \(inner)", found: shapes[0]) }
    let kernels = (try cell.state.weight("kernel"), try cell.state.weight("recurrent_kernel"))
    let bias = cell.usesBias ? try cell.state.weight("bias") : nil
    let again = ConvolutionWindow(kernelSize: window.kernelSize, padding: .same)
    let length = examples == 0 ? 0 : inner.elementCount / examples
    var previous = [Scalar](repeating: 0, count: inner.elementCount)
    var outputs: [Tensor] = []
    for number in sequence.order(of: steps) {
      let slice = try input.step(number, in: context).withChannelsLast(from: window.dataFormat)
      let own: [Scalar] = try slice.convolved(
        with: kernels.0, adding: bias, over: window, groups: 1, in: context
      ).scalars()
      let back: [Scalar] = try Tensor(hidden, shape: inner).convolved(
        with: kernels.1, adding: nil, over: again, groups: 1, in: context
      ).scalars()
      let next = try recurrentActivation.longShortTerm(
        gate: { gate($0, own, back) }, memory: memory, inner: activation, width: filters)
      let (nextHidden, nextMemory) = (next[0], next[1])
      var output = nextHidden
      if let mask {
        for example in 0..<examples where !mask[example * steps + number] {
          for index in example * length..<(example + 1) * length {
            output[index] = sequence.zeroesMasked ? 0 : previous[index]
          }
        }
        for example in 0..<examples where mask[example * steps + number] {
          for index in example * length..<(example + 1) * length {
            (hidden[index], memory[index]) = (nextHidden[index], nextMemory[index])
          }
        }
      } else {
        (hidden, memory) = (nextHidden, nextMemory)
      }
      previous = output
      if sequence.returnsSequences {
        outputs.append(
          try Tensor(output, shape: inner).withChannels(in: window.dataFormat).reshaped(
            to: Shape([examples, 1] + picture.dimensions.dropFirst())))
      }
    }
    func result(_ values: [Scalar]) throws(CairnError) -> Tensor {
      try Tensor(values, shape: inner).withChannels(in: window.dataFormat)
    }
    let states = [try result(hidden), try result(memory)]
    try keep(states)
    let first: Tensor
    if sequence.returnsSequences {
      let shape = try context.shape(shapes[0])
      first =
        outputs.isEmpty
        ? try Tensor(zeros: Scalar.dtype, shape: shape)
        : try Tensor.concatenated(outputs, axis: 1, shape: shape)
    } else {
      first = try result(previous)
    }
    return results(first, states, mask: call.inputMask)
  }

  /// The part of the sums, of the input's convolution and of the state's, that belongs to a gate.
  private func gate<Scalar: FloatScalar>(
    _ number: Int, _ own: [Scalar], _ back: [Scalar]
  ) -> [Scalar] {
    var part: [Scalar] = []
    part.reserveCapacity(own.count / 4)
    for row in stride(from: 0, to: own.count, by: 4 * filters) {
      for index in row + number * filters..<row + (number + 1) * filters {
        part.append(own[index] + back[index])
      }
    }
    return part
  }
}

/// The variables of a convolutional memory: `kernel` `(window…, c, 4 · filters)`, `recurrent_kernel`
/// `(window…, filters, 4 · filters)` and `bias`; and the state of a seed generator.
final class ConvLSTMCell: OneInputLayer {
  static let kind = LayerKind("ConvLSTMCell")

  let core: LayerState
  let usesBias: Bool
  private let kernel: [Int]
  private let filters: Int
  private let seed: UInt32
  private let initializers: (kernel: Initializer, recurrent: Initializer, bias: Initializer)

  init(
    kernel: [Int], filters: Int, usesBias: Bool,
    _ initializers: (kernel: Initializer, recurrent: Initializer, bias: Initializer), seed: UInt32,
    trainable: Bool, dtype: DTypePolicy
  ) throws(CairnError) {
    self.kernel = kernel
    self.filters = filters
    self.usesBias = usesBias
    self.initializers = initializers
    self.seed = seed
    core = try LayerState(
      className: Self.className, name: LayerName.automatic(for: Self.className),
      trainable: trainable, dtype: dtype)
  }

  func makeVariables(
    for input: BatchShape, in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] {
    guard let last = input.dimensions.last, let channels = last else { throw state.notBuilt() }
    var variables = try context.makeWeights(
      [
        ("kernel", kernel + [channels, 4 * filters], initializers.kernel),
        ("recurrent_kernel", kernel + [filters, 4 * filters], initializers.recurrent),
        usesBias ? ("bias", [4 * filters], initializers.bias) : nil,
      ], dtype: state.dtype.variableDType)
    variables.append(try .seedGenerator(seed))
    return variables
  }

  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape { input }

  func evaluate(_ input: Tensor, in context: EvaluationContext) throws(CairnError) -> Tensor {
    throw state.notBuilt()
  }
}
