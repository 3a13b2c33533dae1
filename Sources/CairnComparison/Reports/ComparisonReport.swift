// What a comparison found.

public import CairnCheckpoints
public import CairnTensors

/// Differences of one kind: the first of them, and how many there are.
public struct DifferenceList<Element: Sendable>: Sendable {
  /// The first differences, as many as the options allow.
  public let elements: [Element]
  /// The number of all.
  public let total: Int

  /// Whether there are none.
  public var isEmpty: Bool { total == 0 }
  /// How many are counted but not held.
  package var omitted: Int { total - elements.count }

  init(_ all: [Element], limit: Int) {
    self.elements = Array(all.prefix(max(limit, 0)))
    self.total = all.count
  }
}

/// Something that both sides have under one name, or one of them only, and that differs.
public struct NamedDifference<Value: Hashable & Sendable>: Hashable, Sendable {
  /// The tensor's name, or the metadata's key.
  public let name: TensorName
  /// What the left side has.
  public let left: Value
  /// What the right side has.
  public let right: Value
}

/// Names that are one tensor on one side only. Which of them is the owner does not count.
public struct TieDifference: Hashable, Sendable {
  /// The names, of those that both sides have, in ascending order.
  public let names: [TensorName]
  /// The side on which they are tied. On the other they are not, or are tied with more or fewer
  /// names.
  public let side: Side

  /// One of the two that are compared.
  public enum Side: String, Hashable, Sendable, CaseIterable {
    /// The first source.
    case left
    /// The second source.
    case right
  }
}

/// A run of bytes that differs: a configuration, a blob.
public struct BytesDifference: Hashable, Sendable {
  /// The number of bytes on the left, or nil if there is nothing.
  public let left: Int?
  /// The number of bytes on the right, or nil if there is nothing.
  public let right: Int?
  /// The first byte that differs, or the length of the shorter; nil if a side has nothing.
  public let firstDifference: Int?

  init?(_ left: [UInt8]?, _ right: [UInt8]?) {
    if left == right { return nil }
    self.left = left?.count
    self.right = right?.count
    if let left, let right {
      firstDifference =
        zip(left, right).enumerated().first { $0.element.0 != $0.element.1 }?.offset
        ?? min(left.count, right.count)
    } else {
      firstDifference = nil
    }
  }
}

/// A blob that differs.
public struct BlobDifference: Hashable, Sendable {
  /// The name.
  public let name: TensorName
  /// How.
  public let bytes: BytesDifference
}

/// Something of a side that Cairn does not read, so that it could not be compared.
public struct UncomparedItem: Hashable, Sendable {
  /// What it is and where.
  public let item: OpaqueItem
  /// The side that holds it.
  public let side: TieDifference.Side
}

/// What two sources of tensors have in common, and what not.
public struct ComparisonReport: Sendable {
  /// How the two were compared.
  package internal(set) var options = ComparisonOptions()

  /// Tensors of the left side only, in its order of weights.
  public internal(set) var missing = DifferenceList<TensorName>()
  /// Tensors of the right side only, in its order of weights.
  public internal(set) var extra = DifferenceList<TensorName>()
  /// Tensors in another place among the names that both sides have, in the order of the left side: as
  /// few as explain the other order.
  public internal(set) var reordered = DifferenceList<NamedDifference<Int>>()
  /// Tensors with another element type, whose values are not compared, in the order of the left side.
  public internal(set) var retyped = DifferenceList<NamedDifference<DType>>()
  /// Tensors with another shape, in the order of the left side.
  public internal(set) var reshaped = DifferenceList<NamedDifference<Shape>>()
  /// Ties of one side only, those of the left side first.
  public internal(set) var retied = DifferenceList<TieDifference>()
  /// Tensors with other values, in the order of the left side.
  public internal(set) var different = DifferenceList<TensorDifference>()
  /// Key-values that differ, by ascending key.
  public internal(set) var metadata = DifferenceList<NamedDifference<MetadataValue?>>()
  /// How the configurations differ, or nil if they don't.
  public internal(set) var configuration: BytesDifference?
  /// Blobs that differ, by ascending name.
  public internal(set) var blobs = DifferenceList<BlobDifference>()

  /// What the sides hold and Cairn does not read, those of the left first. They count for nothing in
  /// ``isSame``: nobody can say whether they differ.
  public internal(set) var uncompared = DifferenceList<UncomparedItem>()

  /// The number of names on the left.
  package internal(set) var leftCount = 0
  /// The number of names on the right.
  package internal(set) var rightCount = 0
  /// The names whose values were compared: both sides have them, with one type and shape.
  public internal(set) var comparedCount = 0
  /// Of these, the names whose values are the same to the bit.
  public internal(set) var identicalCount = 0
  /// Of these, the names whose values differ, but within the tolerance.
  public internal(set) var toleratedCount = 0
  /// The bytes of tensors that were compared, on one side: those of names that both sides tie once.
  package internal(set) var comparedByteCount = 0

  /// Whether nothing differs that the options ask for and that could be compared.
  public var isSame: Bool {
    missing.isEmpty && extra.isEmpty && reordered.isEmpty && retyped.isEmpty && reshaped.isEmpty
      && retied.isEmpty && different.isEmpty && metadata.isEmpty && configuration == nil
      && blobs.isEmpty
  }
}

extension DifferenceList {
  init() { self.init([], limit: 0) }
}
