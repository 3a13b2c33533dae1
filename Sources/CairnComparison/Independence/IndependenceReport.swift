// What is known of whether two sources of tensors share anything.

package import CairnJSON
public import CairnTensors

/// What two tensors have in common in memory, from nothing to all.
public enum StorageRelation: String, Hashable, Sendable, CaseIterable {
  /// Nothing: no variable, no block of memory.
  case disjoint
  /// A block of memory that neither writes: the first write to either makes a copy. Values are
  /// independent, memory is not yet. `setWeights` leaves two models so, until one is trained.
  case sharedUntilWritten
  /// A variable: assigning to the one shows in the other.
  case shared

  /// The higher, the more they have in common.
  var rank: Int {
    switch self {
    case .disjoint: 0
    case .sharedUntilWritten: 1
    case .shared: 2
    }
  }
}

/// Two tensors that have something in common in memory.
public struct SharedTensor: Hashable, Sendable {
  /// The name on the left.
  public let left: TensorName
  /// The name on the right.
  public let right: TensorName
  /// What they have in common: never ``StorageRelation/disjoint``.
  public let relation: StorageRelation
}

/// A write to the one side that showed on the other.
public struct IndependenceLeak: Hashable, Sendable {
  /// The tensor that was written.
  public let written: TensorName
  /// On which side it was.
  public let side: TieDifference.Side
  /// The tensors of the other side that changed, in its order.
  public let changed: [TensorName]
}

/// Whether writing to one source of tensors can show in another.
public struct IndependenceReport: Sendable {
  /// Pairs of tensors that have something in common, in the order of the left side.
  public internal(set) var shared = DifferenceList<SharedTensor>()
  /// The most that any two tensors have in common.
  public internal(set) var relation = StorageRelation.disjoint
  /// The tensors on the left and right that lie in memory. What is read from a file shares nothing.
  package internal(set) var liveCount = (left: 0, right: 0)
  /// The variables that were written, one bit each, and given back their value.
  public internal(set) var probedCount = 0
  /// Writes that showed on the other side.
  public internal(set) var leaks: [IndependenceLeak] = []

  /// Whether no write to the one shows in the other: no variable is shared, and none of the writes
  /// that were tried leaked.
  public var isIndependent: Bool { relation != .shared && leaks.isEmpty }

  /// Whether, beyond that, not one byte of memory is shared, as a deep copy promises.
  public var isDisjoint: Bool { relation == .disjoint && leaks.isEmpty }

  init() {}
}

extension IndependenceReport {
  /// The report as lines of text, without a line feed at the end.
  public var text: String {
    var lines = shared.elements.map { pair in
      let what =
        pair.relation == .shared ? "one variable" : "one block of memory, until either is written"
      return "shared    \(pair.left)  \(pair.right)  \(what)"
    }
    if shared.omitted > 0 { lines.append("shared    … and \(shared.omitted) more pairs") }
    for leak in leaks {
      let names = leak.changed.prefix(8).map(\.string).joined(separator: ", ")
      lines.append("leaks     \(leak.written) on the \(leak.side.rawValue) changes \(names)")
    }
    let verdict =
      isDisjoint ? "disjoint" : isIndependent ? "independent, memory shared" : "not independent"
    lines.append(
      "\(verdict): \(liveCount.left) and \(liveCount.right) tensors in memory, "
        + "\(probedCount) variables written and restored")
    return lines.joined(separator: "\n")
  }

  /// The report as JSON.
  package var json: JSONValue {
    .object([
      "independent": .bool(isIndependent),
      "disjoint": .bool(isDisjoint),
      "relation": .string(relation.rawValue),
      "live_left": .integer(Int64(liveCount.left)),
      "live_right": .integer(Int64(liveCount.right)),
      "probed_count": .integer(Int64(probedCount)),
      "shared_count": .integer(Int64(shared.total)),
      "shared": .array(
        shared.elements.map {
          [
            "left": .string($0.left.string), "right": .string($0.right.string),
            "relation": .string($0.relation.rawValue),
          ]
        }),
      "leaks": .array(
        leaks.map {
          [
            "written": .string($0.written.string), "side": .string($0.side.rawValue),
            "changed": .array($0.changed.map { .string($0.string) }),
          ]
        }),
    ])
  }
}
