// Keras `optimizers/lion.py`.

import CairnSystem

/// The signs of gradients' means (Chen and others, 2023).
struct LionRule: ElementRule {
  static let className = "Lion"

  private let beta1: Double
  private let beta2: Double

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    beta1 = try reader.double("beta_1", default: 0.9)
    guard beta1 > 0, beta1 <= 1 else {
      throw reader.invalid("beta_1", expected: "a number above 0, at most 1")
    }
    beta2 = try reader.double("beta_2", default: 0.99)
  }

  let slots = [[OptimizerSlot(name: "momentum", place: 0)]]

  func update<Scalar: FloatScalar>(at step: UpdateStep<Scalar>) -> ElementUpdate<Scalar> {
    let (rate, beta1, beta2) = (step.learningRate, Scalar(beta1), Scalar(beta2))
    return { element in
      let gradient = element.gradient
      let mean = element.first * beta1 + gradient * (1 - beta1)
      // A zero or NaN stays what it is.
      element.value -= rate * (mean > 0 ? 1 : mean < 0 ? -1 : mean)
      element.first = element.first * beta2 + gradient * (1 - beta2)
    }
  }
}
