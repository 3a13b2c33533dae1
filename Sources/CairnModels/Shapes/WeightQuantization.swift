// Weights that are kept in few bits. Keras `dtype_policies/dtype_policy.py` (`QuantizedDTypePolicy`).

import CairnJSON
import CairnSystem

/// How a layer keeps its weights in few bits; Keras's `quantize(…)`.
package enum WeightQuantization: Hashable, Sendable {
  /// In 8 bits, with a scale for each column.
  case int8
  /// In 4 bits, two numbers to a byte, with a scale for each column. If there is a block size, each
  /// scale is for that many rows of a column, and there is a zero point too.
  case int4(block: Int?)
  /// In float32; they are converted to 8-bit floats and back where they are used.
  case float8(history: Int)

  /// Keras's `mode`.
  var mode: String {
    switch self {
    case .int8: "int8"
    case .int4(let block): "int4/\(block ?? -1)"
    case .float8: "float8"
    }
  }

  /// What a `mode` asks for; nil for those that are not implemented.
  init?(mode: String, history: Int = 1_024) {
    switch mode {
    case "int8": self = .int8
    case "float8": self = .float8(history: history)
    default:
      guard let text = mode.dropping(prefix: "int4/"), let block = Int(text),
        block == -1 || (1...1 << 40).contains(block)
      else { return nil }
      self = .int4(block: block == -1 ? nil : block)
    }
  }

  /// The policy with that quantisation, as Keras 3 writes it.
  func json(source: String) -> JSONValue {
    var config: JSONObject = ["mode": .string(mode), "source_name": .string(source)]
    var className = "QuantizedDTypePolicy"
    switch self {
    case .int8: break
    case .int4: className = "Int4DTypePolicy"
    case .float8(let history):
      className = "QuantizedFloat8DTypePolicy"
      config["amax_history_length"] = .integer(Int64(history))
    }
    return [
      "module": "keras.dtype_policies", "class_name": .string(className),
      "config": .object(config), "registered_name": .null,
    ]
  }
}
