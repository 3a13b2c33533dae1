// Keras `layers/attention/grouped_query_attention.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// Attention with several heads of queries, groups of which share keys and values.
///
/// Call: query `(n, Tq, d)`, value and maybe key `(n, Tv, d)`. Output: the query's shape. Variables:
/// those of the projections `query`, `key`, `value`, `attention_output` and maybe `gate`.
public final class GroupedQueryAttention: KerasLayer, SeededLayer {
  static let kind = LayerKind("GroupQueryAttention", callArguments: HeadCall.argumentNames)
    .exported(as: "GroupedQueryAttention")

  let core: LayerState
  private let size: Int
  private let queryHeads: Int
  private let valueHeads: Int
  private let options: HeadOptions
  private let projections = Lock<[EinsumDense]>([])

  /// An attention layer of `queryHeads` heads, each of `size`.
  ///
  /// - Throws: `invalidArgument` for sizes that Keras refuses; `invalidName`.
  public convenience init(
    _ size: Int, queryHeads: Int, valueHeads: Int, usesBias: Bool = true, name: String? = nil,
    trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: [
        "head_dim": size, "num_query_heads": queryHeads,
        "num_key_value_heads": valueHeads, "use_bias": usesBias,
      ], name: name, trainable: trainable, dtype: dtype)
  }

  init(
    reading reader: inout ConfigurationReader, in context: inout BuildContext
  ) throws(CairnError) {
    let range = 1...ConfigurationReader.greatestExtent
    size = try reader.integer("head_dim", in: range)
    queryHeads = try reader.integer("num_query_heads", in: range)
    valueHeads = try reader.integer("num_key_value_heads", in: range)
    guard queryHeads % valueHeads == 0 else {
      throw reader.invalid("num_key_value_heads", expected: "a divisor of \(queryHeads)")
    }
    options = try HeadOptions(reading: &reader, in: &context)
    core = try reader.layerState(className: Self.kind.exportedName)
  }

  /// The projections, in the order of weights.
  var parts: [(name: String, layer: any Layer)] {
    projections.withLock { $0 }.map { ("_" + $0.projectionName, $0) }
  }

  /// Makes the projections for query, value and maybe key.
  func prepare(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) {
    guard state.inputShapes == nil else { return }
    _ = try outputShapes(for: inputs)
    guard let width = inputs[0].dimensions[2] else {
      throw shapeMismatch(expected: "a last dimension that is known", found: inputs[0])
    }
    let key = inputs.count > 2 ? inputs[2] : inputs[1]
    var made: [(EinsumDense, BatchShape)] = [
      (
        try options.projection(
          "query", "bqm,muh->bquh", to: [nil, queryHeads, size], biasAxes: "uh", of: self),
        inputs[0]
      ),
      (
        try options.projection(
          "key", "bkm,mvh->bkvh", to: [nil, valueHeads, size], biasAxes: "vh", of: self), key
      ),
    ]
    if options.usesGate {
      made.append(
        (
          try options.projection(
            "gate", "bqm,muh->bquh", to: [nil, queryHeads, size], biasAxes: "uh",
            activation: .sigmoid, of: self), inputs[0]
        ))
    }
    made += [
      (
        try options.projection(
          "value", "bkm,mvh->bkvh", to: [nil, valueHeads, size], biasAxes: "vh", of: self),
        inputs[1]
      ),
      (
        try options.projection(
          "attention_output", "bquh,uhm->bqm", to: [nil, width], biasAxes: "m", of: self),
        try BatchShape([nil, nil, queryHeads, size])
      ),
    ]
    for (layer, shape) in made { try layer.build(for: [shape], in: &context) }
    let layers = made.map(\.0)
    try state.buildOnce(for: inputs) { () throws(CairnError) in
      options.dropout > 0 ? [try .seedGenerator(options.seed)] : []
    }
    projections.withLock { if $0.isEmpty { $0 = layers } }
  }

  /// Under `shapes_dict` the shapes of query, value and maybe key.
  var buildConfig: JSONObject? { state.attentionBuildConfiguration }

  /// The query's shape.
  func shapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape] {
    guard (2...3).contains(inputs.count) else {
      throw CairnError(
        .countMismatch, "the layer takes query, value and maybe key", at: .init(name: name),
        expected: "2 or 3", found: "\(inputs.count)")
    }
    for input in inputs where input.rank != 3 {
      throw shapeMismatch(expected: "three dimensions", found: input)
    }
    return [inputs[0]]
  }

  /// Query, value and maybe key.
  func shapesToBuild(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [BatchShape] {
    try HeadCall.buildShapes(arguments, of: self)
  }

  /// The query's shape, and the weights' if the call asks for them.
  func specs(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [TensorSpec] {
    try HeadCall.outputSpecs(arguments, of: self) { query, key in
      [query.dimensions[0], queryHeads, query.dimensions[1], key.dimensions[1]]
    }
  }

  /// As with masks, without.
  func results(
    _ inputs: [Tensor], in context: EvaluationContext
  ) throws(CairnError) -> [Tensor] {
    try evaluate(CallArguments(inputs.map { .tensor(MaskedTensor($0)) }), in: context)
      .map(\.tensor)
  }

  /// The attended values, and the weights if the call asks for them.
  func results(
    _ arguments: CallArguments<MaskedTensor>, in context: EvaluationContext
  ) throws(CairnError) -> [MaskedTensor] {
    let call = try HeadCall(arguments, window: options.slidingWindow, of: self)
    return switch try state.precision(of: call.query.tensor, call.value.tensor, call.key.tensor) {
    case .single: try evaluate(call, in: context, as: Float.self)
    case .double: try evaluate(call, in: context, as: Double.self)
    }
  }

  private func evaluate<Scalar: FloatScalar>(
    _ call: HeadCall, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> [MaskedTensor] {
    let layers = projections.withLock { $0 }
    guard layers.count >= 4 else { throw state.notBuilt() }
    let gate = options.usesGate ? layers[2] : nil
    let query = try FloatArray<Scalar>(layers[0].evaluate(call.query.tensor, in: context))
    let key: FloatArray<Scalar> = try repeated(layers[1].evaluate(call.key.tensor, in: context))
    let value: FloatArray<Scalar> = try repeated(
      layers[layers.count - 2].evaluate(call.value.tensor, in: context))
    var mask: FloatArray<Scalar>? = try call.mask.combined(
      queries: query.shape[1], values: key.shape[1], in: context)
    mask?.shape.insert(1, at: 1)
    let attend = HeadAttention(
      context: context, zeroes: options.dropout > 0 || call.returnsScores)
    let order = [0, 2, 1, 3]
    let (output, weights) = try attend(
      query.transposed(order), key.transposed(order), value.transposed(order), seen: mask,
      scale: 1 / Scalar(size).squareRoot())
    var result = output.transposed(order)
    if let gate {
      result = try result.combined(
        with: FloatArray(gate.evaluate(call.query.tensor, in: context)), in: context, *)
    }
    // Keras passes the query's mask on.
    var outputs = [
      MaskedTensor(
        try layers[layers.count - 1].evaluate(result.tensor(), in: context), mask: call.query.mask)
    ]
    if call.returnsScores { outputs.append(MaskedTensor(try weights.tensor())) }
    return outputs
  }

  /// Each head of keys or values as often as there are queries for it.
  private func repeated<Scalar: FloatScalar>(
    _ tensor: Tensor
  ) throws(CairnError) -> FloatArray<Scalar> {
    let array = try FloatArray<Scalar>(tensor)
    let times = queryHeads / valueHeads
    var values: [Scalar] = []
    for start in stride(from: 0, to: array.values.count, by: size) {
      for _ in 0..<times { values += array.values[start..<start + size] }
    }
    return FloatArray(values, shape: [array.shape[0], array.shape[1], queryHeads, size])
  }
}

extension LayerState {
  /// The shapes of query, value and maybe key that an attention layer was built for.
  var attentionBuildConfiguration: JSONObject? {
    guard let shapes = inputShapes, shapes.count >= 2 else { return nil }
    var named: JSONObject = ["query_shape": shapes[0].json, "value_shape": shapes[1].json]
    if shapes.count > 2 { named["key_shape"] = shapes[2].json }
    return ["shapes_dict": .object(named)]
  }
}
