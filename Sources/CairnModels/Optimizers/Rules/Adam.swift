// Keras `optimizers/adam.py`, `adamw.py`.

import CairnSystem

/// How fast Adam and its variants forget, and what keeps them from dividing by zero.
struct AdamSettings: Sendable {
  let beta1: Double
  let beta2: Double
  let epsilon: Double

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    beta1 = try reader.double("beta_1", default: 0.9)
    beta2 = try reader.double("beta_2", default: 0.999)
    epsilon = try reader.double("epsilon", default: 1e-7)
  }
}

/// Gradients' means over the roots of their mean squares (Kingma and Ba, 2014).
struct AdamRule: ElementRule {
  static let className = "Adam"

  private let settings: AdamSettings
  private let isAMSGrad: Bool

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    settings = try AdamSettings(reading: &reader)
    isAMSGrad = try reader.bool("amsgrad", default: false)
  }

  var slots: [[OptimizerSlot]] {
    let means = [
      OptimizerSlot(name: "momentum", place: 0), OptimizerSlot(name: "velocity", place: 1),
    ]
    return isAMSGrad ? [means, [OptimizerSlot(name: "velocity_hat", place: 2)]] : [means]
  }

  func update<Scalar: FloatScalar>(at step: UpdateStep<Scalar>) -> ElementUpdate<Scalar> {
    let (power1, power2) = (
      step.power(Scalar(settings.beta1)), step.power(Scalar(settings.beta2))
    )
    let alpha = step.learningRate * (1 - power2).squareRoot() / (1 - power1)
    let (take1, take2) = (Scalar(1 - settings.beta1), Scalar(1 - settings.beta2))
    let epsilon = Scalar(settings.epsilon)
    return { [isAMSGrad] element in
      let gradient = element.gradient
      element.first += (gradient - element.first) * take1
      element.second += (gradient * gradient - element.second) * take2
      if isAMSGrad { element.third = largest(element.third, element.second) }
      let square = isAMSGrad ? element.third : element.second
      element.value -= element.first * alpha / (square.squareRoot() + epsilon)
    }
  }
}

/// Adam, and weights that decay by themselves (Loshchilov and Hutter, 2017). Every optimizer can
/// have this decay; here it is required.
struct AdamWRule: ElementRule {
  static let className = "AdamW"
  static let defaultWeightDecay: Double? = 0.004

  private let adam: AdamRule

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    adam = try AdamRule(reading: &reader)
  }

  var slots: [[OptimizerSlot]] { adam.slots }

  func update<Scalar: FloatScalar>(at step: UpdateStep<Scalar>) -> ElementUpdate<Scalar> {
    adam.update(at: step)
  }
}
