// Keras `layers/normalization/unit_normalization.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// Each example scaled to Euclidean length 1 along some dimensions. No variables.
public final class UnitNormalization: FloatLayer, ConfiguredLayer {
  static let kind = LayerKind("UnitNormalization", passesMask: true, needsShape: false)

  let core: LayerState
  private let axes: [Int]

  /// A layer that scales along `axes`.
  ///
  /// - Throws: `invalidArgument`; `invalidName`.
  public convenience init(
    axes: [Int] = [-1], name: String? = nil, trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: ["axis": Extents(axes)], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    axes = try reader.axes("axis", default: [-1])
    core = try reader.layerState(className: Self.className)
  }

  /// The input's own shape, if it has the axes.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    _ = try input.axes(axes, of: self)
    return input
  }

  /// The scaled input.
  func evaluate<Scalar: FloatScalar>(
    _ input: Tensor, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    let axes = try BatchShape(input.shape).axes(axes, of: self)
    return try FloatArray<Scalar>(input).unitLength(axes, in: context).tensor()
  }
}
