// In which types a layer keeps its variables and computes. Keras `dtype_policies/dtype_policy.py`.

import CairnJSON
public import CairnSystem
public import CairnTensors

/// The element types of a layer: that of its variables and that of its computations.
///
/// Layers that compute in float64 do so; those of the 16-bit types compute in float32 and round what
/// comes out.
public struct DTypePolicy: Hashable, Sendable, CustomStringConvertible {
  /// Keras's name: `float32`, `mixed_bfloat16`, …
  public let name: String
  /// The type of the variables.
  public let variableDType: DType
  /// The type of the computations.
  public let computeDType: DType

  private init(name: String, variables: DType, computations: DType) {
    self.name = name
    self.variableDType = variables
    self.computeDType = computations
  }

  /// Variables and computations in float32.
  public static let float32 = DTypePolicy(
    name: "float32", variables: .float32, computations: .float32)

  /// The policy called `name`: `float16`, `bfloat16`, `float32`, `float64`, `mixed_float16`,
  /// `mixed_bfloat16`.
  ///
  /// - Throws: `unsupportedConfiguration` for any other, quantised ones among them.
  public init(_ name: String) throws(CairnError) {
    switch name {
    case "float32": self = .float32
    case "float16": self.init(name: name, variables: .float16, computations: .float16)
    case "bfloat16": self.init(name: name, variables: .bfloat16, computations: .bfloat16)
    case "float64": self.init(name: name, variables: .float64, computations: .float64)
    case "mixed_float16": self.init(name: name, variables: .float32, computations: .float16)
    case "mixed_bfloat16": self.init(name: name, variables: .float32, computations: .bfloat16)
    default:
      throw CairnError(
        .unsupportedConfiguration, "there is no dtype policy ‘\(name)’",
        expected: "float32, float16, bfloat16, float64, mixed_float16 or mixed_bfloat16")
    }
  }

  /// The policy's name.
  public var description: String { name }

  /// As Keras 3 writes it.
  var json: JSONValue {
    [
      "module": "keras", "class_name": "DTypePolicy", "config": ["name": .string(name)],
      "registered_name": .null,
    ]
  }
}
