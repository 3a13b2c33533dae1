// Keras `layers/core/embedding.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// A vector for each number.
///
/// Input: integers of any shape. Output: one dimension more, `outputDimension`. Variable:
/// `embeddings` `(inputDimension, outputDimension)`.
public final class Embedding: OneInputLayer, ConfiguredLayer {
  static let kind = LayerKind("Embedding", castsFloats: false)

  let core: LayerState
  private let quantized: QuantizedLayer?
  /// The number of vectors.
  let inputDimension: Int
  /// Their length.
  let outputDimension: Int
  /// Whether a 0 is padding, which a mask then leaves out.
  let masksZero: Bool
  private let initializer: Initializer

  /// A layer of `inputDimension` vectors.
  ///
  /// - Throws: `invalidArgument` for sizes below 1; `invalidName`.
  public convenience init(
    _ inputDimension: Int, _ outputDimension: Int, masksZero: Bool = false,
    initializer: Initializer = .randomUniform(), name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: [
        "input_dim": inputDimension,
        "output_dim": outputDimension, "mask_zero": masksZero,
        "embeddings_initializer": initializer,
      ], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    inputDimension = try reader.integer("input_dim", in: 1...Shape.dimensionLimit - 1)
    outputDimension = try reader.integer("output_dim", in: 1...Shape.dimensionLimit - 1)
    initializer = try reader.initializer("embeddings_initializer", default: .randomUniform())
    masksZero = try reader.bool("mask_zero", default: false)
    _ = reader.preserved([
      "embeddings_regularizer", "activity_regularizer", "embeddings_constraint",
    ])
    // Deprecated, without effect.
    _ = reader.take("input_length")
    (core, quantized) = try reader.quantizedLayerState(className: Self.className)
    if case .float8 = quantized?.quantization {
      throw reader.unsupported(
        "dtype", "an embedding has no weights in 8-bit floats, in Keras neither")
    }
  }

  /// One dimension more.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    try BatchShape(input.dimensions + [outputDimension])
  }

  /// `embeddings`.
  func makeVariables(
    for input: BatchShape, in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] {
    let type = state.dtype.variableDType
    switch quantized?.quantization {
    case .int8:
      return [
        try context.makeVariable(
          "embeddings", dimensions: [inputDimension, outputDimension], initializer: .zeros,
          role: .nonTrainable, dtype: .int8),
        try context.makeVariable(
          "embeddings_scale", dimensions: [inputDimension], initializer: .ones,
          role: .nonTrainable, dtype: type),
      ]
    case .int4(let block):
      return try QuantizedLayer.makePacked(
        "embeddings", (inputDimension, outputDimension), block: block, along: outputDimension,
        dtype: type, in: &context)
    case .float8, nil: break
    }
    return try context.makeWeights(
      [("embeddings", [inputDimension, outputDimension], initializer)], dtype: type)
  }

  /// The vectors of the input's numbers.
  func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let shape = try context.shape(outputShape(for: BatchShape(input.shape)))
    let places = try input.places(below: inputDimension, of: name)
    let stored = try state.requireVariable("embeddings").value
    if quantized != nil {
      return try Precision(for: state.evaluationDType).run(
        FewBits(layer: self, places: places, stored: stored, shape: shape))
    }
    let table = try stored.cast(to: state.dtype.computeDType)
    return try table.runs(shape: shape, length: outputDimension, sources: places)
  }

  private struct FewBits: FloatWork {
    let layer: Embedding
    let places: [Int]
    let stored: Tensor
    let shape: Shape

    func run<Scalar: FloatScalar>(as type: Scalar.Type) throws(CairnError) -> Tensor {
      try layer.vectors(places, of: stored, shape, as: type)
    }
  }

  /// The vectors of places in a table of few bits.
  private func vectors<Scalar: FloatScalar>(
    _ places: [Int], of stored: Tensor, _ shape: Shape, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    let width = stored.shape.dimensions.last ?? 0
    let rows = try stored.runs(
      shape: Shape([places.count, width]), length: width, sources: places)
    let scales: [Scalar] = try state.weightScalars("embeddings_scale")
    var values: [Scalar]
    if quantized?.quantization == .int8 {
      values = try rows.cast(to: Scalar.dtype).scalars()
    } else {
      values = try QuantizedLayer.nibbles(rows, rows: places.count, columns: outputDimension)
    }
    let isGrouped = state.variable("g_idx") != nil
    guard isGrouped else {
      for index in values.indices {
        values[index] = values[index] / scales[places[index / outputDimension]]
      }
      return try Tensor(values, shape: shape)
    }
    let count = scales.count / inputDimension
    let groups = try QuantizedLayer.groups(of: state, count: count)
    let zeros: [Scalar] = try state.weightScalars("embeddings_zero")
    guard groups.count == outputDimension, zeros.count == scales.count else {
      throw state.notBuilt()
    }
    for index in values.indices {
      let place = places[index / outputDimension] * count + groups[index % outputDimension]
      values[index] = (values[index] - zeros[place]) * scales[place]
    }
    return try Tensor(values, shape: shape)
  }

  /// As for the numbers alone, with a mask of those that are not 0 if 0 is padding.
  func results(
    _ arguments: CallArguments<MaskedTensor>, in context: EvaluationContext
  ) throws(CairnError) -> [MaskedTensor] {
    let input = try only(plainInputs(arguments)).tensor
    let output = try evaluate(input, in: context)
    return [MaskedTensor(output, mask: masksZero ? try input.cast(to: .bool) : nil)]
  }
}

extension Tensor {
  /// The elements as indices of the rows of a table with `count` rows.
  ///
  /// - Throws: `invalidArgument` for an index that the table does not have.
  func places(below count: Int, of layer: String) throws(CairnError) -> [Int] {
    let numbers: [Int64] = try cast(to: .int64).scalars()
    for (index, number) in numbers.enumerated() {
      guard (0..<Int64(count)).contains(number) else {
        throw CairnError(
          .invalidArgument, "there is no vector for a number of the input",
          at: .init(name: layer, index: index), expected: "0..<\(count)", found: "\(number)")
      }
    }
    return numbers.map { Int($0) }
  }
}
