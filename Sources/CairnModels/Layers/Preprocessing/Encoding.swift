// Keras `layers/preprocessing/category_encoding.py`, `discretization.py`, `integer_lookup.py`: numbers made
// places, and places made vectors.

import CairnJSON
public import CairnSystem
public import CairnTensors

/// What becomes of the places that a layer finds. Keras `utils/numerical_utils.py`,
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

  /// The shape for places of that shape.
  func shape(_ input: BatchShape, depth: Int) throws(CairnError) -> BatchShape {
    let dimensions = input.dimensions
    switch self {
    case .int: return input
    case .oneHot:
      let isColumn = dimensions.count > 1 && dimensions.last == .some(1)
      return try BatchShape((isColumn ? dimensions.dropLast() : dimensions[...]) + [depth])
    case .multiHot, .count:
      guard dimensions.count > 1 else { return try BatchShape([depth]) }
      return try BatchShape([dimensions[0]] + dimensions.dropFirst(2) + [depth])
    }
  }

  /// The vectors of places, of which those that are nil count nowhere.
  func encode(
    _ places: [Int?], _ input: Shape, depth: Int, of layer: any Layer, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let shape = try context.shape(shape(BatchShape(input), depth: depth))
    var values = [Float](repeating: 0, count: shape.elementCount)
    // What is added up lies behind the first dimension, or is the only one.
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
      values[target] = self == .count ? values[target] + 1 : 1
    }
    return try Tensor(values, shape: shape).cast(to: layer.state.dtype.computeDType)
  }
}

/// Whole numbers made vectors; Keras's `CategoryEncoding`. No variables.
public final class CategoryEncoding: UnaryLayer {
  /// `CategoryEncoding`
  public static let className = "CategoryEncoding"

  /// Name, flag and variables.
  public let state: LayerState
  private let count: Int
  private let mode: PlaceEncoding

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    count = try reader.integer("num_tokens", in: 1...ConfigurationReader.greatestExtent)
    mode = try reader.choice("output_mode", default: .multiHot)
    guard mode != .int, reader.take("sparse")?.boolValue != true else {
      throw reader.invalid("output_mode", expected: "one_hot, multi_hot or count, not sparse")
    }
    state = try reader.layerState(className: Self.className)
  }

  /// False: the input is numbers of places.
  public var castsFloats: Bool { false }

  /// A dimension of as many places as there are numbers.
  public func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    try mode.shape(input, depth: count)
  }

  /// The vectors.
  public func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let numbers: [Int64] = try input.cast(to: .int64).scalars()
    return try mode.encode(
      numbers.map { Int($0) }, input.shape, depth: count, of: self, in: context)
  }
}

/// Numbers made the places of the intervals that they lie in; Keras's `Discretization`. No variables.
public final class Discretization: UnaryLayer {
  /// `Discretization`
  public static let className = "Discretization"

  /// Name, flag and variables.
  public let state: LayerState
  private let borders: [Float]
  private let mode: PlaceEncoding

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    guard let list = try reader.numbers("bin_boundaries"), list.rank == 1 else {
      throw reader.unsupported(
        "bin_boundaries", "a layer whose intervals were never found out has none")
    }
    borders = list.values.map { Float($0) }
    for key in ["num_bins", "epsilon"] { reader.record(key, reader.take(key) ?? .null) }
    mode = try reader.choice("output_mode", default: .int)
    let isSparse = try reader.bool("sparse", default: false)
    guard !isSparse else { throw reader.unsupported("sparse", "tensors are never sparse here") }
    state = try reader.layerState(className: Self.className)
  }

  /// The input's own shape, or with a dimension for the intervals.
  public func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    try mode.shape(input, depth: borders.count + 1)
  }

  /// int32 for places.
  public func outputSpecs(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [TensorSpec] {
    let shape = try outputShape(for: only(plainInputs(arguments)).shape)
    return [TensorSpec(shape, dtype: mode == .int ? .int32 : state.dtype.computeDType)]
  }

  /// The places, or their vectors.
  public func evaluate(
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
    return try mode.encode(places, input.shape, depth: borders.count + 1, of: self, in: context)
  }
}

/// Whole numbers made their places in a list; Keras's `IntegerLookup`, with the list in its
/// configuration. No variables.
public final class IntegerLookup: UnaryLayer {
  /// `IntegerLookup`
  public static let className = "IntegerLookup"
  /// False: Keras builds this class when it is made.
  public static var recordsBuildShape: Bool { false }

