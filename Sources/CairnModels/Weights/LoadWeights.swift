// Weights by name, from any source of tensors.

public import CairnCheckpoints
public import CairnSystem
public import CairnTensors

extension Layer {
  /// Replaces the values of all variables by the tensors of the same names, or of the same places.
  ///
  /// Strict, and all or nothing: every variable needs its tensor, and every tensor its variable,
  /// with the same element type and shape, and everything is read before anything is assigned.
  /// Exceptions that `options` allow are made and reported. Where several names are one variable in
  /// the model, the source must have an alias or equal bits; an alias in the source does not tie
  /// what is separate in the model.
  ///
  /// - Parameters:
  ///   - source: Where the tensors are; their names are paths (``VariablePlace/name()``).
  ///   - scope: Whether the source has the weights only, or all state.
  ///   - options: What says which tensor is for which variable, and what may be left open.
  /// - Returns: What was loaded from where, and what was not.
  /// - Throws: `weightMismatch`, whose cause is a ``WeightMismatchReport`` of all that is wrong;
  ///   `optimizerMismatch` if all state is to be loaded and the source's optimizer is another's;
  ///   what reading the source throws. Then nothing has changed.
  @discardableResult
  public func loadWeights(
    from source: any TensorSource, scope: StateScope = .weights,
    options: LoadOptions = LoadOptions()
  ) throws(CairnError) -> LoadReport {
    let variables = try namedVariables(scope)
    if scope == .fullState {
      try checkOptimizers(of: source, known: Set(variables.map(\.name)))
    }
    let plan = try LoadPlan(variables, from: source, options: options)
    var mismatches = plan.mismatches
    // All mismatches are reported at once, and nothing is read if there are some.
    var values: [Tensor] = []
    if mismatches.isEmpty {
      values = try source.tensors(at: plan.loads.map(\.tensor.index))
      for tie in plan.ties {
        let load = plan.loads[tie.load]
        if try source.tensor(at: tie.tensor.index) != values[tie.load] {
          mismatches.append(.tied(tie.name, to: load.name))
        }
      }
    }
    guard mismatches.isEmpty else {
      throw source.located(WeightMismatchReport(mismatches: mismatches).error(for: name))
    }
    for (index, load) in plan.loads.enumerated() {
      if load.castFrom != nil { values[index] = try values[index].cast(to: load.variable.dtype) }
      try load.variable.checkAssignable(values[index])
    }
    for (load, value) in zip(plan.loads, values) { try load.variable.assign(value) }
    return plan.report
  }

  /// Replaces the values of all weights, which are given by path.
  ///
  /// - Throws: as ``loadWeights(from:scope:options:)``.
  @discardableResult
  public func setWeights(
    _ tensors: [TensorName: Tensor], options: LoadOptions = LoadOptions()
  ) throws(CairnError) -> LoadReport {
    let sorted = tensors.sorted { $0.key < $1.key }
    return try loadWeights(
      from: NamedTensors(sorted.map { ($0.key, $0.value) }), options: options)
  }
}
