// Operations on the runs of elements along a dimension: order, running sums, the place of the
// largest.

import CairnJSON
import CairnSystem
import CairnTensors

/// Runs along one dimension, each turned into one or several other runs.
///
/// Floats are computed in double precision, integers in 64 bits and modulo the width of their type.
struct RunRule: MultipleResultRule {
  /// A result: how long its runs are, and its type; the operand's if nil.
  struct Result: Sendable {
    var length: @Sendable (Int) throws(CairnError) -> Int = { (length) throws(CairnError) in length
    }
    var dtype: DType?
  }
  /// What integers are first converted to.
  enum Whole: Sendable { case kept, numbers, float }

  /// Nil counts all elements as one dimension.
  let axis: Int?
  var results = [Result()]
  /// What bools and integers are first converted to.
  var whole = Whole.kept
  /// A type that all elements are first converted to.
  var dtype: DType?
  let function: @Sendable ([Double]) -> [[Double]]
  /// The same for whole numbers.
  var wholeFunction: (@Sendable ([Int64]) -> [[Int64]])?

  private func place(_ shape: BatchShape) throws(CairnError) -> (base: [Int?], place: Int) {
    guard let axis else { return (try shape.flat(), 0) }
    return (shape.dimensions, try shape.places(of: [axis])[0])
  }

  /// The type that is computed in.
  private func inner(_ own: DType) throws(CairnError) -> DType {
    let dtype = dtype ?? own
    guard dtype.isPlainNumber else {
      throw CairnError(
        .dtypeMismatch, "operations compute with numbers only", found: "\(dtype)")
    }
    guard dtype.isWhole else { return dtype }
    switch whole {
    case .kept: return dtype
    case .numbers: return dtype == .bool ? .int32 : dtype
    case .float: return .float32
    }
  }

  func outputs(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> [TensorSpec] {
    let spec = try arguments.operand(0).strongSpec()
    let own = try inner(spec.dtype)
    let (base, place) = try place(spec.shape)
    var specs: [TensorSpec] = []
    for result in results {
      var dimensions = base
      dimensions[place] = try base[place].map(result.length)
      specs.append(TensorSpec(try BatchShape(dimensions), dtype: result.dtype ?? own))
    }
    return specs
  }

  func results(
    _ arguments: CallArguments<MaskedTensor>, to specs: [TensorSpec],
    in context: EvaluationContext
  ) throws(CairnError) -> [Tensor] {
    let operand = try arguments.operand(0).strongTensor()
    let tensor = try operand.cast(to: inner(operand.dtype))
    if tensor.dtype.isWhole, let wholeFunction {
      return try made(WholeArray(tensor).values, wholeFunction, tensor.shape, specs, in: context)
    }
    let values: [Double] = try tensor.cast(to: .float64).scalars()
    return try made(values, function, tensor.shape, specs, in: context)
  }

  private func made<Element: TensorScalar & Numeric>(
    _ values: [Element], _ function: ([Element]) -> [[Element]], _ shape: Shape,
    _ specs: [TensorSpec], in context: EvaluationContext
  ) throws(CairnError) -> [Tensor] {
    let (base, place) = try place(BatchShape(shape))
    let dimensions = base.map { $0 ?? 0 }
    let outer = dimensions[..<place].reduce(1, *)
    let inner = dimensions[(place + 1)...].reduce(1, *)
    var lengths: [Int] = []
    var made: [[Element]] = []
    for (result, spec) in zip(results, specs) {
      lengths.append(try result.length(dimensions[place]))
      made.append([Element](repeating: 0, count: try context.shape(spec.shape).elementCount))
    }
    for row in 0..<outer {
      for column in 0..<inner {
        let start = row * dimensions[place] * inner + column
        let runs = function((0..<dimensions[place]).map { values[start + $0 * inner] })
        for (index, run) in runs.enumerated() where index < made.count {
          for (step, value) in run.enumerated() where step < lengths[index] {
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

  /// Ascending; equal ones in their order.
  static func order(_ run: [Int64]) -> [Int] {
    run.indices.sorted { run[$0] == run[$1] ? $0 < $1 : run[$0] < run[$1] }
  }
}

/// The runs along some dimensions, each reduced to one number, of a type of its own.
struct CountingRule: OperationRule {
  let dimensions: ReducedDimensions
  let dtype: DType
  let function: @Sendable ([Double]) -> Double

  init(
    reading reader: inout ConfigurationReader, _ dtype: DType,
    _ function: @escaping @Sendable ([Double]) -> Double
  ) throws(CairnError) {
    let axes = try reader.optionalAxes("axis")
    // Not all of them can keep dimensions.
    let keeps = reader.has("keepdims") ? try reader.bool("keepdims", default: false) : false
    dimensions = ReducedDimensions(axes: axes, areKept: keeps)
    self.dtype = dtype
    self.function = function
  }

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let spec = try arguments.operand(0).strongSpec()
    guard spec.dtype.isPlainNumber else {
      throw CairnError(
        .dtypeMismatch, "operations compute with numbers only", found: "\(spec.dtype)")
    }
    return TensorSpec(try dimensions.rest(of: spec.shape), dtype: dtype)
  }

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    let (tensor, length) = try dimensions.runs(of: call.tensor(0))
    let values: [Double] = try tensor.cast(to: .float64).scalars()
    let shape = try call.shape()
    let runs = (0..<shape.elementCount).map { values[$0 * length..<($0 + 1) * length] }
    return try Tensor(runs.map { function(Array($0)) }, shape: shape).cast(to: call.spec.dtype)
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
    try reader.refuse("synchronized", "moments over several devices are not implemented")
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
    guard specs.count == 2 else { return [] }
    return [
      try mean.evaluate(arguments, to: specs[0], in: context),
      try variance.evaluate(arguments, to: specs[1], in: context),
    ]
  }
}
