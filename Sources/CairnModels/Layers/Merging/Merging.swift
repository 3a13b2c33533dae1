// Keras `layers/merging/base_merge.py` and the classes that only choose the operation.

import CairnJSON
public import CairnSystem
import CairnTensors

/// How the elements of several tensors become one, under the names of Keras's classes.
enum MergingFunction: String, Sendable {
  /// Added up.
  case sum = "Add"
  /// The first less the others.
  case difference = "Subtract"
  /// Multiplied.
  case product = "Multiply"
  /// Added up, and divided by the number of inputs.
  case mean = "Average"
  /// The largest; a NaN stays.
  case largest = "Maximum"
  /// The smallest; a NaN stays.
  case smallest = "Minimum"

  /// How many inputs there must be.
  var inputCount: ClosedRange<Int> { self == .difference ? 2...2 : 1...Int.max }

  /// The result so far, merged with an element of the next input.
  @inline(__always)
  func merge<Scalar: FloatScalar>(_ result: Scalar, _ value: Scalar) -> Scalar {
    switch self {
    case .sum, .mean: result + value
    case .difference: result - value
    case .product: result * value
    case .largest: value > result || value.isNaN ? value : result
    case .smallest: value < result || value.isNaN ? value : result
    }
  }

  /// Tensors merged into one. Those with fewer dimensions get the missing ones behind the first.
  func merged<Scalar: FloatScalar>(
    _ inputs: [Tensor], in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    if let first = inputs.first, inputs.allSatisfy({ $0.shape == first.shape }) {
      return try merged(equallyShaped: inputs, in: context, as: type)
    }
    let rank = inputs.map(\.rank).max() ?? 0
    var result: FloatArray<Scalar>?
    for input in inputs {
      var array = try FloatArray<Scalar>(input)
      array.shape = BatchShape(input.shape).padded(to: rank).map { $0 ?? 0 }
      result = try result?.combined(with: array, in: context) { merge($0, $1) } ?? array
    }
    guard var merged = result else { throw noInputs }
    if self == .mean { merged.values = merged.values.map { $0 / Scalar(inputs.count) } }
    return try merged.tensor()
  }

  private func merged<Scalar: FloatScalar>(
    equallyShaped inputs: [Tensor], in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    guard var result = inputs.first else { throw noInputs }
    for input in inputs.dropFirst() {
      _ = try context.shape(result.shape.dimensions)
      result = try result.paired(with: input, threads: context.threads) { (x: Scalar, y: Scalar) in
        merge(x, y)
      }
    }
    let count = Scalar(inputs.count)
    if self == .mean { try result.map(threads: context.threads) { (x: Scalar) in x / count } }
    return result
  }
}

/// The sum of its inputs.
///
/// Inputs: shapes that broadcast; one with fewer dimensions gets more behind the batch. No
/// variables.
public final class Add: MergingLayer {
  static let function = MergingFunction.sum
  let core: LayerState
  init(_ core: LayerState) { self.core = core }

  /// A layer that merges its inputs.
  ///
  /// - Throws: `invalidName`.
  public convenience init(
    name: String? = nil, trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(making: [:], name: name, trainable: trainable, dtype: dtype)
  }
}

/// The first input less the second.
///
/// Inputs: shapes that broadcast; one with fewer dimensions gets more behind the batch. No
/// variables.
public final class Subtract: MergingLayer {
  static let function = MergingFunction.difference
  let core: LayerState
  init(_ core: LayerState) { self.core = core }

  /// A layer that merges its inputs.
  ///
  /// - Throws: `invalidName`.
  public convenience init(
    name: String? = nil, trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(making: [:], name: name, trainable: trainable, dtype: dtype)
  }
}

/// The product of its inputs.
///
/// Inputs: shapes that broadcast; one with fewer dimensions gets more behind the batch. No
/// variables.
public final class Multiply: MergingLayer {
  static let function = MergingFunction.product
  let core: LayerState
  init(_ core: LayerState) { self.core = core }

  /// A layer that merges its inputs.
  ///
  /// - Throws: `invalidName`.
  public convenience init(
    name: String? = nil, trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(making: [:], name: name, trainable: trainable, dtype: dtype)
  }
}

/// The mean of its inputs.
///
/// Inputs: shapes that broadcast; one with fewer dimensions gets more behind the batch. No
/// variables.
public final class Average: MergingLayer {
  static let function = MergingFunction.mean
  let core: LayerState
  init(_ core: LayerState) { self.core = core }

  /// A layer that merges its inputs.
  ///
  /// - Throws: `invalidName`.
  public convenience init(
    name: String? = nil, trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(making: [:], name: name, trainable: trainable, dtype: dtype)
  }
}

/// The largest of its inputs.
///
/// Inputs: shapes that broadcast; one with fewer dimensions gets more behind the batch. No
/// variables.
public final class Maximum: MergingLayer {
  static let function = MergingFunction.largest
  let core: LayerState
  init(_ core: LayerState) { self.core = core }

