// Keras `layers/rnn/time_distributed.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// A layer applied to each step of a sequence separately.
///
/// Input: `(n, steps, …)`. Output: `(n, steps, …)` of what the layer makes of a step. Variables: the
/// layer's.
public final class TimeDistributed: OneInputLayer, MadeLayer {
  static let kind = LayerKind("TimeDistributed", passesMask: true, keepsWholeNumbers: true)

  let core: LayerState
  /// The layer.
  let layer: any Layer

  /// `layer`, applied to each step.
  ///
  /// - Throws: `invalidName`.
  public init(
    _ layer: any Layer, name: String? = nil, trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    layer.state.nameIfUnnamed(LayerName.automatic(for: type(of: layer).className))
    self.layer = layer
    core = try LayerState(
      className: Self.className, name: name, trainable: trainable, dtype: dtype)
  }

  init(
    reading reader: inout ConfigurationReader, in context: inout RebuildContext
  ) throws(CairnError) {
    guard let wrapped = reader.take("layer") else {
      throw reader.invalid("layer", expected: "a layer's configuration")
    }
    layer = try context.layer(from: wrapped, at: reader.path(of: "layer"))
    core = try reader.layerState(className: Self.className)
  }

  /// The layer.
  var parts: [(name: String, layer: any Layer)] { [("layer", layer)] }

  /// The keys of Keras's `get_config` for this class.
  var config: JSONObject { state.settings(with: ["layer": layer.kerasConfiguration]) }

  private func step(_ input: BatchShape) throws(CairnError) -> BatchShape {
    guard input.rank >= 2 else { throw shapeMismatch(expected: "steps", found: input) }
    return try BatchShape([input.dimensions[0]] + input.dimensions.dropFirst(2))
  }

  /// Makes the layer's variables.
  func prepare(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) {
    try layer.build(for: [step(only(inputs))], in: &context)
    try state.buildOnce(for: inputs) { [] }
  }

  /// What the layer makes of a step, for each.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    let output = try only(layer.outputShapes(for: [step(input)]))
    return try BatchShape(
      [input.dimensions[0], input.dimensions[1]] + output.dimensions.dropFirst())
  }

  /// What the layer makes of all steps, which are examples to it.
  func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let shape = try context.shape(outputShape(for: BatchShape(input.shape)))
    let (examples, steps) = (input.shape[0], input.shape[1])
    let flat = try input.reshaped(
      to: context.shape([examples * steps] + input.shape.dimensions.dropFirst(2)))
    let call = CallArguments(inputs: [MaskedTensor(flat)])
    return try only(layer.call(call, in: context)).tensor.reshaped(to: shape)
  }
}
