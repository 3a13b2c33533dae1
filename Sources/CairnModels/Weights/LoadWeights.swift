// Weights by name, from any source of tensors.

public import CairnSystem
public import CairnTensors

extension Layer {
  /// Replaces the values of all variables by the tensors of the same names.
  ///
  /// Strict, and all or nothing: every variable needs its tensor, every tensor its variable, with
  /// the same element type and shape, and everything is read before anything is assigned. Where
  /// several names are one variable in the model, the source must have an alias or equal bits; an
  /// alias in the source does not tie what is separate in the model.
  ///
  /// - Parameters:
  ///   - source: Where the tensors are; their names are paths (``VariablePlace/name()``).
  ///   - scope: Whether the source has the weights only, or all state.
  /// - Throws: `weightMismatch`, whose cause is a ``WeightMismatchReport`` of all that is wrong;
  ///   `optimizerMismatch` if all state is to be loaded and the source's optimizer is another's;
  ///   what reading the source throws. Then nothing has changed.
  public func loadWeights(
    from source: any TensorSource, scope: StateScope = .weights
  ) throws(CairnError) {
    var mismatches: [WeightMismatch] = []
    var known: Set<TensorName> = []
    var plan = LoadPlan()
    for (name, variable) in try namedVariables(scope) {
      known.insert(name)
      guard let index = try source.index(of: name) else {
        mismatches.append(.missing(name))
        continue
      }
      let entry = try source.entry(at: index)
      guard entry.dtype == variable.dtype else {
        mismatches.append(.dtype(name, expected: variable.dtype, found: entry.dtype))
        continue
      }
      guard entry.shape == variable.shape else {
        mismatches.append(.shape(name, expected: variable.shape, found: entry.shape))
        continue
      }
      plan.add(name, variable, index: index, owner: entry.aliasOf ?? name)
    }
    if scope == .fullState { try checkOptimizers(of: source, known: known) }
    for index in 0..<source.count {
      let name = try source.entry(at: index).name
      if !known.contains(name) { mismatches.append(.unexpected(name)) }
    }
    // What does not fit is all said at once, and only what fits is read.
    var values: [Tensor] = []
    if mismatches.isEmpty {
      values = try source.tensors(at: plan.loads.map(\.index))
      for tie in plan.ties where try source.tensor(at: tie.index) != values[tie.load] {
        mismatches.append(.tied(tie.name, to: plan.loads[tie.load].name))
      }
    }
    guard mismatches.isEmpty else {
      throw WeightMismatchReport(mismatches: mismatches).error(for: name)
    }
    for (load, value) in zip(plan.loads, values) { try load.variable.checkAssignable(value) }
    for (load, value) in zip(plan.loads, values) { try load.variable.assign(value) }
  }

  /// Replaces the values of all weights, which are given by path.
  ///
  /// - Throws: as ``loadWeights(from:scope:)``.
  public func setWeights(_ tensors: [TensorName: Tensor]) throws(CairnError) {
    let sorted = tensors.sorted { $0.key < $1.key }
    try loadWeights(from: NamedTensors(sorted.map { ($0.key, $0.value) }))
  }
}

/// Which tensors are read for which variables.
private struct LoadPlan {
  struct Load {
    var name: TensorName
    var owner: TensorName
    var index: Int
    var variable: Variable
  }
  /// A further name of a variable, for which the source has a tensor of its own.
  struct Tie {
    var name: TensorName
    var index: Int
    /// The load of the variable's first name.
    var load: Int
  }
  private(set) var loads: [Load] = []
  private(set) var ties: [Tie] = []
  private var numbers: [ObjectIdentifier: Int] = [:]

  mutating func add(_ name: TensorName, _ variable: Variable, index: Int, owner: TensorName) {
    let identity = ObjectIdentifier(variable)
    guard let load = numbers[identity] else {
      numbers[identity] = loads.count
      loads.append(Load(name: name, owner: owner, index: index, variable: variable))
      return
    }
    if loads[load].owner != owner { ties.append(Tie(name: name, index: index, load: load)) }
  }
}
