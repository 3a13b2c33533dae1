// Quantised layers that no ordinary file has. What ordinary ones compute is in Fixtures/keras/quantized.

import CairnJSON
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@testable import CairnModels

@Suite("Quantised layers")
struct QuantizedLayerTests {
  private func policy(_ className: String, _ mode: String, _ more: JSONObject = [:]) -> JSONValue {
    var config: JSONObject = ["mode": .string(mode), "source_name": "float32"]
    for (key, value) in more { config[key] = value }
    return [
      "module": "keras.dtype_policies", "class_name": .string(className), "config": .object(config),
    ]
  }

  @discardableResult
  private func dense(_ dtype: JSONValue, _ more: JSONObject = [:]) throws -> any Layer {
    var settings: JSONObject = ["units": 3, "dtype": dtype]
    for (key, value) in more { settings[key] = value }
    return try LayerRegistry.standard.makeLayer(
      configuration: [
        "class_name": "Dense", "config": .object(settings),
        "build_config": ["input_shape": [.null, 5]],
      ])
  }

  @Test(
    "A class that Keras does not quantise, and ways that are not implemented, are refused by name")
  func refused() {
    #expect(
      code {
        _ = try LayerRegistry.standard.makeLayer(
          configuration: [
            "class_name": "Flatten",
            "config": ["dtype": policy("QuantizedDTypePolicy", "int8")],
          ])
      } == .unsupportedConfiguration)
    #expect(
      code { try dense(policy("GPTQDTypePolicy", "gptq/4/128")) } == .unsupportedConfiguration)
    #expect(code { try dense(policy("QuantizedDTypePolicy", "int3")) } == .unsupportedConfiguration)
    #expect(code { try dense(policy("Int4DTypePolicy", "int4/0")) } == .unsupportedConfiguration)
    #expect(code { try dense("int8_from_int8_from_float32") } == .unsupportedConfiguration)
  }

  @Test("A few bytes cannot ask for much")
  func amplification() throws {
    #expect(
      code {
        try dense(
          policy("QuantizedFloat8DTypePolicy", "float8", ["amax_history_length": .integer(1 << 30)])
        )
      } == .overBudget)
    // A block that is longer than the kernel is one block.
    let layer = try dense(policy("Int4DTypePolicy", "int4/\(1 << 40)"))
    #expect(layer.state.variable("kernel_scale")?.shape == [1, 3])
  }

  @Test("A weight that names no group is an error, and what is no number is none")
  func strange() throws {
    let layer = try dense("int4/2_from_float32")
    let groups = try #require(layer.state.variable("g_idx"))
    let input = try Tensor([Float](repeating: 1, count: 5), shape: [1, 5])
    for wrong in [Float.nan, .infinity, -1, 3, 1e30] {
      try groups.assign(Tensor([0, 0, 1, 1, wrong]))
      #expect(code { _ = try layer(input) } == .invalidArgument)
    }
    let eight = try dense("int8_from_float32")
    for wrong in [Float.nan, .infinity, -.infinity] {
      let output = try eight(Tensor([wrong, 1, 2, 3, 4], shape: [1, 5]))
      #expect(output.shape == [1, 3])
    }
    #expect(try eight(Tensor(zeros: .float32, shape: [0, 5])).shape == [0, 3])
  }

  @Test("Kernels are weights that are not trained")
  func roles() throws {
    let layer = try dense("int8_from_float32")
    #expect(layer.state.variables.map(\.name) == ["bias", "kernel", "kernel_scale"])
    #expect(layer.state.variable("kernel")?.dtype == .int8)
    #expect(layer.settings["dtype"] == policy("QuantizedDTypePolicy", "int8").withRegisteredName)
  }
}

extension JSONValue {
  fileprivate var withRegisteredName: JSONValue {
    guard case .object(var object) = self else { return self }
    object["registered_name"] = .null
    return .object(object)
  }
}
