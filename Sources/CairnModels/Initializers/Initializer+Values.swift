// Drawing initial values.

import CairnJSON
public import CairnSystem
public import CairnTensors

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
  public func values(shape: Shape, dtype: DType, seed: UInt64) throws(CairnError) -> Tensor {
    var generator = SeededGenerator(seed: ownSeed ?? seed)
    var tensor = try Tensor(zeros: .float32, shape: shape)
    switch rule {
    case .zeros: return try Tensor(zeros: dtype, shape: shape)
    case .ones: try fill(&tensor) { 1 }
    case .constant(let value): try fill(&tensor) { value }
    case .identity(let gain): try fillDiagonal(&tensor, gain: gain)
    case .uniform(let minimum, let maximum):
      try fillUniform(&tensor, minimum, maximum, &generator)
    case .normal(let mean, let deviation):
      try fill(&tensor) { mean + deviation * generator.normal() }
    case .truncatedNormal(let mean, let deviation):
      try fill(&tensor) { mean + deviation * generator.truncatedNormal() }
    case .varianceScaling(let scale, let mode, let distribution):
      try fillScaled(&tensor, scale, mode, distribution, &generator)
    case .orthogonal(let gain): try fillOrthogonal(&tensor, gain: gain, &generator)
    }
    return try tensor.cast(to: dtype)
  }

  private var ownSeed: UInt64? {
    let value = seed["config"]?["seed"] ?? seed
    return value.intValue.map { UInt64(bitPattern: Int64($0)) }
  }

  private func fill(_ tensor: inout Tensor, _ value: () -> Double) throws(CairnError) {
    try tensor.withMutableScalars(of: Float.self) { (values) throws(CairnError) in
      for index in values.indices { values[index] = Float(value()) }
    }
  }

  private func fillUniform(
    _ tensor: inout Tensor, _ minimum: Double, _ maximum: Double,
    _ generator: inout SeededGenerator
  ) throws(CairnError) {
    // Rounding to float32 may reach the upper bound, which is not part of the range.
    let last = maximum > minimum ? Double(Float(maximum).nextDown) : maximum
    try fill(&tensor) { min(minimum + (maximum - minimum) * generator.unit(), last) }
  }

  /// Keras `VarianceScaling.__call__`: the bounds follow from the number of inputs and outputs.
  private func fillScaled(
    _ tensor: inout Tensor, _ scale: Double, _ mode: FanMode, _ distribution: Distribution,
    _ generator: inout SeededGenerator
  ) throws(CairnError) {
    let (inputs, outputs) = fans(of: tensor.shape)
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
      try fillUniform(&tensor, -limit, limit, &generator)
    case .truncatedNormal:
      // The deviation of a standard normal cut off at ±2.
      let deviation = variance.squareRoot() / 0.87962566103423978
      try fill(&tensor) { deviation * generator.truncatedNormal() }
    case .untruncatedNormal:
      let deviation = variance.squareRoot()
      try fill(&tensor) { deviation * generator.normal() }
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

  private func fillDiagonal(_ tensor: inout Tensor, gain: Double) throws(CairnError) {
    let shape = tensor.shape
    guard shape.rank == 2 else { throw needsMatrix(shape) }
    try tensor.withMutableScalars(of: Float.self) { (values) throws(CairnError) in
      for index in 0..<min(shape[0], shape[1]) { values[index * shape[1] + index] = Float(gain) }
    }
  }

  /// Gram–Schmidt, twice for each vector, which is orthogonal to working precision.
  private func fillOrthogonal(
    _ tensor: inout Tensor, gain: Double, _ generator: inout SeededGenerator
  ) throws(CairnError) {
    let shape = tensor.shape
    guard shape.rank >= 2 else { throw needsMatrix(shape) }
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
    try tensor.withMutableScalars(of: Float.self) { (values) throws(CairnError) in
      for row in 0..<rows {
        for column in 0..<columns {
          let value = rows < columns ? vectors[row][column] : vectors[column][row]
          values[row * columns + column] = Float(gain * value)
        }
      }
    }
  }

  private func needsMatrix(_ shape: Shape) -> CairnError {
    CairnError(.invalidShape, "the initializer \(className) needs a matrix", found: "\(shape)")
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
