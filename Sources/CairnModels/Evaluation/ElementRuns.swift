// Tensors made by moving the elements of another tensor to other places. Nothing is computed, so
// any element type will do.

import CairnSystem
import CairnTensors

extension Tensor {
  /// A tensor made of runs of `length` elements: each is a run of this tensor, or zeros.
  ///
  /// - Parameters:
  ///   - shape: The result's.
  ///   - length: The elements in a run.
  ///   - sources: For each run of the result the index of this tensor's run, -1 for zeros.
  /// - Throws: `noConversion` for element types that don't fill bytes; `outOfMemory`.
  func runs(
    shape: Shape, length: Int, sources: [Int]
  ) throws(CairnError) -> Tensor {
    let bytes = try dtype.elementWidth()
    let width = length * bytes
    return try Tensor(
      dtype: dtype, shape: shape, byteCount: shape.elementCount * bytes
    ) { (target) throws(CairnError) in
      guard width > 0 else { return }
      withBytes { source in
        for (index, run) in sources.enumerated() {
          if run >= 0 {
            target.copy(source.extracting(run * width..<(run + 1) * width), at: index * width)
          } else {
            for byte in index * width..<(index + 1) * width { target[byte] = 0 }
          }
        }
      }
    }
  }

  /// The dimensions in another order: the first of the result is `permutation[0]` of this.
  ///
  /// - Precondition: `permutation` is a permutation of the indices of the dimensions.
  func transposed(_ permutation: [Int]) throws(CairnError) -> Tensor {
    let dimensions = shape.dimensions
    var fixed = permutation.count
    while fixed > 0, permutation[fixed - 1] == fixed - 1 { fixed -= 1 }
    guard fixed > 0, elementCount > 0 else {
      return try reshaped(to: Shape(permutation.map { dimensions[$0] }))
    }
    let length = dimensions[fixed...].reduce(1, *)
    let strides = RowMajor.strides(Array(dimensions[..<fixed]))
    let moved = Array(permutation[..<fixed])
    let sources = RowMajor.places(
      moved.map { dimensions[$0] }, strides: moved.map { strides[$0] })
    let shape = try Shape(permutation.map { dimensions[$0] })
    guard length == 1 else { return try runs(shape: shape, length: length, sources: sources) }
    switch dtype {
    case .float32: return try taken(sources, shape: shape, as: Float.self)
    case .float64: return try taken(sources, shape: shape, as: Double.self)
    default: return try runs(shape: shape, length: length, sources: sources)
    }
  }

  /// The elements at those places.
  private func taken<Scalar: FloatScalar>(
    _ sources: [Int], shape: Shape, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    try withScalars(of: type) { (values) throws(CairnError) in
      try Tensor(sources.map { values[$0] }, shape: shape)
    }
  }

  /// With the channels last: `(n, c, …)` as `(n, …, c)`.
  func withChannelsLast(from format: DataFormat) throws(CairnError) -> Tensor {
    guard format == .channelsFirst, rank > 2 else { return self }
    return try transposed([0] + Array(2..<rank) + [1])
  }

  /// With the channels where the format has them: `(n, …, c)` as `(n, c, …)`, if they are first.
  func withChannels(in format: DataFormat) throws(CairnError) -> Tensor {
    guard format == .channelsFirst, rank > 2 else { return self }
    return try transposed([0, rank - 1] + Array(1..<rank - 1))
  }

  /// A tensor whose places are taken from this one: for each dimension, `places` has the place of
  /// this tensor for each place of the result, -1 for zeros.
  func gathered(_ places: [[Int]], in context: EvaluationContext) throws(CairnError) -> Tensor {
    let shape = try context.shape(places.map(\.count))
    guard shape.elementCount > 0 else { return try Tensor(zeros: dtype, shape: shape) }
    // Trailing dimensions that do not change are moved as whole runs.
    var moved = rank
    while moved > 0, places[moved - 1] == Array(0..<self.shape[moved - 1]) { moved -= 1 }
    let length = self.shape.dimensions[moved...].reduce(1, *)
    let strides = RowMajor.strides(Array(self.shape.dimensions[..<moved]))
    var sources = [0]
    for axis in 0..<moved {
      var longer: [Int] = []
      longer.reserveCapacity(sources.count * places[axis].count)
      for source in sources {
        for place in places[axis] {
          longer.append(source < 0 || place < 0 ? -1 : source + place * strides[axis])
        }
      }
      sources = longer
    }
    return try runs(shape: shape, length: length, sources: sources)
  }
}

extension DType {
  /// The bytes of an element.
  ///
  /// - Throws: `noConversion` for types whose elements don't fill bytes.
  func elementWidth() throws(CairnError) -> Int {
    guard self != .string, let bits = bitWidth, bits % 8 == 0 else {
      throw CairnError(
        .noConversion, "elements of this type cannot be moved one by one", found: "\(self)")
    }
    return bits / 8
  }
}
