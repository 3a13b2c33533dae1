// What `MultiHeadAttention` and `GroupedQueryAttention` have in common: the projections, the masks of
// a call, and attention itself. Keras `layers/attention/multi_head_attention.py`,
// `grouped_query_attention.py`.

import CairnJSON
import CairnSystem
import CairnTensors

/// The options that both layers have.
struct HeadOptions: Sendable {
  let dropout: Double
  let usesBias: Bool
  let usesGate: Bool
  let slidingWindow: Int?
  let kernelInitializer: Initializer
  let biasInitializer: Initializer
  let seed: UInt32

  init(
    reading reader: inout ConfigurationReader, in context: inout BuildContext
  ) throws(CairnError) {
    dropout = try reader.rate("dropout")
    usesBias = try reader.bool("use_bias", default: true)
    usesGate = try reader.bool("use_gate", default: false)
    slidingWindow = try reader.optionalInteger(
      "sliding_window", in: 1...ConfigurationReader.greatestExtent)
    kernelInitializer = try reader.initializer("kernel_initializer", default: .glorotUniform())
    biasInitializer = try reader.initializer("bias_initializer", default: .zeros)
    _ = reader.preserved([
      "kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint",
      "bias_constraint",
    ])
    // Keras 2 noted the shapes that the layer was built for.
    for key in ["query_shape", "key_shape", "value_shape"] { _ = reader.take(key) }
    // A choice of kernel: it changes no result.
    if let flash = reader.take("flash_attention") { reader.record("flash_attention", flash) }
    seed = try reader.generatorSeed(in: &context)
  }

  /// A projection: an ``EinsumDense`` layer.
  func projection(
    _ name: String, _ equation: String, to shape: [Int?], biasAxes: String,
    activation: ActivationFunction = .linear, of layer: any Layer
  ) throws(CairnError) -> EinsumDense {
    try EinsumDense(
      equation, outputShape: shape, biasAxes: usesBias ? biasAxes : nil, activation: activation,
      kernelInitializer: kernelInitializer, biasInitializer: biasInitializer, name: name,
      trainable: layer.state.isTrainable, dtype: layer.state.dtype)
  }
}

/// The arguments of a call of either layer.
struct HeadCall {
  var query: MaskedTensor
  var value: MaskedTensor
  var key: MaskedTensor
  var mask: AttentionMask
  var returnsScores: Bool

  static let argumentNames = [
    "query", "value", "key", "query_mask", "value_mask", "key_mask", "attention_mask",
    "return_attention_scores", "use_causal_mask",
  ]

  /// Reads a call's arguments: query, value and maybe key, masks, flags.
  init(
    _ arguments: CallArguments<MaskedTensor>, window: Int?, of layer: any Layer
  ) throws(CairnError) {
    try layer.checkNamed(arguments)
    (query, value, key) = try Self.inputs(arguments, of: layer)
    let hasKey = arguments.argument(2, "key") != nil
    mask = AttentionMask(
      query: arguments.argument(3, "query_mask")?.tensors.first?.tensor ?? query.mask,
      value: arguments.argument(4, "value_mask")?.tensors.first?.tensor ?? value.mask,
      key: arguments.argument(5, "key_mask")?.tensors.first?.tensor ?? (hasKey ? key.mask : nil),
      attention: arguments.argument(6, "attention_mask")?.tensors.first?.tensor,
      isCausal: arguments["use_causal_mask"]?.plain?.boolValue == true,
      slidingWindow: window)
    returnsScores = arguments["return_attention_scores"]?.plain?.boolValue == true
  }

  /// Query, value and key of a call; the key is the value unless there is one.
  static func inputs<Value>(
    _ arguments: CallArguments<Value>, of layer: any Layer
  ) throws(CairnError) -> (query: Value, value: Value, key: Value) {
    guard arguments.positional.count <= 7,
      let query = arguments.argument(0, "query")?.tensors.first,
      let value = arguments.argument(1, "value")?.tensors.first
    else {
      throw CairnError(
        .countMismatch, "the layer takes a query and a value", at: .init(name: layer.name))
    }
    return (query, value, arguments.argument(2, "key")?.tensors.first ?? value)
  }

  /// The shapes of query, value and maybe key.
  static func buildShapes(
    _ arguments: CallArguments<TensorSpec>, of layer: any Layer
  ) throws(CairnError) -> [BatchShape] {
    let (query, value, key) = try inputs(arguments, of: layer)
    let hasKey = arguments.argument(2, "key") != nil
    return [query.shape, value.shape] + (hasKey ? [key.shape] : [])
  }

  /// The shapes and types of a call's results: the layer's output, and the weights if the call asks
  /// for them. `scores` gives the weights' shape for the shapes of query and key.
  static func outputSpecs(
    _ arguments: CallArguments<TensorSpec>, of layer: any Layer,
    scores: (BatchShape, BatchShape) throws(CairnError) -> [Int?]
  ) throws(CairnError) -> [TensorSpec] {
    try layer.checkNamed(arguments)
    let (query, value, key) = try inputs(arguments, of: layer)
    var shapes = try layer.outputShapes(for: [query.shape, value.shape, key.shape])
    if arguments["return_attention_scores"]?.plain?.boolValue == true {
      shapes.append(try BatchShape(scores(query.shape, key.shape)))
    }
    return shapes.map { TensorSpec($0, dtype: layer.state.dtype.computeDType) }
  }
}

