// Keras `activations/activations.py`: which there are, and how they are computed in float32.

public import CairnSystem
public import CairnTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A function that is applied to a layer's output.
public enum ActivationFunction: String, Hashable, Sendable, CaseIterable {
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
  /// - Throws: `dtypeMismatch` unless the tensor is float32; `shapeMismatch` for the softmax of a
  ///   scalar; `outOfMemory`.
  public func apply(to tensor: inout Tensor) throws(CairnError) {
    switch self {
    case .linear: return
    case .softmax: try applySoftmax(to: &tensor)
    case .logSoftmax: try mapRows(&tensor, Self.logSoftmax)
    case .sparsemax: try mapRows(&tensor, Self.sparsemax)
    case .glu: try applyGLU(to: &tensor)
    // As in jnp.maximum: a NaN stays one, −0 becomes +0.
    case .relu: try map(&tensor) { $0 < 0 ? 0 : $0 + 0 }
    case .sigmoid: try map(&tensor, Self.sigmoid)
    case .tanh: try map(&tensor) { tanhf($0) }
    case .gelu: try map(&tensor) { 0.5 * $0 * erfcf(-$0 * Float(0.5).squareRoot()) }
    case .elu: try map(&tensor, Self.elu)
    case .selu:
      try map(&tensor) { x in
        1.0507009873554804934193349852946
          * (x > 0 ? x : 1.6732632423543772848170429916717 * expm1f(x))
      }
    case .silu: try map(&tensor) { $0 * Self.sigmoid($0) }
    case .softplus: try map(&tensor, Self.softplus)
    case .leakyReLU: try map(&tensor) { $0 < 0 ? 0.2 * $0 : $0 }
    case .relu6: try map(&tensor) { Self.clip($0, 0, 6) }
    case .celu: try map(&tensor, Self.elu)
    case .softsign: try map(&tensor) { $0 / (1 + abs($0)) }
    case .softShrink: try map(&tensor) { $0 > 0.5 ? $0 - 0.5 : $0 < -0.5 ? $0 + 0.5 : 0 }
    case .sparsePlus:
      try map(&tensor) { $0 <= -1 ? 0 : $0 >= 1 ? $0 : ($0 + 1) * ($0 + 1) / 4 }
    case .squareplus: try map(&tensor) { 0.5 * ($0 + ($0 * $0 + 4).squareRoot()) }
    case .tanhShrink: try map(&tensor) { $0 - tanhf($0) }
    case .hardTanh: try map(&tensor) { Self.clip($0, -1, 1) }
    case .hardShrink: try map(&tensor) { abs($0) > 0.5 ? $0 : 0 }
    case .exponential: try map(&tensor) { expf($0) }
    case .hardSigmoid: try map(&tensor, Self.hardSigmoid)
    case .logSigmoid: try map(&tensor) { -Self.softplus(-$0) }
    case .sparseSigmoid: try map(&tensor) { 0.5 * Self.clip($0 + 1, 0, 2) }
    case .hardSiLU: try map(&tensor) { $0 * Self.hardSigmoid($0) }
    case .mish: try map(&tensor) { $0 * tanhf(Self.softplus($0)) }
    }
  }

  /// The function's values, for a row of its own.
  func values(_ row: [Float]) throws(CairnError) -> [Float] {
    if self == .linear { return row }
    var tensor = try Tensor(row)
    try apply(to: &tensor)
    return try tensor.scalars()
  }

  private static func softplus(_ x: Float) -> Float { (x > 0 ? x : 0) + log1pf(expf(-abs(x))) }
  private static func hardSigmoid(_ x: Float) -> Float { clip(x + 3, 0, 6) / 6 }
  /// A NaN stays one.
  private static func clip(_ x: Float, _ low: Float, _ high: Float) -> Float {
    x < low ? low : x > high ? high : x
  }

  private static func logSoftmax(_ row: [Float]) -> [Float] {
    let greatest = row.max() ?? 0
    let sum = row.reduce(0) { $0 + expf($1 - greatest) }
    return row.map { $0 - greatest - logf(sum) }
  }

  private static func sparsemax(_ row: [Float]) -> [Float] {
    let sorted = row.sorted(by: >)
    var (sum, supported, count) = (Float(0), Float(0), 0)
    for (index, value) in sorted.enumerated() {
      sum += value
      if value - (sum - 1) / Float(index + 1) > 0 {
        supported += sum
        count += 1
      }
    }
    // Keras adds up the cumulated sums of the support (`backend/jax/nn.py`), not its values.
    let threshold = (supported - 1) / Float(count)
    return row.map { max($0 - threshold, 0) }
  }

  private func mapRows(
    _ tensor: inout Tensor, _ function: ([Float]) -> [Float]
  ) throws(CairnError) {
    guard let width = tensor.shape.dimensions.last else {
      throw CairnError(
        .shapeMismatch, "\(rawValue) needs a dimension to add up along", expected: "at least one",
        found: "a scalar")
    }
    guard tensor.elementCount > 0 else { return }
    try tensor.withMutableScalars(of: Float.self) { (values) throws(CairnError) in
      for start in stride(from: 0, to: values.count, by: width) {
        let row = function((start..<start + width).map { values[$0] })
        for index in row.indices { values[start + index] = row[index] }
      }
    }
  }

  private func applyGLU(to tensor: inout Tensor) throws(CairnError) {
    guard let width = tensor.shape.dimensions.last, width % 2 == 0 else {
      throw CairnError(
        .shapeMismatch, "glu needs a last dimension that can be halved", found: "\(tensor.shape)")
    }
    let half = width / 2
    let values: [Float] = try tensor.scalars()
    var result: [Float] = []
    for start in stride(from: 0, to: values.count, by: max(width, 1)) {
      for index in 0..<half {
        result.append(values[start + index] * Self.sigmoid(values[start + half + index]))
      }
    }
    tensor = try Tensor(result, shape: Shape(tensor.shape.dimensions.dropLast() + [half]))
  }

  private static func sigmoid(_ x: Float) -> Float {
    // exp never overflows, and small results keep their precision.
    let e = expf(-abs(x))
    return x < 0 ? e / (1 + e) : 1 / (1 + e)
  }

  private static func elu(_ x: Float) -> Float { x > 0 ? x : expm1f(x) }

  private func map(
    _ tensor: inout Tensor, _ function: (Float) -> Float
  ) throws(CairnError) {
    try tensor.withMutableScalars(of: Float.self) { (values) throws(CairnError) in
      for index in values.indices { values[index] = function(values[index]) }
    }
  }

  private func applySoftmax(to tensor: inout Tensor) throws(CairnError) {
    guard let width = tensor.shape.dimensions.last else {
      throw CairnError(
        .shapeMismatch, "softmax needs a dimension to add up along", expected: "at least one",
        found: "a scalar")
    }
    guard tensor.elementCount > 0 else { return }
    try tensor.withMutableScalars(of: Float.self) { (values) throws(CairnError) in
      for start in stride(from: 0, to: values.count, by: width) {
        let row = start..<start + width
        var greatest = -Float.infinity
        // A NaN is taken over and then stays, so that the whole row becomes NaN.
        for index in row where !(values[index] <= greatest) { greatest = values[index] }
        var sum: Float = 0
        for index in row {
          values[index] = expf(values[index] - greatest)
          sum += values[index]
        }
        for index in row { values[index] /= sum }
      }
    }
  }
}
