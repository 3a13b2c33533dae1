// The settings of windows over the spatial dimensions.

import CairnJSON

/// One length for each spatial dimension, or one for all.
public struct Extents: Hashable, Sendable, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
  /// One value, or as many as there are dimensions.
  package let values: [Int]

  /// The given lengths.
  public init(_ values: [Int]) { self.values = values }
  /// One length for all dimensions.
  public init(integerLiteral value: Int) { values = [value] }
  /// A length for each dimension.
  public init(arrayLiteral elements: Int...) { values = elements }

  var json: JSONValue {
    values.count == 1
      ? .integer(Int64(values[0])) : .array(values.map { .integer(Int64($0)) })
  }
}

/// Which dimension the channels are.
public enum DataFormat: String, Hashable, Sendable, CaseIterable {
  /// The last.
  case channelsLast = "channels_last"
  /// The second.
  case channelsFirst = "channels_first"
}

/// What lies beyond the border of a window's input.
public enum Padding: String, Hashable, Sendable, CaseIterable {
  /// Nothing: windows stay inside.
  case valid
  /// Zeros on both sides, an odd one at the end: with strides of 1 the length stays.
  case same
  /// Zeros in front only: the output of a step depends on no later step. One dimension only.
  case causal
}
