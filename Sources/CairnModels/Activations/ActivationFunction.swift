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

  /// The function of that name in a configuration.
  init?(name: String) {
    self.init(rawValue: name == "swish" ? "silu" : name)
  }

  /// Replaces every element by the function's value.
  ///
  /// - Throws: `dtypeMismatch` unless the tensor is float32; `shapeMismatch` for the softmax of a
  ///   scalar; `outOfMemory`.
  public func apply(to tensor: inout Tensor) throws(CairnError) {
    switch self {
    case .linear: return
    case .softmax: try applySoftmax(to: &tensor)
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
    case .softplus: try map(&tensor) { ($0 > 0 ? $0 : 0) + log1pf(expf(-abs($0))) }
    }
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