  /// A layer that merges its inputs.
  ///
  /// - Throws: `invalidName`.
  public convenience init(
    name: String? = nil, trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(making: [:], name: name, trainable: trainable, dtype: dtype)
  }
}

/// The smallest of its inputs.
///
/// Inputs: shapes that broadcast; one with fewer dimensions gets more behind the batch. No
/// variables.
public final class Minimum: MergingLayer {
  static let function = MergingFunction.smallest
  let core: LayerState
  init(_ core: LayerState) { self.core = core }

  /// A layer that merges its inputs.
  ///
  /// - Throws: `invalidName`.
  public convenience init(
    name: String? = nil, trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(making: [:], name: name, trainable: trainable, dtype: dtype)
  }
}

/// A layer that makes several tensors one, element by element.
protocol MergingLayer: KerasLayer, ConfiguredLayer {
  /// What is made of the elements.
  static var function: MergingFunction { get }
  init(_ core: LayerState)
}

extension MergingLayer {
  static var kind: LayerKind { LayerKind(function.rawValue, keepsWholeNumbers: true) }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    self.init(try reader.layerState(className: Self.className))
  }

  /// The shape that all inputs broadcast to.
  func shapes(for inputs: [BatchShape]) throws(CairnError) -> [BatchShape] {
    guard Self.function.inputCount.contains(inputs.count), let first = inputs.first else {
      throw CairnError(
        .countMismatch, "the layer takes another number of inputs", at: .init(name: name),
        expected: "\(Self.function.inputCount)", found: "\(inputs.count)")
    }
    let rank = inputs.map(\.rank).max() ?? 0
    var result = first.padded(to: rank)
    for input in inputs.dropFirst() {
      let padded = input.padded(to: rank)
      var merged: [Int?] = []
      for (x, y) in zip(result, padded) {
        if x == 1 || y == 1 {
          merged.append(x == 1 ? y : x)
        } else if let x, let y, x != y {
          throw shapeMismatch(expected: "a shape that broadcasts to \(result)", found: input)
        } else {
          merged.append(x ?? y)
        }
      }
      result = merged
    }
    // The number of examples is known if all inputs know it.
    if inputs.contains(where: { $0.dimensions.first == .some(nil) }) { result[0] = nil }
    return [try BatchShape(result)]
  }

  /// The merged tensor.
  func results(
    _ inputs: [Tensor], in context: EvaluationContext
  ) throws(CairnError) -> [Tensor] {
    [try merged(floats: inputs.map { MaskedTensor($0) }, in: context)]
  }

  private func merged(
    floats inputs: [MaskedTensor], in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let precision = try state.precision(of: inputs.map(\.tensor))
    _ = try outputShapes(for: inputs.map { BatchShape($0.tensor.shape) })
    return try precision.run(
      FloatMerging(
        function: Self.function, inputs: inputs,
        usesMasks: usesMasks && inputs.contains { $0.mask != nil }, context: context))
  }

  /// As for the tensors alone, with their masks. A place counts if it counts in any input; if an
  /// input has no mask, every place counts. ``Maximum``, ``Minimum`` and ``Multiply`` leave out
  /// what the masks leave out, as Keras does from 3.4 and 3.6 on.
  func results(
    _ arguments: CallArguments<MaskedTensor>, in context: EvaluationContext
  ) throws(CairnError) -> [MaskedTensor] {
    let inputs = try plainInputs(arguments)
    let isWhole = inputs.allSatisfy { $0.tensor.dtype.isWhole } && !inputs.isEmpty
    let output =
      isWhole
      ? try merged(whole: inputs.map(\.tensor), in: context)
      : try merged(floats: inputs, in: context)
    let masks = inputs.compactMap(\.mask)
    guard masks.count == inputs.count, let first = masks.first else {
      return [MaskedTensor(output)]
    }
    var mask = try FloatArray<Float>(first.cast(to: .float32))
    for other in masks.dropFirst() {
      mask = try mask.combined(with: FloatArray(other.cast(to: .float32)), in: context) {
        max($0, $1)
      }
    }
    return [MaskedTensor(output, mask: try mask.tensor().cast(to: .bool))]
  }

  /// Whether the function looks at masks, by the rules of the model's Keras.
  private var usesMasks: Bool {
    switch Self.function {
    case .largest, .smallest: state.version.masksExtremes
    case .product: state.version.masksProducts
    default: false
    }
  }

  /// Integers stay integers; their mean is a float.
  private func merged(
    whole inputs: [Tensor], in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let shape = try only(outputShapes(for: inputs.map { BatchShape($0.shape) }))
    let function: BinaryFunction =
      switch Self.function {
      case .sum, .mean: .sum
      case .difference: .difference
      case .product: .product
      case .largest: .largest
      case .smallest: .smallest
      }
    let rank = inputs.map(\.rank).max() ?? 0
    var result: Tensor?
    for input in inputs {
      let dimensions = BatchShape(input.shape).padded(to: rank).map { $0 ?? 0 }
      let operand = try input.reshaped(to: Shape(dimensions))
      guard let left = result else {
        result = operand
        continue
      }
      let dtype = try Promotion.result([left.dtype, operand.dtype])
      result = try BinaryRule(function: function).evaluate(
        CallArguments(tensors: left, operand), to: TensorSpec(shape, dtype: dtype), in: context)
    }
    guard let sum = result else { throw state.notBuilt() }
    guard Self.function == .mean else { return sum }
    // The types in which TensorFlow divides integers (`math_ops.py`, `_TRUEDIV_TABLE`).
    if [.int32, .int64, .uint32, .uint64].contains(sum.dtype) {
      let values: [Double] = try sum.cast(to: .float64).scalars()
      return try Tensor(values.map { $0 / Double(inputs.count) }, shape: sum.shape)
    }
    let values: [Float] = try sum.cast(to: .float32).scalars()
    return try Tensor(values.map { $0 / Float(inputs.count) }, shape: sum.shape)
  }
}

