// The operations that a configuration may name: rearrangements of whole tensors, statistics, and the
// normalisations that are operations.

import CairnJSON
import CairnSystem
import CairnTensors

extension OperationKind {
  /// Operations that put dimensions or whole tensors in other places.
  static let rearrangements: [OperationKind] = [
    kind("numpy", "Fliplr") { _ in flipped(1) },
    kind("numpy", "Flipud") { _ in flipped(0) },
    kind("numpy", "Append") { (reader) throws(CairnError) in
      AppendRule(axis: try reader.optionalAxis("axis"))
    },
    kind("numpy", "Hsplit") { (reader) throws(CairnError) in try split(&reader, axis: 1) },
    kind("numpy", "Vsplit") { (reader) throws(CairnError) in try split(&reader, axis: 0) },
    kind("numpy", "Dsplit") { (reader) throws(CairnError) in try split(&reader, axis: 2) },
    kind("numpy", "ArraySplit") { (reader) throws(CairnError) in
      let count = try reader.integer("indices_or_sections", in: 1...SplitRule.mostParts)
      return SplitRule(
        parts: .nearlyEqual(count), axis: try reader.integer("axis", in: -32...32, default: 0))
    },
    kind("numpy", "Outer") { _ in OuterRule() },
    kind("numpy", "Dot") { _ in ContractionRule(kind: .dot) },
    kind("numpy", "Inner") { _ in ContractionRule(kind: .inner) },
    kind("numpy", "Vdot") { _ in ContractionRule(kind: .flat) },
    kind("numpy", "Tensordot") { (reader) throws(CairnError) in
      if let count = reader.peek("axes")?.intValue {
        guard (0...Shape.maximumRank).contains(count) else {
          throw reader.invalid("axes", expected: "a number of dimensions")
        }
        reader.record("axes", reader.take("axes") ?? .null)
        return ContractionRule(kind: .last(count))
      }
      let value = reader.take("axes") ?? .null
      reader.record("axes", value)
      let pair = (value.arrayValue ?? []).map { side in
        (side.arrayValue ?? [side]).compactMap(\.intValue)
      }
      guard pair.count == 2, pair[0].count == pair[1].count, pair[0].count <= Shape.maximumRank
      else { throw reader.invalid("axes", expected: "two lists of axes") }
      return ContractionRule(kind: .axes(pair[0], pair[1]))
    },
  ]

  private static func flipped(_ axis: Int) -> SelectionRule {
    SelectionRule.moving([axis]) { place, length, _ in length - 1 - place }
  }

  static func split(
    _ reader: inout ConfigurationReader, axis: Int
  ) throws(CairnError) -> SplitRule {
    if let sections = reader.peek("indices_or_sections")?.intValue {
      guard (1...SplitRule.mostParts).contains(sections) else {
        throw reader.invalid(
          "indices_or_sections", expected: "at most \(SplitRule.mostParts) parts")
      }
      return SplitRule(parts: .equal(try reader.integer("indices_or_sections")), axis: axis)
    }
    return SplitRule(
      parts: .at(try reader.numbers("indices_or_sections", least: -(1 << 47))), axis: axis)
  }

  /// Operations that give statistics of the elements.
  static let statistics: [OperationKind] = [
    kind("numpy", "Average") { (reader) throws(CairnError) in
      WeightedMeanRule(mean: try ReductionRule(reading: &reader, .mean, keepsDimensions: false))
    },
    kind("numpy", "Quantile") { (reader) throws(CairnError) in
      try QuantileRule(reading: &reader, scale: 1)
    },
    kind("numpy", "Percentile") { (reader) throws(CairnError) in
      try QuantileRule(reading: &reader, scale: 100)
    },
  ]

  /// Normalisations as operations.
  static let normalizations: [OperationKind] = [
    kind("nn", "RMSNorm") { (reader) throws(CairnError) in
      NormalizationRule(
        axes: try reader.axes("axis", default: [-1]),
        epsilon: try reader.optionalDouble("epsilon") ?? 1e-7, centers: false,
        operands: ["scale", nil])
    },
    kind("nn", "LayerNorm") { (reader) throws(CairnError) in
      let axes = try reader.axes("axis", default: [-1])
      try reader.refuse("rms_scaling", "scaling by the variance is not implemented")
      return NormalizationRule(
        axes: axes, epsilon: try reader.optionalDouble("epsilon") ?? 1e-7, centers: true,
        operands: ["gamma", "beta"])
    },
  ]
}

