// How places between those of a picture are filled. Keras `ops/image.py`, `resize`, as its JAX backend
// has it (`jax.image.resize`, without antialiasing).

import CairnJSON
import CairnSystem
import CairnTensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How places between the input's are filled. Centres of places lie at halves.
public enum Interpolation: String, Hashable, Sendable, CaseIterable {
  /// Each place is repeated.
  case nearest
  /// Between neighbours, weighted by distance.
  case bilinear
  /// By cubic convolution over four places (Keys, 1981, with a = −½).
  case bicubic
  /// By a windowed sinc over six places.
  case lanczos3
  /// By a windowed sinc over ten places.
  case lanczos5

  /// How far the kernel reaches.
  private var radius: Int {
    switch self {
    case .nearest, .bilinear: 1
    case .bicubic: 2
    case .lanczos3: 3
    case .lanczos5: 5
    }
  }

  /// The weight of a place at that distance, which is not negative.
  private func weight(_ distance: Double) -> Double {
    let x = distance
    switch self {
    case .nearest, .bilinear: return max(0, 1 - x)
    case .bicubic:
      if x >= 2 { return 0 }
      return x < 1 ? ((1.5 * x - 2.5) * x) * x + 1 : ((-0.5 * x + 2.5) * x - 4) * x + 2
    case .lanczos3, .lanczos5:
      let reach = Double(radius)
      if x > reach { return 0 }
      if x <= 1e-3 { return 1 }
      return reach * sin(Double.pi * x) * sin(Double.pi * x / reach)
        / (Double.pi * Double.pi * x * x)
    }
  }

  /// The places of a dimension of `length` that count for place `index` of one of `target`, and
  /// their weights, which add up to 1.
  private func weights<Scalar: FloatScalar>(
    _ index: Int, length: Int, target: Int, antialiases: Bool
  ) -> [(place: Int, weight: Scalar)] {
    let step = Double(length) / Double(target)
    guard self != .nearest else {
      return [(min(Int((Double(index) + 0.5) * step), length - 1), 1)]
    }
    // A kernel as wide as a place of the result, where the result is smaller.
    let width = antialiases ? max(step, 1) : 1
    let centre = (Double(index) + 0.5) * step - 0.5
    let reach = Double(radius) * width
    let first = max(Int((centre - reach).rounded(.down)) + 1, 0)
    let last = min(Int((centre + reach).rounded(.up)) - 1, length - 1)
    guard first <= last else {
      return [(min(max(Int(centre.rounded()), 0), length - 1), 1)]
    }
    let weights = (first...last).map { weight(abs(centre - Double($0)) / width) }
    let sum = weights.reduce(0, +)
    return zip(first...last, weights).map { ($0, Scalar($1 / sum)) }
  }

  /// An array that has `target` places along one dimension.
  func resized<Scalar: FloatScalar>(
    _ array: FloatArray<Scalar>, axis: Int, to target: Int, antialiases: Bool
  ) -> FloatArray<Scalar> {
    let length = array.shape[axis]
    guard target != length, length > 0 else { return array }
    let inner = array.shape[(axis + 1)...].reduce(1, *)
    let outer = array.shape[..<axis].reduce(1, *)
    var shape = array.shape
    shape[axis] = target
    var values = [Scalar](repeating: 0, count: outer * target * inner)
    let weights: [[(place: Int, weight: Scalar)]] = (0..<target).map {
      self.weights($0, length: length, target: target, antialiases: antialiases)
    }
    for block in 0..<outer {
      for index in weights.indices {
        let start = (block * target + index) * inner
        for (place, weight) in weights[index] {
          let source = (block * length + place) * inner
          for offset in 0..<inner {
            values[start + offset] += array.values[source + offset] * weight
          }
        }
      }
    }
    return FloatArray(values, shape: shape)
  }
}

/// A tensor made longer by factors, along one dimension for each factor, from `first` on.
struct Stretching: FloatWork {
  let interpolation: Interpolation
  let input: Tensor
  let first: Int
  let factors: [Int]

  func run<Scalar: FloatScalar>(as type: Scalar.Type) throws(CairnError) -> Tensor {
    var array = try FloatArray<Scalar>(input)
    for (axis, factor) in factors.enumerated() where factor > 1 {
      array = interpolation.resized(
        array, axis: first + axis, to: array.shape[first + axis] * factor, antialiases: false)
    }
    return try array.tensor()
  }
}
