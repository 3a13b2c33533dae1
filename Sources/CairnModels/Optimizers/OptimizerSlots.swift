// What an optimizer keeps for each weight, and in which order.

import CairnJSON
public import CairnSystem
import CairnTensors

/// A variable of an optimizer, and what it is for.
struct OptimizerPlace: Sendable {
  /// Keras's class of the optimizer that it is a variable of, if it is not the rule's.
  var owner: String?
  /// Keras's name for the slot: `momentum`, `iteration`.
  var slot: String
  /// The weight that it is kept for, or nil.
  var target: Variable?
  var variable: Variable
}

/// The state of a built optimizer: for each weight it was built for, its slots.
struct OptimizerSlots: Sendable {
  /// The weights, in order.
  var targets: [Variable]
  /// For each weight the constraint that it is brought back to after each step.
  var constraints: [WeightConstraint?]
  var indices: [ObjectIdentifier: Int] = [:]
  var averages: [Variable] = []
  var accumulators: [Variable] = []
  /// For each weight the rule's slots by their place.
  var columns: [[Variable?]]
  var shared: Variable?
  /// All of them, in Keras's order.
  var places: [OptimizerPlace] = []

  /// Slots of zeros, or what each begins with, for `targets`, whose paths in their model are given.
  init(
    _ targets: [Variable], paths: [String], constraints: ConstrainedWeights,
    rule: any ElementRule, options: OptimizerOptions
  ) throws(CairnError) {
    self.targets = targets
    self.constraints = targets.map { constraints[$0] }
    columns = targets.map { _ in [nil, nil, nil] }
    for (index, target) in targets.enumerated() {
      guard target.dtype == .float32 || target.dtype == .float64 else {
        throw CairnError(
          .unsupportedConfiguration, "optimizers keep weights in float32 or float64 only",
          at: .init(name: paths[index]), found: "\(target.dtype)")
      }
      indices[ObjectIdentifier(target)] = index
    }
    guard indices.count == targets.count else {
      throw CairnError(.invalidArgument, "a weight is given twice to an optimizer")
    }
    if options.movingAverage != nil {
      averages = try make([OptimizerSlot(name: "average", place: 0)], paths).map(\.variable)
    }
    if options.gradientAccumulationSteps != nil {
      accumulators = try make([OptimizerSlot(name: "gradient_accumulator", place: 0)], paths)
        .map(\.variable)
    }
    for group in rule.slots {
      for (index, variable) in try make(group, paths).enumerated() {
        columns[index / group.count][group[index % group.count].place] = variable.variable
      }
    }
    if rule.hasShared {
      let dtype = targets.first?.dtype ?? .float32
      let value = try Tensor(scalar: Float(1)).cast(to: dtype)
      let variable = Variable(value, name: "u_product", trainable: false)
      places.append(OptimizerPlace(slot: "u_product", target: nil, variable: variable))
      shared = variable
    }
  }

  /// Makes the slots of a group for each weight, one weight after the other.
  private mutating func make(
    _ group: [OptimizerSlot], _ paths: [String]
  ) throws(CairnError) -> [OptimizerPlace] {
    var made: [OptimizerPlace] = []
    for (target, path) in zip(targets, paths) {
      for slot in group {
        let value =
          slot.initial == 0
          ? try Tensor(zeros: target.dtype, shape: target.shape)
          : try Tensor(
            [Double](repeating: slot.initial, count: target.shape.elementCount),
            shape: target.shape
          ).cast(to: target.dtype)
        let name = path.split(separator: "/").joined(separator: "_") + "_" + slot.name
        made.append(
          OptimizerPlace(
            slot: slot.name, target: target,
            variable: Variable(value, name: name, trainable: false)))
      }
    }
    places += made
    return made
  }
}

extension Optimizer {
  /// All variables, in Keras's order.
  var places: [OptimizerPlace] {
    var places = lossScale?.places(isBuilt: isBuilt) ?? []
    places.append(OptimizerPlace(slot: "iteration", target: nil, variable: iterations))
    if let learningRateVariable {
      places.append(
        OptimizerPlace(slot: "learning_rate", target: nil, variable: learningRateVariable))
    }
    return places + slots.withLock { $0?.places ?? [] }
  }

  /// Makes the slots for the weights of `layer` that can be trained; does nothing if some are there.
  ///
  /// ``Model/compile(optimizer:configuration:)`` does it for a model that is built.
  ///
  /// - Throws: `notBuilt` if the layer is not; `unsupportedConfiguration` if it has constraints on
  ///   its weights that are not Keras's, or weights that are neither float32 nor float64;
  ///   `invalidConfiguration` for constraints that do not fit their weights; `outOfMemory`.
  public func build(for layer: any Layer) throws(CairnError) {
    guard layer.isBuilt else { throw layer.state.notBuilt() }
    let trained = Set(layer.trainableWeights.map { ObjectIdentifier($0) })
    try build(for: layer) { trained.contains(ObjectIdentifier($0.variable)) }
  }

  /// Makes the slots for those weights of `layer` that `includes` accepts.
  func build(
    for layer: any Layer, where includes: (VariablePlace) -> Bool
  ) throws(CairnError) {
    guard !isBuilt else { return }
    let constraints = try ConstrainedWeights(of: layer)
    var seen: Set<ObjectIdentifier> = []
    let places = layer.places(.weights).filter {
      includes($0) && seen.insert(ObjectIdentifier($0.variable)).inserted
    }
    let made = try OptimizerSlots(
      places.map(\.variable), paths: places.map { $0.path.joined(separator: "/") },
      constraints: constraints, rule: rule, options: options)
    slots.withLock { if $0 == nil { $0 = made } }
  }
}
