// A step of an optimizer. Keras `optimizers/base_optimizer.py`, `apply`.

public import CairnSystem
public import CairnTensors

extension Optimizer {
  /// Changes the weights by their gradients, which are given in the order of ``targets``; nil for a
  /// weight that stays as it is.
  ///
  /// Everything is checked and computed before anything is assigned. With
  /// ``OptimizerOptions/lossScaling`` the gradients must be those of the loss times
  /// ``currentLossScale``; a step with a gradient that is not finite then changes nothing except
  /// that scale.
  ///
  /// - Throws: `notBuilt`; `countMismatch` for another number of gradients, or none at all;
  ///   `dtypeMismatch`, `shapeMismatch` with the index of the first gradient that does not fit its
  ///   weight; `invalidArgument` once the steps can't be counted any more; `outOfMemory`. Then
  ///   nothing has changed.
  /// - Complexity: O(elements), on one thread; memory for the weights and slots once more.
  public func apply(_ gradients: [Tensor?]) throws(CairnError) {
    try slots.withLock { (slots) throws(CairnError) in
      guard let slots else {
        throw CairnError(
          .notBuilt, "the optimizer has not been built for any weights", at: .init(name: name),
          advice: "Give it to a model's compile, or call build(for:)")
      }
      try check(gradients, against: slots)
      let assignments = try assignments(for: gradients, slots)
      for (variable, value) in assignments { try variable.checkAssignable(value) }
      for (variable, value) in assignments { try variable.assign(value) }
    }
  }

  private func assignments(
    for gradients: [Tensor?], _ slots: OptimizerSlots
  ) throws(CairnError) -> [(Variable, Tensor)] {
    var step = try OptimizerStep(self, slots)
    guard let lossScale else {
      try step.run(gradients)
      return step.assignments
    }
    let unscaled = try lossScale.unscaled(gradients)
    if let unscaled { try step.run(unscaled) }
    return step.assignments + (try lossScale.assignments(afterStep: unscaled != nil))
  }

  /// Replaces the weights by their moving averages, if the optimizer keeps some; Keras does so at the
  /// end of a training.
  ///
  /// - Throws: `notBuilt`.
  public func finalizeVariableValues() throws(CairnError) {
    guard options.movingAverage != nil else { return }
    try slots.withLock { (slots) throws(CairnError) in
      guard let slots else {
        throw CairnError(
          .notBuilt, "the optimizer has not been built for any weights", at: .init(name: name))
      }
      for (target, average) in zip(slots.targets, slots.averages) {
        try target.assign(average.value)
      }
    }
  }

  private func check(
    _ gradients: [Tensor?], against slots: OptimizerSlots
  ) throws(CairnError) {
    guard gradients.count == slots.targets.count, gradients.contains(where: { $0 != nil }) else {
      let given = gradients.filter { $0 != nil }.count
      throw CairnError(
        .countMismatch, "the gradients are not one for each weight", at: .init(name: name),
        expected: "\(slots.targets.count)",
        found: "\(gradients.count), \(given) of which are not nil")
    }
    for (index, (gradient, target)) in zip(gradients, slots.targets).enumerated() {
      guard let gradient else { continue }
      do throws(CairnError) {
        try target.checkAssignable(gradient)
      } catch {
        throw error.located(index: index)
      }
    }
  }
}
