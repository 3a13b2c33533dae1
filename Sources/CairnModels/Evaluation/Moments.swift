// Mean and variance, in double precision whatever the elements are.

extension Collection where Element: FloatScalar {
  /// The mean; NaN if there are no elements.
  func mean() -> Double { reduce(0) { $0 + $1.double } / Double(count) }

  /// The mean, and the mean square of the distances from it.
  func moments() -> (mean: Double, variance: Double) {
    let mean = mean()
    let sum = reduce(0) { $0 + ($1.double - mean) * ($1.double - mean) }
    return (mean, sum / Double(count))
  }
}