/// One tensor behind another.
struct AppendRule: OperationRule {
  let axis: Int?

  private func operands<Value>(
    _ arguments: CallArguments<Value>
  ) throws(CairnError) -> CallArguments<Value> {
    CallArguments([.list([try arguments.operand(0), try arguments.operand(1)])])
  }

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    if let axis {
      return try JoinRule(axis: axis, isNew: false).output(of: operands(arguments))
    }
    var flat: [CallArgument<TensorSpec>] = []
    for index in 0..<2 {
      let spec = try arguments.operand(index).strongSpec()
      flat.append(.tensor(TensorSpec(try BatchShape(spec.shape.flat()), dtype: spec.dtype)))
    }
    return try JoinRule(axis: 0, isNew: false).output(of: CallArguments([.list(flat)]))
  }

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    if let axis {
      return try JoinRule(axis: axis, isNew: false).evaluate(
        operands(call.arguments), to: call.spec, in: call.context)
    }
    var flat: [CallArgument<MaskedTensor>] = []
    for index in 0..<2 {
      let tensor = try call.tensor(index)
      flat.append(.tensor(MaskedTensor(try tensor.reshaped(to: .vector(tensor.elementCount)))))
    }
    return try JoinRule(axis: 0, isNew: false).evaluate(
      CallArguments([.list(flat)]), to: call.spec, in: call.context)
  }
}

/// The product of each element of one operand and each of the other; both count as one dimension.
struct OuterRule: OperationRule {
  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let (left, right) = (
      try arguments.operand(0).strongSpec(), try arguments.operand(1).strongSpec()
    )
    return TensorSpec(
      try BatchShape(left.shape.flat() + right.shape.flat()),
      dtype: try Promotion.result([left.dtype, right.dtype]))
  }

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    let shape = try call.shape()
    let left = try call.tensor(0)
    let right = try call.tensor(1)
    return try BinaryRule(function: .product).evaluate(
      CallArguments([
        .tensor(MaskedTensor(try left.reshaped(to: Shape([shape[0], 1])))),
        .tensor(MaskedTensor(try right.reshaped(to: Shape([1, shape[1]])))),
      ]), to: call.spec, in: call.context)
  }
}

/// Sums of products along dimensions of both operands.
struct ContractionRule: FloatRule {
  enum Kind: Sendable {
    /// The last dimension of the first, the last but one of the second.
    case dot
    /// The last dimension of each.
    case inner
    /// All dimensions, as one.
    case flat
    /// The given number of dimensions: the last of the first and the first of the second.
    case last(Int)
    case axes([Int], [Int])
  }
  let kind: Kind

  /// The dimensions of each that are added up along; nil for a product with a scalar.
  private func axes(_ a: BatchShape, _ b: BatchShape) throws(CairnError) -> ([Int], [Int])? {
    switch kind {
    case .dot:
      if a.rank == 0 || b.rank == 0 { return nil }
      return ([a.rank - 1], [max(b.rank - 2, 0)])
    case .inner:
      if a.rank == 0 || b.rank == 0 { return nil }
      return ([a.rank - 1], [b.rank - 1])
    case .flat: return ([0], [0])
    case .last(let count):
      guard count <= a.rank, count <= b.rank else {
        throw CairnError(
          .shapeMismatch, "tensors have fewer dimensions than are added up along",
          expected: "\(count)", found: "\(a) and \(b)")
      }
      return (Array(a.rank - count..<a.rank), Array(0..<count))
    case .axes(let left, let right):
      return (try a.places(of: left), try b.places(of: right))
    }
  }

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let (left, right) = (
      try arguments.operand(0).strongSpec(), try arguments.operand(1).strongSpec()
    )
    let dtype = try Promotion.result([left.dtype, right.dtype])
    if case .flat = kind { return TensorSpec(try BatchShape([]), dtype: dtype) }
    guard let (a, b) = try axes(left.shape, right.shape) else {
      return TensorSpec(
        try broadcast([left.shape.dimensions, right.shape.dimensions]), dtype: dtype)
    }
    guard Set(a).count == a.count, Set(b).count == b.count,
      zip(a, b).allSatisfy({ x, y in
        let (m, n) = (left.shape.dimensions[x], right.shape.dimensions[y])
        return m == nil || n == nil || m == n
      })
    else {
      throw CairnError(
        .shapeMismatch, "tensors cannot be multiplied along those dimensions",
        found: "\(left.shape) and \(right.shape)")
    }
    let rest =
      left.shape.dimensions.enumerated().filter { !a.contains($0.offset) }.map(\.element)
      + right.shape.dimensions.enumerated().filter { !b.contains($0.offset) }.map(\.element)
    return TensorSpec(try BatchShape(rest), dtype: dtype)
  }

  func evaluate<Scalar: FloatScalar>(
    _ call: OperationCall, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    var left = try call.tensor(0)
    var right = try call.tensor(1)
    if case .flat = kind {
      left = try left.reshaped(to: .vector(left.elementCount))
      right = try right.reshaped(to: .vector(right.elementCount))
    }
    let shape = try call.shape()
    guard let (a, b) = try axes(BatchShape(left.shape), BatchShape(right.shape)) else {
      return try BinaryRule(function: .product).evaluate(
        CallArguments(tensors: left, right), to: call.spec,
        in: call.context)
    }
    let names = Array(0..<left.rank)
    let others = (0..<right.rank).map { place in
      b.firstIndex(of: place).map { a[$0] } ?? Shape.maximumRank + place
    }
    let result = names.filter { !a.contains($0) } + others.filter { $0 >= Shape.maximumRank }
    return try FloatArray<Scalar>(left.cast(to: Scalar.dtype)).einsum(
      names, FloatArray(right.cast(to: Scalar.dtype)), others, to: result, in: call.context
    ).tensor().reshaped(to: shape)
  }
}

