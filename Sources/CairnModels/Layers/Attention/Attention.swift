// Keras `layers/attention/attention.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// How a query and a key are compared in ``Attention``.
public enum AttentionScoreMode: String, Hashable, Sendable, CaseIterable {
  /// Their product.
  case dot
  /// The sum of tanh of their sum.
  case concat
}

extension AttentionScoreMode: SettingValue {}

/// Dot-product attention (Luong et al., 2015).
///
/// For each query the mean of the values, weighted by how well the keys fit. Inputs: query `(n, Tq, d)`, value
/// `(n, Tv, d)` and, unless it is the value, key `(n, Tv, d)`. Output: `(n, Tq, d)`. Variables: `scale` and
/// `concat_score_weight`, single numbers, where they are used.
public final class Attention: ScoredAttention {
  static let isAdditive = false
  let core: LayerState
  let options: AttentionOptions

  init(_ core: LayerState, _ options: AttentionOptions) {
    (self.core, self.options) = (core, options)
  }

  /// An attention layer.
  ///
  /// - Throws: `invalidArgument`; `invalidName`.
  public convenience init(
    usesScale: Bool = false, scoreMode: AttentionScoreMode = .dot, dropout: Double = 0,
    seed: UInt32? = nil,
    name: String? = nil, trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: [
        "use_scale": usesScale, "dropout": dropout, "seed": seed, "score_mode": scoreMode,
      ], name: name, trainable: trainable, dtype: dtype)
  }
}

/// Additive attention (Bahdanau et al., 2014).
///
/// For each query the mean of the values, weighted by how well the keys fit. Inputs: query `(n, Tq, d)`, value
/// `(n, Tv, d)` and, unless it is the value, key `(n, Tv, d)`. Output: `(n, Tq, d)`. Variables: `scale`, a factor for
/// each element of a sum, where it is used.
public final class AdditiveAttention: ScoredAttention {
  static let isAdditive = true
  let core: LayerState
  let options: AttentionOptions

  init(_ core: LayerState, _ options: AttentionOptions) {
    (self.core, self.options) = (core, options)
  }

  /// An attention layer.
  ///
  /// - Throws: `invalidArgument`; `invalidName`.
  public convenience init(
    usesScale: Bool = false, dropout: Double = 0, seed: UInt32? = nil,
    name: String? = nil, trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: ["use_scale": usesScale, "dropout": dropout, "seed": seed],
      name: name, trainable: trainable, dtype: dtype)
  }
}

/// The options of an attention layer, which stand in its configuration.
struct AttentionOptions: Sendable {
  let usesScale: Bool
  let scoreMode: AttentionScoreMode
  let dropout: Double
  let seed: UInt32

  init(
    isAdditive: Bool, reading reader: inout ConfigurationReader, in context: inout BuildContext
  ) throws(CairnError) {
    usesScale = try reader.bool("use_scale", default: isAdditive)
    scoreMode = isAdditive ? .concat : try reader.choice("score_mode", default: .dot)
    dropout = try reader.rate("dropout")
    seed = try reader.generatorSeed(in: &context)
  }
}

/// A layer that weights values by scores of queries and keys.
protocol ScoredAttention: FloatCallLayer, SeededLayer {
  /// Whether queries and keys are compared by their sums, with a factor for each element of a sum.
  static var isAdditive: Bool { get }
  var options: AttentionOptions { get }
  init(_ core: LayerState, _ options: AttentionOptions)
}

extension ScoredAttention {
  static var kind: LayerKind {
    LayerKind(
      isAdditive ? "AdditiveAttention" : "Attention",
      callArguments: ["return_attention_scores", "use_causal_mask"])
  }

  init(
    reading reader: inout ConfigurationReader, in context: inout BuildContext
  ) throws(CairnError) {
    let options = try AttentionOptions(
      isAdditive: Self.isAdditive, reading: &reader, in: &context)
    self.init(try reader.layerState(className: Self.className), options)
  }

  /// `scale`, `concat_score_weight` and a seed generator's state.
  func variables(
    for inputs: [BatchShape], in context: inout BuildContext
  ) throws(CairnError) -> [LayerVariable] {
    var dimensions: [Int] = []
    if Self.isAdditive, options.usesScale {
      guard let query = inputs.first, let last = query.dimensions.last, let width = last else {
        throw state.notBuilt()
      }
      dimensions = [width]
    }
    let initializer: Initializer = Self.isAdditive ? .glorotUniform() : .ones
    let weighs = options.scoreMode == .concat && !Self.isAdditive
    var variables = try context.makeWeights(
      [
        options.usesScale ? ("scale", dimensions, initializer) : nil,
        weighs ? ("concat_score_weight", [], .ones) : nil,
      ], dtype: state.dtype.variableDType)
    if options.dropout > 0 { variables.append(try .seedGenerator(options.seed)) }
    return variables
  }

