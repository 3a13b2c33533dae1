// Keras `layers/reshaping/up_sampling1d.py`, `up_sampling2d.py`, `up_sampling3d.py`.

import CairnJSON
public import CairnSystem
import CairnTensors

/// Steps repeated.
public typealias UpSampling1D = UpSampling<OneDimensional>
/// A picture enlarged.
public typealias UpSampling2D = UpSampling<TwoDimensional>
/// A volume enlarged.
public typealias UpSampling3D = UpSampling<ThreeDimensional>

/// Each spatial dimension longer by a whole factor.
///
/// Input: `(n, …, c)`, or `(n, c, …)` with channels first. No variables. Interpolation is for two
/// dimensions only, as in Keras.
public final class UpSampling<Rank: SpatialRank>: OneInputLayer, ConfiguredLayer {
  static var kind: LayerKind { LayerKind("UpSampling\(Rank.rank)D") }

  let core: LayerState
  private let size: [Int]
  private let dataFormat: DataFormat
  private let interpolation: Interpolation

  /// A layer that makes each dimension `size` times as long.
  ///
  /// - Throws: `invalidArgument` for factors below 1; `invalidName`.
  public convenience init(
    _ size: Extents = 2, dataFormat: DataFormat = .channelsLast,
    interpolation: Interpolation = .nearest, name: String? = nil, trainable: Bool = true,
    dtype: DTypePolicy = .float32
  ) throws(CairnError) {
    var settings: LayerSettings = ["size": size]
    if Rank.rank > 1 { settings["data_format"] = dataFormat }
    if Rank.rank == 2 { settings["interpolation"] = interpolation }
    try self.init(
      making: settings, name: name, trainable: trainable, dtype: dtype)
  }

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    size = try reader.extents("size", count: Rank.rank, default: 2)
    if Rank.rank == 1 { reader.record("size", .integer(Int64(size[0]))) }
    dataFormat = Rank.rank == 1 ? .channelsLast : try reader.dataFormat()
    interpolation =
      Rank.rank == 2 ? try reader.choice("interpolation", default: .nearest) : .nearest
    core = try reader.layerState(className: Self.className)
  }

  /// Each spatial dimension times its factor.
  func outputShape(for input: BatchShape) throws(CairnError) -> BatchShape {
    try input.withSpatial(Rank.rank, dataFormat, of: self) { (axis, length) throws(CairnError) in
      guard let length else { return nil }
      return try Shape([length, size[axis]]).elementCount
    }
  }

  /// The enlarged input.
  func evaluate(
    _ input: Tensor, in context: EvaluationContext
  ) throws(CairnError) -> Tensor {
    let shape = try context.shape(outputShape(for: BatchShape(input.shape)))
    guard interpolation != .nearest else {
      var places = shape.dimensions.map { Array(0..<$0) }
      let first = dataFormat.firstSpatial
      for axis in 0..<Rank.rank {
        places[first + axis] = places[first + axis].map { $0 / size[axis] }
      }
      return try input.gathered(places, in: context)
    }
    return try state.precision(of: input).run(
      Stretching(
        interpolation: interpolation, input: input, first: dataFormat.firstSpatial, factors: size))
  }
}
