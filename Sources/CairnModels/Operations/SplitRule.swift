// A tensor taken apart along a dimension: `split`, `unstack`.

import CairnJSON
import CairnSystem
import CairnTensors

/// A tensor in several parts along a dimension.
struct SplitRule: MultipleResultRule {
  enum Parts: Sendable { case equal(Int), nearlyEqual(Int), at([Int]), each(Int?) }
  let parts: Parts
  let axis: Int

  private func ranges(_ shape: BatchShape) throws(CairnError) -> (Int, [Range<Int>]) {
    guard let place = shape.axis(axis), let length = shape.dimensions[place] else {
      throw CairnError(
        .shapeMismatch,
        "an operand cannot be split along a dimension that it lacks, or whose "
          + "length is not known", expected: "a dimension \(axis)", found: "\(shape)")
    }
    switch parts {
    case .equal(let count):
      guard count > 0, length % count == 0 else {
        throw CairnError(
          .shapeMismatch, "a dimension cannot be split into equal parts",
          expected: "a multiple of \(count)", found: "\(length)")
      }
      let size = length / count
      return (place, (0..<count).map { $0 * size..<($0 + 1) * size })
    case .each(let count):
      guard count == nil || count == length else {
        throw CairnError(
          .shapeMismatch, "a dimension has another length than parts are asked for",
          expected: "\(count ?? 0)", found: "\(length)")
      }
      try Self.check(length)
      return (place, (0..<length).map { $0..<$0 + 1 })
    case .nearlyEqual(let count):
      let (size, more) = (length / max(count, 1), length % max(count, 1))
      var start = 0
      return (
        place,
        (0..<count).map { index in
          let range = start..<start + size + (index < more ? 1 : 0)
          start = range.upperBound
          return range
        }
      )
    case .at(let borders):
      let all = [0] + borders.map { min(max($0 < 0 ? $0 + length : $0, 0), length) } + [length]
      return (place, zip(all, all.dropFirst()).map { $0..<max($0, $1) })
    }
  }

  /// The most results of one operation.
  static let mostParts = 65_536

  private static func check(_ count: Int) throws(CairnError) {
    guard count <= mostParts else {
      throw CairnError(
        .overBudget, "an operation has too many results", expected: "at most \(mostParts)",
        found: "\(count)")
    }
  }

  private var dropsAxis: Bool { if case .each = parts { true } else { false } }

  func outputs(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> [TensorSpec] {
    let spec = try arguments.operand(0).strongSpec()
    let (place, ranges) = try ranges(spec.shape)
    var specs: [TensorSpec] = []
    for range in ranges {
      var dimensions = spec.shape.dimensions
      if dropsAxis { dimensions.remove(at: place) } else { dimensions[place] = range.count }
      specs.append(TensorSpec(try BatchShape(dimensions), dtype: spec.dtype))
    }
    return specs
  }

  func results(
    _ arguments: CallArguments<MaskedTensor>, to specs: [TensorSpec],
    in context: EvaluationContext
  ) throws(CairnError) -> [Tensor] {
    let tensor = try arguments.operand(0).strongTensor()
    let (place, ranges) = try ranges(BatchShape(tensor.shape))
    var results: [Tensor] = []
    // As runs of what follows the dimension.
    let inner = tensor.shape.dimensions[(place + 1)...].reduce(1, *)
    let outer = tensor.shape.dimensions[..<place].reduce(1, *)
    let length = tensor.shape[place]
    for (range, spec) in zip(ranges, specs) {
      let shape = try context.shape(spec.shape)
      guard shape.elementCount > 0 else {
        results.append(try Tensor(zeros: tensor.dtype, shape: shape))
        continue
      }
      let sources = (0..<outer).flatMap { row in range.map { row * length + $0 } }
      results.append(try tensor.runs(shape: shape, length: inner, sources: sources))
    }
    return results
  }
}
