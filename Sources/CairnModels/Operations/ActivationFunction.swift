// Keras `activations/activations.py`: which there are, and how they are computed.

package import CairnSystem
package import CairnTensors

/// A function that is applied to a layer's output: one of Keras's, under its name there.
public enum ActivationFunction: String, Hashable, Sendable, CaseIterable, FloatChange {
  /// max(x, 0)
  case relu
  /// 1 / (1 + exp(−x))
  case sigmoid
  /// tanh(x)
  case tanh
  /// exp(x − max) / sum of those, along the last dimension
  case softmax
  /// x · Φ(x), exactly, by erfc (Keras's default; not the tanh approximation)
  case gelu
  /// x, or exp(x) − 1 where x is not above 0
  case elu
  /// Scaled elu, with the constants of Klambauer et al., 2017
  case selu
  /// x · sigmoid(x), also called swish
  case silu
  /// log(1 + exp(x))
  case softplus
  /// x
  case linear
  /// x, or 0.2 x where x is negative (the layer ``LeakyReLU`` has 0.3)
  case leakyReLU = "leaky_relu"
  /// min(max(x, 0), 6)
  case relu6
  /// As elu, with α = 1
  case celu
  /// x / (1 + |x|)
  case softsign
  /// x towards 0 by ½, 0 in between
  case softShrink = "soft_shrink"
  /// 0 up to −1, x from 1 on, (x + 1)² / 4 in between
  case sparsePlus = "sparse_plus"
  /// (x + √(x² + 4)) / 2
  case squareplus
  /// The first half of the last dimension times the sigmoid of the second
  case glu
  /// x − tanh(x)
  case tanhShrink = "tanh_shrink"
  /// min(max(x, −1), 1)
  case hardTanh = "hard_tanh"
  /// x, or 0 within ±½
  case hardShrink = "hard_shrink"
  /// exp(x)
  case exponential
  /// min(max(x + 3, 0), 6) / 6 (Keras 2 had another slope)
  case hardSigmoid = "hard_sigmoid"
  /// −log(1 + exp(−x))
  case logSigmoid = "log_sigmoid"
  /// min(max(x + 1, 0), 2) / 2
  case sparseSigmoid = "sparse_sigmoid"
  /// x · hard sigmoid(x), also called hard swish
  case hardSiLU = "hard_silu"
  /// x · tanh(softplus(x))
  case mish
  /// x − log of the sum of exp(x), along the last dimension
  case logSoftmax = "log_softmax"
  /// The nearest point of the simplex, along the last dimension (Martins and Astudillo, 2016)
  case sparsemax

  /// The function of that name in a configuration.
  init?(name: String) {
    let aliases = ["swish": "silu", "hard_swish": "hard_silu"]
    self.init(rawValue: aliases[name] ?? name)
  }

  /// Replaces every element by the function's value.
  ///
  /// - Throws: `dtypeMismatch` unless the tensor is float32 or float64; `shapeMismatch` for the
  ///   softmax of a scalar; `outOfMemory`.
  package func apply(to tensor: inout Tensor) throws(CairnError) {
    try Precision(for: tensor.dtype).run(self, on: &tensor)
  }

  func apply<Scalar: FloatScalar>(
    to tensor: inout Tensor, as type: Scalar.Type
  ) throws(CairnError) { try apply(to: &tensor, as: type, threads: 1) }

