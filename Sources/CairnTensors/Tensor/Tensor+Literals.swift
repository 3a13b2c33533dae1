// Tensors as literals: `[[1, 2], [3, 4]]`.

import CairnSystem

extension Tensor {
  /// What stands in the brackets of a literal: a number, or numbers in brackets of their own.
  public struct Literal: Sendable {
    fileprivate let dimensions: [Int]
    fileprivate let values: [Float]
  }
}

extension Tensor.Literal: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  /// A number.
  public init(floatLiteral value: Float) {
    dimensions = []
    values = [value]
  }

  /// A number; the nearest float32.
  public init(integerLiteral value: Float) { self.init(floatLiteral: value) }
}

extension Tensor.Literal: ExpressibleByArrayLiteral {
  /// Numbers in brackets, or brackets in brackets.
  ///
  /// - Precondition: all elements have one shape.
  public init(arrayLiteral elements: Self...) { self.init(elements) }

  fileprivate init(_ elements: [Self]) {
    let inner = elements.first?.dimensions ?? []
    precondition(
      elements.allSatisfy { $0.dimensions == inner },
      "the rows of a tensor's literal differ in length")
    dimensions = [elements.count] + inner
    values = elements.flatMap(\.values)
  }
}

extension Tensor: ExpressibleByArrayLiteral {
  /// The tensor of float32 that the literal spells, row by row: `[[1, 2], [3, 4]]` is of shape `[2, 2]`.
  ///
  /// - Precondition: all rows have one length, and there are no more brackets in one another than a shape has
  ///   dimensions. For numbers that are computed or read, use ``init(_:shape:)``, which throws.
  public init(arrayLiteral elements: Literal...) {
    let literal = Literal(elements)
    do throws(CairnError) {
      try self.init(literal.values, shape: Shape(literal.dimensions))
    } catch {
      preconditionFailure("\(error)")
    }
  }
}
