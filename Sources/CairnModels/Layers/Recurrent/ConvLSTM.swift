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
package final class ConvLSTM<Rank: SpatialRank>: KerasLayer, SeededLayer {
  static var kind: LayerKind {
    LayerKind("ConvLSTM\(Rank.rank)D", callArguments: ["initial_state"])
  }

  let core: LayerState
  private let returnsSequences: Bool
  private let returnsState: Bool
  private let goesBackwards: Bool
  private let isStateful: Bool
  private let zeroesMaskedOutput: Bool
  private let window: ConvolutionWindow
  private let filters: Int
  private let activation: OutputActivation
  private let recurrentActivation: OutputActivation
  private let cell: ConvLSTMCell

  init(
    reading reader: inout ConfigurationReader, in context: inout BuildContext
  ) throws(CairnError) {
    returnsSequences = try reader.bool("return_sequences", default: false)
    returnsState = try reader.bool("return_state", default: false)
    goesBackwards = try reader.bool("go_backwards", default: false)
    isStateful = try reader.bool("stateful", default: false)
    _ = try reader.bool("unroll", default: false)
    zeroesMaskedOutput = try reader.bool("zero_output_for_mask", default: false)
    filters = try reader.integer("filters", in: 1...ConfigurationReader.greatestExtent)
    window = try ConvolutionWindow(reading: &reader, rank: Rank.rank)
    try window.checkStrides(reader)
    activation = try reader.activation("activation", default: .tanh)
    recurrentActivation = try reader.activation("recurrent_activation", default: .hardSigmoid)
    let usesBias = try reader.bool("use_bias", default: true)
    let initializers = (
      kernel: try reader.initializer("kernel_initializer", default: .glorotUniform),
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
      guard isStateful else { return [] }
      let picture = try window.outputShape(for: step(input), channels: filters, self)
      let dimensions = picture.dimensions.compactMap { $0 }
      guard dimensions.count == picture.rank else {
        throw shapeMismatch(
          expected: "fixed dimensions, as the layer is stateful", found: input)
      }
      var states: [LayerVariable] = []
      for index in 0..<2 {
        states.append(
          try context.makeVariable(
            "state_\(index)", dimensions: dimensions, initializer: .zeros, role: .state,
            dtype: state.dtype.computeDType))
      }
      return states
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
    return [returnsSequences ? all : picture] + (returnsState ? [picture, picture] : [])
  }

  /// The sequence's shape.
  func shapesToBuild(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [BatchShape] {
    Array(arguments.positional.flatMap(\.tensors).prefix(1)).map(\.shape)
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

  /// As with masks, without.
  func results(
    _ inputs: [Tensor], in context: EvaluationContext
  ) throws(CairnError) -> [Tensor] {
    try evaluate(CallArguments(inputs: inputs.map { MaskedTensor($0) }), in: context)
      .map(\.tensor)
  }

  /// Goes through the steps.
  func results(
    _ arguments: CallArguments<MaskedTensor>, in context: EvaluationContext
  ) throws(CairnError) -> [MaskedTensor] {
    try checkNamed(arguments)
    guard let input = arguments.positional.first?.tensors.first else { throw state.notBuilt() }
    return switch try state.precision(of: input.tensor) {
    case .single: try evaluate(input, arguments, in: context, as: Float.self)
    case .double: try evaluate(input, arguments, in: context, as: Double.self)
    }
  }

  private func evaluate<Scalar: FloatScalar>(
    _ input: MaskedTensor, _ arguments: CallArguments<MaskedTensor>,
    in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> [MaskedTensor] {
    let shapes = try outputShapes(for: [BatchShape(input.tensor.shape)])
    let (examples, steps) = (input.tensor.shape[0], input.tensor.shape[1])
    let mask = try (arguments.argument(2, "mask")?.tensors.first?.tensor ?? input.mask)?
      .stepMask(examples: examples, steps: steps, of: name)
    let single = try window.outputShape(
      for: step(BatchShape(input.tensor.shape)), channels: filters, self)
    let picture = try context.shape(single)
    // The states have their channels last, whatever the format.
    let inner = try Tensor(zeros: Scalar.dtype, shape: picture).withChannelsLast(
      from: window.dataFormat
    ).shape
    var (hidden, memory) = (
      [Scalar](repeating: 0, count: inner.elementCount),
      [Scalar](repeating: 0, count: inner.elementCount)
    )
    var given = (arguments.argument(1, "initial_state")?.tensors ?? []).map(\.tensor)
    if given.isEmpty, isStateful {
      for index in 0..<2 {
        let kept = try state.requireVariable("state_\(index)").value
        given.append(try kept.cast(to: Scalar.dtype))
      }
    }
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
    let rest = Array(input.tensor.shape.dimensions.dropFirst(2))
    for number in goesBackwards ? Array((0..<steps).reversed()) : Array(0..<steps) {
      let slice = try input.tensor.gathered(
        [Array(0..<examples), [number]] + rest.map { Array(0..<$0) }, in: context
      ).reshaped(to: Shape([examples] + rest)).withChannelsLast(from: window.dataFormat)
      let own: [Scalar] = try slice.convolved(
        with: kernels.0, adding: bias, over: window, groups: 1, in: context
      ).scalars()
      let back: [Scalar] = try Tensor(hidden, shape: inner).convolved(
        with: kernels.1, adding: nil, over: again, groups: 1, in: context
      ).scalars()
      let (nextHidden, nextMemory) = try advance(own, back, memory)
      var output = nextHidden
      if let mask {
        for example in 0..<examples where !mask[example * steps + number] {
          for index in example * length..<(example + 1) * length {
            output[index] = zeroesMaskedOutput ? 0 : previous[index]
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
      if returnsSequences {
        outputs.append(
          try Tensor(output, shape: inner).withChannels(in: window.dataFormat).reshaped(
            to: Shape([examples, 1] + picture.dimensions.dropFirst())))
      }
    }
    func result(_ values: [Scalar]) throws(CairnError) -> Tensor {
      try Tensor(values, shape: inner).withChannels(in: window.dataFormat)
    }
    if isStateful {
      for (index, values) in [hidden, memory].enumerated() {
        let variable = try state.requireVariable("state_\(index)")
        try variable.assign(result(values).cast(to: variable.dtype))
      }
    }
    let first: Tensor
    if returnsSequences {
      let shape = try context.shape(shapes[0])
      first =
        outputs.isEmpty
        ? try Tensor(zeros: Scalar.dtype, shape: shape)
        : try Tensor.concatenated(outputs, axis: 1, shape: shape)
    } else {
      first = try result(previous)
    }
    let masked = MaskedTensor(first, mask: returnsSequences ? input.mask : nil)
    guard returnsState else { return [masked] }
    return [masked, MaskedTensor(try result(hidden)), MaskedTensor(try result(memory))]
  }

  /// The states after a step, of the sums of the convolutions of the input and of the state.
  private func advance<Scalar: FloatScalar>(
    _ own: [Scalar], _ back: [Scalar], _ memory: [Scalar]
  ) throws(CairnError) -> (hidden: [Scalar], memory: [Scalar]) {
    let columns = 4 * filters
    func gate(_ number: Int) -> [Scalar] {
      var part: [Scalar] = []
      part.reserveCapacity(memory.count)
      for row in stride(from: 0, to: own.count, by: columns) {
        for index in row + number * filters..<row + (number + 1) * filters {
          part.append(own[index] + back[index])
        }
      }
      return part
    }
    let i = try recurrentActivation.values(gate(0), width: filters)
    let f = try recurrentActivation.values(gate(1), width: filters)
    let candidate = try activation.values(gate(2), width: filters)
    let o = try recurrentActivation.values(gate(3), width: filters)
    var next = memory
    for index in next.indices { next[index] = f[index] * next[index] + i[index] * candidate[index] }
    var hidden = try activation.values(next, width: filters)
    for index in hidden.indices { hidden[index] *= o[index] }
    return (hidden, next)
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
