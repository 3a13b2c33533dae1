// The kinds of values that configurations have.

package import CairnJSON
public import CairnSystem
import CairnTensors

extension ConfigurationReader {
  /// The value of a key, converted by `read`; nil if the key is absent or `null`. The value is
  /// recorded as it was given, or as `fallback`.
  mutating func read<Value>(
    _ key: String, recording fallback: JSONValue = .null, expected: String,
    _ read: (JSONValue) -> Value?
  ) throws(CairnError) -> Value? {
    let value = take(key)
    record(key, value ?? fallback)
    guard let value else { return nil }
    guard let result = read(value) else { throw invalid(key, expected: expected) }
    return result
  }

  /// A string; without a default the key must be there.
  public mutating func string(
    _ key: String, default fallback: String? = nil
  ) throws(CairnError) -> String {
    let value = take(key)
    guard let string = value == nil ? fallback : value?.stringValue else {
      throw invalid(key, expected: "a string")
    }
    record(key, .string(string))
    return string
  }

  /// A string, or nil if the key is absent or `null`.
  package mutating func optionalString(_ key: String) throws(CairnError) -> String? {
    try read(key, expected: "a string or null") { $0.stringValue }
  }

  /// A truth value.
  public mutating func bool(
    _ key: String, default fallback: Bool
  ) throws(CairnError) -> Bool {
    try read(key, recording: .bool(fallback), expected: "true or false") { $0.boolValue }
      ?? fallback
  }

  /// Takes a truth value that must not be true: what it asks for is not implemented.
  mutating func refuse(_ key: String, _ what: String) throws(CairnError) {
    guard try !bool(key, default: false) else { throw unsupported(key, what) }
  }

  /// An integer within `range`; without a default the key must be there.
  public mutating func integer(
    _ key: String, in range: ClosedRange<Int> = .min ... .max, default fallback: Int? = nil
  ) throws(CairnError) -> Int {
    let value = take(key)
    guard let number = value == nil ? fallback : value?.intValue, range.contains(number) else {
      let bounds = range == .min ... .max ? "" : " in \(range)"
      throw invalid(key, expected: "an integer\(bounds)")
    }
    record(key, .integer(Int64(number)))
    return number
  }

  /// A finite number.
  public mutating func double(
    _ key: String, default fallback: Double
  ) throws(CairnError) -> Double {
    try read(key, recording: .double(fallback), expected: "a finite number") {
      $0.doubleValue.flatMap { $0.isFinite ? $0 : nil }
    } ?? fallback
  }

  /// An array of integers, or nil.
  package mutating func optionalIntegers(_ key: String) throws(CairnError) -> [Int]? {
    try read(key, expected: "an array of at most \(Shape.maximumRank) integers") { value in
      let numbers = value.arrayValue?.compactMap(\.intValue)
      guard let numbers, numbers.count == value.arrayValue?.count,
        numbers.count <= Shape.maximumRank
      else { return nil }
      return numbers
    }
  }

  /// A shape with `null` for unknown dimensions, or nil.
  package mutating func optionalShape(_ key: String) throws(CairnError) -> BatchShape? {
    let value = take(key)
    record(key, value ?? .null)
    guard let value else { return nil }
    guard let elements = value.arrayValue, elements.count <= Shape.maximumRank else {
      throw invalid(key, expected: "an array of at most \(Shape.maximumRank) dimensions")
    }
    var dimensions: [Int?] = []
    for element in elements {
      guard element.isNull || element.intValue != nil else {
        throw invalid(key, expected: "integers, or null for unknown dimensions")
      }
      dimensions.append(element.intValue)
    }
    return try located(at: path(of: key)) { () throws(CairnError) in
      try BatchShape(dimensions)
    }
  }

  /// A seed: `null`, an integer, or a seed generator's configuration; kept as it is.
  mutating func seed() throws(CairnError) -> JSONValue {
    guard let value = take("seed") else { return .null }
    if value.intValue != nil { return value }
    guard value["class_name"]?.stringValue == "SeedGenerator", value["config"]?.objectValue != nil
    else { throw invalid("seed", expected: "an integer or null") }
    return value
  }

  /// Values that have no effect on evaluation, kept as they are: regularizers and constraints.
  package mutating func preserved(_ keys: [String]) -> JSONObject {
    var kept = JSONObject()
    for key in keys {
      let value = take(key)
      record(key, value ?? .null)
      if let value { kept[key] = value }
    }
    return kept
  }

  /// The dtype policy: its name or its object.
  package mutating func dtypePolicy() throws(CairnError) -> DTypePolicy {
    guard let value = take("dtype") else { return .float32 }
    var name = value.stringValue
    if name == nil {
      var policy = try ConfigurationReader(value, path: path(of: "dtype"))
      let className = try policy.string("class_name")
      // The second is Keras 2's name of the class, the others hold a policy within.
      guard Self.policyClasses.contains(className) else {
        throw policy.unsupported("class_name", "dtype policies of that class are not implemented")
      }
      try policy.expectModule("keras")
      _ = policy.take("shared_object_id")
      var settings = try ConfigurationReader(
        policy.take("config") ?? .null, path: policy.path(of: "config"))
      if className == "DTypePolicyMap" {
        name = try settings.string("default_policy")
        guard settings.take("policy_map")?.objectValue?.count ?? 0 == 0 else {
          throw settings.unsupported("policy_map", "policies by layer are not implemented")
        }
      } else if className.hasPrefix("Quantized") || className == "Int4DTypePolicy" {
        let (mode, source) = (try settings.string("mode"), try settings.string("source_name"))
        let history = try settings.integer("amax_history_length", in: 1...1 << 30, default: 1_024)
        try settings.finish()
        try policy.finish()
        guard let quantization = WeightQuantization(mode: mode, history: history) else {
          throw settings.unsupported("mode", "weights quantised in that way are not implemented")
        }
        return try located(at: path(of: "dtype")) { () throws(CairnError) in
          try DTypePolicy(quantization, source: source)
        }
      } else {
        name = try settings.string("name")
      }
      try settings.finish()
      try policy.finish()
    }
    return try located(at: path(of: "dtype")) { () throws(CairnError) in
      try DTypePolicy(name ?? "")
    }
  }

  private static let policyClasses = [
    "DTypePolicy", "Policy", "FloatDTypePolicy", "DTypePolicyMap", "QuantizedDTypePolicy",
    "QuantizedFloat8DTypePolicy", "Int4DTypePolicy", "PolicyV1",
  ]

  /// Takes `module` and `registered_name`, which must be Keras's own.
  mutating func expectModule(_ module: String) throws(CairnError) {
    if let found = take("module") {
      guard let name = found.stringValue, name == module || name.hasPrefix("keras.") else {
        throw invalid("module", expected: module)
      }
    }
    _ = take("registered_name")
  }
}
