// Keras `layers/pooling/base_adaptive_pooling.py` and its subclasses.

import CairnJSON
import CairnSystem
import CairnTensors

/// The largest value of each of a given number of windows of steps.
package typealias AdaptiveMaxPooling1D = AdaptivePooling<OneDimensional, MaximumRule>
/// The largest value of each of a given number of windows of places.
package typealias AdaptiveMaxPooling2D = AdaptivePooling<TwoDimensional, MaximumRule>
/// The largest value of each of a given number of windows in space.
package typealias AdaptiveMaxPooling3D = AdaptivePooling<ThreeDimensional, MaximumRule>
/// The mean of each of a given number of windows of steps.
package typealias AdaptiveAveragePooling1D = AdaptivePooling<OneDimensional, AverageRule>
/// The mean of each of a given number of windows of places.
package typealias AdaptiveAveragePooling2D = AdaptivePooling<TwoDimensional, AverageRule>
/// The mean of each of a given number of windows in space.
package typealias AdaptiveAveragePooling3D = AdaptivePooling<ThreeDimensional, AverageRule>

/// One value for each window and channel. The windows are spread evenly over the input.
///
/// Input: `(n, …, c)`, or `(n, c, …)` with channels first. Output: as many places as the layer
/// says. No variables.
package final class AdaptivePooling<Rank: SpatialRank, Rule: PoolingRule>: FloatLayer,
  ConfiguredLayer
{
  static var kind: LayerKind { LayerKind("Adaptive\(Rule.function.rawValue)Pooling\(Rank.rank)D") }

  let core: LayerState
  private let size: [Int]
  private let dataFormat: DataFormat

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    size = try reader.extents("output_size", count: Rank.rank)
    dataFormat = try reader.dataFormat()
    core = try reader.layerState(className: Self.className)
  }

  /// As many places as the layer says.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    try input.withSpatial(Rank.rank, dataFormat, of: self) { (axis, length) throws(CairnError) in
      guard length != 0 else { throw shapeMismatch(expected: "places to pool", found: input) }
      return size[axis]
    }
  }

  /// One value for each window and channel.
  func evaluate<Scalar: FloatScalar>(
    _ input: Tensor, in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    _ = try context.shape(outputShape(for: BatchShape(input.shape)))
    var array = try FloatArray<Scalar>(input)
    // The windows of one dimension do not depend on the others, so the dimensions are pooled one by
    // one.
    let first = dataFormat.firstSpatial
    for (axis, count) in size.enumerated() {
      array = try array.pooled(along: first + axis, to: count, by: Rule.function, in: context)
    }
    return try array.tensor()
  }
}

extension FloatArray {
  /// The values along a dimension pooled into `count` values, one for each window.
  fileprivate func pooled(
    along axis: Int, to count: Int, by function: PoolingFunction, in context: EvaluationContext
  ) throws(CairnError) -> FloatArray {
    var next = shape
    next[axis] = count
    let result = try context.shape(next)
    let length = shape[axis]
    let (outer, inner) = (shape[..<axis].reduce(1, *), shape[(axis + 1)...].reduce(1, *))
    try context.take(work: outer, inner, count, length / count + 2)
    var values = [Scalar](
      repeating: function.start(as: Scalar.self), count: result.elementCount)
    // Only remainders and counts, which are both small, are multiplied, not lengths.
    let (step, rest) = length.quotientAndRemainder(dividingBy: count)
    for row in 0..<outer {
      for window in 0..<count {
        let start = window * step + window * rest / count
        let end = min(length, (window + 1) * step + ((window + 1) * rest + count - 1) / count)
        let own = (row * count + window) * inner..<(row * count + window + 1) * inner
        for place in start..<max(end, start) {
          function.gather(
            self.values, from: (row * length + place) * inner, into: &values, own)
        }
        function.finish(&values, own, count: end - start)
      }
    }
    return FloatArray(values, shape: next)
  }
}
