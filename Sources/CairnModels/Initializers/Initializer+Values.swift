// Drawing initial values.

import CairnJSON
package import CairnSystem
package import CairnTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

extension Initializer {
  /// Initial values for a variable of that shape.
  ///
  /// Values are drawn in row-major order, computed in double precision and rounded to float32, then
  /// to `dtype`.
  ///
  /// - Parameter seed: What to draw from, unless the initializer has a seed of its own.
  /// - Throws: `invalidShape` where the rule needs a matrix, `noConversion`, `outOfMemory`.
  package func values(shape: Shape, dtype: DType, seed: UInt64) throws(CairnError) -> Tensor {
    try check(shape)
    if case .zeros = rule { return try Tensor(zeros: dtype, shape: shape) }
    var tensor = try Tensor(zeros: .float32, shape: shape)
    try tensor.withMutableScalars(of: Float.self) { draw(into: &$0, shape, seed: seed) }
    return try tensor.cast(to: dtype)
  }

  /// The same values, drawn when they are first read; nil where a cast would be needed, since the
  /// cast would then take more memory.
  ///
  /// - Throws: `invalidShape`, `outOfMemory`.
  func deferred(
    shape: Shape, dtype: DType, seed: UInt64
  ) throws(CairnError) -> DeferredTensor? {
    try check(shape)
    if case .zeros = rule { return try DeferredTensor(zeros: dtype, shape: shape) }
    guard dtype == .float32 else { return nil }
    return try DeferredTensor(float32: shape) { draw(into: &$0, shape, seed: seed) }
  }

  private func check(_ shape: Shape) throws(CairnError) {
    let fits =
      switch rule {
      case .identity: shape.rank == 2
      case .orthogonal: shape.rank >= 2
      case .array(let array):
        RowMajor.broadcast(array.shape, shape.dimensions) == shape.dimensions
      default: true
      }
    if case .unknown(let configuration) = rule {
      throw CairnError(
        .unknownInitializer, "there is no initializer ‘\(className)’",
        found: configuration["module"]?.stringValue.map { "one of the module \($0)" },
        advice: "Load the weights, or choose one of "
          + Set(Self.classNames.values).sorted().joined(separator: ", "))
    }
    guard fits else {
      throw CairnError(
        .invalidShape, "the initializer \(className) has no values for that shape",
        found: "\(shape)")
    }
  }

  /// Sets every element. The shape was checked.
  private func draw(into values: inout MutableSpan<Float>, _ shape: Shape, seed: UInt64) {
    var generator = SeededGenerator(seed: ownSeed ?? seed)
    switch rule {
    case .zeros: fill(&values) { 0 }
    case .ones: fill(&values) { 1 }
    case .constant(let value): fill(&values) { value }
    case .identity(let gain): fillDiagonal(&values, shape, gain: gain)
    case .uniform(let minimum, let maximum): fillUniform(&values, minimum, maximum, &generator)
    case .normal(let mean, let deviation):
      fill(&values) { mean + deviation * generator.normal() }
    case .truncatedNormal(let mean, let deviation):
      fill(&values) { mean + deviation * generator.truncatedNormal() }
    case .varianceScaling(let scale, let mode, let distribution):
      fillScaled(&values, shape, scale, mode, distribution, &generator)
    case .array(let array):
      let places = RowMajor.places(array.shape, in: shape.dimensions)
      for (index, place) in places.enumerated() { values[index] = Float(array.values[place]) }
    case .unknown: fill(&values) { 0 }
    case .orthogonal(let gain): fillOrthogonal(&values, shape, gain: gain, &generator)
    }
  }

  private var ownSeed: UInt64? {
    let value = seed["config"]?["seed"] ?? seed
    return value.intValue.map { UInt64(bitPattern: Int64($0)) }
  }

  private func fill(_ values: inout MutableSpan<Float>, _ value: () -> Double) {
    for index in values.indices { values[index] = Float(value()) }
  }

