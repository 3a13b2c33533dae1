// Layers of Keras 1 and 2 in the form of Keras 3. Names of classes and settings differ, and so do
// some defaults. Keras 2 `legacy/interfaces.py`, `legacy/layers.py`; Keras 3 `layers/`.

import CairnJSON
import CairnModels
import CairnSystem

/// Turns the configuration of an older layer into that of Keras 3. Unknown settings stay, so that
/// making the layer reports them.
enum LegacyKerasLayer {
  private static let classes = [
    "Convolution1D": "Conv1D", "Convolution2D": "Conv2D", "Convolution3D": "Conv3D",
    "Deconvolution2D": "Conv2DTranspose", "SeparableConvolution2D": "SeparableConv2D",
    "ThresholdedReLU": "ReLU", "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
  ]

  /// Settings of Keras 1 that were renamed, in all classes that have them.
  private static let names = [
    "nb_filter": "filters", "subsample": "strides", "subsample_length": "strides",
    "border_mode": "padding", "dim_ordering": "data_format", "bias": "use_bias",
    "init": "kernel_initializer", "inner_init": "recurrent_initializer",
    "inner_activation": "recurrent_activation", "W_regularizer": "kernel_regularizer",
    "U_regularizer": "recurrent_regularizer", "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint", "U_constraint": "recurrent_constraint",
    "b_constraint": "bias_constraint", "dropout_W": "dropout", "dropout_U": "recurrent_dropout",
    "pool_length": "pool_size", "filter_length": "kernel_size", "p": "rate", "sigma": "stddev",
    "atrous_rate": "dilation_rate", "beta_init": "beta_initializer",
    "gamma_init": "gamma_initializer", "stride": "strides", "input_dtype": "",
  ]
  /// Settings that do not affect the computation, or no longer do.
  private static let obsolete: Set<String> = [  // our own words
    "batch_input_shape", "input_dtype", "input_length", "consume_less", "implementation", "fused",
    "virtual_batch_size",
  ]
  /// Settings that matter only if they are true. Then they are not known here, and are reported.
  private static let usuallyFalse = ["time_major", "renorm", "ragged", "sparse"]

  /// Whether a layer's settings are those of Keras 3, which the policy or the shape in the new form
  /// tells. Modules do not tell it: later versions of Keras 2 write them, and Keras 3 leaves them
  /// out in HDF5.
  static func isModern(_ value: JSONValue) -> Bool {
    guard let config = value["config"] else { return false }
    return config["dtype"]?["class_name"] == "DTypePolicy" || config["batch_shape"] != nil
  }

  /// A layer of Keras 3 in the form of its `.keras` files: with its module, under the exported name
  /// of the class.
  static func exported(_ value: JSONValue) -> JSONValue {
    guard case .object(var object) = value, object["module"] == nil else { return value }
    object["module"] = "keras.layers"
    object["registered_name"] = .null
    if object["class_name"] == "GroupedQueryAttention" {
      object["class_name"] = "GroupQueryAttention"
    }
    return .object(object)
  }

  static func layer(_ value: JSONValue, at path: String) throws(CairnError) -> JSONValue {
    guard let found = value["class_name"]?.stringValue,
      var config = value["config"]?.objectValue
    else {
      throw CairnError(
        .invalidConfiguration, "a layer of the configuration has no class or no settings",
        at: .init(name: path))
    }
    // A user's class keeps its module, by which it is recognised or refused.
    let module = value["module"]?.stringValue ?? "keras.layers"
    guard
      value["registered_name"]?.stringValue.map({ !$0.utf8.contains(UInt8(ascii: ">")) }) ?? true,
      module.spellingBegins(with: "keras.") || module.spellingBegins(with: "tf_keras.")
    else { return value }
    let name = classes[found] ?? found
    if name == "InputLayer" { config = input(config) } else { try rename(&config, of: name, path) }
    for (key, inner) in config where key == "layer" || key.spellingEnds(with: "_layer") {
      guard inner["class_name"] != nil, !isModern(inner) else { continue }
      config[key] = try layer(inner, at: "\(path).config.\(key)")
    }
    for (key, inner) in config { config[key] = object(inner, under: key) }
    if let policy = config["dtype"], policy["class_name"]?.stringValue == "Policy" {
      config["dtype"] = policy["config"]?["name"] ?? .string("float32")
    }
    return [
      "module": "keras.layers", "class_name": .string(name), "config": .object(config),
      "registered_name": .null,
    ]
  }