/// The mean, or the mean weighted by another tensor.
struct WeightedMeanRule: OperationRule {
  let mean: ReductionRule

  private func weights<Value>(_ arguments: CallArguments<Value>) -> CallArgument<Value>? {
    arguments.argument(1, "weights")
  }

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let operand = try arguments.operand(0).strongSpec()
    var spec = try mean.output(of: CallArguments([.tensor(operand)]))
    spec.dtype = try Promotion.float([.strong(operand.dtype)])
    guard let weights = try weights(arguments)?.strongSpec() else { return spec }
    guard weights.shape.isCompatible(with: operand.shape) || weights.shape.rank == 1 else {
      throw CairnError(
        .shapeMismatch, "weights are not of the shape of what they weigh",
        expected: "\(operand.shape)", found: "\(weights.shape)")
    }
    spec.dtype = try Promotion.float([.strong(operand.dtype), .strong(weights.dtype)])
    return spec
  }

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    let operand = try call.tensor(0).cast(to: call.spec.dtype)
    guard var weights = try weights(call.arguments)?.strongTensor().cast(to: call.spec.dtype) else {
      return try mean.evaluate(
        CallArguments(tensors: operand), to: call.spec, in: call.context)
    }
    if weights.rank != operand.rank {
      guard let axis = mean.dimensions.axes?.first,
        let place = BatchShape(operand.shape).axis(axis), weights.rank == 1
      else {
        throw CairnError(
          .shapeMismatch, "weights of one dimension need an axis", found: "\(weights.shape)")
      }
      var shape = [Int](repeating: 1, count: operand.rank)
      shape[place] = weights.elementCount
      weights = try weights.reshaped(to: Shape(shape)).broadcast(
        to: operand.shape, in: call.context)
    }
    func summed(_ tensor: Tensor) throws(CairnError) -> CallArgument<MaskedTensor> {
      let sum = ReductionRule(axes: mean.dimensions.axes, keepsDimensions: false, function: .sum)
      return .tensor(
        MaskedTensor(
          try sum.evaluate(CallArguments(tensors: tensor), to: call.spec, in: call.context)))
    }
    let product = try BinaryRule(function: .product).evaluate(
      CallArguments(tensors: operand, weights),
      to: TensorSpec(BatchShape(operand.shape), dtype: call.spec.dtype), in: call.context)
    return try BinaryRule(function: .quotient, meeting: .float).evaluate(
      CallArguments([try summed(product), try summed(weights)]), to: call.spec, in: call.context)
  }
}

/// Quantiles along dimensions: the value that a part of the elements is below, for one part or a
/// list of them.
struct QuantileRule: OperationRule {
  private let axes: [Int]?
  private let keepsDimensions: Bool
  private let scale: Double

  init(reading reader: inout ConfigurationReader, scale: Double) throws(CairnError) {
    axes = try reader.optionalAxes("axis")
    keepsDimensions = try reader.bool("keepdims", default: false)
    guard try reader.string("method", default: "linear") == "linear" else {
      throw reader.unsupported("method", "only linear interpolation is implemented")
    }
    self.scale = scale
  }

