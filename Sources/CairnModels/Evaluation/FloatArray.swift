// An array of floats with a shape: what layers that are not worth a loop of their own compute with.

import CairnSystem
import CairnTensors

/// Float32 scalars in row-major order, and the lengths of the dimensions.
struct FloatArray: Sendable {
  var shape: [Int]
  var values: [Float]

  var rank: Int { shape.count }

  /// - Precondition: as many values as the shape has elements.
  init(_ values: [Float], shape: [Int]) {
    self.shape = shape
    self.values = values
  }

  /// The elements of a float32 tensor.
  init(_ tensor: Tensor) throws(CairnError) {
    self.init(try tensor.scalars(), shape: tensor.shape.dimensions)
  }

  /// A float32 tensor of those elements.
  func tensor() throws(CairnError) -> Tensor { try Tensor(values, shape: Shape(shape)) }

  /// The distances between neighbours along each dimension.
  static func strides(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in stride(from: shape.count - 2, through: 0, by: -1) {
      strides[axis] = strides[axis + 1] * max(shape[axis + 1], 1)
    }
    return strides
  }

  /// For each place of an array of `shape`, in order, its place in one with those strides.
  static func places(_ shape: [Int], strides: [Int]) -> [Int] {
    var places = [0]
    if shape.contains(0) { return [] }
    for (length, stride) in zip(shape, strides) where length != 1 {
      var longer: [Int] = []
      longer.reserveCapacity(places.count * length)
      for place in places { for index in 0..<length { longer.append(place + index * stride) } }
      places = longer
    }
    return places
  }

  /// The dimensions in another order: the first of the result is `permutation[0]` of this.
  func transposed(_ permutation: [Int]) -> FloatArray {
    if permutation == Array(0..<rank) { return self }
    let strides = Self.strides(shape)
    let shape = permutation.map { self.shape[$0] }
    // The innermost dimensions that stay together are moved together.
    let places = Self.places(shape, strides: permutation.map { strides[$0] })
    return FloatArray(places.map { values[$0] }, shape: shape)
  }

  /// The shape that both broadcast to, as in NumPy; nil if they don't go together.
  static func broadcast(_ left: [Int], _ right: [Int]) -> [Int]? {
    let rank = max(left.count, right.count)
    let a = [Int](repeating: 1, count: rank - left.count) + left
    let b = [Int](repeating: 1, count: rank - right.count) + right
    var shape: [Int] = []
    for (x, y) in zip(a, b) {
      guard x == y || x == 1 || y == 1 else { return nil }
      shape.append(x == 1 ? y : x)
    }
    return shape
  }

  /// The array repeated along dimensions of length 1, to `shape`, which it broadcasts to.
  func broadcast(to shape: [Int]) -> FloatArray {
    if shape == self.shape { return self }
    let own = [Int](repeating: 1, count: shape.count - rank) + self.shape
    let strides = Self.strides(own)
    let steps = own.indices.map { own[$0] == 1 ? 0 : strides[$0] }
    return FloatArray(Self.places(shape, strides: steps).map { values[$0] }, shape: shape)
  }

  /// A function of each pair of elements, broadcast.
  ///
  /// - Throws: `shapeMismatch` if the shapes don't go together; `overBudget`.
  func combined(
    with other: FloatArray, in context: EvaluationContext, _ function: (Float, Float) -> Float
  ) throws(CairnError) -> FloatArray {
    guard let shape = Self.broadcast(shape, other.shape) else {
      throw CairnError(
        .shapeMismatch, "the shapes cannot be broadcast to one another",
        found: "\(self.shape) and \(other.shape)")
    }
    _ = try context.shape(shape)
    let a = broadcast(to: shape)
    let b = other.broadcast(to: shape)
    var values = a.values
    for index in values.indices { values[index] = function(values[index], b.values[index]) }
    return FloatArray(values, shape: shape)
  }

  /// Each run along some dimensions made one value; those dimensions are left with length 1, or go.
  func reduced(
    _ axes: [Int], keepingDimensions keeps: Bool, _ function: ([Float]) -> Float
  ) -> FloatArray {
    let kept = (0..<rank).filter { !axes.contains($0) }
    let inner = axes.reduce(1) { $0 * shape[$1] }
    let moved = transposed(kept + axes)
    let count = kept.reduce(1) { $0 * shape[$1] }
    let values = (0..<count).map { function(Array(moved.values[$0 * inner..<($0 + 1) * inner])) }
    let result =
      keeps ? (0..<rank).map { axes.contains($0) ? 1 : shape[$0] } : kept.map { shape[$0] }
    return FloatArray(values, shape: result)
  }

  /// Matrices multiplied pairwise: `(…, n, k) · (…, k, m)`, the leading dimensions broadcast.
  ///
  /// - Throws: `shapeMismatch`, `overBudget`.
  func multiplied(
    by other: FloatArray, in context: EvaluationContext
  ) throws(CairnError) -> FloatArray {
    guard rank >= 2, other.rank >= 2, shape[rank - 1] == other.shape[other.rank - 2],
      let batch = Self.broadcast(Array(shape.dropLast(2)), Array(other.shape.dropLast(2)))
    else {
      throw CairnError(
        .shapeMismatch, "the matrices cannot be multiplied", expected: "(…, n, k) · (…, k, m)",
        found: "\(shape) · \(other.shape)")
    }
    let (rows, inner, columns) = (shape[rank - 2], shape[rank - 1], other.shape[other.rank - 1])
    let result = try context.shape(batch + [rows, columns])
    let a = broadcast(to: batch + [rows, inner])
    let b = other.broadcast(to: batch + [inner, columns])
    let tensor = try Tensor(
      shape: result, rowLength: rows * columns, work: rows * columns * max(inner, 1),
      threads: context.threads
    ) { range in
      range.flatMap { index in
        MatrixProduct.product(
          a.values, from: index * rows * inner, b.values, from: index * inner * columns,
          rows: rows, inner: inner, columns: columns)
      }
    }
    return try FloatArray(tensor)
  }
}
