// Layers on inputs that are not of their type. The values are those of Keras 3.15.1 on TensorFlow 2.21, of
// `keras.Model(i, layer(i))(x)` with `i = keras.Input(batch_shape=(2, 3), dtype=…)`.

import CairnJSON
import CairnSystem
import CairnTensors
import CairnTestSupport
import Testing

@testable import CairnModels

@Suite struct InputTypeTests {
  private func output(
    _ className: String, _ config: JSONObject, _ dtype: DType, count: Int = 1
  ) throws -> Tensor {
    let layer = try LayerRegistry.standard.makeLayer(
      configuration: [
        "class_name": .string(className), "config": .object(config),
        "build_config": ["input_shape": [2, 3]],
      ])
    let input = try Tensor([3, 0, 1, -2, 4, 1] as [Float], shape: [2, 3]).cast(to: dtype)
    let inputs = [CallArgument<MaskedTensor>](repeating: .tensor(MaskedTensor(input)), count: count)
    let arguments = CallArguments<MaskedTensor>(count == 1 ? inputs : [.list(inputs)])
    return try #require(try layer.call(arguments).first).tensor
  }

  /// Layers that compute in float32 at least.
  private static let layers: [(name: String, config: JSONObject)] = [
    ("LayerNormalization", [:]), ("GroupNormalization", ["groups": 1]),
  ]

  @Test(
    "What they give is rounded to the type of what came in",
    arguments: [DType.int8, .int32, .int64])
  func integers(dtype: DType) throws {
    for (name, config) in Self.layers {
      let found = try output(name, config, dtype)
      #expect(found.dtype == .float32)
      #expect(try found.scalars() == [1, -1, 0, -1, 1, 0] as [Float])
    }
  }

  @Test("In half precision too")
  func halves() throws {
    for (name, config) in Self.layers {
      let found = try output(name, config, .float16)
      #expect(found.dtype == .float32)
      #expect(
        try found.scalars() == [
          1.3359375, -1.068359375, -0.26708984375, -1.224609375, 1.224609375, 0,
        ] as [Float])
    }
  }

  @Test(
    "The mean of integers is of the type in which TensorFlow divides them",
    arguments: [
      (DType.int8, DType.float32), (.int32, .float64), (.int64, .float64), (.float16, .float32),
    ])
  func means(input: DType, type: DType) throws {
    let found = try output("Average", [:], input, count: 2)
    #expect(found.dtype == type)
    #expect(try found.cast(to: .float32).scalars() == [3, 0, 1, -2, 4, 1] as [Float])
  }
}
