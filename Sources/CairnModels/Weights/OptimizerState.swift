// The variables of optimizers among a model's: their names, and which belong to another optimizer.
//
// A slot's name is that of the weight that it is kept for, with the word "optimizer" and the
// optimizer's class after the model's name: `digits/optimizer/Adam/hidden/kernel/velocity`. So the
// state of one class is never taken for that of another, even if both have a momentum.

package import CairnCheckpoints
package import CairnSystem
package import CairnTensors

extension Layer {
  /// All variables by name, in the order of weights; behind them, in the full state, the optimizers'.
  ///
  /// - Throws: `invalidName` for a path longer than 1,024 bytes; `optimizerMismatch` for an optimizer
  ///   of weights that its model no longer has.
  func namedVariables(
    _ scope: StateScope
  ) throws(CairnError) -> [(name: TensorName, variable: Variable)] {
    var named: [(name: TensorName, variable: Variable)] = []
    for place in places(scope) { named.append((try place.name(), place.variable)) }
    guard scope == .fullState else { return named }
    for (model, optimizer, path) in modelsWithOptimizers() {
      named += try model.places(of: optimizer, path: path)
    }
    return named
  }

  /// This model and those within it, each once, that have an optimizer.
  func modelsWithOptimizers() -> [(model: Model, optimizer: Optimizer, path: [String])] {
    models().compactMap { model, path in model.optimizer.map { (model, $0, path) } }
  }

  /// This model and those within it, each once.
  private func models() -> [(model: Model, path: [String])] {
    var seen: Set<ObjectIdentifier> = []
    var models: [(model: Model, path: [String])] = []
    walk([name]) { layer, path in
      guard seen.insert(ObjectIdentifier(layer)).inserted else { return false }
      if let model = layer as? Model { models.append((model, path)) }
      return true
    }
    return models
  }

  /// Checks that a source holds the state of no other optimizers than the model has.
  ///
  /// - Throws: `optimizerMismatch`.
  func checkOptimizers(
    of source: any TensorSource, known: Set<TensorName>
  ) throws(CairnError) {
    for (model, path) in models() {
      for className in Optimizer.classNames {
        let name = try TensorName(
          (path + ["optimizer", className, "iteration"]).joined(separator: "/"))
        guard !known.contains(name), try source.index(of: name) != nil else { continue }
        let own = model.optimizer?.className
        throw CairnError(
          .optimizerMismatch, "the state is that of another optimizer than the model's",
          at: .init(name: model.name), expected: own ?? "none: the model has no optimizer",
          found: className,
          advice: own == nil
            ? "Give the model one with compile(optimizer:), or load its weights only"
            : "Load the weights only, or make the model of the checkpoint's own configuration")
      }
    }
  }

  /// The names of a source that are an optimizer's variables, whatever optimizers the model has.
  package func optimizerNames(
    in source: any TensorSource
  ) throws(CairnError) -> Set<TensorName> {
    var weights: Set<TensorName> = []
    for place in places(.weights) { weights.insert(try place.name()) }
    let prefixes = models().flatMap { _, path in
      Optimizer.classNames.map {
        Array((path + ["optimizer", $0, ""]).joined(separator: "/").utf8)
      }
    }
    var names: Set<TensorName> = []
    for index in 0..<source.count {
      let name = try source.entry(at: index).name
      let bytes = Array(name.string.utf8)
      if !weights.contains(name), prefixes.contains(where: { bytes.starts(with: $0) }) {
        names.insert(name)
      }
    }
    return names
  }
}

extension Model {
  /// The variables of an optimizer of this model, which stands at `path`, by name.
  ///
  /// - Throws: `optimizerMismatch` if it was built for a weight that is not one of the model's.
  func places(
    of optimizer: Optimizer, path: [String]
  ) throws(CairnError) -> [(name: TensorName, variable: Variable)] {
    var paths: [ObjectIdentifier: [String]] = [:]
    for place in places(.weights) where paths[ObjectIdentifier(place.variable)] == nil {
      paths[ObjectIdentifier(place.variable)] = Array(place.path.dropFirst())
    }
    var named: [(name: TensorName, variable: Variable)] = []
    for place in optimizer.places {
      var parts = path + ["optimizer", place.owner ?? optimizer.className]
      if let target = place.target {
        guard let own = paths[ObjectIdentifier(target)] else {
          throw CairnError(
            .optimizerMismatch, "the optimizer was built for a weight that the model does not have",
            at: .init(name: target.name), advice: "Compile the model with a new optimizer")
        }
        parts += own
      }
      named.append((try TensorName((parts + [place.slot]).joined(separator: "/")), place.variable))
    }
    return named
  }
}
