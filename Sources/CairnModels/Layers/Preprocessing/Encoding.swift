// Keras `layers/preprocessing/category_encoding.py`, `discretization.py`: numbers turned into
// places, and places turned into vectors.

import CairnJSON
import CairnSystem
import CairnTensors

/// How the places that a layer finds are encoded. Keras `utils/numerical_utils.py`,
/// `encode_categorical_inputs`.
enum PlaceEncoding: String, CaseIterable, Sendable {
  /// The places themselves.
  case int
  /// For each a vector with a one in its place.
  case oneHot = "one_hot"
  /// For each example a vector with ones in all its places.
  case multiHot = "multi_hot"
  /// The same, counted.
  case count
  /// The same, counted and weighted.
  case tfIDF = "tf_idf"

  /// The result's shape for places of that shape.
  func shape(_ input: BatchShape, depth: Int) throws(CairnError) -> BatchShape {
    let dimensions = input.dimensions
    switch self {
    case .int: return input
    case .oneHot:
      let isColumn = dimensions.count > 1 && dimensions.last == .some(1)
      return try BatchShape((isColumn ? dimensions.dropLast() : dimensions[...]) + [depth])
    case .multiHot, .count, .tfIDF:
      guard dimensions.count > 1 else { return try BatchShape([depth]) }
      return try BatchShape([dimensions[0]] + dimensions.dropFirst(2) + [depth])
    }
  }

  /// The vectors for places; places that are nil are left out.
  ///
  /// - Parameters:
  ///   - dtype: Their type.
  ///   - weights: What each place is multiplied by.
  func encode(
    _ places: [Int?], _ input: Shape, depth: Int, as dtype: DType, weights: Tensor? = nil,
    of layer: any Layer, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let shape = try context.shape(shape(BatchShape(input), depth: depth))
    var values = [Float](repeating: 0, count: shape.elementCount)
    // The dimension that is added up is the second, or the only one.
    let (outer, summed) = input.rank > 1 ? (input[0], input[1]) : (1, input.elementCount)
    let inner = input.rank > 1 ? input.dimensions.dropFirst(2).reduce(1, *) : 1
    for (index, place) in places.enumerated() {
      guard let place else { continue }
      guard (0..<depth).contains(place) else {
        throw CairnError(
          .invalidArgument, "there is no place for a number of the input",
          at: .init(name: layer.name, index: index), expected: "0..<\(depth)", found: "\(place)")
      }
      guard self != .oneHot else {
        values[index * depth + place] = 1
        continue
      }
      let row = index / max(summed * inner, 1) % max(outer, 1)
      let target = (row * inner + index % max(inner, 1)) * depth + place
      values[target] = self == .multiHot ? 1 : values[target] + 1
    }
    if let factors: [Float] = try weights?.scalars(), factors.count == depth, depth > 0 {
      for index in values.indices { values[index] *= factors[index % depth] }
    }
    return try Tensor(values, shape: shape).cast(to: dtype)
  }
}

/// Turns whole numbers into vectors; Keras's `CategoryEncoding`. No variables.
package final class CategoryEncoding: OneInputLayer, ConfiguredLayer {
  static let kind = LayerKind("CategoryEncoding", castsFloats: false)

  let core: LayerState
  private let count: Int
  private let mode: PlaceEncoding

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    count = try reader.integer("num_tokens", in: 1...ConfigurationReader.greatestExtent)
    mode = try reader.placeEncoding(default: .multiHot)
    guard mode != .int, mode != .tfIDF, reader.take("sparse")?.boolValue != true else {
      throw reader.invalid("output_mode", expected: "one_hot, multi_hot or count, not sparse")
    }
    core = try reader.layerState(className: Self.className)
  }

  /// A dimension of as many places as there are numbers.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    try mode.shape(input, depth: count)
  }

  /// The vectors.
  func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let numbers: [Int64] = try input.cast(to: .int64).scalars()
    return try mode.encode(
      numbers.map { Int($0) }, input.shape, depth: count, as: state.dtype.computeDType,
      of: self, in: context)
  }
}

/// Turns numbers into the places of the intervals that they lie in; Keras's `Discretization`. No
/// variables.
package final class Discretization: TypedLayer, ConfiguredLayer {
  static let kind = LayerKind("Discretization")

  let core: LayerState
  private let borders: [Float]
  private let mode: PlaceEncoding

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    guard let list = try reader.numbers("bin_boundaries"), list.rank == 1 else {
      throw reader.unsupported(
        "bin_boundaries", "a layer whose intervals were never found out has none")
    }
    borders = list.values.map { Float($0) }
    for key in ["num_bins", "epsilon"] { reader.record(key, reader.take(key) ?? .null) }
    mode = try reader.placeEncoding(default: .int)
    guard mode != .tfIDF else { throw reader.invalid("output_mode", expected: "no weights") }
    try reader.refuse("sparse", "tensors are never sparse here")
    core = try reader.layerState(className: Self.className)
  }

  /// The input's own shape, or with a dimension for the intervals.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    try mode.shape(input, depth: borders.count + 1)
  }

  /// int32 for places.
  var outputDType: DType { mode == .int ? .int32 : state.dtype.computeDType }

  /// The places, or their vectors.
  func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let values: [Float] = try input.cast(to: .float32).scalars()
    let places = values.map { value in
      // The first border above the number: they ascend.
      var (low, high) = (0, borders.count)
      while low < high {
        let middle = (low + high) / 2
        if borders[middle] > value { high = middle } else { low = middle + 1 }
      }
      return low
    }
    guard mode != .int else {
      return try Tensor(
        places.map { Int32($0) }, shape: context.shape(outputShape(for: BatchShape(input.shape))))
    }
    return try mode.encode(
      places, input.shape, depth: borders.count + 1, as: state.dtype.computeDType, of: self,
      in: context)
  }
}
