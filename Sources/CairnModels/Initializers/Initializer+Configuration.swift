// Initializers to and from Keras's configuration.

package import CairnJSON
import CairnSystem
import CairnTensors

extension Initializer {
  /// As Keras 3 writes it.
  package var json: JSONValue {
    if case .unknown(let configuration) = rule { return configuration }
    return [
      "module": "keras.initializers", "class_name": .string(className),
      "config": .object(settings), "registered_name": .null,
    ]
  }

  private var settings: JSONObject {
    switch rule {
    case .zeros, .ones: [:]
    case .constant(let value): ["value": .double(value)]
    case .array(let array): ["value": array.json]
    case .unknown: [:]
    case .identity(let gain): ["gain": .double(gain)]
    case .uniform(let minimum, let maximum):
      ["seed": seed, "minval": .double(minimum), "maxval": .double(maximum)]
    case .normal(let mean, let deviation), .truncatedNormal(let mean, let deviation):
      ["seed": seed, "mean": .double(mean), "stddev": .double(deviation)]
    case .orthogonal(let gain): ["seed": seed, "gain": .double(gain)]
    case .varianceScaling(let scale, let mode, let distribution):
      if Self.presets.contains(where: { $0.className == className }) {
        ["seed": seed, "input_axes": Self.json(inputAxes), "output_axes": Self.json(outputAxes)]
      } else {
        [
          "seed": seed, "scale": .double(scale), "mode": .string(mode.rawValue),
          "distribution": .string(distribution.rawValue), "input_axes": Self.json(inputAxes),
          "output_axes": Self.json(outputAxes),
        ]
      }
    }
  }

  private static func json(_ axes: [Int]?) -> JSONValue {
    axes.map { .array($0.map { .integer(Int64($0)) }) } ?? .null
  }

  /// The initializer of a Keras configuration: an object, or a name such as `glorot_uniform`.
  init(configuration: JSONValue, path: String) throws(CairnError) {
    if let name = configuration.stringValue {
      guard Self.classNames[name] != nil else {
        self.init(name, .unknown(configuration))
        return
      }
      try self.init(className: name, settings: .object([:]), path: path, settingsPath: path)
      return
    }
    var reader = try ConfigurationReader(configuration, path: path)
    let className = try reader.string("class_name")
    let module = reader.peek("module")?.stringValue ?? (reader.has("module") ? "" : "keras")
    guard Self.classNames[className] != nil,
      module == "keras" || module.utf8.starts(with: "keras.".utf8)
    else {
      self.init(className, .unknown(configuration))
      return
    }
    try reader.expectModule("keras.initializers")
    _ = reader.take("shared_object_id")
    let settings = reader.take("config") ?? .object([:])
    try reader.finish()
    try self.init(
      className: className, settings: settings, path: "\(path).class_name",
      settingsPath: "\(path).config")
  }

  private init(
    className: String, settings: JSONValue, path: String, settingsPath: String
  ) throws(CairnError) {
    var reader = try ConfigurationReader(settings, path: settingsPath)
    guard let name = Self.classNames[className] else {
      throw CairnError(
        .unknownInitializer, "there is no initializer ‘\(className)’", at: .init(name: path),
        advice: "Known are \(Set(Self.classNames.values).sorted().joined(separator: ", "))")
    }
    let rule: Rule
    var seed = JSONValue.null
    var axes: (inputs: [Int]?, outputs: [Int]?) = (nil, nil)
    switch name {
    case "Zeros": rule = .zeros
    case "Ones": rule = .ones
    case "Constant":
      if let value = reader.peek("value"), value.doubleValue == nil {
        guard let array = ConstantArray(value) else {
          throw reader.invalid("value", expected: "a number, or lists of numbers of one shape")
        }
        _ = reader.take("value")
        rule = .array(array)
      } else {
        rule = .constant(try reader.double("value", default: 0))
      }
    case "Identity": rule = .identity(gain: try reader.double("gain", default: 1))
    case "RandomUniform":
      rule = .uniform(
        minimum: try reader.double("minval", default: -0.05),
        maximum: try reader.double("maxval", default: 0.05))
      seed = try reader.seed()
    case "RandomNormal", "TruncatedNormal":
      let mean = try reader.double("mean", default: 0)
      let deviation = try reader.double("stddev", default: 0.05)
      rule =
        name == "RandomNormal"
        ? .normal(mean: mean, deviation: deviation)
        : .truncatedNormal(mean: mean, deviation: deviation)
      seed = try reader.seed()
    case "Orthogonal":
      rule = .orthogonal(gain: try reader.double("gain", default: 1))
      seed = try reader.seed()
    default:
      if let preset = Self.presets.first(where: { $0.className == name }) {
        rule = preset.rule
      } else {
        rule = try Self.scaling(&reader)
      }
      seed = try reader.seed()
      axes = (try reader.optionalIntegers("input_axes"), try reader.optionalIntegers("output_axes"))
    }
    try reader.finish()
    self.init(name, rule, seed: seed, inputAxes: axes.inputs, outputAxes: axes.outputs)
  }

  private static func scaling(_ reader: inout ConfigurationReader) throws(CairnError) -> Rule {
    let scale = try reader.double("scale", default: 1)
    guard scale > 0 else { throw reader.invalid("scale", expected: "a number above 0") }
    guard let mode = FanMode(rawValue: try reader.string("mode", default: "fan_in")) else {
      throw reader.invalid("mode", expected: "fan_in, fan_out or fan_avg")
    }
    var text = try reader.string("distribution", default: "truncated_normal")
    if text == "normal" { text = "truncated_normal" }
    guard let distribution = Distribution(rawValue: text) else {
      throw reader.invalid(
        "distribution", expected: "truncated_normal, untruncated_normal or uniform")
    }
    return .varianceScaling(scale: scale, mode: mode, distribution: distribution)
  }

  /// Every spelling that Keras reads, and the class it names (Keras `initializers/__init__.py`).
  static let classNames: [String: String] = {
    let own = [
      "Zeros", "Ones", "Constant", "Identity", "RandomUniform", "RandomNormal", "TruncatedNormal",
      "VarianceScaling", "Orthogonal",
    ]
    var names = [
      "zero": "Zeros", "one": "Ones", "uniform": "RandomUniform", "normal": "RandomNormal",
      "IdentityInitializer": "Identity", "OrthogonalInitializer": "Orthogonal",
    ]
    for name in own + presets.map(\.className) {
      names[name] = name
      names[LayerName.automatic(for: name)] = name
    }
    return names
  }()
}

/// Numbers in lists of one shape, as a `Constant` initializer may have them.
struct ConstantArray: Hashable, Sendable {
  let json: JSONValue
  let shape: [Int]
  let values: [Double]

  /// Nil for a value that is not such a list. `__numpy__` and `__tensor__` count as their lists.
  init?(_ value: JSONValue) {
    json = value
    guard let constant = try? ConstantOperand(value),
      let numbers: [Double] = try? constant.tensor.cast(to: .float64).scalars()
    else { return nil }
    (shape, values) = (constant.tensor.shape.dimensions, numbers)
  }
}
