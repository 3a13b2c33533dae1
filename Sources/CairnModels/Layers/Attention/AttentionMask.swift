// Which values a query may look at. Keras `layers/attention/multi_head_attention.py`,
// `_compute_attention_mask`.

import CairnSystem
import CairnTensors

/// The masks that a call of an attention layer is given, and the one that follows from them.
struct AttentionMask {
  var query: Tensor?
  var value: Tensor?
  var key: Tensor?
  var attention: Tensor?
  var isCausal = false
  var slidingWindow: Int?

  /// Ones and zeros that broadcast to `(examples, queries, values)`, or nil if all is seen.
  func combined<Scalar: FloatScalar>(
    queries: Int, values: Int, in context: EvaluationContext
  ) throws(CairnError) -> FloatArray<Scalar>? {
    var parts: [FloatArray<Scalar>] = []
    if let query { parts.append(try Self.array(query, insertingAt: -1)) }
    for mask in [value, key] {
      if let mask { parts.append(try Self.array(mask, insertingAt: -2)) }
    }
    if isCausal { parts.append(Self.pairs(queries, values) { $0 >= $1 }) }
    if let width = slidingWindow {
      parts.append(Self.pairs(queries, values) { abs($0 - $1) < width })
    }
    if let attention { parts.append(try Self.array(attention, insertingAt: nil)) }
    guard var mask = parts.first else { return nil }
    for part in parts.dropFirst() { mask = try mask.combined(with: part, in: context, *) }
    return mask
  }

  /// The same for arrays `(…, heads, steps…, size)` whose steps begin at the dimension `steps`:
  /// `(examples, heads, queries, values)`, or nil if all is seen. If the steps have several
  /// dimensions, Keras expects one dimension of the mask for each.
  func combined<Scalar: FloatScalar>(
    _ query: FloatArray<Scalar>, _ key: FloatArray<Scalar>, steps: Int, of layer: String,
    in context: EvaluationContext
  ) throws(CairnError) -> FloatArray<Scalar>? {
    let (queries, values) = (query.shape[steps], key.shape[steps])
    let combined: FloatArray<Scalar>? = try combined(
      queries: queries, values: values, in: context)
    guard var seen = combined else { return nil }
    let scores = Array(query.shape.dropLast() + key.shape[steps..<key.rank - 1])
    let attended = query.rank - 1 - steps
    while seen.rank < scores.count { seen.shape.insert(1, at: seen.rank - 2 * attended) }
    guard RowMajor.broadcast(seen.shape, scores) == scores else {
      throw CairnError(
        .shapeMismatch, "a mask does not fit the scores", at: .init(name: layer),
        expected: "\(scores)", found: "\(seen.shape)")
    }
    _ = try context.shape(scores)
    let whole = seen.broadcast(to: scores)
    let count = scores[..<(steps - 1)].reduce(1, *)
    let rows = scores[steps..<steps + attended].reduce(1, *)
    return FloatArray(
      whole.values,
      shape: [count, scores[steps - 1], rows, scores[(steps + attended)...].reduce(1, *)])
  }

  private static func array<Scalar: FloatScalar>(
    _ mask: Tensor, insertingAt axis: Int?
  ) throws(CairnError) -> FloatArray<Scalar> {
    var array = try FloatArray<Scalar>(mask.cast(to: .bool).cast(to: Scalar.dtype))
    if let axis { array.shape.insert(1, at: array.rank + 1 + axis) }
    return array
  }

  private static func pairs<Scalar: FloatScalar>(
    _ queries: Int, _ values: Int, _ isSeen: (Int, Int) -> Bool
  ) -> FloatArray<Scalar> {
    var array = FloatArray<Scalar>([], shape: [1, queries, values])
    for query in 0..<queries {
      for value in 0..<values { array.values.append(isSeen(query, value) ? 1 : 0) }
    }
    return array
  }
}

extension FloatArray {
  /// The shares that each query gives the values: the softmax of scores along the last dimension.
  ///
  /// - Parameters:
  ///   - mask: Ones and zeros that broadcast to the scores.
  ///   - zeroes: Whether a query that sees nothing gives no shares, instead of equal ones.
  func attentionShares(
    seen mask: FloatArray?, zeroes: Bool, in context: EvaluationContext
  ) throws(CairnError) -> FloatArray {
    guard let mask else { return try softmax([rank - 1], threads: context.threads) }
    // Low enough in either type: what is not seen gets no share at all.
    let lowest: Scalar = zeroes ? -1e9 : -0.7 * Scalar(Float.greatestFiniteMagnitude)
    let shares = try combined(with: mask, in: context) { $1 == 0 ? lowest : $0 }
      .softmax([rank - 1], threads: context.threads)
    return zeroes ? try shares.combined(with: mask, in: context) { $1 == 0 ? 0 : $0 } : shares
  }
}