  /// Name, flag and variables.
  public let state: LayerState
  private let places: [Int64: Int]
  private let tokens: [Int64]
  private let mask: Int64?
  private let outside: Int64
  private let outsideCount: Int
  private let start: Int
  private let depth: Int
  private let inverts: Bool
  private let mode: PlaceEncoding

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    guard let list = reader.take("vocabulary")?.arrayValue else {
      throw reader.unsupported(
        "vocabulary", "a vocabulary that is not in the configuration is not read")
    }
    reader.record("vocabulary", .array(list))
    var numbers = list.compactMap(\.intValue).map { Int64($0) }
    guard numbers.count == list.count, !numbers.isEmpty else {
      throw reader.invalid("vocabulary", expected: "a list of whole numbers")
    }
    mode = try reader.choice("output_mode", default: .int)
    mask = try reader.optionalInteger("mask_token").map { Int64($0) }
    outside = Int64(try reader.integer("oov_token", default: -1))
    outsideCount = try reader.integer("num_oov_indices", in: 0...1 << 20, default: 1)
    inverts = try reader.bool("invert", default: false)
    let first = mask != nil && mode == .int ? 1 : 0
    start = first + outsideCount
    let special =
      [Int64](repeating: mask ?? 0, count: first)
      + [Int64](repeating: outside, count: outsideCount)
    if numbers.starts(with: special) { numbers = Array(numbers.dropFirst(start)) }
    tokens = numbers
    var places: [Int64: Int] = [:]
    for (index, number) in numbers.enumerated() { places[number] = start + index }
    self.places = places
    let most = try reader.optionalInteger("max_tokens", in: 1...ConfigurationReader.greatestExtent)
    let pads = try reader.bool("pad_to_max_tokens", default: false)
    depth = pads ? most ?? start + numbers.count : start + numbers.count
    for key in ["vocabulary_size", "vocabulary_dtype", "idf_weights"] {
      reader.record(key, reader.take(key) ?? .null)
    }
    guard try !reader.bool("sparse", default: false), reader.take("salt") == nil,
      try reader.string("oov_method", default: "floormod").isSpelt(as: "floormod")
    else {
      throw reader.unsupported("oov_method", "hashing and sparse tensors are not implemented")
    }
    state = try reader.layerState(className: Self.className)
  }

  /// Empty: there is nothing to build.
  public var inputShapes: [BatchShape]? { state.inputShapes ?? [] }
  /// False: the input is whole numbers.
  public var castsFloats: Bool { false }

  /// The input's own shape, or with a dimension for the list.
  public func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    try mode.shape(input, depth: depth)
  }

  /// int64 for places.
  public func outputSpecs(
    for arguments: CallArguments<TensorSpec>
  ) throws(CairnError) -> [TensorSpec] {
    let shape = try outputShape(for: only(plainInputs(arguments)).shape)
    return [TensorSpec(shape, dtype: mode == .int ? .int64 : .float32)]
  }

  /// The places, or their vectors; or the numbers at places.
  public func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let shape = try context.shape(outputShape(for: BatchShape(input.shape)))
    let numbers: [Int64] = try input.cast(to: .int64).scalars()
    if inverts {
      let values = numbers.map { number -> Int64 in
        if let mask, number == 0 { return mask }
        let index = Int(exactly: number).map { $0 &- start } ?? -1
        return tokens.indices.contains(index) ? tokens[index] : outside
      }
      return try Tensor(values, shape: shape)
    }
    var found: [Int?] = []
    for (index, number) in numbers.enumerated() {
      if let mask, number == mask {
        found.append(mode == .int ? 0 : nil)
      } else if let place = places[number] {
        found.append(place)
      } else if outsideCount > 0 {
        let rest = number % Int64(outsideCount)
        let bucket = rest < 0 ? rest + Int64(outsideCount) : rest
        found.append(start - outsideCount + Int(bucket))
      } else {
        throw CairnError(
          .invalidArgument, "a number of the input is not in the layer's list",
          at: .init(name: name, index: index), found: "\(number)")
      }
    }
    guard mode != .int else { return try Tensor(found.map { Int64($0 ?? 0) }, shape: shape) }
    return try mode.encode(found, input.shape, depth: depth, of: self, in: context)
  }
}
