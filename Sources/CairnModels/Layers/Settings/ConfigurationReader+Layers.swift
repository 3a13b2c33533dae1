// The kinds of values that several layers' configurations have.

import CairnJSON
public import CairnSystem
import CairnTensors

extension ConfigurationReader {
  /// The largest length of a window, a stride or a padding: products of two of them don't overflow.
  static let greatestExtent = 1 << 30

  /// An activation function; the default, or `linear`, if there is none.
  mutating func activation(
    _ key: String, default fallback: ActivationFunction = .linear
  ) throws(CairnError) -> OutputActivation {
    let value = peek(key)
    let isGiven = has(key)
    _ = take(key)
    guard let value else {
      let function = OutputActivation.function(isGiven ? .linear : fallback)
      record(key, function.json)
      return function
    }
    // Keras writes built-in functions as their name, others as an object.
    let name: String
    if let plain = value.stringValue {
      name = plain
    } else if value["class_name"]?.stringValue == "function",
      let function = value["config"]?.stringValue
    {
      name = function
    } else if value["class_name"]?.stringValue != nil {
      let layer = try LayerActivation(value, version: version, path: path(of: key))
      record(key, value)
      return .layer(layer)
    } else {
      throw invalid(key, expected: "the name of an activation function")
    }
    guard let function = OutputActivation(name: name, version: version) else {
      let known = ActivationFunction.allCases.map(\.rawValue).joined(separator: ", ")
      throw CairnError(
        .unknownActivation, "there is no activation function ‘\(name)’",
        at: .init(name: path(of: key)), advice: "Known are \(known)")
    }
    record(key, function.json)
    return function
  }

  /// An initializer.
  public mutating func initializer(
    _ key: String, default fallback: Initializer
  ) throws(CairnError) -> Initializer {
    let value = take(key)
    let initializer =
      try value.map { (value) throws(CairnError) in
        try Initializer(configuration: value, path: path(of: key))
      } ?? fallback
    record(key, initializer.json)
    return initializer
  }

  /// The state of a layer, from the keys that all layers have.
  public mutating func layerState(className: String) throws(CairnError) -> LayerState {
    try layerState(className: className, quantizes: false)
  }

  /// As above, of a class that may have weights in few bits if `quantizes`.
  mutating func layerState(className: String, quantizes: Bool) throws(CairnError) -> LayerState {
    var own = recorded
    let name = try optionalString("name")
    do throws(CairnError) {
      let trainable = try bool("trainable", default: true)
      let regularizer = take("activity_regularizer")
      if regularizer != nil { own["activity_regularizer"] = nil }
      let dtype = try dtypePolicy()
      guard dtype.quantization == nil || quantizes else {
        throw unsupported("dtype", "layers of this class are not quantised, in Keras neither")
      }
      return try LayerState(
        className: className, name: name, trainable: trainable,
        dtype: dtype, activityRegularizer: regularizer, ownSettings: own,
        version: version)
    } catch {
      throw error.code == .invalidName ? error.located(name: path(of: "name")) : error
    }
  }

  /// One integer for each of `count` dimensions; a single one counts for all. Recorded as a list.
  mutating func extents(
    _ key: String, count: Int, in range: ClosedRange<Int> = 1...greatestExtent,
    default fallback: Int? = nil
  ) throws(CairnError) -> [Int] {
    var values: [Int]?
    if let value = take(key) {
      if let single = value.intValue {
        values = Array(repeating: single, count: count)
      } else if let elements = value.arrayValue {
        let numbers = elements.compactMap(\.intValue)
        if numbers.count == elements.count, numbers.count == count { values = numbers }
      }
    } else if let fallback {
      values = Array(repeating: fallback, count: count)
    }
    guard let values, values.allSatisfy({ range.contains($0) }) else {
      throw invalid(key, expected: "\(count) integers in \(range)")
    }
    record(key, .array(values.map { .integer(Int64($0)) }))
    return values
  }

