// Keras `layers/attention/grouped_query_attention.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// Attention with several heads of queries, groups of which share keys and values.
///
/// Call: query `(n, Tq, d)`, value and maybe key `(n, Tv, d)`. Output: the query's shape. Variables:
/// those of the projections `query`, `key`, `value`, `attention_output` and maybe `gate`.
public final class GroupedQueryAttention: HeadLayer, SeededLayer {
  static let kind = LayerKind("GroupQueryAttention", callArguments: HeadCall.argumentNames)
    .exported(as: "GroupedQueryAttention")

  let core: LayerState
  private let size: Int
  private let queryHeads: Int
  private let valueHeads: Int
  let options: HeadOptions
  let projections = Lock<[EinsumDense]>([])

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
    try build(made, for: inputs, in: &context)
  }

  /// The query's shape.
  func shapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape] {
    try checkAttended(inputs)
    return [inputs[0]]
  }

  /// The query's shape, and the weights' if the call asks for them.
  func specs(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [TensorSpec] {
    try HeadCall.outputSpecs(arguments, of: self) { query, key in
      [query.dimensions[0], queryHeads, query.dimensions[1], key.dimensions[1]]
    }
  }

  /// The attended values, and the weights if the call asks for them.
  func evaluate<Scalar: FloatScalar>(
    _ call: HeadCall, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> [MaskedTensor] {
    let own = try projected(call, in: context, as: type)
    let (query, key, value) = (own.query, repeated(own.key), repeated(own.value))
    var mask: FloatArray<Scalar>? = try call.mask.combined(
      queries: query.shape[1], values: key.shape[1], in: context)
    mask?.shape.insert(1, at: 1)
    let attend = HeadAttention(
      context: context, zeroes: options.dropout > 0 || call.returnsScores)
    let order = [0, 2, 1, 3]
    let (output, weights) = try attend(
      query.transposed(order), key.transposed(order), value.transposed(order), seen: mask,
      scale: 1 / Scalar(size).squareRoot())
    return try outputs(output.transposed(order), weights: { weights }, of: call, in: context)
  }

  /// Each head of keys or values, repeated once for each head of queries that uses it.
  private func repeated<Scalar: FloatScalar>(_ array: FloatArray<Scalar>) -> FloatArray<Scalar> {
    let times = queryHeads / valueHeads
    var values: [Scalar] = []
    for start in stride(from: 0, to: array.values.count, by: size) {
      for _ in 0..<times { values += array.values[start..<start + size] }
    }
    return FloatArray(values, shape: [array.shape[0], array.shape[1], queryHeads, size])
  }
}
