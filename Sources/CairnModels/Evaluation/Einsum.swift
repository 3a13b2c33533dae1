// Sums of products over named dimensions of two arrays: einsum, as layers need it.

import CairnSystem
import CairnTensors

extension FloatArray {
  /// The products of this array's and another's elements, added up over all dimensions that the
  /// result does not have.
  ///
  /// - Parameters:
  ///   - labels: A name for each dimension of this array, no two the same.
  ///   - otherLabels: The same for the other array; a name in both is one dimension, of one length.
  ///   - result: The names of the result's dimensions, each of them one of the above.
  /// - Throws: `shapeMismatch`, `overBudget`.
  func einsum(
    _ labels: [Int], _ other: FloatArray, _ otherLabels: [Int], to result: [Int],
    in context: EvaluationContext
  ) throws(CairnError) -> FloatArray {
    guard labels.count == rank, otherLabels.count == other.rank,
      labels.allSatisfy({ name in
        otherLabels.firstIndex(of: name).map {
          other.shape[$0] == shape[labels.firstIndex(of: name) ?? 0]
        } ?? true
      })
    else {
      throw CairnError(
        .shapeMismatch, "the shapes do not fit the equation", found: "\(shape) and \(other.shape)")
    }
    let left = summed(labels, keeping: Set(otherLabels).union(result))
    let right = other.summed(otherLabels, keeping: Set(labels).union(result))
    let (a, b) = (Set(left.labels), Set(right.labels))
    let batch = result.filter { a.contains($0) && b.contains($0) }
    let rows = result.filter { a.contains($0) && !b.contains($0) }
    let columns = result.filter { !a.contains($0) && b.contains($0) }
    let inner = left.labels.filter { b.contains($0) && !result.contains($0) }
    let x = left.array.ordered(left.labels, batch + rows + inner)
    let y = right.array.ordered(right.labels, batch + inner + columns)
    func length(_ names: [Int], _ array: FloatArray, from start: Int) -> Int {
      array.shape[start..<start + names.count].reduce(1, *)
    }
    let batchLengths = Array(x.shape[..<batch.count])
    let rowLengths = Array(x.shape[batch.count..<batch.count + rows.count])
    let columnLengths = Array(y.shape.suffix(columns.count))
    let innerLength = length(inner, x, from: batch.count + rows.count)
    let count = batchLengths.reduce(1, *)
    let matrices = FloatArray(
      x.values, shape: [count, rowLengths.reduce(1, *), innerLength])
    let factors = FloatArray(
      y.values, shape: [count, innerLength, columnLengths.reduce(1, *)])
    var product = try matrices.multiplied(by: factors, in: context)
    product.shape = batchLengths + rowLengths + columnLengths
    return product.ordered(batch + rows + columns, result)
  }

  /// The dimensions in the order of `order`, which has the same names as `labels`.
  private func ordered(_ labels: [Int], _ order: [Int]) -> FloatArray {
    transposed(order.map { name in labels.firstIndex(of: name) ?? 0 })
  }

  /// The array added up along dimensions whose names are not kept.
  private func summed(
    _ labels: [Int], keeping kept: Set<Int>
  ) -> (array: FloatArray, labels: [Int]) {
    let axes = labels.indices.filter { !kept.contains(labels[$0]) }
    guard !axes.isEmpty else { return (self, labels) }
    let sum = reduced(axes, keepingDimensions: false) { $0.reduce(0, +) }
    return (sum, labels.filter { kept.contains($0) })
  }
}
