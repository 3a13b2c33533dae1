// Keras `optimizers/rmsprop.py`.

import CairnSystem

/// Gradients divided by the root of their mean square (Hinton, 2012).
struct RMSpropRule: ElementRule {
  static let className = "RMSprop"

  private let rho: Double
  private let momentum: Double
  private let epsilon: Double
  private let isCentered: Bool

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    rho = try reader.double("rho", default: 0.9)
    momentum = try reader.double("momentum", default: 0)
    epsilon = try reader.double("epsilon", default: 1e-7)
    isCentered = try reader.bool("centered", default: false)
  }

  var slots: [[OptimizerSlot]] {
    var slots = [[OptimizerSlot(name: "velocity", place: 0)]]
    if momentum > 0 { slots.append([OptimizerSlot(name: "momentum", place: 1)]) }
    if isCentered { slots.append([OptimizerSlot(name: "average_gradient", place: 2)]) }
    return slots
  }

  func update<Scalar: FloatScalar>(at step: UpdateStep<Scalar>) -> ElementUpdate<Scalar> {
    let (rate, keep, take) = (step.learningRate, Scalar(rho), Scalar(1 - rho))
    let (momentum, epsilon) = (Scalar(momentum), Scalar(epsilon))
    return { [isCentered] element in
      let gradient = element.gradient
      element.first = keep * element.first + take * (gradient * gradient)
      var square = element.first
      if isCentered {
        element.third = keep * element.third + take * gradient
        square -= element.third * element.third
      }
      let increment = rate * gradient / (square + epsilon).squareRoot()
      if momentum > 0 {
        element.second = momentum * element.second + increment
        element.value -= element.second
      } else {
        element.value -= increment
      }
    }
  }
}
