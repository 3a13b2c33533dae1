// The tree that a JSON text becomes.
//
// Why the library reads and writes JSON itself: headers and configurations come from strangers.
// The ready-made decoders accept duplicate keys (two readers then see two different files), take
// `1e3` for an integer, nest without bound, and lose the order of keys. And a text that is
// checksummed or compared byte for byte needs a canonical form that is stated and never moves.

/// A JSON value.
///
/// Two values are equal exactly when their canonical texts are equal (``JSONStyle/canonical``):
/// - strings and keys are compared by their UTF-8 bytes, not by canonical equivalence as
///   `String` does, so "é" in one scalar differs from "é" in two;
/// - the order of keys doesn't count, the order of array elements does;
/// - `1` and `1.0` differ, `0.0` and `-0.0` differ, and a NaN equals every NaN.
///
/// ``JSONLimits/greatestDepth`` bounds the depth of what is parsed or written; a value built in code
/// should stay within it too, because comparing and releasing a value recurse.
public enum JSONValue: Sendable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A number without fraction and exponent that fits `Int64`.
  case integer(Int64)
  /// A number without fraction and exponent that is greater than `Int64.max`.
  ///
  /// The parser uses this case for such numbers only. A smaller number put here by hand is written
  /// as, and equals, the same ``integer(_:)``.
  case unsigned(UInt64)
  /// A number with a fraction or an exponent, or `-0`.
  case double(Double)
  /// A string.
  case string(String)
  /// An array.
  case array([JSONValue])
  /// An object, its keys in the order of the text.
  case object(JSONObject)
}

extension JSONValue: Hashable {
  /// Whether the canonical texts of the two values are equal.
  ///
  /// - Complexity: O(*n*), where *n* is the size of the smaller value.
  public static func == (left: JSONValue, right: JSONValue) -> Bool {
    switch (left, right) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.integer(let a), .integer(let b)): a == b
    case (.unsigned(let a), .unsigned(let b)): a == b
    case (.integer(let a), .unsigned(let b)), (.unsigned(let b), .integer(let a)): a == b
    case (.double(let a), .double(let b)):
      a.bitPattern == b.bitPattern || (a.isNaN && b.isNaN)
    case (.string(let a), .string(let b)): a.hasSameBytes(as: b)
    case (.array(let a), .array(let b)): a == b
    case (.object(let a), .object(let b)): a == b
    default: false
    }
  }

  /// Feeds the value to the hasher, so that equal values give equal hashes.
  public func hash(into hasher: inout Hasher) {
    switch self {
    case .null:
      hasher.combine(0)
    case .bool(let value):
      hasher.combine(1)
      hasher.combine(value)
    case .integer(let value):
      hasher.combine(2)
      hasher.combine(UInt64(bitPattern: value))
    case .unsigned(let value):
      hasher.combine(2)
      hasher.combine(value)
    case .double(let value):
      hasher.combine(3)
      hasher.combine(value.isNaN ? Double.nan.bitPattern : value.bitPattern)
    case .string(let value):
      hasher.combine(4)
      value.hashBytes(into: &hasher)
    case .array(let value):
      hasher.combine(5)
      hasher.combine(value)
    case .object(let value):
      hasher.combine(6)
      hasher.combine(value)
    }
  }
}

extension JSONValue: CustomStringConvertible {
  /// The compact text, non-finite numbers included; for messages and debugging.
  public var description: String {
    do {
      return try text(.compact, allowNonFiniteNumbers: true)
    } catch {
      return "<\(error)>"
    }
  }
}
