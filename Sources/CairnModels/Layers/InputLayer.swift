// Keras `layers/core/input_layer.py`.

import CairnJSON
public import CairnSystem
public import CairnTensors

/// Where a model's input comes in: its shape and element type, known before there is any data.
///
/// It has no variables and no `trainable` flag of its own.
public final class InputLayer: OneInputLayer, ConfiguredLayer {
  static let kind = LayerKind("InputLayer", passesMask: true, castsFloats: false, needsShape: false)

  let core: LayerState
  /// The shape of a batch.
  let batchShape: BatchShape
  /// The element type of a batch.
  let dtype: DType
  private let isOptional: Bool

  /// An input of which each example has the given shape.
  ///
  /// - Parameters:
  ///   - shape: The shape without the number of examples; nil for a length that may vary.
  ///   - batchSize: The number of examples, if it is fixed.
  /// - Throws: `invalidShape`, `invalidName`.
  public convenience init(
    shape: [Int?], batchSize: Int? = nil, dtype: DType = .float32, name: String? = nil
  ) throws(CairnError) {
    try self.init(batchShape: BatchShape([batchSize] + shape), dtype: dtype, name: name)
  }

  /// An input of batches of the given shape.
  ///
  /// - Throws: `invalidName`.
  package init(
    batchShape: BatchShape, dtype: DType = .float32, name: String? = nil
  ) throws(CairnError) {
    self.batchShape = batchShape
    self.dtype = dtype
    isOptional = false
    core = try Self.state(name)
  }

  private static func state(_ name: String?) throws(CairnError) -> LayerState {
    try LayerState(
      className: className, name: name, ownSettings: JSONObject(), hasTrainableFlag: false)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    let name = try reader.optionalString("name")
    // Keras 2 wrote `batch_input_shape`.
    let legacy = try reader.optionalShape("batch_input_shape")
    guard let shape = try reader.optionalShape("batch_shape") ?? legacy else {
      throw reader.invalid("batch_shape", expected: "an array of dimensions")
    }
    batchShape = shape
    guard let dtype = DType(name: try reader.string("dtype", default: "float32")) else {
      throw reader.invalid("dtype", expected: "the name of an element type")
    }
    self.dtype = dtype
    isOptional = try reader.bool("optional", default: false)
    try reader.refuse("sparse", "tensors are never sparse here")
    try reader.refuse("ragged", "tensors are never ragged here")
    core = try located(at: reader.path(of: "name")) { () throws(CairnError) in
      try Self.state(name)
    }
  }

  /// The shape of a batch: known from the start.
  var builtShapes: [BatchShape]? { [batchShape] }

  /// ``batchShape`` in its type.
  func specs(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [TensorSpec] { [TensorSpec(batchShape, dtype: dtype)] }

  /// The keys of Keras's `get_config` for this class.
  var config: JSONObject {
    [
      "batch_shape": batchShape.json, "dtype": .string(dtype.name), "sparse": false,
      "ragged": false, "name": .string(name), "optional": .bool(isOptional),
    ]
  }

  /// The input's own shape, if it fits ``batchShape``.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    guard batchShape.isCompatible(with: input) else {
      throw shapeMismatch(expected: "\(batchShape)", found: input)
    }
    return input
  }

  /// The input itself, once shape and element type are checked.
  func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    _ = try outputShape(for: BatchShape(input.shape))
    guard input.dtype == dtype else {
      throw CairnError(
        .dtypeMismatch, "the input is of another element type than the model takes",
        at: .init(name: name), expected: "\(dtype)", found: "\(input.dtype)",
        advice: "Convert it with cast(to:)")
    }
    return input
  }
}
