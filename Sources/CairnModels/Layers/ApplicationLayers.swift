// Layers that some of `keras.applications` bring with them: Keras `applications/convnext.py`,
// `inception_resnet_v2.py`.

import CairnJSON
import CairnSystem
import CairnTensors

/// Its input times a factor for each channel (Touvron et al., 2021). Variable: `gamma`.
package final class LayerScale: OneInputLayer, ConfiguredLayer {
  static let kind = LayerKind("LayerScale", module: "keras.src.applications.convnext")

  let core: LayerState
  private let initial: Double
  private let width: Int

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    initial = try reader.double("init_values", default: 1e-6)
    width = try reader.integer("projection_dim", in: 1...ConfigurationReader.greatestExtent)
    core = try reader.layerState(className: Self.className)
  }

  /// `gamma`.
  func makeVariables(
    for input: BatchShape, in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] {
    // Keras gives the variable no name of its own.
    try context.makeWeights(
      [("variable", [width], .constant(initial))], dtype: state.dtype.variableDType)
  }

  /// The input's own shape.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    guard let last = input.dimensions.last, last ?? width == width else {
      throw shapeMismatch(expected: "a last dimension of \(width)", found: input)
    }
    return input
  }

  /// The scaled input.
  func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    try state.check(input)
    _ = try outputShape(for: BatchShape(input.shape))
    let call = CallArguments<MaskedTensor>([
      .tensor(MaskedTensor(input)), .tensor(MaskedTensor(try state.weight("variable"))),
    ])
    return try BinaryRule(function: .product).evaluate(
      call, to: TensorSpec(BatchShape(input.shape), dtype: input.dtype), in: context)
  }
}

/// The first input plus a scaled second input.
package final class CustomScaleLayer: KerasLayer, ConfiguredLayer {
  static let kind = LayerKind(
    "CustomScaleLayer", module: "keras.src.applications.inception_resnet_v2")

  let core: LayerState
  private let scale: Double

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    scale = try reader.double("scale", default: 1)
    core = try reader.layerState(className: Self.className)
  }

  /// The first input's shape.
  func shapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape] {
    guard inputs.count == 2, inputs[0].isCompatible(with: inputs[1]) else {
      throw CairnError(
        .shapeMismatch, "the layer takes two inputs of one shape", at: .init(name: name),
        found: inputs.map { "\($0)" }.joined(separator: ", "))
    }
    return [inputs[0]]
  }

  /// `first + second * scale`.
  func results(
    _ inputs: [Tensor], in context: EvaluationContext
  ) throws(CairnError) -> [Tensor] {
    _ = try outputShapes(for: inputs.map { BatchShape($0.shape) })
    let spec = TensorSpec(BatchShape(inputs[0].shape), dtype: inputs[0].dtype)
    let part = try BinaryRule(function: .product).evaluate(
      CallArguments([.tensor(MaskedTensor(inputs[1])), .value(.double(scale))]), to: spec,
      in: context)
    return [
      try BinaryRule(function: .sum).evaluate(
        CallArguments(tensors: inputs[0], part), to: spec,
        in: context)
    ]
  }
}