  /// As above, on several threads.
  func apply<Scalar: FloatScalar>(
    to tensor: inout Tensor, as type: Scalar.Type, threads: Threads
  ) throws(CairnError) {
    @inline(__always)
    func map(
      _ tensor: inout Tensor, as type: Scalar.Type, _ function: @Sendable (Scalar) -> Scalar
    ) throws(CairnError) { try tensor.map(threads: threads, function) }
    switch self {
    case .linear: return
    case .softmax: try changeRows(&tensor, as: type) { Self.softmax(&$0, $1) }
    case .logSoftmax: try changeRows(&tensor, as: type) { Self.replace(&$0, $1, Self.logSoftmax) }
    case .sparsemax: try changeRows(&tensor, as: type) { Self.replace(&$0, $1, Self.sparsemax) }
    case .glu: try applyGLU(to: &tensor, as: type)
    // As in jnp.maximum: a NaN stays one, −0 becomes +0.
    case .relu: try map(&tensor, as: type) { $0 < 0 ? 0 : $0 + 0 }
    case .sigmoid: try map(&tensor, as: type) { Self.sigmoid($0) }
    case .tanh: try map(&tensor, as: type) { Elementary.tanh($0) }
    case .gelu:
      try map(&tensor, as: type) { 0.5 * $0 * Elementary.erfc(-$0 * Scalar(0.5).squareRoot()) }
    case .elu: try map(&tensor, as: type) { Self.elu($0) }
    case .selu:
      try map(&tensor, as: type) { x in
        1.0507009873554804934193349852946
          * (x > 0 ? x : 1.6732632423543772848170429916717 * Elementary.expm1(x))
      }
    case .silu: try map(&tensor, as: type) { $0 * Self.sigmoid($0) }
    case .softplus: try map(&tensor, as: type) { Self.softplus($0) }
    case .leakyReLU: try map(&tensor, as: type) { $0 < 0 ? 0.2 * $0 : $0 }
    case .relu6: try map(&tensor, as: type) { Self.clip($0, 0, 6) }
    case .celu: try map(&tensor, as: type) { Self.elu($0) }
    case .softsign: try map(&tensor, as: type) { $0 / (1 + abs($0)) }
    case .softShrink: try map(&tensor, as: type) { $0 > 0.5 ? $0 - 0.5 : $0 < -0.5 ? $0 + 0.5 : 0 }
    case .sparsePlus:
      try map(&tensor, as: type) { $0 <= -1 ? 0 : $0 >= 1 ? $0 : ($0 + 1) * ($0 + 1) / 4 }
    case .squareplus: try map(&tensor, as: type) { 0.5 * ($0 + ($0 * $0 + 4).squareRoot()) }
    case .tanhShrink: try map(&tensor, as: type) { $0 - Elementary.tanh($0) }
    case .hardTanh: try map(&tensor, as: type) { Self.clip($0, -1, 1) }
    case .hardShrink: try map(&tensor, as: type) { abs($0) > 0.5 ? $0 : 0 }
    case .exponential: try map(&tensor, as: type) { Elementary.exp($0) }
    case .hardSigmoid: try map(&tensor, as: type) { Self.hardSigmoid($0) }
    case .logSigmoid: try map(&tensor, as: type) { -Self.softplus(-$0) }
    case .sparseSigmoid: try map(&tensor, as: type) { 0.5 * Self.clip($0 + 1, 0, 2) }
    case .hardSiLU: try map(&tensor, as: type) { $0 * Self.hardSigmoid($0) }
    case .mish: try map(&tensor, as: type) { $0 * Elementary.tanh(Self.softplus($0)) }
    }
  }

  /// The function's values, for a row of its own.
  func values<Scalar: FloatScalar>(_ row: [Scalar]) throws(CairnError) -> [Scalar] {
    var tensor = try Tensor(row)
    try apply(to: &tensor, as: Scalar.self)
    return try tensor.scalars()
  }

  private static func softplus<Scalar: FloatScalar>(_ x: Scalar) -> Scalar {
    (x > 0 ? x : 0) + Elementary.log1p(Elementary.exp(-abs(x)))
  }
  private static func hardSigmoid<Scalar: FloatScalar>(_ x: Scalar) -> Scalar {
    clip(x + 3, 0, 6) / 6
  }
  /// A NaN stays one.
  static func clip<Scalar: FloatScalar>(
    _ x: Scalar, _ low: Scalar, _ high: Scalar
  ) -> Scalar {
    x < low ? low : x > high ? high : x
  }

