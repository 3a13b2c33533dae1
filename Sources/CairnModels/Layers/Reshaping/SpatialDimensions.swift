// The dimensions between examples and channels.

import CairnSystem
import CairnTensors

extension DataFormat {
  /// The first of the spatial dimensions.
  var firstSpatial: Int { self == .channelsFirst ? 2 : 1 }
}

extension BatchShape {
  /// The shape with other lengths of its spatial dimensions.
  ///
  /// - Parameters:
  ///   - rank: How many spatial dimensions the layer has.
  ///   - length: Gives the new length of a spatial dimension, by its number among them.
  /// - Throws: `shapeMismatch` for a shape of another rank.
  func withSpatial(
    _ rank: Int, _ format: DataFormat, of layer: any Layer,
    _ length: (Int, Int?) throws(CairnError) -> Int?
  ) throws(CairnError) -> BatchShape {
    try checkSpatial(rank, of: layer)
    var dimensions = dimensions
    for axis in 0..<rank {
      let place = format.firstSpatial + axis
      dimensions[place] = try length(axis, dimensions[place])
    }
    return try BatchShape(dimensions)
  }

  /// Checks that there are the given number of spatial dimensions besides examples and channels.
  func checkSpatial(_ spatialRank: Int, of layer: any Layer) throws(CairnError) {
    guard rank == spatialRank + 2 else {
      throw layer.shapeMismatch(expected: "\(spatialRank + 2) dimensions", found: self)
    }
  }
}
