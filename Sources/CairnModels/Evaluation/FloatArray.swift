// An array of floats with a shape. Layers that are not worth a loop of their own compute with it.

import CairnSystem
import CairnTensors

/// Floats of one type in row-major order, and the lengths of the dimensions.
struct FloatArray<Scalar: FloatScalar>: Sendable {
  var shape: [Int]
  var values: [Scalar]

  var rank: Int { shape.count }

  /// - Precondition: there are as many values as the shape has elements.
  init(_ values: [Scalar], shape: [Int]) {
    self.shape = shape
    self.values = values
  }

  /// The elements of a tensor of that type.
  ///
  /// - Throws: `dtypeMismatch`.
  init(_ tensor: Tensor) throws(CairnError) {
    self.init(try tensor.scalars(), shape: tensor.shape.dimensions)
  }

  /// A tensor of those elements.
  func tensor() throws(CairnError) -> Tensor { try Tensor(values, shape: Shape(shape)) }

  /// The elements rounded to another type.
  func converted<Other: FloatScalar>(to type: Other.Type) -> FloatArray<Other> {
    FloatArray<Other>(values.map { Other($0.double) }, shape: shape)
  }

  /// The dimensions in another order: the first of the result is `permutation[0]` of this.
  func transposed(_ permutation: [Int]) -> FloatArray {
    if permutation == Array(0..<rank) { return self }
    let strides = RowMajor.strides(shape)
    let shape = permutation.map { self.shape[$0] }
    // The innermost dimensions that stay together are moved together.
    let places = RowMajor.places(shape, strides: permutation.map { strides[$0] })
    return FloatArray(places.map { values[$0] }, shape: shape)
  }

  /// The array repeated along dimensions of length 1, to `shape`, which it broadcasts to.
  func broadcast(to shape: [Int]) -> FloatArray {
    if shape == self.shape { return self }
    let own = [Int](repeating: 1, count: shape.count - rank) + self.shape
    let strides = RowMajor.strides(own)
    let steps = own.indices.map { own[$0] == 1 ? 0 : strides[$0] }
    return FloatArray(RowMajor.places(shape, strides: steps).map { values[$0] }, shape: shape)
  }

  /// A function of each pair of elements, broadcast.
  ///
  /// - Throws: `shapeMismatch` if the shapes don't go together; `overBudget`.
  func combined(
    with other: FloatArray, in context: EvaluationContext, _ function: (Scalar, Scalar) -> Scalar
  ) throws(CairnError) -> FloatArray {
    let shape = try context.broadcast(shape, other.shape)
    let a = broadcast(to: shape)
    let b = other.broadcast(to: shape)
    var values = a.values
    for index in values.indices { values[index] = function(values[index], b.values[index]) }
    return FloatArray(values, shape: shape)
  }

  /// The array after `change` was applied to each run along some dimensions, in order. A change must
  /// not depend on other runs.
  ///
  /// - Throws: `outOfMemory`.
  func changed(
    along axes: [Int], threads: Threads,
    _ change: @Sendable (_ values: inout [Scalar], _ run: Range<Int>) -> Void
  ) throws(CairnError) -> FloatArray {
    let order = (0..<rank).filter { !axes.contains($0) } + axes
    let width = axes.reduce(1) { $0 * shape[$1] }
    guard width > 0, !values.isEmpty else { return self }
    var moved = transposed(order)
    let runs = moved.values.count / width
    let size = max((1 << 14) / width, 1)
    let blocks = stride(from: 0, to: runs, by: size).map { $0..<min($0 + size, runs) }
    if threads.count > 1, blocks.count > 2 {
      let before = moved.values
      let tensor = try Tensor(
        shape: Shape([runs, width]), rowLength: width, blocks: blocks, threads: threads
      ) { (runs, target: inout MutableSpan<Scalar>) throws(CairnError) in
        var block = Array(before[runs.lowerBound * width..<runs.upperBound * width])
        for start in stride(from: 0, to: block.count, by: width) {
          change(&block, start..<start + width)
        }
        for index in block.indices { target[index] = block[index] }
      }
      moved.values = try tensor.scalars()
    } else {
      for start in stride(from: 0, to: moved.values.count, by: width) {
        change(&moved.values, start..<start + width)
      }
    }
    return moved.transposed(RowMajor.inverse(order))
  }

  /// Each run along some dimensions reduced to one value; those dimensions keep length 1, or are
  /// removed.
  func reduced(
    _ axes: [Int], keepingDimensions keeps: Bool, _ function: ([Scalar]) -> Scalar
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

  /// Matrices multiplied pairwise: `(…, n, k) · (…, k, m)`; the leading dimensions are broadcast.
  ///
  /// - Throws: `shapeMismatch`, `overBudget`.
  func multiplied(
    by other: FloatArray, in context: EvaluationContext
  ) throws(CairnError) -> FloatArray {
    guard rank >= 2, other.rank >= 2, shape[rank - 1] == other.shape[other.rank - 2],
      let batch = RowMajor.broadcast(Array(shape.dropLast(2)), Array(other.shape.dropLast(2)))
    else {
      throw CairnError(
        .shapeMismatch, "the matrices cannot be multiplied", expected: "(…, n, k) · (…, k, m)",
        found: "\(shape) · \(other.shape)")
    }
    let (rows, inner, columns) = (shape[rank - 2], shape[rank - 1], other.shape[other.rank - 1])
    let result = try context.shape(batch + [rows, columns])
    try context.take(work: result.elementCount, inner)
    // One matrix for all pairs is packed once.
    if columns > 0, other.values.count == inner * columns {
      return FloatArray(
        try product(
          with: other.values, rows: result.elementCount / max(columns, 1), inner: inner,
          columns: columns, of: broadcast(to: batch + [rows, inner]).values, in: context),
        shape: result.dimensions)
    }
    let a = broadcast(to: batch + [rows, inner])
    let b = other.broadcast(to: batch + [inner, columns])
    let isLarge = result.elementCount.multipliedSaturated(by: inner) >= 1 << 20
    let tensor = try Tensor(
      shape: result, rowLength: rows * columns,
      blocks: (0..<(rows * columns == 0 ? 0 : result.elementCount / (rows * columns))).map {
        $0..<$0 + 1
      },
      threads: isLarge ? context.threads : 1
    ) { (range, target: inout MutableSpan<Scalar>) throws(CairnError) in
      let index = range.lowerBound
      let packed = try PackedMatrix(
        b.values.span, from: index * inner * columns, inner: inner, columns: columns)
      packed.multiply(
        a.values.span,
        .init(
          rows: rows, left: index * rows * inner, leftStride: inner, resultStride: columns),
        into: &target)
    }
    return try FloatArray(tensor)
  }

  /// Rows times one matrix.
  private func product(
    with matrix: [Scalar], rows: Int, inner: Int, columns: Int, of left: [Scalar],
    in context: EvaluationContext
  ) throws(CairnError) -> [Scalar] {
    try MatrixProduct.product(
      of: Tensor(left, shape: Shape([rows, inner])),
      Tensor(matrix, shape: Shape([inner, columns])), adding: nil,
      shape: Shape([rows, columns]), threads: context.threads
    ).scalars()
  }
}
