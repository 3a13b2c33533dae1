// What a comparison found.

public import CairnCheckpoints
public import CairnTensors

/// Differences of one kind: the first of them, and how many there are.
public struct Listing<Element: Sendable>: Sendable {
  /// The first differences, as many as the options allow.
  public let elements: [Element]
  /// The number of all.
  public let total: Int

  /// Whether there are none.
  public var isEmpty: Bool { total == 0 }
  /// How many are counted but not held.
  public var omitted: Int { total - elements.count }

  init(_ all: [Element], limit: Int) {
    self.elements = Array(all.prefix(max(limit, 0)))
    self.total = all.count
  }
}

/// A tensor that stands elsewhere in the order of weights.
///
/// Only names that both sides have count, and as few of them are said to have moved as explain the
/// other order.
public struct Reordering: Hashable, Sendable {
  /// The name.
  public let name: TensorName
  /// Its place among the common names on the left.
  public let left: Int
  /// Its place among the common names on the right.
  public let right: Int
}

/// A tensor with another element type. Its values are not compared.
public struct Retyping: Hashable, Sendable {
  /// The name.
  public let name: TensorName
  /// The type on the left.
  public let left: DType
  /// The type on the right.
  public let right: DType
}

/// A tensor with another shape. Its values are not compared.
public struct Reshaping: Hashable, Sendable {
  /// The name.
  public let name: TensorName
  /// The shape on the left.
  public let left: Shape
  /// The shape on the right.
  public let right: Shape
}

/// Names that are one tensor on one side only. Which of them is the owner does not count.
public struct TieDifference: Hashable, Sendable {
  /// The names, of those that both sides have, in ascending order.
  public let names: [TensorName]
  /// Where they are tied; on the other side they are not, or together with others or with fewer.
  public let side: Side

  /// One of the two that are compared.
  public enum Side: String, Hashable, Sendable, CaseIterable {
    /// The first source.
    case left
    /// The second source.
    case right
  }
}

/// A key-value that differs.
public struct MetadataDifference: Hashable, Sendable {
  /// The key.
  public let key: Metadata.Key
  /// The value on the left, or nil if the key is not there.
  public let left: MetadataValue?
  /// The value on the right, or nil if the key is not there.
  public let right: MetadataValue?
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
  public internal(set) var options = ComparisonOptions()

  /// Tensors of the left side only, in its order of weights.
  public internal(set) var missing = Listing<TensorName>()
  /// Tensors of the right side only, in its order of weights.
  public internal(set) var extra = Listing<TensorName>()
  /// Tensors in another place, in the order of the left side.
  public internal(set) var reordered = Listing<Reordering>()
  /// Tensors with another element type, in the order of the left side.
  public internal(set) var retyped = Listing<Retyping>()
  /// Tensors with another shape, in the order of the left side.
  public internal(set) var reshaped = Listing<Reshaping>()
  /// Ties of one side only, those of the left side first.
  public internal(set) var retied = Listing<TieDifference>()
  /// Tensors with other values, in the order of the left side.
  public internal(set) var different = Listing<TensorDifference>()
  /// Key-values that differ, by ascending key.
  public internal(set) var metadata = Listing<MetadataDifference>()
  /// How the configurations differ, or nil if they don't.
  public internal(set) var configuration: BytesDifference?
  /// Blobs that differ, by ascending name.
  public internal(set) var blobs = Listing<BlobDifference>()

  /// What the sides hold and Cairn does not read, those of the left first. They count for nothing in
  /// ``isSame``: nobody can say whether they differ.
  public internal(set) var uncompared = Listing<UncomparedItem>()

  /// The number of names on the left.
  public internal(set) var leftCount = 0
  /// The number of names on the right.
  public internal(set) var rightCount = 0
  /// The names whose values were compared: both sides have them, with one type and shape.
  public internal(set) var comparedCount = 0
  /// Of these, the names whose values are the same to the bit.
  public internal(set) var identicalCount = 0
  /// Of these, the names whose values differ, but within the tolerance.
  public internal(set) var toleratedCount = 0
  /// The bytes of tensors that were compared, on one side: those of names that both sides tie once.
  public internal(set) var comparedByteCount = 0

  /// Whether nothing differs of what the options ask for, and could be compared.
  public var isSame: Bool {
    missing.isEmpty && extra.isEmpty && reordered.isEmpty && retyped.isEmpty && reshaped.isEmpty
      && retied.isEmpty && different.isEmpty && metadata.isEmpty && configuration == nil
      && blobs.isEmpty
  }
}

extension Listing {
  init() { self.init([], limit: 0) }
}
