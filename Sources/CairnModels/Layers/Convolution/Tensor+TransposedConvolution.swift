// Transposed convolutions over `(n, …, c)`: what each place of the input adds to the output.

import CairnSystem
import CairnTensors

/// Along one dimension, for each place of the input: which tap leads to which place of the output.
typealias ScatterAxis = [[(tap: Int, place: Int)]]

extension Tensor {
  /// The transposed convolution of this tensor, its channels last, with `kernel`
  /// `(window…, filters, c)`, to `shape`.
  ///
  /// - Precondition: the shapes go together, as the layer has checked.
  func scattered(
    by kernel: Tensor, adding bias: Tensor?, along axes: [ScatterAxis], to shape: Shape,
    in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    try Precision(for: dtype).run(
      Scattered(
        source: self, kernel: kernel, bias: bias, axes: axes, shape: shape, context: context))
  }
}

/// A transposed convolution.
private struct Scattered: FloatWork {
  let source: Tensor
  let kernel: Tensor
  let bias: Tensor?
  let axes: [ScatterAxis]
  let shape: Shape
  let context: EvaluationContext

  func run<Scalar: FloatScalar>(as type: Scalar.Type) throws(CairnError) -> Tensor {
    let missing = 3 - axes.count
    let ones = [Int](repeating: 1, count: missing)
    let taps = [ScatterAxis](repeating: [[(0, 0)]], count: missing) + axes
    let sizes = ones + kernel.shape.dimensions.prefix(axes.count)
    let lengths = ones + shape.dimensions[1...].prefix(axes.count)
    let (channels, filters) = (source.shape[source.rank - 1], shape[shape.rank - 1])
    let places = taps.reduce(1) { $0 * $1.count }
    let values: [Scalar] = try source.scalars()
    // (taps, filters, c) as (c, taps · filters): one product gives what each place adds.
    let width = sizes.reduce(filters, *)
    let matrix = try FloatArray<Scalar>(
      kernel.reshaped(to: context.shape([width, channels]))
    ).transposed([1, 0]).values
    let offsets: [Scalar] = try bias?.scalars() ?? []
    let rowLength = lengths.reduce(filters, *)
    let packed = try PackedMatrix(matrix.span, inner: channels, columns: width)
    // Products of some places at once, but of no more than the cache holds.
    let batch = max(min((1 << 16) / max(width, 1), places), 1)
    return try Tensor(
      shape: shape, rowLength: rowLength, blocks: (0..<shape[0]).map { $0..<$0 + 1 },
      threads: context.threads
    ) { (examples, result: inout MutableSpan<Scalar>) throws(CairnError) in
      var sum = [Scalar](repeating: 0, count: rowLength)
      for first in stride(from: 0, to: places, by: batch) {
        let count = min(batch, places - first)
        let products = packed.product(
          values, from: (examples.lowerBound * places + first) * channels, rows: count)
        for place in first..<first + count {
          let added = (place - first) * width
          let w = place % taps[2].count
          let h = place / taps[2].count % taps[1].count
          let d = place / taps[2].count / taps[1].count
          for (kd, z) in taps[0][d] {
            for (kh, y) in taps[1][h] {
              for (kw, x) in taps[2][w] {
                let source = ((kd * sizes[1] + kh) * sizes[2] + kw) * filters
                let target = ((z * lengths[1] + y) * lengths[2] + x) * filters
                for filter in 0..<filters {
                  sum[target + filter] += products[added + source + filter]
                }
              }
            }
          }
        }
      }
      sum.addToRows(offsets)
      for index in sum.indices { result[index] = sum[index] }
    }
  }
}
