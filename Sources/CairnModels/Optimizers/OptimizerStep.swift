// What happens in a step of an optimizer, weight by weight. Keras `optimizers/base_optimizer.py`,
// `_backend_apply_gradients`.

import CairnSystem
import CairnTensors

/// One step: computes what is to be assigned, and assigns nothing.
struct OptimizerStep {
  private let optimizer: Optimizer
  private let slots: OptimizerSlots
  /// The number of steps before this one.
  private let count: Int
  private let learningRate: Float
  /// The weights as the step has left them so far.
  private var weights: [Tensor]
  private(set) var assignments: [(Variable, Tensor)] = []

  init(_ optimizer: Optimizer, _ slots: OptimizerSlots) throws(CairnError) {
    self.optimizer = optimizer
    self.slots = slots
    count = try optimizer.stepCount
    learningRate = try optimizer.learningRate
    weights = slots.targets.map(\.value)
  }

  private var options: OptimizerOptions { optimizer.options }
  /// The number of updates before this step; Keras's `iterations`.
  private var updates: Int { count / (options.gradientAccumulationSteps ?? 1) }

  /// - Precondition: a gradient for each weight, of its type and shape.
  mutating func run(_ gradients: [Tensor?]) throws(CairnError) {
    guard count >= 0, let next = Int32(exactly: count + 1) else {
      throw CairnError(
        .invalidArgument, "the optimizer has counted as many steps as an int32 can hold",
        at: .init(name: optimizer.name))
    }
    let steps = options.gradientAccumulationSteps ?? 1
    let isUpdate = (count + 1) % steps == 0
    var ready: [Tensor?] = []
    for (index, gradient) in gradients.enumerated() {
      let accumulator = steps > 1 ? slots.accumulators[index] : nil
      let (own, sum) = try Precision(for: slots.targets[index].dtype).run(
        Preparation(
          gradient: gradient, scale: options.lossScaleFactor, accumulator: accumulator?.value,
          steps: steps, isUpdate: isUpdate))
      if let accumulator, let sum { assignments.append((accumulator, sum)) }
      ready.append(own)
    }
    if isUpdate { try update(ready) }
    for index in slots.averages.indices { try average(index) }
    for index in weights.indices where gradients[index] != nil { try constrain(index) }
    for (target, weight) in zip(slots.targets, weights) { assignments.append((target, weight)) }
    assignments.append((optimizer.iterations, try Tensor(scalar: next)))
  }

  // MARK: Gradients

  /// A gradient without the loss's scale. If the optimizer accumulates gradients, it is their mean
  /// since the last update, and nil in a step without an update; and what is accumulated then.
  private struct Preparation: FloatWork {
    let gradient: Tensor?
    let scale: Double?
    let accumulator: Tensor?
    let steps: Int
    let isUpdate: Bool

    func run<Scalar: FloatScalar>(
      as type: Scalar.Type
    ) throws(CairnError) -> (gradient: Tensor?, accumulator: Tensor?) {
      var gradient = gradient
      if let scale = scale.map({ Scalar($0) }) {
        gradient = try gradient?.mapped { (x: Scalar) in x / scale }
      }
      guard let accumulator else { return (gradient, nil) }
      let sum = try gradient?.combined(with: accumulator, as: type) { $0 + $1 }
      guard isUpdate else { return (nil, sum) }
      return (
        try sum?.mapped { (x: Scalar) in x / Scalar(steps) },
        try Tensor(zeros: Scalar.dtype, shape: accumulator.shape)
      )
    }
  }

  /// The factor that brings all gradients together to a norm, in double precision.
  private func globalNorm(_ gradients: [Tensor?]) throws(CairnError) -> Double? {
    guard case .globalNorm = options.clipping else { return nil }
    var sum = 0.0
    for case let gradient? in gradients { sum += try gradient.sumOfSquares() }
    return sum.squareRoot()
  }

  private func clip<Scalar: FloatScalar>(
    _ gradient: Tensor, globalNorm: Double?, as type: Scalar.Type
  ) throws(CairnError) -> Tensor {
    switch options.clipping {
    case .norm(let limit):
      let norm = Scalar(try gradient.sumOfSquares().squareRoot())
      let limit = Scalar(limit)
      return try gradient.mapped { (x: Scalar) in x * limit / largest(norm, limit) }
    case .globalNorm(let limit):
      let (norm, limit) = (Scalar(globalNorm ?? 0), Scalar(limit))
      // The difference is zero, or NaN if the norm is not finite.
      let scale = limit * Swift.min(1 / norm, 1 / limit) + (norm - norm)
      return try gradient.mapped { (x: Scalar) in x * scale }
    case .value(let limit):
      let limit = Scalar(limit)
      return try gradient.mapped { (x: Scalar) in x < -limit ? -limit : x > limit ? limit : x }
    case nil:
      return gradient
    }
  }

