// Keras `optimizers/adagrad.py`, `adadelta.py`.

import CairnSystem

/// Gradients divided by the root of the sum of their squares (Duchi and others, 2011).
struct AdagradRule: ElementRule {
  static let className = "Adagrad"

  private let initial: Double
  private let epsilon: Double

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    initial = try reader.double("initial_accumulator_value", default: 0.1)
    epsilon = try reader.double("epsilon", default: 1e-7)
  }

  var slots: [[OptimizerSlot]] {
    [[OptimizerSlot(name: "accumulator", place: 0, initial: initial)]]
  }

  func update<Scalar: FloatScalar>(at step: UpdateStep<Scalar>) -> ElementUpdate<Scalar> {
    let (rate, epsilon) = (step.learningRate, Scalar(epsilon))
    return { element in
      element.first += element.gradient * element.gradient
      element.value -= rate * element.gradient / (element.first + epsilon).squareRoot()
    }
  }
}

/// Gradients scaled by what the last changes were (Zeiler, 2012).
struct AdadeltaRule: ElementRule {
  static let className = "Adadelta"

  private let rho: Double
  private let epsilon: Double

  init(reading reader: inout ConfigurationReader) throws(CairnError) {
    rho = try reader.double("rho", default: 0.95)
    epsilon = try reader.double("epsilon", default: 1e-7)
  }

  let slots = [
    [
      OptimizerSlot(name: "accumulated_grad", place: 0),
      OptimizerSlot(name: "accumulated_delta_var", place: 1),
    ]
  ]

  func update<Scalar: FloatScalar>(at step: UpdateStep<Scalar>) -> ElementUpdate<Scalar> {
    let (rate, epsilon) = (step.learningRate, Scalar(epsilon))
    let (keep, take) = (Scalar(rho), Scalar(1 - rho))
    return { element in
      let gradient = element.gradient
      element.first = keep * element.first + take * (gradient * gradient)
      let (last, mean) = (element.second + epsilon, element.first + epsilon)
      let change = -(last.squareRoot() * gradient / mean.squareRoot())
      element.second = keep * element.second + take * (change * change)
      element.value += rate * change
    }
  }
}