  private func parts<Value>(
    _ arguments: CallArguments<Value>
  ) throws(CairnError) -> (shape: [Int], values: [Double]) {
    guard let plain = try arguments.operand(1).plain, let constant = try ConstantOperand(plain)
    else {
      throw CairnError(
        .unsupportedConfiguration, "quantiles are implemented for parts that are numbers only")
    }
    // As float32, because Keras converts them to it.
    let values: [Double] = try constant.tensor.cast(to: .float32).cast(to: .float64).scalars()
    return (constant.tensor.shape.dimensions, values.map { $0 / scale })
  }

  private func rule(_ part: Double) -> ReductionRule {
    ReductionRule(axes: axes, keepsDimensions: keepsDimensions, function: .quantile(part))
  }

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let one = try rule(0).output(of: CallArguments([arguments.operand(0)]))
    let parts = try parts(arguments)
    return TensorSpec(
      try BatchShape(parts.shape.map { $0 } + one.shape.dimensions), dtype: one.dtype)
  }

  func evaluate(_ call: OperationCall) throws(CairnError) -> Tensor {
    let parts = try parts(call.arguments)
    let shape = try call.shape()
    let one = TensorSpec(
      try BatchShape(Array(call.spec.shape.dimensions.dropFirst(parts.shape.count))),
      dtype: call.spec.dtype)
    var results: [Tensor] = []
    for part in parts.values {
      let result = try rule(part).evaluate(
        CallArguments([call.arguments.operand(0)]), to: one, in: call.context)
      results.append(try result.reshaped(to: .vector(result.elementCount)))
    }
    guard !results.isEmpty else { return try Tensor(zeros: call.spec.dtype, shape: shape) }
    return try Tensor.concatenated(results, axis: 0, shape: .vector(shape.elementCount))
      .reshaped(to: shape)
  }
}

/// Elements less their mean, divided by their deviation, along dimensions; scaled and shifted.
struct NormalizationRule: FloatRule {
  let axes: [Int]
  let epsilon: Double
  /// Whether the mean is taken away: not in RMS normalisation.
  let centers: Bool
  /// The names of the operands that scale and shift.
  let operands: [String?]

  func output(of arguments: CallArguments<TensorSpec>) throws(CairnError) -> TensorSpec {
    let spec = try arguments.operand(0).strongSpec()
    _ = try spec.shape.places(of: axes)
    return TensorSpec(spec.shape, dtype: try [spec.dtype].widestFloat())
  }

  func evaluate<Scalar: FloatScalar>(
    _ call: OperationCall, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    let operand = try call.arguments.operand(0).operandTensor(call.spec.dtype).cast(
      to: Scalar.dtype)
    var array = try FloatArray<Scalar>(operand)
    let places = try BatchShape(operand.shape).places(of: axes)
    if centers {
      let mean = array.reduced(places, keepingDimensions: true) { Scalar($0.mean()) }
      array = try array.combined(with: mean, in: call.context, -)
    }
    let factor = array.reduced(places, keepingDimensions: true) { run in
      let sum = run.reduce(0.0) { $0 + $1.double * $1.double }
      return 1 / (Scalar(sum / Double(max(run.count, 1))) + Scalar(epsilon)).squareRoot()
    }
    array = try array.combined(with: factor, in: call.context, *)
    for (number, name) in operands.enumerated() {
      guard let name, let other = call.arguments.argument(number + 1, name) else { continue }
      let tensor = try other.operandTensor(call.spec.dtype).cast(to: Scalar.dtype)
      array = try array.combined(
        with: aligned(FloatArray(tensor), places, array.rank), in: call.context
      ) { number == 0 ? $0 * $1 : $0 + $1 }
    }
    return try array.tensor().reshaped(to: call.shape())
  }

  /// An operand of the lengths of the axes, with length 1 along the other dimensions.
  private func aligned<Scalar: FloatScalar>(
    _ array: FloatArray<Scalar>, _ places: [Int], _ rank: Int
  ) -> FloatArray<Scalar> {
    guard array.rank == places.count else { return array }
    var shape = [Int](repeating: 1, count: rank)
    for (length, place) in zip(array.shape, places.sorted()) { shape[place] = length }
    return FloatArray(array.values, shape: shape)
  }
}
