// Which version of Keras's rules a model follows, where versions differ.

/// The version of Keras that wrote a model, as far as its rules depend on it.
///
/// Without a version the newest rules hold. What differs:
///
/// | before | rule |
/// | --- | --- |
/// | 3.0 | `hard_sigmoid` is x / 5 + ½, cut off at 0 and 1 |
/// | 3.4 | `Maximum` and `Minimum` look at no mask |
/// | 3.6 | `Multiply` looks at no mask |
package struct KerasVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The first two numbers of the version.
  package let major: Int
  /// The second.
  package let minor: Int

  /// The version of those numbers.
  package init(_ major: Int, _ minor: Int) {
    self.major = major
    self.minor = minor
  }

  /// The version of a text such as `3.15.1`; nil if it does not begin with two numbers.
  package init?(_ text: String) {
    let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    func number(_ index: Int) -> Int? {
      guard index < parts.count, !parts[index].isEmpty, parts[index].count < 6 else { return nil }
      return Int(String(decoding: parts[index], as: UTF8.self))
    }
    guard let major = number(0), let minor = number(1) else { return nil }
    self.init(major, minor)
  }

  /// The newest version whose rules are known.
  package static let newest = KerasVersion(3, 15)

  /// Earlier versions come first.
  package static func < (left: KerasVersion, right: KerasVersion) -> Bool {
    (left.major, left.minor) < (right.major, right.minor)
  }

  /// As in a file: `3.15`.
  package var description: String { "\(major).\(minor)" }

  /// A note about a model of this version, or nil if it follows the newest rules.
  package var remark: String? {
    guard isOfItsOwn else { return nil }
    let merging = masksExtremes ? "Multiply looks at no mask" : "merging layers look at no mask"
    let rules = hasSteepHardSigmoid ? "hard_sigmoid is x / 5 + 1/2, and \(merging)" : merging
    return "The model is computed by the rules of Keras \(self): \(rules)."
  }

  /// Whether `hard_sigmoid` has the slope of Keras 2.
  var hasSteepHardSigmoid: Bool { self < KerasVersion(3, 0) }
  /// Whether `Maximum` and `Minimum` take the other input where a mask leaves one out.
  var masksExtremes: Bool { self >= KerasVersion(3, 4) }
  /// Whether `Multiply` counts what a mask leaves out as 1.
  var masksProducts: Bool { self >= KerasVersion(3, 6) }
  /// Whether the rules differ from the newest ones.
  var isOfItsOwn: Bool { self < KerasVersion(3, 6) }
}
