// What the parser refuses although the grammar allows it, and the reverse.

/// Limits that a text must keep, and the one extension of the grammar.
///
/// The defaults suit a configuration or a header from a stranger.
package struct JSONLimits: Hashable, Sendable {
  /// The depth beyond which nothing is parsed or written, whatever ``maximumDepth`` says.
  ///
  /// Comparing and releasing a value recurse; at this depth they still fit a small thread's stack.
  package static let greatestDepth = 512

  /// The most bytes a text may have; 256 MiB unless set.
  package var maximumBytes = 256 << 20

  /// The most arrays and objects that may stand inside one another; 128 unless set. `[]` has
  /// depth 1. More than ``greatestDepth`` counts as that.
  package var maximumDepth = 128

  /// The most values, members' values and array elements included; 2^24 unless set. More than
  /// 2^31 counts as that.
  ///
  /// A value takes some 24 to 120 bytes of memory, but perhaps only two bytes of the text.
  package var maximumValues = 1 << 24

  /// The most bytes of one number; 4,096 unless set.
  ///
  /// Every double can be written exactly in fewer than 1,100.
  package var maximumNumberBytes = 4096

  /// Whether `NaN`, `Infinity` and `-Infinity` are numbers, as Python's `json` writes and reads
  /// them; false unless set, as RFC 8259 has it.
  package var allowNonFiniteNumbers = false

  /// The default limits.
  package init() {}
}
