// What a comparison looks at, and how closely.

import CairnCheckpoints
public import CairnSystem

/// What two sources must agree in to be the same, beside the names, types, shapes and bits of their
/// tensors, which always count.
public struct ComparisonScope: OptionSet, Hashable, Sendable {
  /// One bit for each aspect.
  public let rawValue: Int

  /// The aspects with those bits.
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// The order of weights.
  public static let order = Self(rawValue: 1 << 0)
  /// Which names are one tensor.
  public static let ties = Self(rawValue: 1 << 1)
  /// The key-values.
  public static let metadata = Self(rawValue: 1 << 2)
  /// The model's configuration, by its bytes.
  public static let configuration = Self(rawValue: 1 << 3)
  /// The blobs, by their bytes.
  public static let blobs = Self(rawValue: 1 << 4)

  /// Nothing but the tensors by name.
  public static let content: Self = []
  /// The tensors, their order and their ties.
  public static let weights: Self = [.order, .ties]
  /// Everything that a source has.
  public static let everything: Self = [.order, .ties, .metadata, .configuration, .blobs]
}

/// How far two numbers may lie apart and still count as the same.
///
/// They do if |a − b| ≤ max(absolute, relative × max(|a|, |b|)), computed in double precision, as
/// Python's `math.isclose` has it. An infinity is close to itself only. A NaN is close to every NaN
/// and to nothing else. Types that are no numbers (bool, string, quantised blocks) are compared by
/// their bits all the same.
public struct Tolerance: Hashable, Sendable {
  /// The greatest distance.
  public let absolute: Double
  /// The greatest distance as a part of the larger magnitude.
  public let relative: Double

  /// A tolerance.
  ///
  /// - Throws: `invalidArgument` for a bound that is negative, infinite or no number.
  public init(absolute: Double = 0, relative: Double = 0) throws(CairnError) {
    for bound in [absolute, relative] where !(bound >= 0 && bound.isFinite) {
      throw CairnError(
        .invalidArgument, "a tolerance is no bound", expected: "0 or more, finite",
        found: "\(bound)")
    }
    self.absolute = absolute
    self.relative = relative
  }

  func accepts(_ left: Double, _ right: Double) -> Bool {
    if left == right { return true }
    guard left.isFinite, right.isFinite else { return false }
    return abs(left - right) <= max(absolute, relative * max(abs(left), abs(right)))
  }
}

/// How two sources are compared.
public struct ComparisonOptions: Hashable, Sendable {
  /// What counts beside the tensors; everything unless set.
  public var scope: ComparisonScope = .everything
  /// How far numbers may lie apart; nil, unless set: every bit counts.
  public var tolerance: Tolerance?
  /// The most differences of a kind that the report holds; the others are counted. 1,000 unless
  /// set.
  public var maximumDetails = 1_000
  /// On how many threads tensors are read and compared; all cores unless set. A thread holds at
  /// most two windows of 1 MiB.
  public var threads: Threads = .all

  /// Everything, to the bit.
  public init() {}
}
