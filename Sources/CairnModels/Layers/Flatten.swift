// Keras `layers/reshaping/flatten.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// Makes each example one vector.
///
/// Input: `(n, …)`. Output: `(n, product of the others)`; `(n,)` becomes `(n, 1)`. No variables.
public final class Flatten: OneInputLayer, ConfiguredLayer {
  static let kind = LayerKind("Flatten", keepsWholeNumbers: true)

  let core: LayerState
  /// Which dimension the channels are.
  let dataFormat: DataFormat

  /// A layer that flattens inputs of the given format.
  ///
  /// - Throws: `invalidName`.
  public convenience init(
    dataFormat: DataFormat = .channelsLast, name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: ["data_format": dataFormat], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    dataFormat = try reader.dataFormat()
    core = try reader.layerState(className: Self.className)
  }

  /// `(n, product of the others)`.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    guard let first = input.dimensions.first else {
      throw shapeMismatch(expected: "at least one dimension", found: input)
    }
    let others = input.dimensions.dropFirst()
    let known = others.compactMap { $0 }
    guard known.count == others.count else { return try BatchShape([first, nil]) }
    return try BatchShape([first, Shape(known).elementCount])
  }

  /// The input with one dimension for each example.
  func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let dimensions = try outputShape(for: BatchShape(input.shape)).dimensions
    let shape = try Shape(dimensions.map { $0 ?? 0 })
    return try input.withChannelsLast(from: dataFormat).reshaped(to: shape)
  }
}
