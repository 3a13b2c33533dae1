// A shape in which some dimensions are not known yet: Keras's `batch_shape`, with None for unknown.

package import CairnJSON
public import CairnSystem
public import CairnTensors

/// The lengths of a batch's dimensions, outermost first; nil where any length will do (most often
/// the first, the number of examples).
public struct BatchShape: Hashable, Sendable {
  /// The lengths; nil for a length that is not fixed.
  public let dimensions: [Int?]

  /// The shape with those dimensions.
  ///
  /// - Throws: `invalidShape`, as ``Shape`` does for the known dimensions.
  public init(_ dimensions: [Int?]) throws(CairnError) {
    _ = try Shape(dimensions.map { $0 ?? 1 })
    self.dimensions = dimensions
  }

  /// A tensor's shape, all of it known.
  public init(_ shape: Shape) { self.init(unchecked: shape.dimensions) }

  private init(unchecked dimensions: [Int?]) { self.dimensions = dimensions }

  /// The number of dimensions.
  package var rank: Int { dimensions.count }

  /// The same shape for any number of examples. A scalar's shape stays what it is.
  package var withAnyBatchSize: BatchShape {
    BatchShape(unchecked: rank == 0 ? [] : [nil] + dimensions.dropFirst())
  }

  /// Whether a batch can have both shapes: same rank, and no known dimension differs.
  package func isCompatible(with other: BatchShape) -> Bool {
    rank == other.rank
      && zip(dimensions, other.dimensions).allSatisfy { left, right in
        guard let left, let right else { return true }
        return left == right
      }
  }

  /// The index from the front of an axis that may be counted from the end (-1 is the last).
  ///
  /// - Returns: nil if there is no such axis.
  func axis(_ index: Int) -> Int? {
    let axis = index < 0 ? index + rank : index
    return (0..<rank).contains(axis) ? axis : nil
  }

  /// The shape with its last dimension replaced. The shape is no scalar's.
  func withLast(_ dimension: Int) throws(CairnError) -> BatchShape {
    try BatchShape(dimensions.dropLast() + [dimension])
  }

  /// As Keras writes it: an array, `null` where unknown.
  package var json: JSONValue {
    .array(dimensions.map { $0.map { .integer(Int64($0)) } ?? .null })
  }
}

extension BatchShape: ExpressibleByArrayLiteral {
  /// The shape with those dimensions.
  ///
  /// - Precondition: the literal is a valid shape. For dimensions that are computed, use
  ///   ``init(_:)``, which throws.
  public init(arrayLiteral dimensions: Int?...) {
    do throws(CairnError) {
      try self.init(dimensions)
    } catch {
      preconditionFailure("\(error)")
    }
  }
}

extension BatchShape: CustomStringConvertible {
  /// As Keras prints it: `(None, 8, 8)`.
  public var description: String {
    "(" + dimensions.map { $0.map(String.init) ?? "None" }.joined(separator: ", ") + ")"
  }
}
