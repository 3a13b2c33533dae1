// Keras `layers/core/reversible_embedding.py`.

import CairnJSON
import CairnSystem
import CairnTensors

/// A vector for each number, and the reverse: the product of a given vector and the vector of each
/// number. Keras's `ReversibleEmbedding`.
///
/// Called with `reverse` it takes `(…, outputDimension)` and gives `(…, inputDimension)`.
/// Variables: `embeddings`, and `reverse_embeddings` if the reverse direction has a matrix of its
/// own.
package final class ReversibleEmbedding: CallLayer, ConfiguredLayer {
  static let kind = LayerKind("ReversibleEmbedding", castsFloats: false, callArguments: ["reverse"])

  let core: LayerState
  private let inputDimension: Int
  private let outputDimension: Int
  private let isTied: Bool
  private let masksZero: Bool
  private let reverseDType: DType?
  private let cap: Double?
  private let initializer: Initializer

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    inputDimension = try reader.integer("input_dim", in: 1...Shape.dimensionLimit - 1)
    outputDimension = try reader.integer("output_dim", in: 1...Shape.dimensionLimit - 1)
    initializer = try reader.initializer("embeddings_initializer", default: .randomUniform())
    isTied = try reader.bool("tie_weights", default: true)
    masksZero = try reader.bool("mask_zero", default: false)
    cap = try reader.optionalDouble("logit_soft_cap")
    let name = try reader.optionalString("reverse_dtype")
    reverseDType = name.flatMap { DType(name: $0) }
    guard name == nil || reverseDType?.isPlainFloat == true else {
      throw reader.invalid("reverse_dtype", expected: "a type of floats")
    }
    _ = reader.preserved([
      "embeddings_regularizer", "activity_regularizer", "embeddings_constraint",
    ])
    try reader.refuseQuantization()
    reader.record("quantization_config", .null)
    core = try reader.layerState(className: Self.className)
  }

  /// The matrices.
  func variables(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] {
    try context.makeWeights(
      [
        ("embeddings", [inputDimension, outputDimension], initializer),
        isTied
          ? nil : ("reverse_embeddings", [outputDimension, inputDimension], initializer),
      ], dtype: state.dtype.variableDType)
  }

  /// One dimension more, as for numbers.
  func shapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape] {
    [try BatchShape(only(inputs).dimensions + [outputDimension])]
  }

  private func isReverse<Value>(_ arguments: CallArguments<Value>) throws(CairnError) -> Bool {
    guard let argument = arguments.argument(1, "reverse") else { return false }
    guard let flag = argument.plain?.boolValue else {
      throw CairnError(
        .unsupportedConfiguration, "a layer's call goes one way or the other",
        at: .init(name: name),
        expected: "true or false for reverse")
    }
    return flag
  }

  private func first<Value>(_ arguments: CallArguments<Value>) throws(CairnError) -> Value {
    try checkNamed(arguments)
    return try only(arguments.positional.prefix(1).flatMap(\.tensors))
  }

  /// The shape of what comes in.
  func shapesToBuild(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [BatchShape] { [try first(arguments).shape] }

  private func outputShape(
    for input: BatchShape, isReverse: Bool
  ) throws(CairnError) -> BatchShape {
    guard isReverse else { return try BatchShape(input.dimensions + [outputDimension]) }
    guard input.rank > 0, (input.dimensions.last ?? nil) ?? outputDimension == outputDimension
    else {
      throw shapeMismatch(expected: "a last dimension of \(outputDimension)", found: input)
    }
    return try input.withLast(inputDimension)
  }

  /// Vectors, or a value for each number.
  func specs(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [TensorSpec] {
    let shape = try outputShape(for: first(arguments).shape, isReverse: isReverse(arguments))
    return [TensorSpec(shape, dtype: state.dtype.computeDType)]
  }

  /// The vectors, with a mask of what is not 0 if 0 is padding; or the products with all vectors.
  func results(
    _ arguments: CallArguments<MaskedTensor>, in context: EvaluationContext
  ) throws(CairnError) -> [MaskedTensor] {
    let input = try first(arguments).tensor
    let goesBack = try isReverse(arguments)
    let shape = try context.shape(
      outputShape(for: BatchShape(input.shape), isReverse: goesBack))
    guard !goesBack else { return [MaskedTensor(try reversed(input, shape, in: context))] }
    let places = try input.places(below: inputDimension, of: name)
    let table = try state.requireVariable("embeddings").value.cast(to: state.dtype.computeDType)
    let output = try table.runs(
      shape: shape, length: outputDimension, sources: places)
    return [MaskedTensor(output, mask: masksZero ? try input.cast(to: .bool) : nil)]
  }

  private func reversed(
    _ input: Tensor, _ shape: Shape, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let type = state.dtype.computeDType
    let computed = reverseDType ?? type
    let inner = computed == .float64 ? DType.float64 : .float32
    func brought(_ tensor: Tensor) throws(CairnError) -> Tensor {
      try tensor.cast(to: type).cast(to: computed).cast(to: inner)
    }
    let matrix =
      isTied
      ? try state.requireVariable("embeddings").value.transposed([1, 0])
      : try state.requireVariable("reverse_embeddings").value
    try context.take(work: shape.elementCount, outputDimension)
    var output = try MatrixProduct.product(
      of: brought(input), brought(matrix), adding: nil, shape: shape, threads: context.threads)
    if let cap {
      let values: [Double] = try output.cast(to: .float64).scalars()
      let capped = values.map { Elementary.tanh($0 / cap) * cap }
      output = try Tensor(capped, shape: shape).cast(to: inner)
    }
    return try output.cast(to: computed)
  }
}
