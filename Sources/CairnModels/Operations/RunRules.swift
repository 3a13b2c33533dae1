// Operations on the runs of elements along a dimension: order, sums so far, the place of the largest.

import CairnJSON
import CairnSystem
import CairnTensors

/// Runs along one dimension, each made one or several others.
///
/// Elements are computed in double precision, which holds those of most types exactly.
struct RunRule: MultipleResultRule {
  /// A result: how long its runs are, and its type; the operand's if nil.
  struct Result: Sendable {
    var length: @Sendable (Int) throws(CairnError) -> Int = { (length) throws(CairnError) in length
    }
    var dtype: DType?
  }
  /// Nil counts all elements as one dimension.
  let axis: Int?
  var results = [Result()]
  let function: @Sendable ([Double]) -> [[Double]]

  private func place(_ shape: BatchShape) throws(CairnError) -> (base: [Int?], place: Int) {
    guard let axis else { return (try shape.flat(), 0) }
    return (shape.dimensions, try shape.places(of: [axis])[0])
  }

  func outputs(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> [TensorSpec] {
    let spec = try arguments.onlyTensor()
    guard spec.dtype != .string else {
      throw CairnError(.dtypeMismatch, "operations compute with numbers only", found: "string")
    }
    let (base, place) = try place(spec.shape)
    var specs: [TensorSpec] = []
    for result in results {
      var dimensions = base
      dimensions[place] = try base[place].map(result.length)
      specs.append(TensorSpec(try BatchShape(dimensions), dtype: result.dtype ?? spec.dtype))
    }
    return specs
  }

  func results(
    _ arguments: CallArguments<MaskedTensor>, to specs: [TensorSpec],
    in context: EvaluationContext
  ) throws(CairnError) -> [Tensor] {
    let tensor = try arguments.onlyTensor().tensor
    let (base, place) = try place(BatchShape(tensor.shape))
    let dimensions = base.map { $0 ?? 0 }
    let (outer, inner) = (
      dimensions[..<place].reduce(1, *), dimensions[(place + 1)...].reduce(1, *)
    )
    let values: [Double] = try tensor.cast(to: .float64).scalars()
    var lengths: [Int] = []
    for result in results { lengths.append(try result.length(dimensions[place])) }
    var made = lengths.map { [Double](repeating: 0, count: outer * $0 * inner) }
    for row in 0..<outer {
      for column in 0..<inner {
        let start = row * dimensions[place] * inner + column
        let runs = function((0..<dimensions[place]).map { values[start + $0 * inner] })
        for (index, run) in runs.enumerated() {
          for (step, value) in run.enumerated() {
            made[index][(row * lengths[index] + step) * inner + column] = value
          }
        }
      }
    }
    var tensors: [Tensor] = []
    for (values, spec) in zip(made, specs) {
      tensors.append(try Tensor(values, shape: context.shape(spec.shape)).cast(to: spec.dtype))
    }
    return tensors
  }

  /// Ascending, NaNs last; equal ones in their order.
  static func order(_ run: [Double]) -> [Int] {
    run.indices.sorted { a, b in
      if run[a] == run[b] || (run[a].isNaN && run[b].isNaN) { return a < b }
      return run[b].isNaN || run[a] < run[b]
    }
  }
}

/// The runs along some dimensions each made one number, of a type of its own.
struct CountingRule: OperationRule {
  let axes: [Int]?
  let keepsDimensions: Bool
  let dtype: DType
  let function: @Sendable ([Double]) -> Double

  init(
    reading reader: inout ConfigurationReader, _ dtype: DType,
    _ function: @escaping @Sendable ([Double]) -> Double
  ) throws(CairnError) {
    if reader.peek("axis") == nil {
      axes = try reader.optionalIntegers("axis")
    } else {
      axes = try reader.axes("axis", default: [])
    }
    // Not all of them can keep dimensions.
    keepsDimensions = reader.has("keepdims") ? try reader.bool("keepdims", default: false) : false
    self.dtype = dtype
    self.function = function
  }

  private func places(_ shape: BatchShape) throws(CairnError) -> [Int] {
    guard let axes else { return Array(0..<shape.rank) }
    return Set(try shape.places(of: axes)).sorted()
  }

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let spec = try arguments.onlyTensor()
    guard spec.dtype != .string else {
      throw CairnError(.dtypeMismatch, "operations compute with numbers only", found: "string")
    }
    let places = try places(spec.shape)
    var dimensions: [Int?] = []
    for (index, length) in spec.shape.dimensions.enumerated() {
      if !places.contains(index) {
        dimensions.append(length)
      } else if keepsDimensions {
        dimensions.append(1)
      }
    }
    return TensorSpec(try BatchShape(dimensions), dtype: dtype)
  }

  func evaluate(
    _ arguments: CallArguments<MaskedTensor>, to spec: TensorSpec, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let tensor = try arguments.onlyTensor().tensor
    let places = try places(BatchShape(tensor.shape))
    let kept = (0..<tensor.rank).filter { !places.contains($0) }
    let inner = places.reduce(1) { $0 * tensor.shape[$1] }
    let values: [Double] = try tensor.transposed(kept + places).cast(to: .float64).scalars()
    let shape = try context.shape(spec.shape)
    let runs = (0..<shape.elementCount).map { values[$0 * inner..<($0 + 1) * inner] }
    return try Tensor(runs.map { function(Array($0)) }, shape: shape).cast(to: spec.dtype)
  }

  /// The place of the largest; of the first NaN, if there is one.
  static func largest(_ run: [Double]) -> Double {
    var best = 0
    for index in run.indices {
      if run[index].isNaN { return Double(index) }
      if run[index] > run[best] { best = index }
    }
    return Double(best)
  }
}

/// Mean and variance along some dimensions.
struct MomentsRule: MultipleResultRule {
  private let mean: ReductionRule
  private let variance: ReductionRule

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    let axes = try reader.axes("axes", default: [])
    let keeps = try reader.bool("keepdims", default: false)
    guard try !reader.bool("synchronized", default: false) else {
      throw reader.unsupported("synchronized", "moments over several devices are not implemented")
    }
    mean = ReductionRule(axes: axes, keepsDimensions: keeps, function: .mean)
    variance = ReductionRule(axes: axes, keepsDimensions: keeps, function: .variance)
  }

  func outputs(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> [TensorSpec] {
    [try mean.output(of: arguments), try variance.output(of: arguments)]
  }

  func results(
    _ arguments: CallArguments<MaskedTensor>, to specs: [TensorSpec],
    in context: EvaluationContext
  ) throws(CairnError) -> [Tensor] {
    [
      try mean.evaluate(arguments, to: specs[0], in: context),
      try variance.evaluate(arguments, to: specs[1], in: context),
    ]
  }
}
