// Keras `optimizers/adamax.py`.

import CairnSystem

/// Adam with the largest gradient in the place of the mean square (Kingma and Ba, 2014, section 7).
struct AdamaxRule: ElementRule {
  static let className = "Adamax"

  private let settings: AdamSettings

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    settings = try AdamSettings(reading: &reader)
  }

  let slots = [
    [OptimizerSlot(name: "momentum", place: 0), OptimizerSlot(name: "norm", place: 1)]
  ]

  func update<Scalar: FloatScalar>(at step: UpdateStep<Scalar>) -> ElementUpdate<Scalar> {
    let (rate, rest) = (step.learningRate, 1 - step.power(Scalar(settings.beta1)))
    let (take1, keep2) = (Scalar(1 - settings.beta1), Scalar(settings.beta2))
    let epsilon = Scalar(settings.epsilon)
    return { element in
      element.first += (element.gradient - element.first) * take1
      element.second = largest(keep2 * element.second, element.gradient.magnitude)
      element.value -= rate * element.first / (rest * (element.second + epsilon))
    }
  }
}