  private func fillUniform(
    _ values: inout MutableSpan<Float>, _ minimum: Double, _ maximum: Double,
    _ generator: inout SeededGenerator
  ) {
    // Rounding to float32 may reach the upper bound, which is not part of the range.
    let last = maximum > minimum ? Double(Float(maximum).nextDown) : maximum
    fill(&values) { min(minimum + (maximum - minimum) * generator.unit(), last) }
  }

  /// Keras `VarianceScaling.__call__`: the bounds follow from the number of inputs and outputs.
  private func fillScaled(
    _ values: inout MutableSpan<Float>, _ shape: Shape, _ scale: Double, _ mode: FanMode,
    _ distribution: Distribution, _ generator: inout SeededGenerator
  ) {
    let (inputs, outputs) = fans(of: shape)
    let count =
      switch mode {
      case .fanIn: inputs
      case .fanOut: outputs
      case .fanAverage: (inputs + outputs) / 2
      }
    let variance = scale / max(1, count)
    switch distribution {
    case .uniform:
      let limit = (3 * variance).squareRoot()
      fillUniform(&values, -limit, limit, &generator)
    case .truncatedNormal:
      // The deviation of a standard normal cut off at ±2.
      let deviation = variance.squareRoot() / 0.87962566103423978
      fill(&values) { deviation * generator.truncatedNormal() }
    case .untruncatedNormal:
      let deviation = variance.squareRoot()
      fill(&values) { deviation * generator.normal() }
    }
  }

  /// Keras `compute_fans`: the last two axes of a kernel are inputs and outputs, those before them
  /// a field that both are multiplied by.
  func fans(of shape: Shape) -> (inputs: Double, outputs: Double) {
    func product(_ axes: [Int]) -> Double {
      axes.reduce(1) { total, axis in
        let index = axis < 0 ? axis + shape.rank : axis
        return (0..<shape.rank).contains(index) ? total * Double(shape[index]) : total
      }
    }
    if let inputAxes, let outputAxes { return (product(inputAxes), product(outputAxes)) }
    switch shape.rank {
    case 0: return (1, 1)
    case 1: return (Double(shape[0]), Double(shape[0]))
    default:
      let field = product(Array(0..<shape.rank - 2))
      return (field * Double(shape[shape.rank - 2]), field * Double(shape[shape.rank - 1]))
    }
  }

  private func fillDiagonal(_ values: inout MutableSpan<Float>, _ shape: Shape, gain: Double) {
    fill(&values) { 0 }
    for index in 0..<min(shape[0], shape[1]) { values[index * shape[1] + index] = Float(gain) }
  }

  /// Gram–Schmidt, twice for each vector, which is orthogonal to working precision.
  private func fillOrthogonal(
    _ values: inout MutableSpan<Float>, _ shape: Shape, gain: Double,
    _ generator: inout SeededGenerator
  ) {
    let columns = shape[shape.rank - 1]
    guard shape.elementCount > 0 else { return }
    let rows = shape.elementCount / columns
    let (count, length) = (min(rows, columns), max(rows, columns))
    var vectors: [[Double]] = []
    while vectors.count < count {
      var vector = (0..<length).map { _ in generator.normal() }
      for _ in 0..<2 {
        for other in vectors {
          let along = zip(vector, other).reduce(0) { $0 + $1.0 * $1.1 }
          for index in vector.indices { vector[index] -= along * other[index] }
        }
      }
      let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
      guard norm > 1e-6 else { continue }
      vectors.append(vector.map { $0 / norm })
    }
    for row in 0..<rows {
      for column in 0..<columns {
        let value = rows < columns ? vectors[row][column] : vectors[column][row]
        values[row * columns + column] = Float(gain * value)
      }
    }
  }
}

extension SeededGenerator {
  /// A number from the standard normal distribution (Box and Muller, 1958; the cosine half).
  mutating func normal() -> Double {
    // 1 - unit() is above 0, so the logarithm is finite.
    let radius = (-2 * log(1 - unit())).squareRoot()
    return radius * cos(2 * Double.pi * unit())
  }

  /// A number from the standard normal distribution, drawn again while beyond ±2.
  mutating func truncatedNormal() -> Double {
    while true {
      let value = normal()
      if abs(value) <= 2 { return value }
    }
  }
}
