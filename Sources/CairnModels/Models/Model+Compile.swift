// How a model is trained: its optimizer, and what Keras's `compile` is given. Keras
// `trainers/trainer.py`.

public import CairnJSON
public import CairnSystem
import CairnTensors

/// How a model is trained.
struct Training: Sendable {
  /// Keras's `compile_config`, kept as it was read.
  var configuration: JSONValue
  var optimizer: Optimizer?
  /// Why the optimizer's state in a file was not loaded.
  var note: String?
}

extension Model {
  var compileConfig: JSONValue? { compileConfiguration }

  /// The optimizer, if the model was compiled with one, or restored with one.
  public var optimizer: Optimizer? { training.withLock { $0.optimizer } }

  /// Keras's `compile_config`: optimizer, loss and metrics. What Cairn does not use is kept as it
  /// was read; an optimizer is written with its current settings.
  package var compileConfiguration: JSONValue {
    let (configuration, optimizer) = training.withLock { ($0.configuration, $0.optimizer) }
    guard let optimizer, case .object(var object) = configuration else { return configuration }
    object["optimizer"] = optimizer.configuration
    return .object(object)
  }

  /// Gives the model an optimizer. Its state is from now on part of the model's state, and is
  /// saved, copied and compared with it. A previous optimizer is dropped.
  ///
  /// - Parameters:
  ///   - optimizer: The optimizer; it is built here if the model is built.
  ///   - configuration: Further keys of Keras's `compile_config` (`loss`, `metrics`, …), which are
  ///     kept; those that are not given stay as they are, or get Keras's defaults.
  /// - Throws: what ``Optimizer/build(for:)`` throws; `optimizerMismatch` for an optimizer that was
  ///   built for another model's weights. Then nothing has changed.
  public func compile(
    optimizer: Optimizer, configuration: JSONObject = [:]
  ) throws(CairnError) {
    if isBuilt { try optimizer.build(for: self) }
    _ = try places(of: optimizer, path: [name])
    training.withLock { training in
      var object: JSONObject = [
        "optimizer": optimizer.configuration, "loss": .null, "loss_weights": .null,
        "metrics": .null, "weighted_metrics": .null, "run_eagerly": false,
        "steps_per_execution": 1, "jit_compile": "auto",
      ]
      for (key, value) in training.configuration.objectValue ?? [:] { object[key] = value }
      for (key, value) in configuration { object[key] = value }
      object["optimizer"] = optimizer.configuration
      training = Training(configuration: .object(object), optimizer: optimizer)
    }
  }

  /// Gives the model the optimizer of its ``compileConfiguration``, with fresh state; Keras's
  /// `compile_from_config`.
  ///
  /// - Throws: `noOptimizer` if there is none in it; `unknownOptimizer`, `invalidConfiguration`; as
  ///   ``compile(optimizer:configuration:)``.
  package func compileFromConfiguration() throws(CairnError) {
    try compile(optimizer: configuredOptimizer())
  }

  /// The same, with an optimizer that is built only if `builds`.
  package func compileFromConfiguration(builds: Bool) throws(CairnError) {
    guard !builds else { return try compileFromConfiguration() }
    let optimizer = try configuredOptimizer()
    training.withLock { $0.optimizer = optimizer }
  }

  /// Why the state of the optimizer in a file was not loaded; nil if it was. What a model computes
  /// does not depend on that state.
  package var optimizerNote: String? { training.withLock { $0.note } }

  /// Drops the optimizer, whose state does not fit; its configuration stays.
  package func dropOptimizer(because note: String) {
    training.withLock {
      $0.optimizer = nil
      $0.note = note
    }
  }

  private func configuredOptimizer() throws(CairnError) -> Optimizer {
    guard let configuration = compileConfiguration["optimizer"], !configuration.isNull else {
      throw CairnError(
        .noOptimizer, "the model's configuration names no optimizer", at: .init(name: name),
        advice: "Give it one with compile(optimizer:)")
    }
    return try Optimizer(configuration: configuration, path: "compile_config.optimizer")
  }

  /// Which models have an optimizer, and for which weights each was built.
  func optimizerNotes() -> [ModelExtras.OptimizerNote] {
    modelsWithOptimizers().map { model, optimizer, path in
      guard optimizer.isBuilt else { return .init(model: path, weights: nil) }
      let targets = Set(optimizer.targets.map { ObjectIdentifier($0) })
      var seen: Set<ObjectIdentifier> = []
      let weights = model.places(.weights).filter {
        let identity = ObjectIdentifier($0.variable)
        return targets.contains(identity) && seen.insert(identity).inserted
      }
      return .init(model: path, weights: weights.map { path + $0.path.dropFirst() })
    }
  }

  /// Makes the optimizers that a configuration describes, without their state. This model was made
  /// from that configuration.
  ///
  /// - Parameter maximumParameters: The most elements of all slots together.
  /// - Throws: `overBudget`; `invalidConfiguration`, and what making an optimizer throws.
  package func restoreOptimizers(
    of configuration: JSONValue, maximumParameters: Int
  ) throws(CairnError) {
    var left = maximumParameters
    for note in try ModelExtras(of: configuration).optimizers {
      guard let model = layer(at: note.model) as? Model else {
        throw CairnError(
          .invalidConfiguration, "an optimizer is told of for a model that there is none of",
          at: .init(name: note.model.joined(separator: "/")))
      }
      let optimizer = try model.configuredOptimizer()
      if let weights = note.weights {
        let wanted = Set(weights.map { $0.dropFirst(note.model.count) })
        let targets = model.places(.weights).filter { wanted.contains($0.path.dropFirst()) }
        left -= try optimizer.checkSlots(for: targets.map(\.variable), budget: left)
        try optimizer.build(for: model) { wanted.contains($0.path.dropFirst()) }
      }
      model.training.withLock { $0.optimizer = optimizer }
    }
  }
}

extension Optimizer {
  /// The number of elements that the slots for `targets` will have.
  ///
  /// - Throws: `overBudget` if it is above the budget.
  fileprivate func checkSlots(
    for targets: [Variable], budget: Int
  ) throws(CairnError) -> Int {
    var slots = rule.slots.reduce(0) { $0 + $1.count }
    if options.movingAverage != nil { slots += 1 }
    if options.gradientAccumulationSteps != nil { slots += 1 }
    var sum = 0
    for target in targets {
      let elements = target.shape.elementCount.multipliedSaturated(by: slots)
      guard elements <= budget - sum else {
        throw CairnError(
          .overBudget, "the optimizer would keep more than the file has", at: .init(name: name),
          expected: "at most \(budget) elements")
      }
      sum += elements
    }
    return sum
  }
}

extension CairnError.Code {
  /// A model's configuration names no optimizer.
  public static let noOptimizer = Self("noOptimizer")
}
