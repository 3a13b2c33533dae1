// The shape of a tensor.

public import CairnSystem

/// The lengths of a tensor's dimensions, outermost first. A scalar's shape has no dimensions.
public struct Shape: Hashable, Sendable {
  /// At most this many dimensions (FORMAT.md, "Limits").
  package static let maximumRank = 32
  /// Every dimension is below this (FORMAT.md, "Limits").
  package static let dimensionLimit = 1 << 48

  /// The lengths of the dimensions, each in `0..<dimensionLimit`.
  public let dimensions: [Int]
  /// The product of the dimensions: 1 for a scalar, 0 if any dimension is 0.
  public let elementCount: Int

  /// The shape with those dimensions.
  ///
  /// - Throws: `invalidShape` for a negative or too large dimension, too many of them, or a number
  ///   of elements that an `Int` cannot hold.
  public init(_ dimensions: [Int]) throws(CairnError) {
    guard dimensions.count <= Self.maximumRank else {
      throw CairnError(
        .invalidShape, "a shape has too many dimensions", expected: "at most \(Self.maximumRank)",
        found: "\(dimensions.count)")
    }
    for (axis, dimension) in dimensions.enumerated() {
      guard dimension >= 0, dimension < Self.dimensionLimit else {
        throw CairnError(
          .invalidShape, "a dimension is out of range", at: .init(index: axis),
          expected: "0 up to 2^48 - 1", found: "\(dimension)")
      }
    }
    // A zero anywhere makes the size zero, even where the product of the others overflows.
    guard let count = dimensions.contains(0) ? 0 : dimensions.product() else {
      throw CairnError(
        .invalidShape, "a shape has more elements than can be counted", found: "\(dimensions)")
    }
    self.dimensions = dimensions
    self.elementCount = count
  }

  private init(unchecked dimensions: [Int], elementCount: Int) {
    self.dimensions = dimensions
    self.elementCount = elementCount
  }

  /// The shape of a single value: no dimensions.
  public static let scalar = Shape(unchecked: [], elementCount: 1)

  /// One dimension of `count` elements.
  ///
  /// - Precondition: `count` is that of something in memory, so in range.
  package static func vector(_ count: Int) -> Shape {
    precondition((0..<dimensionLimit).contains(count), "a vector's length is out of range")
    return Shape(unchecked: [count], elementCount: count)
  }

  /// The number of dimensions.
  public var rank: Int { dimensions.count }

  /// The length of dimension `axis`.
  ///
  /// - Precondition: `axis` is in `0..<rank`.
  public subscript(axis: Int) -> Int { dimensions[axis] }

  /// The shape with its outermost dimension replaced by `count`, which is not larger than it.
  package func withOutermost(_ count: Int) -> Shape {
    precondition(rank > 0 && count >= 0 && count <= dimensions[0], "a slice is never larger")
    var copy = dimensions
    copy[0] = count
    let rest = dimensions[0] == 0 ? 0 : elementCount / dimensions[0]
    return Shape(unchecked: copy, elementCount: count * rest)
  }
}

extension Shape: ExpressibleByArrayLiteral {
  /// The shape with those dimensions.
  ///
  /// - Precondition: the literal is a valid shape. For dimensions that are computed, use
  ///   ``init(_:)``, which throws.
  public init(arrayLiteral dimensions: Int...) {
    do throws(CairnError) {
      try self.init(dimensions)
    } catch {
      preconditionFailure("\(error)")
    }
  }
}

extension Shape: CustomStringConvertible {
  /// As NumPy prints it: `()`, `(3,)`, `(2, 3)`.
  public var description: String {
    switch rank {
    case 1: "(\(dimensions[0]),)"
    default: "(" + dimensions.map(String.init).joined(separator: ", ") + ")"
    }
  }
}