  /// The query's shape with the value's last dimension.
  func shapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape] {
    try checkAttended(inputs)
    return [
      try BatchShape(inputs[0].dimensions.dropLast() + [inputs[1].dimensions[2]])
    ]
  }

  /// The output's shape and type, and those of the scores if the call asks for them.
  func specs(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [TensorSpec] {
    let inputs = try plainInputs(arguments).map(\.shape)
    var shapes = try outputShapes(for: inputs)
    if arguments["return_attention_scores"]?.plain?.boolValue == true {
      shapes.append(
        try BatchShape(inputs[0].dimensions.dropLast() + [inputs[inputs.count - 1].dimensions[1]]))
    }
    return shapes.map { TensorSpec($0, dtype: state.dtype.computeDType) }
  }

  func opened(
    _ arguments: CallArguments<MaskedTensor>
  ) throws(CairnError) -> (
    call: (inputs: [MaskedTensor], arguments: CallArguments<MaskedTensor>), operands: [Tensor]
  ) {
    let inputs = try plainInputs(arguments)
    return ((inputs, arguments), inputs.map(\.tensor))
  }

  /// The weighted means, and the weights if the call asks for them.
  func evaluate<Scalar: FloatScalar>(
    _ call: (inputs: [MaskedTensor], arguments: CallArguments<MaskedTensor>),
    in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> [MaskedTensor] {
    let (inputs, arguments) = call
    _ = try outputShapes(for: inputs.map { BatchShape($0.tensor.shape) })
    let masks = try masks(arguments, inputs)
    let query = try FloatArray<Scalar>(inputs[0].tensor)
    let value = try FloatArray<Scalar>(inputs[1].tensor)
    let key = inputs.count == 3 ? try FloatArray<Scalar>(inputs[2].tensor) : value
    let isCausal = arguments["use_causal_mask"]?.plain?.boolValue == true
    let scores = try scores(query, key, in: context)
    let mask = AttentionMask(value: masks.value, isCausal: isCausal)
    let seen: FloatArray<Scalar>? = try mask.combined(
      queries: query.shape[1], values: key.shape[1], in: context)
    let lowered: FloatArray<Scalar>
    if let seen {
      let large: Scalar = state.dtype.computeDType == .float16 ? 65504 : 1e9
      lowered = try scores.combined(with: seen, in: context) { $1 == 0 ? $0 - large : $0 }
    } else {
      lowered = scores
    }
    let weights = try lowered.softmax([2], threads: context.threads)
    var result = try weights.multiplied(by: value, in: context)
    if let queryMask = masks.query {
      var kept = try FloatArray<Scalar>(queryMask.cast(to: Scalar.dtype))
      kept.shape.append(1)
      result = try result.combined(with: kept, in: context) { $1 == 0 ? 0 : $0 }
    }
    var outputs = [MaskedTensor(try result.tensor(), mask: masks.query)]
    if arguments["return_attention_scores"]?.plain?.boolValue == true {
      outputs.append(MaskedTensor(try weights.tensor()))
    }
    return outputs
  }

  private func masks(
    _ arguments: CallArguments<MaskedTensor>, _ inputs: [MaskedTensor]
  ) throws(CairnError) -> (query: Tensor?, value: Tensor?) {
    guard case .list(let given) = arguments["mask"] else { return (inputs[0].mask, inputs[1].mask) }
    func mask(_ index: Int) -> Tensor? {
      index < given.count ? given[index].tensors.first?.tensor : nil
    }
    return (mask(0), mask(1))
  }

  private func scores<Scalar: FloatScalar>(
    _ query: FloatArray<Scalar>, _ key: FloatArray<Scalar>, in context: EvaluationContext
  ) throws(CairnError) -> FloatArray<Scalar> {
    guard !Self.isAdditive else { return try sums(query, key, in: context) }
    let scale: Scalar = options.usesScale ? try state.weightScalars("scale")[0] : 1
    guard options.scoreMode == .concat else {
      var scores = try query.multiplied(by: key.transposed([0, 2, 1]), in: context)
      scores.values = scores.values.map { $0 * scale }
      return scores
    }
    let weight: Scalar = try state.weightScalars("concat_score_weight")[0]
    var sums = try pairs(query, key, in: context) { ($0 + $1) * scale }
    sums.values = try ActivationFunction.tanh.values(sums.values)
    var scores = sums.reduced([3], keepingDimensions: false) { $0.reduce(0, +) }
    scores.values = scores.values.map { $0 * weight }
    return scores
  }

  /// A function of each element of each query and the same element of each key.
  private func pairs<Scalar: FloatScalar>(
    _ query: FloatArray<Scalar>, _ key: FloatArray<Scalar>, in context: EvaluationContext,
    _ function: (Scalar, Scalar) -> Scalar
  ) throws(CairnError) -> FloatArray<Scalar> {
    let left = FloatArray(query.values, shape: [query.shape[0], query.shape[1], 1, query.shape[2]])
    let right = FloatArray(key.values, shape: [key.shape[0], 1, key.shape[1], key.shape[2]])
    return try left.combined(with: right, in: context, function)
  }

  /// For each query and key the sum of tanh of their sum, each element times its factor.
  private func sums<Scalar: FloatScalar>(
    _ query: FloatArray<Scalar>, _ key: FloatArray<Scalar>, in context: EvaluationContext
  ) throws(CairnError) -> FloatArray<Scalar> {
    var sums = try pairs(query, key, in: context, +)
    sums.values = try ActivationFunction.tanh.values(sums.values)
    if options.usesScale {
      let scale = try FloatArray<Scalar>(state.weight("scale"))
      sums = try sums.combined(with: scale, in: context, *)
    }
    return sums.reduced([3], keepingDimensions: false) { $0.reduce(0, +) }
  }
}
