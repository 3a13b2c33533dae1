// Keras `layers/attention/multi_head_attention.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// Attention with several heads, over one dimension or several.
///
/// Call: query `(n, Tq…, d)`, value and maybe key `(n, Tv…, d)`. Output: the query's shape, or with
/// other last dimensions. Variables: those of the projections `query`, `key`, `value`,
/// `attention_output` and maybe `gate`.
public final class MultiHeadAttention: HeadLayer, SeededLayer {
  static let kind = LayerKind("MultiHeadAttention", callArguments: HeadCall.argumentNames)

  let core: LayerState
  private let heads: Int
  private let keySize: Int
  private let valueSize: Int
  private let outputSizes: [Int]?
  private let givenAxes: [Int]?
  let options: HeadOptions
  let projections = Lock<[EinsumDense]>([])

  /// An attention layer of `heads` heads, each of keys of `keySize`.
  ///
  /// - Throws: `invalidArgument` for sizes that Keras refuses; `invalidName`.
  public convenience init(
    heads: Int, keySize: Int, valueSize: Int? = nil, usesBias: Bool = true, dropout: Double = 0,
    outputShape: [Int]? = nil, attentionAxes: [Int]? = nil, name: String? = nil,
    trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: [
        "num_heads": heads, "key_dim": keySize,
        "value_dim": valueSize ?? keySize, "use_bias": usesBias,
        "dropout": dropout, "output_shape": outputShape,
        "attention_axes": attentionAxes,
      ], name: name, trainable: trainable, dtype: dtype)
  }

  init(
    reading reader: inout ConfigurationReader, in context: inout BuildContext
  ) throws(CairnError) {
    let range = 1...ConfigurationReader.greatestExtent
    heads = try reader.integer("num_heads", in: range)
    keySize = try reader.integer("key_dim", in: range)
    valueSize = try reader.optionalInteger("value_dim", in: range) ?? keySize
    reader.record("value_dim", .integer(Int64(valueSize)))
    if let single = reader.peek("output_shape")?.intValue {
      _ = reader.take("output_shape")
      reader.record("output_shape", [.integer(Int64(single))])
      outputSizes = [single]
    } else {
      outputSizes = try reader.optionalIntegers("output_shape")
    }
    guard outputSizes?.allSatisfy(range.contains) ?? true, outputSizes?.isEmpty != true,
      outputSizes?.count ?? 1 <= 4
    else { throw reader.invalid("output_shape", expected: "one to four dimensions") }
    if reader.peek("attention_axes") == nil {
      givenAxes = try reader.optionalIntegers("attention_axes")
    } else {
      let axes = try reader.axes("attention_axes", default: [])
      givenAxes = axes
      reader.record("attention_axes", .array(axes.map { .integer(Int64($0)) }))
    }
    options = try HeadOptions(reading: &reader, in: &context)
    core = try reader.layerState(className: Self.className)
  }

  /// The keys of Keras's `get_config`: once the layer is built, its axes are known.
  var config: JSONObject {
    var settings = state.settings
    if givenAxes == nil, let shapes = state.inputShapes, let query = shapes.first {
      settings["attention_axes"] = .array((1..<max(query.rank - 1, 1)).map { .integer(Int64($0)) })
    }
    return settings
  }

  /// The projections, in the order of weights.
  var parts: [(name: String, layer: any Layer)] {
    projections.withLock { $0 }.map { ($0.projectionName, $0) }
  }

  /// The letters that name the dimensions in a range.
  private static func letters(_ range: Range<Int>) -> String {
    String(decoding: range.map { UInt8(ascii: "a") + UInt8($0) }, as: UTF8.self)
  }

  /// A projection of the last `bound` dimensions to `sizes`, all others kept.
  private func projection(
    _ name: String, rank: Int, bound: Int, to sizes: [Int], activation: ActivationFunction = .linear
  ) throws(CairnError) -> EinsumDense {
    let free = rank - bound
    let kept = Self.letters(0..<free)
    let summed = Self.letters(free..<rank)
    let added = Self.letters(rank..<rank + sizes.count)
    return try options.projection(
      name, "\(kept)\(summed),\(summed)\(added)->\(kept)\(added)",
      to: [Int?](repeating: nil, count: free - 1) + sizes, biasAxes: added, activation: activation,
      of: self)
  }

  /// Makes the projections for query, value and maybe key.
  func prepare(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) {
    guard state.inputShapes == nil else { return }
    _ = try outputShapes(for: inputs)
    let (query, value) = (inputs[0], inputs[1])
    let key = inputs.count > 2 ? inputs[2] : value
    guard let width = query.dimensions[query.rank - 1] else {
      throw shapeMismatch(expected: "a last dimension that is known", found: query)
    }
    let sizes = [heads, keySize]
    var made: [(EinsumDense, BatchShape)] = [
      (try projection("query", rank: query.rank, bound: 1, to: sizes), query),
      (try projection("key", rank: key.rank, bound: 1, to: sizes), key),
    ]
    if options.usesGate {
      made.append(
        (
          try projection(
            "gate", rank: query.rank, bound: 1, to: [heads, valueSize], activation: .sigmoid), query
        ))
    }
    made.append(
      (try projection("value", rank: value.rank, bound: 1, to: [heads, valueSize]), value))
    made.append(
      (
        try projection(
          "attention_output", rank: query.rank + 1, bound: 2, to: outputSizes ?? [width]),
        try BatchShape(query.dimensions.dropLast() + [heads, valueSize])
      ))
    try build(made, for: inputs, in: &context)
  }

  /// The dimensions, counted from the front, that are attended over.
  private func axes(_ query: BatchShape) throws(CairnError) -> [Int] {
    guard let givenAxes else { return Array(1..<query.rank - 1) }
    let axes = givenAxes.map { $0 < 0 ? query.rank + $0 : $0 }
    guard axes.allSatisfy({ (1..<query.rank - 1).contains($0) }), Set(axes).count == axes.count
    else { throw shapeMismatch(expected: "dimensions \(givenAxes) in between", found: query) }
    return axes
  }

  /// The query's shape, or with other last dimensions.
  func shapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape] {
    try checkAttended(inputs, anyRank: true)
    for input in inputs where !(3...12).contains(input.rank) || input.rank != inputs[0].rank {
      throw shapeMismatch(expected: "three and more dimensions, all inputs as many", found: input)
    }
    let attended = try axes(inputs[0])
    let key = inputs[inputs.count - 1]
    for axis in 1..<key.rank - 1 {
      let other = attended.contains(axis) ? inputs[1] : inputs[0]
      guard other.dimensions[axis] ?? -1 == key.dimensions[axis] ?? other.dimensions[axis] ?? -1
      else { throw shapeMismatch(expected: "steps as in \(other)", found: key) }
    }
    guard let outputSizes else { return [inputs[0]] }
    return [try BatchShape(inputs[0].dimensions.dropLast() + outputSizes)]
  }

  /// The output's shape, and the weights' if the call asks for them.
  func specs(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [TensorSpec] {
    try HeadCall.outputSpecs(arguments, of: self) { (query, key) throws(CairnError) in
      let attended = try axes(query)
      let others = (0..<query.rank - 1).filter { !attended.contains($0) }
      return others.map { query.dimensions[$0] } + [heads]
        + attended.map { query.dimensions[$0] } + attended.map { key.dimensions[$0] }
    }
  }

  /// The attended values, and the weights if the call asks for them.
  func evaluate<Scalar: FloatScalar>(
    _ call: HeadCall, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> [MaskedTensor] {
    _ = try outputShapes(
      for: [call.query, call.value, call.key].map { BatchShape($0.tensor.shape) })
    let (query, key, value) = try projected(call, in: context, as: type)
    let attended = try axes(BatchShape(call.query.tensor.shape))
    let others = (0..<query.rank - 2).filter { !attended.contains($0) }
    let order = others + [query.rank - 2] + attended + [query.rank - 1]
    let (q, k, v) = (query.transposed(order), key.transposed(order), value.transposed(order))
    let steps = others.count + 1
    let attend = HeadAttention(
      context: context,
      zeroes: options.dropout > 0 || call.returnsScores || query.rank != 4)
    let (output, weights) = try attend(
      q.flattened(steps), k.flattened(steps), v.flattened(steps),
      seen: call.mask.combined(q, k, steps: steps, of: name, in: context),
      scale: 1 / Scalar(keySize).squareRoot())
    let result = FloatArray(output.values, shape: q.shape.dropLast() + [valueSize])
      .transposed(RowMajor.inverse(order))
    return try outputs(
      result,
      weights: {
        FloatArray(
          weights.values, shape: Array(q.shape.dropLast() + k.shape[steps..<k.rank - 1]))
      }, of: call, in: context)
  }
}

extension FloatArray {
  /// The array as `(examples, heads, steps, size)`: the dimensions before the heads are joined into
  /// one, and so are those from `steps` up to the last.
  fileprivate func flattened(_ steps: Int) -> FloatArray {
    FloatArray(
      values,
      shape: [
        shape[..<(steps - 1)].reduce(1, *), shape[steps - 1],
        shape[steps..<rank - 1].reduce(1, *), shape[rank - 1],
      ])
  }
}
