// Layers with weights in few bits. Keras `quantizers/quantization_config.py`.

import CairnJSON
import CairnSystem
import CairnTensors

/// Keras's `AbsMaxQuantizer`: turns numbers into small whole numbers. The largest magnitude of each
/// run becomes the largest of them.
struct AbsMaxQuantizer: Sendable {
  var least = -127.0
  var most = 127.0
  var epsilon = 1e-7
}

/// What a quantised layer is to do.
struct QuantizedLayer: Sendable {
  let quantization: WeightQuantization
  /// How what comes in is quantised too; nil if it is not.
  let inputs: AbsMaxQuantizer?
}

extension ConfigurationReader {
  /// Takes the keys of quantised and LoRA layers, and all that every layer has.
  ///
  /// Of LoRA the rank is kept. Keras adds the product of the two small matrices to the kernel when
  /// it saves, and reads them as zeros again, so the kernel is complete.
  mutating func quantizedLayerState(
    className: String
  ) throws(CairnError) -> (state: LayerState, quantized: QuantizedLayer?) {
    let configuration = takeQuantization()
    let state = try layerState(className: className, quantizes: true)
    guard let quantization = state.dtype.quantization else {
      // `quantize` leaves its settings with layers that it does not change.
      let className = configuration?["class_name"]?.stringValue ?? "QuantizationConfig"
      guard configuration == nil || configuration?["class_name"] != nil,
        className.spellingEnds(with: "QuantizationConfig")
      else {
        throw unsupported(
          "quantization_config", "layers quantised in that way are not implemented")
      }
      return (state, nil)
    }
    return (
      state,
      QuantizedLayer(
        quantization: quantization,
        inputs: try quantizer(of: configuration, quantization))
    )
  }

  /// Takes and records the keys of quantisation and LoRA.
  private mutating func takeQuantization() -> JSONValue? {
    let configuration = take("quantization_config")
    record("quantization_config", configuration ?? .null)
    for key in ["lora_rank", "lora_alpha"] {
      if let value = take(key) { record(key, value) }
    }
    return configuration
  }

  /// How a layer of that configuration quantises what comes in.
  private func quantizer(
    of configuration: JSONValue?, _ quantization: WeightQuantization
  ) throws(CairnError) -> AbsMaxQuantizer? {
    guard let configuration else { return quantization == .int8 ? AbsMaxQuantizer() : nil }
    var outer = try ConfigurationReader(configuration, path: path(of: "quantization_config"))
    let className = try outer.string("class_name")
    guard className.isSpelt(as: "\(Self.prefix(of: quantization))QuantizationConfig") else {
      throw outer.unsupported("class_name", "layers quantised in that way are not implemented")
    }
    try outer.expectModule("keras.quantizers")
    var settings = try ConfigurationReader(
      outer.take("config") ?? .object([:]), path: outer.path(of: "config"))
    // How the weights were quantised does not matter any more.
    _ = settings.take("weight_quantizer")
    if case .int4(let block) = quantization {
      guard try settings.optionalInteger("block_size") ?? -1 == block ?? -1 else {
        throw settings.invalid("block_size", expected: "that of the policy")
      }
    }
    guard let value = settings.take("activation_quantizer") else {
      try settings.finish()
      return nil
    }
    try settings.finish()
    var inner = try ConfigurationReader(value, path: settings.path(of: "activation_quantizer"))
    guard try inner.string("class_name").isSpelt(as: "AbsMaxQuantizer") else {
      throw inner.unsupported("class_name", "only AbsMaxQuantizer is implemented")
    }
    try inner.expectModule("keras.quantizers")
    var reader = try ConfigurationReader(
      inner.take("config") ?? .object([:]), path: inner.path(of: "config"))
    _ = reader.take("axis")
    var quantizer = AbsMaxQuantizer()
    if let range = try reader.numbers("value_range") {
      guard range.values.count == 2, range.values[0] <= range.values[1],
        range.values.allSatisfy({ abs($0) <= 127 })
      else { throw reader.invalid("value_range", expected: "two numbers within those of int8") }
      (quantizer.least, quantizer.most) = (range.values[0], range.values[1])
    }
    quantizer.epsilon = try reader.double("epsilon", default: quantizer.epsilon)
    guard try reader.string("output_dtype", default: "int8").isSpelt(as: "int8") else {
      throw reader.unsupported("output_dtype", "only int8 is implemented")
    }
    try reader.finish()
    return quantizer
  }

  private static func prefix(of quantization: WeightQuantization) -> String {
    switch quantization {
    case .int8: "Int8"
    case .int4: "Int4"
    case .float8: "Float8"
    }
  }
}
