// Key-values as literals.

extension Metadata: ExpressibleByDictionaryLiteral {
  /// The key-values of a literal; of those with one key the last counts.
  public init(dictionaryLiteral elements: (TensorName, MetadataValue)...) { self.init(elements) }
}

extension MetadataValue: ExpressibleByBooleanLiteral {
  /// A truth value.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension MetadataValue: ExpressibleByIntegerLiteral {
  /// A signed number.
  public init(integerLiteral value: Int64) { self = .int(value) }
}

extension MetadataValue: ExpressibleByFloatLiteral {
  /// A floating-point number.
  public init(floatLiteral value: Double) { self = .float(value) }
}

extension MetadataValue: ExpressibleByStringLiteral {
  /// A text.
  public init(stringLiteral value: String) { self = .string(value) }
}