  /// As ``extents(_:count:in:default:)``, or nil if the key is absent or `null`.
  mutating func optionalExtents(
    _ key: String, count: Int, in range: ClosedRange<Int> = 1...greatestExtent
  ) throws(CairnError) -> [Int]? {
    if isNothing(key) { return nil }
    return try extents(key, count: count, in: range)
  }

  /// Whether the key is absent or `null`, which is then taken and recorded.
  mutating func isNothing(_ key: String) -> Bool {
    guard take(key) == nil else { return false }
    record(key, .null)
    return true
  }

  /// One of the values of a type, by its name.
  mutating func choice<Choice: RawRepresentable & CaseIterable>(
    _ key: String, default fallback: Choice? = nil
  ) throws(CairnError) -> Choice where Choice.RawValue == String {
    let name = try string(key, default: fallback?.rawValue)
    guard let choice = Choice(rawValue: name) else {
      let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw invalid(key, expected: "one of \(known)")
    }
    return choice
  }

  /// `channels_last` or `channels_first`; `channels_last` if nothing is given.
  mutating func dataFormat() throws(CairnError) -> DataFormat {
    try choice("data_format", default: .channelsLast)
  }

  /// An integer in `range`, or nil.
  mutating func optionalInteger(
    _ key: String, in range: ClosedRange<Int> = .min ... .max
  ) throws(CairnError) -> Int? {
    if isNothing(key) { return nil }
    return try integer(key, in: range)
  }

  /// A finite number, or nil.
  mutating func optionalDouble(_ key: String) throws(CairnError) -> Double? {
    if isNothing(key) { return nil }
    return try double(key, default: 0)
  }

  /// A number within 0 and 1.
  mutating func rate(_ key: String, default fallback: Double = 0) throws(CairnError) -> Double {
    let rate = try double(key, default: fallback)
    guard (0...1).contains(rate) else { throw invalid(key, expected: "a number from 0 to 1") }
    return rate
  }

  /// An axis, or a list of them; recorded as it was given.
  mutating func axes(_ key: String, default fallback: [Int]) throws(CairnError) -> [Int] {
    guard let value = take(key) else {
      let list = fallback.map { JSONValue.integer(Int64($0)) }
      record(key, list.count == 1 ? list[0] : .array(list))
      return fallback
    }
    record(key, value)
    let elements = value.arrayValue ?? [value]
    let numbers = elements.compactMap(\.intValue)
    guard numbers.count == elements.count, !numbers.isEmpty, numbers.count <= Shape.maximumRank,
      numbers.allSatisfy({ abs($0.clamped) <= Shape.maximumRank })
    else { throw invalid(key, expected: "an axis or a list of axes") }
    return numbers
  }

  /// A seed that is kept as it was read, and the first state of its generator.
  mutating func generatorSeed(
    in context: inout BuildContext
  ) throws(CairnError) -> UInt32 {
    let value = try seed()
    record("seed", value)
    let drawn = UInt32(context.nextSeed() % 1_000_000_000) + 1
    guard let number = (value["config"]?["seed"] ?? value).intValue else { return drawn }
    guard let given = UInt32(exactly: number) else {
      throw invalid("seed", expected: "an integer from 0 to 2^32 - 1")
    }
    return given
  }
}

extension Int {
  /// The number itself; for the least integer, which has no absolute value, the one next to it.
  fileprivate var clamped: Int { self == .min ? .min + 1 : self }
}

extension ConfigurationReader {
  /// Takes the keys of quantised and LoRA layers, for a class that Keras does not quantise.
  mutating func refuseQuantization() throws(CairnError) {
    if take("quantization_config") != nil {
      throw unsupported("quantization_config", "layers of this class are not quantised")
    }
    for key in ["lora_rank", "lora_alpha"] {
      if let value = take(key) { record(key, value) }
    }
  }
}
