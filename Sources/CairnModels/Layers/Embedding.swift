// Keras `layers/core/embedding.py`.

import CairnJSON
public import CairnSystem
public import CairnTensors

/// A vector for each number.
///
/// Input: integers of any shape. Output: one dimension more, `outputDimension`. Variable:
/// `embeddings` `(inputDimension, outputDimension)`.
public final class Embedding: UnaryLayer {
  /// `Embedding`
  public static let className = "Embedding"

  /// Name, flag and variables.
  public let state: LayerState
  /// The number of vectors.
  public let inputDimension: Int
  /// Their length.
  public let outputDimension: Int
  /// Whether a 0 is padding, which a mask then leaves out.
  public let masksZero: Bool
  private let initializer: Initializer

  /// A layer of `inputDimension` vectors.
  ///
  /// - Throws: `invalidConfiguration` for sizes below 1; `invalidName`.
  public convenience init(
    _ inputDimension: Int, _ outputDimension: Int, masksZero: Bool = false,
    initializer: Initializer = .randomUniform(), name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    var reader = try ConfigurationReader(
      making: Self.className, name: name, trainable: trainable, dtype: dtype,
      [
        "input_dim": .integer(Int64(inputDimension)),
        "output_dim": .integer(Int64(outputDimension)), "mask_zero": .bool(masksZero),
        "embeddings_initializer": initializer.json,
      ])
    try self.init(reading: &reader)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    inputDimension = try reader.integer("input_dim", in: 1...Shape.dimensionLimit - 1)
    outputDimension = try reader.integer("output_dim", in: 1...Shape.dimensionLimit - 1)
    initializer = try reader.initializer("embeddings_initializer", default: .randomUniform())
    masksZero = try reader.bool("mask_zero", default: false)
    _ = reader.preserved([
      "embeddings_regularizer", "activity_regularizer", "embeddings_constraint",
    ])
    try reader.refuseQuantization(records: true)
    // Deprecated, without effect.
    _ = reader.take("input_length")
    state = try reader.layerState(className: Self.className)
  }

  /// False: the input is integers.
  public var castsFloats: Bool { false }

  /// One dimension more.
  public func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    try BatchShape(input.dimensions + [outputDimension])
  }

  /// `embeddings`.
  public func makeVariables(
    for input: BatchShape, in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] {
    [
      try context.makeVariable(
        "embeddings", dimensions: [inputDimension, outputDimension], initializer: initializer,
        role: .trainable, dtype: state.dtype.variableDType)
    ]
  }

  /// The vectors of the input's numbers.
  public func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let shape = try context.shape(outputShape(for: BatchShape(input.shape)))
    let numbers: [Int64] = try input.cast(to: .int64).scalars()
    for (index, number) in numbers.enumerated() {
      guard (0..<Int64(inputDimension)).contains(number) else {
        throw CairnError(
          .invalidArgument, "there is no vector for a number of the input",
          at: .init(name: name, index: index), expected: "0..<\(inputDimension)",
          found: "\(number)")
      }
    }
    let table = try state.requireVariable("embeddings").value.cast(to: state.dtype.computeDType)
    return try table.runs(shape: shape, length: outputDimension, sources: numbers.map { Int($0) })
  }

  /// As for the numbers alone, with a mask of those that are not 0 if 0 is padding.
  public func evaluate(
    _ arguments: CallArguments<MaskedTensor>, in context: EvaluationContext
  ) throws(CairnError) -> [MaskedTensor] {
    let input = try only(plainInputs(arguments)).tensor
    let output = try evaluate(input, in: context)
    return [MaskedTensor(output, mask: masksZero ? try input.cast(to: .bool) : nil)]
  }
}