/// A layer of several heads.
protocol HeadLayer: FloatCallLayer where Call == HeadCall {
  var options: HeadOptions { get }
  /// The projections of query, key, perhaps gate, value and output, in the order of weights; empty
  /// before they are made.
  var projections: Lock<[EinsumDense]> { get }
}

extension HeadLayer {
  static var listsInputs: Bool { false }

  /// Under `shapes_dict` the shapes of query, value and maybe key.
  var buildConfig: JSONObject? {
    guard let shapes = state.inputShapes, shapes.count >= 2 else { return nil }
    var named: JSONObject = ["query_shape": shapes[0].json, "value_shape": shapes[1].json]
    if shapes.count > 2 { named["key_shape"] = shapes[2].json }
    return ["shapes_dict": .object(named)]
  }

  /// Query, value and maybe key.
  func shapesToBuild(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [BatchShape] {
    try HeadCall.buildShapes(arguments, of: self)
  }

  /// Builds the projections, each for its shape, and keeps them.
  func build(
    _ made: [(EinsumDense, BatchShape)], for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) {
    for (layer, shape) in made { try layer.build(for: [shape], in: &context) }
    let layers = made.map(\.0)
    try state.buildOnce(for: inputs) { () throws(CairnError) in
      options.dropout > 0 ? [try .seedGenerator(options.seed)] : []
    }
    projections.withLock { if $0.isEmpty { $0 = layers } }
  }

  func opened(
    _ arguments: CallArguments<MaskedTensor>
  ) throws(CairnError) -> (call: HeadCall, operands: [Tensor]) {
    let call = try HeadCall(arguments, window: options.slidingWindow, of: self)
    return (call, [call.query.tensor, call.value.tensor, call.key.tensor])
  }

  /// Query, key and value of a call, projected.
  func projected<Scalar: FloatScalar>(
    _ call: HeadCall, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> (
    query: FloatArray<Scalar>, key: FloatArray<Scalar>, value: FloatArray<Scalar>
  ) {
    let layers = projections.withLock { $0 }
    guard layers.count >= 4 else { throw state.notBuilt() }
    return (
      try FloatArray(layers[0].evaluate(call.query.tensor, in: context)),
      try FloatArray(layers[1].evaluate(call.key.tensor, in: context)),
      try FloatArray(layers[layers.count - 2].evaluate(call.value.tensor, in: context))
    )
  }

  /// The results for the attended values, which go through the gate and the last projection. The
  /// output has the query's mask, which Keras passes on; the weights follow if the call asks for
  /// them.
  func outputs<Scalar: FloatScalar>(
    _ values: FloatArray<Scalar>, weights: () -> FloatArray<Scalar>, of call: HeadCall,
    in context: EvaluationContext
  ) throws(CairnError) -> [MaskedTensor] {
    let layers = projections.withLock { $0 }
    guard layers.count >= 4 else { throw state.notBuilt() }
    var values = values
    if options.usesGate {
      values = try values.combined(
        with: FloatArray(layers[2].evaluate(call.query.tensor, in: context)), in: context, *)
    }
    let output = try layers[layers.count - 1].evaluate(values.tensor(), in: context)
    let first = [MaskedTensor(output, mask: call.query.mask)]
    return call.returnsScores ? first + [MaskedTensor(try weights().tensor())] : first
  }
}

extension Layer {
  /// Checks that there are query, value and maybe key, each of three dimensions unless `anyRank`.
  func checkAttended(_ inputs: [BatchShape], anyRank: Bool = false) throws(CairnError) {
    guard (2...3).contains(inputs.count) else {
      throw CairnError(
        .countMismatch, "the layer takes query, value and maybe key", at: .init(name: name),
        expected: "2 or 3", found: "\(inputs.count)")
    }
    for input in inputs where input.rank != 3 && !anyRank {
      throw shapeMismatch(expected: "three dimensions", found: input)
    }
  }
}

/// Attention over arrays `(examples, heads, steps, size)`.
struct HeadAttention {
  let context: EvaluationContext
  /// Whether Keras computes the weights separately; they are then zero where nothing is seen.
  let zeroes: Bool

  /// The weighted means `(examples, heads, queries, size)` and the weights.
  func callAsFunction<Scalar: FloatScalar>(
    _ query: FloatArray<Scalar>, _ key: FloatArray<Scalar>, _ value: FloatArray<Scalar>,
    seen mask: FloatArray<Scalar>?, scale: Scalar
  ) throws(CairnError) -> (output: FloatArray<Scalar>, weights: FloatArray<Scalar>) {
    var scaled = query
    scaled.values = query.values.map { $0 * scale }
    let scores = try scaled.multiplied(by: key.transposed([0, 1, 3, 2]), in: context)
    let weights = try scores.attentionShares(seen: mask, zeroes: zeroes, in: context)
    return (try weights.multiplied(by: value, in: context), weights)
  }
}

extension EinsumDense {
  /// The attribute of an attention layer in which Keras keeps the projection.
  var projectionName: String { name == "attention_output" ? "output_dense" : name + "_dense" }
}