/// Merges tensors of floats; their masks are used if `usesMasks`.
struct FloatMerging: FloatWork {
  let function: MergingFunction
  let inputs: [MaskedTensor]
  var usesMasks = false
  let context: EvaluationContext

  func run<Scalar: FloatScalar>(as type: Scalar.Type) throws(CairnError) -> Tensor {
    usesMasks
      ? try function.merged(masked: inputs, in: context, as: type)
      : try function.merged(inputs.map(\.tensor), in: context, as: type)
  }
}

extension MergingFunction {
  /// Merges tensors some of which have masks. What a mask leaves out counts as 1 in a product;
  /// where the larger or the smaller is taken, the other input is used instead. Keras
  /// `layers/merging/base_merge.py`, `_apply_merge_op_and_or_mask`, and `multiply.py`.
  func merged<Scalar: FloatScalar>(
    masked inputs: [MaskedTensor], in context: EvaluationContext, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    let rank = inputs.map(\.tensor.rank).max() ?? 0
    var arrays: [(values: FloatArray<Scalar>, mask: FloatArray<Scalar>?)] = []
    for input in inputs {
      var values = try FloatArray<Scalar>(input.tensor)
      var mask: FloatArray<Scalar>?
      // An input that gets dimensions loses its mask on the way, in Keras too.
      if input.tensor.rank == rank, let given = input.mask {
        var array = try FloatArray<Scalar>(given.cast(to: Scalar.dtype))
        array.shape.append(1)
        mask = try array.combined(
          with: FloatArray([Scalar](repeating: 0, count: values.values.count), shape: values.shape),
          in: context
        ) { x, _ in x }
      }
      values.shape = BatchShape(input.tensor.shape).padded(to: rank).map { $0 ?? 0 }
      arrays.append((values, mask))
    }
    guard var (result, resultMask) = arrays.first else { throw noInputs }
    func chosen(
      _ mask: FloatArray<Scalar>, _ one: FloatArray<Scalar>, _ other: FloatArray<Scalar>
    ) throws(CairnError) -> FloatArray<Scalar> {
      guard let shape = RowMajor.broadcast(one.shape, other.shape),
        let whole = RowMajor.broadcast(shape, mask.shape)
      else { throw noInputs }
      _ = try context.shape(whole)
      let (a, b, m) = (
        one.broadcast(to: whole), other.broadcast(to: whole), mask.broadcast(to: whole)
      )
      return FloatArray(
        m.values.indices.map { m.values[$0] != 0 ? a.values[$0] : b.values[$0] }, shape: whole)
    }
    let one = FloatArray<Scalar>([1], shape: [])
    if self == .product, let mask = resultMask { result = try chosen(mask, result, one) }
    for (given, mask) in arrays.dropFirst() {
      var values = given
      if self == .product {
        if let mask { values = try chosen(mask, values, one) }
      } else {
        if let mask { values = try chosen(mask, values, result) }
        if let resultMask { result = try chosen(resultMask, result, values) }
      }
      if let mask, let before = resultMask {
        resultMask = try before.combined(with: mask, in: context) { max($0, $1) }
      } else {
        resultMask = nil
      }
      result = try result.combined(with: values, in: context) { merge($0, $1) }
    }
    if self == .product, let mask = resultMask {
      result = try chosen(mask, result, FloatArray([0], shape: []))
    }
    return try result.tensor()
  }

  fileprivate var noInputs: CairnError {
    CairnError(.shapeMismatch, "masks and inputs of a merging layer do not go together")
  }
}

extension BatchShape {
  /// The dimensions, with the missing ones added behind the first, of length 1.
  func padded(to rank: Int) -> [Int?] {
    guard self.rank < rank, let first = dimensions.first else {
      return [Int?](repeating: 1, count: max(rank - self.rank, 0)) + dimensions
    }
    return [first] + [Int?](repeating: 1, count: rank - self.rank) + dimensions.dropFirst()
  }
}
