// The configuration of a model as text: the one place that reads it and the one that writes it.

package import CairnJSON
package import CairnSystem

/// A model's configuration: its text together with its value, so that it need not be parsed a
/// second time.
///
/// It is JSON as Python writes it, which may contain `NaN` and the infinities: an option of a layer
/// or of an operation may be infinite.
package struct ConfigurationText: Sendable {
  /// UTF-8.
  package let text: [UInt8]
  package let value: JSONValue
  /// Whether the text is in the canonical form that containers use: equal values have equal texts.
  package let isCanonical: Bool

  /// Parses a text.
  ///
  /// - Parameters:
  ///   - offset: Where it lies in its file, for messages.
  ///   - limits: Its most bytes and its depth.
  /// - Throws: `invalidConfiguration`.
  package init(
    parsing text: [UInt8], at offset: Int = 0, limits: JSONLimits = JSONLimits()
  ) throws(CairnError) {
    var limits = limits
    limits.allowNonFiniteNumbers = true
    // A value takes ten times the memory that it takes of the text at least.
    limits.maximumValues = min(limits.maximumValues, (1 << 17) + text.count / 3)
    do throws(JSONError) { value = try JSONValue(parsing: text, limits: limits) } catch {
      throw CairnError(
        .invalidConfiguration, "the configuration is no valid JSON",
        at: .init(offset: UInt64(clamping: offset.addingSaturated(error.offset))),
        found: error.message, cause: error)
    }
    self.text = text
    isCanonical = false
  }

  /// Writes a value.
  ///
  /// - Throws: `invalidConfiguration` for one that is nested deeper than what is read again.
  package init(_ value: JSONValue) throws(CairnError) {
    do throws(JSONError) {
      text = try value.utf8(
        .canonical, allowNonFiniteNumbers: true, maximumDepth: JSONLimits().maximumDepth)
    } catch {
      throw CairnError(
        .invalidConfiguration, "the configuration cannot be written as JSON", cause: error)
    }
    self.value = value
    isCanonical = true
  }

  /// The same in canonical form.
  package func canonical() throws(CairnError) -> ConfigurationText {
    isCanonical ? self : try ConfigurationText(value)
  }
}
