// Reads one JSON object of a configuration key by key, so that every error says where it is, and
// nothing is ignored silently.

public import CairnJSON
public import CairnSystem
import CairnTensors

/// A reader of one object of a configuration.
///
/// Ask for each key that the class knows, then call ``finish()``: it refuses any key that was not
/// asked for, unless its value is `null`, which is how Keras writes "nothing set".
public struct ConfigurationReader: Sendable {
  /// Where the object stands: `config.layers[2].config`.
  package let path: String
  /// The version of Keras whose rules apply to what is read.
  var version = KerasVersion.newest
  private let object: JSONObject
  /// Whether the settings are the arguments of a layer that is made in code.
  private let isMade: Bool
  /// The keys that were asked for: few, so that a list is quicker than a set.
  private var taken: [String] = []
  /// What was read, in Keras's spelling, with defaults filled in: the layer's own settings.
  private(set) var recorded = JSONObject()

  /// A reader of `value`, which stands at `path`.
  ///
  /// - Throws: `invalidConfiguration` if it is not an object.
  package init(_ value: JSONValue, path: String) throws(CairnError) {
    try self.init(value, path: path, isMade: false)
  }

  /// As above. If `isMade`, a wrong value is reported as a wrong argument.
  init(_ value: JSONValue, path: String, isMade: Bool) throws(CairnError) {
    guard let object = value.objectValue else {
      throw CairnError(
        .invalidConfiguration, "a configuration is no JSON object", at: .init(name: path),
        expected: "an object", found: Self.excerpt(value))
    }
    self.object = object
    self.path = path
    self.isMade = isMade
  }

  /// The value at `key`, or nil if there is no such key or its value is `null`.
  public mutating func take(_ key: String) -> JSONValue? {
    taken.append(key)
    guard let value = object[key], !value.isNull else { return nil }
    return value
  }

  /// All keys and values as they were read.
  var raw: JSONObject { object }

  /// Keeps the value of a key for the layer's own settings.
  mutating func record(_ key: String, _ value: JSONValue) { recorded[key] = value }

  /// Takes a key out of the layer's own settings again.
  mutating func forget(_ key: String) { recorded[key] = nil }

  /// Where the value of `key` stands.
  package func path(of key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  /// Checks that every key was asked for.
  ///
  /// - Throws: `invalidConfiguration` naming the first key that was not asked for and whose value
  ///   is not `null`.
  package func finish() throws(CairnError) {
    for (key, value) in object where !taken.contains(key) && !value.isNull {
      throw CairnError(
        .invalidConfiguration, "the configuration has a key that its class does not know",
        at: .init(name: path(of: key)), found: Self.excerpt(value),
        advice: "Ignoring it could change what the model computes")
    }
  }

  /// The error for a value that is not what is needed.
  public func invalid(_ key: String, expected: String) -> CairnError {
    CairnError(
      isMade ? .invalidArgument : .invalidConfiguration,
      isMade
        ? "an argument of the layer is not what its class needs"
        : "a value of the configuration is not what its class needs",
      at: .init(name: path(of: key)), expected: expected,
      found: object[key].map { Self.excerpt($0) } ?? "nothing")
  }

  /// The error for a value that asks for behaviour that is not implemented.
  package func unsupported(_ key: String, _ what: String) -> CairnError {
    CairnError(
      .unsupportedConfiguration, what, at: .init(name: path(of: key)),
      found: object[key].map { Self.excerpt($0) })
  }

  static func excerpt(_ value: JSONValue) -> String {
    switch value {
    case .array(let elements): return "an array of \(elements.count)"
    case .object(let object): return "an object of \(object.count)"
    default:
      let text = value.description
      return text.count <= 60 ? text : text.prefix(59) + "…"
    }
  }
}
