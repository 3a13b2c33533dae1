// Keras `layers/reshaping/zero_padding1d.py`, `cropping1d.py` and their siblings.

import CairnJSON
public import CairnSystem
import CairnTensors

/// Zeros around the steps.
public typealias ZeroPadding1D = ZeroPadding<OneDimensional>
/// Zeros around a picture.
public typealias ZeroPadding2D = ZeroPadding<TwoDimensional>
/// Zeros around a volume.
public typealias ZeroPadding3D = ZeroPadding<ThreeDimensional>
/// Steps cut off at both ends.
public typealias Cropping1D = Cropping<OneDimensional>
/// A picture's border cut off.
public typealias Cropping2D = Cropping<TwoDimensional>
/// A volume's border cut off.
public typealias Cropping3D = Cropping<ThreeDimensional>

/// The places in front of and behind each spatial dimension.
public struct Borders: Sendable {
  /// For each dimension the number in front and behind; one counts for all.
  package let pairs: [(front: Int, behind: Int)]

  /// The same number everywhere.
  public init(_ count: Int) { pairs = [(count, count)] }
  /// Numbers for each dimension.
  public init(_ pairs: [(front: Int, behind: Int)]) { self.pairs = pairs }

  fileprivate func json(rank: Int) -> JSONValue {
    let all = pairs.count == 1 ? Array(repeating: pairs[0], count: rank) : pairs
    let list = all.map { JSONValue.array([.integer(Int64($0.front)), .integer(Int64($0.behind))]) }
    return rank == 1 && list.count == 1 ? list[0] : .array(list)
  }
}

extension ConfigurationReader {
  /// A pair of counts for each dimension: one number, a number a dimension, or pairs.
  fileprivate mutating func borders(
    _ key: String, rank: Int, default fallback: Int
  ) throws(CairnError) -> Borders {
    let value = take(key) ?? .integer(Int64(fallback))
    func pair(_ value: JSONValue) -> (front: Int, behind: Int)? {
      if let single = value.intValue { return (single, single) }
      let numbers = (value.arrayValue ?? []).compactMap(\.intValue)
      return numbers.count == 2 && value.arrayValue?.count == 2 ? (numbers[0], numbers[1]) : nil
    }
    var pairs: [(front: Int, behind: Int)] = []
    if value.intValue != nil || rank == 1 {
      pairs = Array(repeating: pair(value), count: rank).compactMap { $0 }
    } else {
      pairs = (value.arrayValue ?? []).prefix(rank + 1).compactMap { pair($0) }
    }
    let range = 0...Self.greatestExtent
    guard pairs.count == rank,
      value.arrayValue?.count ?? rank == (rank == 1 ? 2 : rank)
        || value.intValue != nil,
      pairs.allSatisfy({ range.contains($0.front) && range.contains($0.behind) })
    else { throw invalid(key, expected: "a count, or a pair of counts for each dimension") }
    let borders = Borders(pairs)
    record(key, borders.json(rank: rank))
    return borders
  }
}

/// Zeros in front of and behind each spatial dimension.
///
/// Input: `(n, …, c)`, or `(n, c, …)` with channels first. No variables.
public final class ZeroPadding<Rank: SpatialRank>: OneInputLayer, ConfiguredLayer {
  static var kind: LayerKind {
    LayerKind("ZeroPadding\(Rank.rank)D", keepsWholeNumbers: true)
  }

  let core: LayerState
  private let padding: Borders
  private let dataFormat: DataFormat

  /// A layer that adds that many zeros.
  ///
  /// - Throws: `invalidArgument` for negative counts; `invalidName`.
  public convenience init(
    _ padding: Borders = Borders(1), dataFormat: DataFormat = .channelsLast, name: String? = nil,
    trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    try self.init(
      making: [
        "padding": padding.json(rank: Rank.rank), "data_format": dataFormat,
      ], name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    padding = try reader.borders("padding", rank: Rank.rank, default: 1)
    dataFormat = try reader.dataFormat()
    core = try reader.layerState(className: Self.className)
  }

  /// Each spatial dimension longer by its zeros.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    try input.withSpatial(Rank.rank, dataFormat, of: self) { axis, length in
      length.map { $0 + padding.pairs[axis].front + padding.pairs[axis].behind }
    }
  }

  /// The input with zeros around it.
  func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let shape = try context.shape(outputShape(for: BatchShape(input.shape)))
    var places = shape.dimensions.map { Array(0..<$0) }
    for (axis, pair) in padding.pairs.enumerated() {
      let place = axis + dataFormat.firstSpatial
      let length = input.shape[place]
      places[place] = places[place].map {
        (pair.front..<pair.front + length).contains($0) ? $0 - pair.front : -1
      }
    }
    return try input.gathered(places, in: context)
  }
}

/// Places cut off in front of and behind each spatial dimension.
///
/// Input: `(n, …, c)`, or `(n, c, …)` with channels first. No variables.
public final class Cropping<Rank: SpatialRank>: OneInputLayer, ConfiguredLayer {
  static var kind: LayerKind { LayerKind("Cropping\(Rank.rank)D", keepsWholeNumbers: true) }

  let core: LayerState
  private let cropping: Borders
  private let dataFormat: DataFormat

  /// A layer that cuts that many places off.
  ///
  /// - Throws: `invalidArgument` for negative counts; `invalidName`.
  public convenience init(
    _ cropping: Borders = Borders(1), dataFormat: DataFormat = .channelsLast, name: String? = nil,
    trainable: Bool = true, dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    var settings: LayerSettings = ["cropping": cropping.json(rank: Rank.rank)]
    if Rank.rank > 1 { settings["data_format"] = dataFormat }
    try self.init(
      making: settings, name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    cropping = try reader.borders("cropping", rank: Rank.rank, default: Rank.rank == 2 ? 0 : 1)
    dataFormat = Rank.rank == 1 ? .channelsLast : try reader.dataFormat()
    core = try reader.layerState(className: Self.className)
  }

  /// Each spatial dimension shorter by what is cut off.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    try input.withSpatial(Rank.rank, dataFormat, of: self) { (axis, length) throws(CairnError) in
      let rest = length.map { $0 - cropping.pairs[axis].front - cropping.pairs[axis].behind }
      guard rest ?? 1 > 0 else {
        throw shapeMismatch(expected: "more places than are cut off", found: input)
      }
      return rest
    }
  }

  /// The input without its border.
  func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let shape = try context.shape(outputShape(for: BatchShape(input.shape)))
    var places = shape.dimensions.map { Array(0..<$0) }
    for (axis, pair) in cropping.pairs.enumerated() {
      let place = axis + dataFormat.firstSpatial
      places[place] = places[place].map { $0 + pair.front }
    }
    return try input.gathered(places, in: context)
  }
}