  private static func logSoftmax<Scalar: FloatScalar>(_ row: [Scalar]) -> [Scalar] {
    let greatest = row.max() ?? 0
    let sum = row.reduce(0) { $0 + Elementary.exp($1 - greatest) }
    return row.map { $0 - greatest - Elementary.log(sum) }
  }

  private static func sparsemax<Scalar: FloatScalar>(_ row: [Scalar]) -> [Scalar] {
    let sorted = row.sorted(by: >)
    var (sum, supported, count) = (Scalar(0), Scalar(0), 0)
    for (index, value) in sorted.enumerated() {
      sum += value
      if value - (sum - 1) / Scalar(index + 1) > 0 {
        supported += sum
        count += 1
      }
    }
    // Keras adds up the cumulated sums of the support (`backend/jax/nn.py`), not its values.
    let threshold = (supported - 1) / Scalar(count)
    return row.map { max($0 - threshold, 0) }
  }

  /// Changes each run along the last dimension in place.
  private func changeRows<Scalar: FloatScalar>(
    _ tensor: inout Tensor, as type: Scalar.Type,
    _ change: (_ values: inout MutableSpan<Scalar>, _ row: Range<Int>) -> Void
  ) throws(CairnError) {
    guard let width = tensor.shape.dimensions.last else {
      throw CairnError(
        .shapeMismatch, "\(rawValue) needs a dimension to add up along", expected: "at least one",
        found: "a scalar")
    }
    guard tensor.elementCount > 0 else { return }
    try tensor.withMutableScalars(of: Scalar.self) { (values) throws(CairnError) in
      for start in stride(from: 0, to: values.count, by: width) {
        change(&values, start..<start + width)
      }
    }
  }

  private static func replace<Scalar: FloatScalar>(
    _ values: inout MutableSpan<Scalar>, _ row: Range<Int>, _ function: ([Scalar]) -> [Scalar]
  ) {
    let results = function(row.map { values[$0] })
    for (index, result) in zip(row, results) { values[index] = result }
  }

  private func applyGLU<Scalar: FloatScalar>(
    to tensor: inout Tensor, as type: Scalar.Type
  ) throws(CairnError) {
    guard let width = tensor.shape.dimensions.last, width % 2 == 0 else {
      throw CairnError(
        .shapeMismatch, "glu needs a last dimension that can be halved", found: "\(tensor.shape)")
    }
    let half = width / 2
    let values: [Scalar] = try tensor.scalars()
    var result: [Scalar] = []
    for start in stride(from: 0, to: values.count, by: max(width, 1)) {
      for index in 0..<half {
        result.append(values[start + index] * Self.sigmoid(values[start + half + index]))
      }
    }
    tensor = try Tensor(result, shape: Shape(tensor.shape.dimensions.dropLast() + [half]))
  }

  private static func sigmoid<Scalar: FloatScalar>(_ x: Scalar) -> Scalar {
    // exp never overflows, and small results keep their precision.
    let e = Elementary.exp(-abs(x))
    return x < 0 ? e / (1 + e) : 1 / (1 + e)
  }

  private static func elu<Scalar: FloatScalar>(_ x: Scalar) -> Scalar {
    x > 0 ? x : Elementary.expm1(x)
  }

  private static func softmax<Scalar: FloatScalar>(
    _ values: inout MutableSpan<Scalar>, _ row: Range<Int>
  ) {
    var greatest = -Scalar.infinity
    // A NaN is taken over and then stays, so that the whole row becomes NaN.
    for index in row where !(values[index] <= greatest) { greatest = values[index] }
    var sum: Scalar = 0
    for index in row {
      values[index] = Elementary.exp(values[index] - greatest)
      sum += values[index]
    }
    for index in row { values[index] /= sum }
  }
}
