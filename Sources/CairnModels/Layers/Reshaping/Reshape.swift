// Keras `layers/reshaping/reshape.py`, `permute.py`, `repeat_vector.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// Each example's elements in another shape. No variables.
public final class Reshape: OneInputLayer, ConfiguredLayer {
  static let kind = LayerKind("Reshape", keepsWholeNumbers: true, needsShape: false)

  let core: LayerState
  /// The shape of an example; one dimension may be -1, and follows from the others.
  let targetShape: [Int]

  /// A layer that gives each example that shape.
  ///
  /// - Throws: `invalidArgument` for dimensions below -1, or several of -1; `invalidName`.
  public convenience init(
    _ targetShape: [Int], name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: ["target_shape": targetShape], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    guard let shape = try reader.optionalIntegers("target_shape"),
      shape.count < Shape.maximumRank,
      shape.allSatisfy({ (-1..<Shape.dimensionLimit).contains($0) }),
      shape.filter({ $0 == -1 }).count <= 1
    else {
      throw reader.invalid("target_shape", expected: "dimensions, at most one of them -1")
    }
    targetShape = shape
    core = try reader.layerState(className: Self.className)
  }

  /// `(n, targetShape…)`.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    guard input.rank >= 1 else { throw shapeMismatch(expected: "a batch", found: input) }
    let known = input.dimensions.dropFirst().compactMap { $0 }
    let target = try Shape(targetShape.map { $0 == -1 ? 1 : $0 }).elementCount
    var dimensions: [Int?] = targetShape
    if known.count == input.rank - 1 {
      let count = try Shape(known).elementCount
      if let free = targetShape.firstIndex(of: -1) {
        guard target > 0, count % target == 0 else {
          throw shapeMismatch(expected: "a multiple of \(target) elements", found: input)
        }
        dimensions[free] = count / target
      } else if count != target {
        throw shapeMismatch(expected: "\(target) elements", found: input)
      }
    } else if let free = targetShape.firstIndex(of: -1) {
      dimensions[free] = nil
    }
    return try BatchShape([input.dimensions[0]] + dimensions)
  }

  /// The same elements.
  func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    try input.reshaped(to: context.shape(outputShape(for: BatchShape(input.shape))))
  }
}

/// Each example's dimensions in another order. No variables.
public final class Permute: OneInputLayer, ConfiguredLayer {
  static let kind = LayerKind("Permute", keepsWholeNumbers: true)

  let core: LayerState
  /// The dimensions, counted from 1, in their new order.
  let dimensions: [Int]

  /// A layer that orders dimensions.
  ///
  /// - Throws: `invalidArgument` unless each number from 1 on is there once; `invalidName`.
  public convenience init(
    _ dimensions: [Int], name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: ["dims": dimensions], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    guard let dimensions = try reader.optionalIntegers("dims"),
      dimensions.sorted() == Array(1..<dimensions.count + 1), dimensions.count < Shape.maximumRank
    else { throw reader.invalid("dims", expected: "each number from 1 on, once") }
    self.dimensions = dimensions
    core = try reader.layerState(className: Self.className)
  }

  /// The dimensions in their new order.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    guard input.rank == dimensions.count + 1 else {
      throw shapeMismatch(expected: "\(dimensions.count + 1) dimensions", found: input)
    }
    return try BatchShape(([0] + dimensions).map { input.dimensions[$0] })
  }

  /// The elements in their new order.
  func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    _ = try outputShape(for: BatchShape(input.shape))
    return try input.transposed([0] + dimensions)
  }
}

/// Each example, a vector, repeated: `(n, c)` becomes `(n, count, c)`. No variables.
public final class RepeatVector: OneInputLayer, ConfiguredLayer {
  static let kind = LayerKind("RepeatVector", keepsWholeNumbers: true)

  let core: LayerState
  /// How often.
  let count: Int

  /// A layer that repeats vectors `count` times.
  ///
  /// - Throws: `invalidArgument` for a negative count; `invalidName`.
  public convenience init(
    _ count: Int, name: String? = nil, trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: ["n": count], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    count = try reader.integer("n", in: 0...ConfigurationReader.greatestExtent)
    core = try reader.layerState(className: Self.className)
  }

  /// `(n, count, c)`.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    guard input.rank == 2 else { throw shapeMismatch(expected: "two dimensions", found: input) }
    return try BatchShape([input.dimensions[0], count, input.dimensions[1]])
  }

  /// The vectors, repeated.
  func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let shape = try context.shape(outputShape(for: BatchShape(input.shape)))
    let line = try input.reshaped(to: Shape([shape[0], 1, shape[2]]))
    return try line.gathered(
      [Array(0..<shape[0]), Array(repeating: 0, count: count), Array(0..<shape[2])], in: context)
  }
}
