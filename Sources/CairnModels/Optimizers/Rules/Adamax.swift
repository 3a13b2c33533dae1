// Keras `optimizers/adamax.py`.

import CairnSystem

/// Adam with the largest gradient in the place of the mean square (Kingma and Ba, 2014, section 7).
struct AdamaxRule: ElementRule {
  static let className = "Adamax"

  private let beta1: Double
  private let beta2: Double
  private let epsilon: Double

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    beta1 = try reader.double("beta_1", default: 0.9)
    beta2 = try reader.double("beta_2", default: 0.999)
    epsilon = try reader.double("epsilon", default: 1e-7)
  }

  let slots = [
    [OptimizerSlot(name: "momentum", place: 0), OptimizerSlot(name: "norm", place: 1)]
  ]

  func update<Scalar>(
    at step: UpdateStep<Scalar>
  ) -> (inout UpdatedElement<Scalar>) -> Void where Scalar: UpdateScalar {
    let (rate, rest) = (step.learningRate, 1 - step.power(Scalar(beta1)))
    let (take1, keep2, epsilon) = (Scalar(1 - beta1), Scalar(beta2), Scalar(epsilon))
    return { element in
      element.first += (element.gradient - element.first) * take1
      element.second = largest(keep2 * element.second, element.gradient.magnitude)
      element.value -= rate * element.first / (rest * (element.second + epsilon))
    }
  }
}
