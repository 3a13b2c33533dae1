// The text of a model's configuration as files of other programs have it. What a container demands of its own
// is `ConfigurationCoding`.

package import CairnJSON
package import CairnSystem

/// Reading and writing configurations: JSON in which Python's `NaN` and `Infinity` are allowed.
package enum ConfigurationText {
  /// Parses a configuration's text.
  ///
  /// - Throws: `invalidConfiguration`.
  package static func parse(_ text: [UInt8]) throws(CairnError) -> JSONValue {
    var limits = JSONLimits()
    limits.allowNonFiniteNumbers = true
    // A value takes ten times the memory that it takes of the text at least.
    limits.maximumValues = min(limits.maximumValues, (1 << 17) + text.count / 3)
    do throws(JSONError) { return try JSONValue(parsing: text, limits: limits) } catch {
      throw CairnError(
        .invalidConfiguration, "the configuration is no valid JSON",
        at: .init(offset: UInt64(error.offset)), found: error.message, cause: error)
    }
  }

  /// A configuration's text in the form that containers have too, so that it is the same everywhere.
  package static func canonical(_ bytes: [UInt8]) throws(CairnError) -> [UInt8] {
    try text(parse(bytes))
  }

  /// The text of a configuration, the same for the same value.
  package static func text(_ value: JSONValue) throws(CairnError) -> [UInt8] {
    do { return try value.utf8(.canonical, allowNonFiniteNumbers: true) } catch {
      throw CairnError(
        .invalidConfiguration, "the configuration cannot be written as JSON", cause: error)
    }
  }
}