  // MARK: Weights

  private mutating func update(_ gradients: [Tensor?]) throws(CairnError) {
    let norm = try globalNorm(gradients)
    var shared: Tensor?
    if let variable = slots.shared {
      let value = try Precision(for: variable.dtype).run(
        Advance(rule: optimizer.rule, shared: variable.value, number: updates + 1))
      assignments.append((variable, value))
      shared = value
    }
    let rule = optimizer.rule
    for (index, gradient) in gradients.enumerated() {
      guard let gradient else { continue }
      // One call for each type, as for the rule's loops.
      if slots.targets[index].dtype == .float64 {
        let clipped = try clip(gradient, globalNorm: norm, as: Double.self)
        try update(index, clipped, shared, as: Double.self) { rule.run($0, on: &$1) }
      } else {
        let clipped = try clip(gradient, globalNorm: norm, as: Float.self)
        try update(index, clipped, shared, as: Float.self) { rule.run($0, on: &$1) }
      }
    }
  }

  /// Brings a weight back to what its constraint allows. As in Keras, this is done for weights with
  /// a gradient, also in steps that only gather gradients.
  private mutating func constrain(_ index: Int) throws(CairnError) {
    guard let constraint = slots.constraints[index] else { return }
    weights[index] = try constraint.applied(to: weights[index])
  }

  /// The shared number of a rule, for the update of that number.
  private struct Advance: FloatWork {
    let rule: any ElementRule
    let shared: Tensor
    let number: Int

    func run<Scalar: FloatScalar>(as type: Scalar.Type) throws(CairnError) -> Tensor {
      let value: Scalar = try shared.scalar()
      return try Tensor(scalar: rule.advance(value, to: number))
    }
  }

  private mutating func update<Scalar: FloatScalar>(
    _ index: Int, _ gradient: Tensor, _ shared: Tensor?, as type: Scalar.Type,
    _ run: (UpdateStep<Scalar>, inout UpdatedColumns<Scalar>) -> Void
  ) throws(CairnError) {
    let rate = Scalar(learningRate)
    let step = UpdateStep<Scalar>(
      learningRate: rate, number: updates + 1,
      shared: try shared?.cast(to: Scalar.dtype).scalar() ?? 1)
    var columns = UpdatedColumns<Scalar>(
      values: try weights[index].scalars(), gradients: try gradient.scalars(), slots: [])
    if let decay = options.weightDecay.map({ Scalar($0) }) {
      for element in columns.values.indices {
        columns.values[element] -= columns.values[element] * decay * rate
      }
    }
    for slot in slots.columns[index] {
      columns.slots.append(try slot?.value.scalars() ?? [])
    }
    run(step, &columns)
    let shape = weights[index].shape
    weights[index] = try Tensor(columns.values, shape: shape)
    for (slot, values) in zip(slots.columns[index], columns.slots) {
      if let slot { assignments.append((slot, try Tensor(values, shape: shape))) }
    }
  }

  /// Brings a weight into its moving average, and the average into the weight if it is time.
  private mutating func average(_ index: Int) throws(CairnError) {
    guard let settings = options.movingAverage else { return }
    // The first average is the weight itself.
    let average = try Precision(for: weights[index].dtype).run(
      Averaging(
        average: slots.averages[index].value, weight: weights[index],
        keep: updates == 0 ? 0 : settings.momentum))
    assignments.append((slots.averages[index], average))
    if let frequency = settings.overwriteFrequency, (updates + 1) % frequency == 0 {
      weights[index] = average
    }
  }

  private struct Averaging: FloatWork {
    let average: Tensor
    let weight: Tensor
    /// How much of the average stays.
    let keep: Double

    func run<Scalar: FloatScalar>(as type: Scalar.Type) throws(CairnError) -> Tensor {
      let keep = Scalar(keep)
      return try average.combined(with: weight, as: type) { keep * $0 + (1 - keep) * $1 }
    }
  }
}

extension Tensor {
  /// A function of each pair of elements, in the elements' own type.
  fileprivate func combined<Scalar: FloatScalar>(
    with other: Tensor, as type: Scalar.Type, _ function: (Scalar, Scalar) -> Scalar
  ) throws(CairnError) -> Tensor {
    var values: [Scalar] = try scalars()
    try other.withScalars(of: type) { others in
      for index in values.indices { values[index] = function(values[index], others[index]) }
    }
    return try Tensor(values, shape: shape)
  }

  /// In double precision, one element after the other.
  fileprivate func sumOfSquares() throws(CairnError) -> Double {
    let values: [Double] = try cast(to: .float64).scalars()
    return values.reduce(0) { $0 + $1 * $1 }
  }
}
