// Keras `optimizers/nadam.py`.

import CairnSystem

/// Adam with Nesterov's momentum (Dozat, 2015). The product of the momentums so far is shared.
struct NadamRule: ElementRule {
  static let className = "Nadam"

  private let settings: AdamSettings

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    settings = try AdamSettings(reading: &reader)
  }

  let slots = [
    [OptimizerSlot(name: "momentum", place: 0), OptimizerSlot(name: "velocity", place: 1)]
  ]
  let hasShared = true

  func advance<Scalar>(_ shared: Scalar, to number: Int) -> Scalar where Scalar: FloatScalar {
    shared * Scalar(settings.beta1) * (1 - 0.5 * Scalar.power(Scalar(0.96), Scalar(number)))
  }

  func update<Scalar: FloatScalar>(at step: UpdateStep<Scalar>) -> ElementUpdate<Scalar> {
    let (beta1, beta2) = (Scalar(settings.beta1), Scalar(settings.beta2))
    let (rate, decay, epsilon) = (step.learningRate, Scalar(0.96), Scalar(settings.epsilon))
    let now = beta1 * (1 - 0.5 * step.power(decay))
    let next = beta1 * (1 - 0.5 * step.power(decay, more: 1))
    let rest = 1 - step.shared
    let nextRest = 1 - step.shared * next
    let rest2 = 1 - step.power(beta2)
    return { element in
      let gradient = element.gradient
      element.first += (gradient - element.first) * (1 - beta1)
      element.second += (gradient * gradient - element.second) * (1 - beta2)
      let mean = next * element.first / nextRest + (1 - now) * gradient / rest
      let square = element.second / rest2
      element.value -= mean * rate / (square.squareRoot() + epsilon)
    }
  }
}
