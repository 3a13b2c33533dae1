// In which types a layer keeps its variables and computes. Keras `dtype_policies/dtype_policy.py`.

import CairnJSON
public import CairnSystem
public import CairnTensors

/// The element types of a layer: that of its variables and that of its computations.
///
/// Layers of float64 compute in float64; those of the 16-bit types compute in float32 and round
/// what comes out.
public struct DTypePolicy: Hashable, Sendable, CustomStringConvertible {
  /// Keras's name: `float32`, `mixed_bfloat16`, …
  package let name: String
  /// The type of the variables.
  public let variableDType: DType
  /// The type of the computations.
  public let computeDType: DType
  /// How the layer keeps its weights in few bits; nil if it does not.
  package let quantization: WeightQuantization?

  private init(name: String, variables: DType, computations: DType) {
    self.name = name
    self.variableDType = variables
    self.computeDType = computations
    quantization = nil
  }

  /// The policy of floats called `source`, with weights in few bits.
  ///
  /// - Throws: `unsupportedConfiguration` if there is no such policy.
  package init(_ quantization: WeightQuantization, source: String) throws(CairnError) {
    let plain = try DTypePolicy(source)
    guard plain.quantization == nil else {
      throw CairnError(
        .unsupportedConfiguration, "there is no dtype policy ‘\(source)’ to quantise from")
    }
    name = "\(quantization.mode)_from_\(source)"
    variableDType = plain.variableDType
    computeDType = plain.computeDType
    self.quantization = quantization
  }

  /// Variables and computations in float32.
  public static let float32 = DTypePolicy(
    name: "float32", variables: .float32, computations: .float32)

  /// The policy called `name`: `float16`, `bfloat16`, `float32`, `float64`, `mixed_float16`,
  /// `mixed_bfloat16`, or one of those after `int8_from_`, `float8_from_` or `int4/128_from_`.
  ///
  /// - Throws: `unsupportedConfiguration` for any other.
  public init(_ name: String) throws(CairnError) {
    switch name {
    case "float32": self = .float32
    case "float16": self.init(name: name, variables: .float16, computations: .float16)
    case "bfloat16": self.init(name: name, variables: .bfloat16, computations: .bfloat16)
    case "float64": self.init(name: name, variables: .float64, computations: .float64)
    case "mixed_float16": self.init(name: name, variables: .float32, computations: .float16)
    case "mixed_bfloat16": self.init(name: name, variables: .float32, computations: .bfloat16)
    default:
      let parts = name.split(separator: "_from_", maxSplits: 1)
      if parts.count == 2, let quantization = WeightQuantization(mode: String(parts[0])) {
        try self.init(quantization, source: String(parts[1]))
        return
      }
      throw CairnError(
        .unsupportedConfiguration, "there is no dtype policy ‘\(name)’",
        expected: "float32, float16, bfloat16, float64, mixed_float16 or mixed_bfloat16")
    }
  }

  /// The policy's name.
  public var description: String { name }

  /// As Keras 3 writes it.
  var json: JSONValue {
    if let quantization, let source = name.dropping(prefix: "\(quantization.mode)_from_") {
      return quantization.json(source: source)
    }
    return [
      "module": "keras", "class_name": "DTypePolicy", "config": ["name": .string(name)],
      "registered_name": .null,
    ]
  }
}
