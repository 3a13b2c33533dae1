// Keras `layers/core/masking.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// Makes a mask of the steps that are not all one value, and sets those to zero. No variables.
public final class Masking: OneInputCallLayer, ConfiguredLayer {
  static let kind = LayerKind("Masking", needsShape: false)

  let core: LayerState
  /// What a step of padding is filled with.
  let maskValue: Double

  /// A layer that leaves out steps filled with `maskValue`.
  ///
  /// - Throws: `invalidName`.
  public convenience init(
    maskValue: Double = 0, name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: ["mask_value": maskValue], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    maskValue = try reader.double("mask_value", default: 0)
    core = try reader.layerState(className: Self.className)
  }

  /// The input's own shape.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    guard input.rank >= 1 else { throw shapeMismatch(expected: "a dimension", found: input) }
    return input
  }

  func opened(
    _ arguments: CallArguments<MaskedTensor>
  ) throws(CairnError) -> (call: Tensor, operands: [Tensor]) {
    let input = try only(plainInputs(arguments)).tensor
    return (input, [input])
  }

  /// The input with masked steps at zero, and the mask.
  func evaluate<Scalar: FloatScalar>(
    _ input: Tensor, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> [MaskedTensor] {
    _ = try outputShape(for: BatchShape(input.shape))
    let value = Scalar(maskValue)
    let array = try FloatArray<Scalar>(input)
    var mask = array.reduced([input.rank - 1], keepingDimensions: true) { run in
      run.contains(where: { $0 != value }) ? 1 : 0
    }
    let output = try array.combined(with: mask, in: context) { $1 == 0 ? 0 : $0 }
    mask.shape.removeLast()
    return [MaskedTensor(try output.tensor(), mask: try mask.tensor().cast(to: .bool))]
  }
}
