// Keras `optimizers/sgd.py`.

import CairnSystem

/// Gradient descent, perhaps with momentum.
struct SGDRule: ElementRule {
  static let className = "SGD"
  static let defaultLearningRate = 0.01

  private let momentum: Double
  private let isNesterov: Bool

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    momentum = try reader.rate("momentum")
    isNesterov = try reader.bool("nesterov", default: false)
  }

  var slots: [[OptimizerSlot]] {
    momentum == 0 ? [] : [[OptimizerSlot(name: "momentum", place: 0)]]
  }

  func update<Scalar: FloatScalar>(at step: UpdateStep<Scalar>) -> ElementUpdate<Scalar> {
    let (rate, momentum) = (step.learningRate, Scalar(momentum))
    if momentum == 0 { return { $0.value -= $0.gradient * rate } }
    return { [isNesterov] element in
      element.first = element.first * momentum - element.gradient * rate
      element.value +=
        isNesterov ? element.first * momentum - element.gradient * rate : element.first
    }
  }
}
