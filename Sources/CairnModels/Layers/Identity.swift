// Keras `layers/core/identity.py`.

import CairnJSON
public import CairnSystem
public import CairnTensors

/// Gives what it is given. No variables.
public final class Identity: ShapelessLayer {
  /// `Identity`
  public static let className = "Identity"

  /// Name, flag and variables.
  public let state: LayerState

  /// A layer that does nothing.
  ///
  /// - Throws: `invalidName`.
  public convenience init(
    name: String? = nil, trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    var reader = try ConfigurationReader(
      making: Self.className, name: name, trainable: trainable, dtype: dtype, [:])
    try self.init(reading: &reader)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    state = try reader.layerState(className: Self.className)
  }

  /// True.
  public var passesMask: Bool { true }
  /// True.
  public var keepsWholeNumbers: Bool { true }

  /// The input's own shape.
  public func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape { input }

  /// The input itself.
  public func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor { input }
}