  private static func input(_ config: JSONObject) -> JSONObject {
    var made = JSONObject()
    made["batch_shape"] = config["batch_input_shape"] ?? config["batch_shape"]
    made["dtype"] = config["dtype"] ?? config["input_dtype"] ?? .string("float32")
    made["sparse"] = config["sparse"] ?? .bool(false)
    made["name"] = config["name"]
    return made
  }

  private static func rename(
    _ config: inout JSONObject, of name: String, _ path: String
  ) throws(CairnError) {
    let isEmbedding = name == "Embedding"
    if isEmbedding {
      move("init", to: "embeddings_initializer", in: &config)
      move("W_regularizer", to: "embeddings_regularizer", in: &config)
      move("W_constraint", to: "embeddings_constraint", in: &config)
    } else {
      move("output_dim", to: "units", in: &config)
      config["input_dim"] = nil
    }
    for (old, new) in names.sorted(by: { $0.key < $1.key }) where !new.isEmpty {
      move(old, to: new, in: &config)
    }
    for key in obsolete { config[key] = nil }
    for key in usuallyFalse where config[key] == false { config[key] = nil }
    if let rows = config["nb_row"], let columns = config["nb_col"] {
      (config["nb_row"], config["nb_col"]) = (nil, nil)
      config["kernel_size"] = .array([rows, columns])
    }
    switch config["data_format"]?.stringValue {
    case "tf": config["data_format"] = "channels_last"
    case "th": config["data_format"] = "channels_first"
    default: break
    }
    switch name {
    case "BatchNormalization":
      if let axes = config["axis"]?.arrayValue, axes.count == 1 { config["axis"] = axes[0] }
      if config["mode"]?.intValue == 0 { config["mode"] = nil }
    case "ReLU":
      move("theta", to: "threshold", in: &config)
    case "MultiHeadAttention":
      // The shapes that the layer was built for. The call gives them again.
      for key in ["query_shape", "key_shape", "value_shape"] { config[key] = nil }
    case "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose":
      // Transposed convolutions have no groups, but have the setting.
      if config["groups"]?.intValue == 1 { config["groups"] = nil }
      if config["output_padding"]?.isNull == true { config["output_padding"] = nil }
    case "LeakyReLU": move("alpha", to: "negative_slope", in: &config)
    case "SeparableConv1D", "SeparableConv2D", "DepthwiseConv1D", "DepthwiseConv2D":
      for key in ["kernel_initializer", "kernel_regularizer", "kernel_constraint", "groups"] {
        config[key] = nil
      }
      if name.spellingBegins(with: "Depthwise") { config["filters"] = nil }
    case "GRU":
      // The default was different in older versions.
      if config["reset_after"] == nil { config["reset_after"] = .bool(false) }
      if config["recurrent_activation"] == nil { config["recurrent_activation"] = "hard_sigmoid" }
    case "LSTM":
      if let bias = config["forget_bias_init"] {
        config["forget_bias_init"] = nil
        config["unit_forget_bias"] = .bool(bias.stringValue == "one" || bias.stringValue == "ones")
      }
      if config["recurrent_activation"] == nil { config["recurrent_activation"] = "hard_sigmoid" }
    default: break
    }
  }

  private static func move(_ old: String, to new: String, in config: inout JSONObject) {
    guard let value = config[old] else { return }
    config[old] = nil
    if config[new] == nil { config[new] = value }
  }

  /// An initializer, regularizer or constraint, with its module. The older normal distribution was
  /// truncated.
  private static func object(_ value: JSONValue, under key: String) -> JSONValue {
    let modules = [
      "initializer": "keras.initializers", "regularizer": "keras.regularizers",
      "constraint": "keras.constraints",
    ]
    guard let module = modules.first(where: { key.spellingEnds(with: "_" + $0.key) })?.value,
      case .object(var object) = value, let name = object["class_name"], object["module"] == nil
    else { return value }
    if name == "VarianceScaling", case .object(var config)? = object["config"],
      config["distribution"] == "normal"
    {
      config["distribution"] = "truncated_normal"
      object["config"] = .object(config)
    }
    object["module"] = .string(module)
    object["registered_name"] = .null
    return .object(object)
  }
}
