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
  ///   what reading the source throws. Then nothing has changed.
  public func loadWeights(
    from source: any TensorSource, scope: StateScope = .weights
  ) throws(CairnError) {
    var mismatches: [WeightMismatch] = []
    var known: Set<TensorName> = []
    var planned: [ObjectIdentifier: (name: TensorName, owner: TensorName, value: Tensor)] = [:]
    var assignments: [(Variable, Tensor)] = []
    for place in places(scope) {
      let name = try place.name()
      known.insert(name)
      guard let index = try source.index(of: name) else {
        mismatches.append(.missing(name))
        continue
      }
      let entry = try source.entry(at: index)
      let variable = place.variable
      guard entry.dtype == variable.dtype else {
        mismatches.append(.dtype(name, expected: variable.dtype, found: entry.dtype))
        continue
      }
      guard entry.shape == variable.shape else {
        mismatches.append(.shape(name, expected: variable.shape, found: entry.shape))
        continue
      }
      // Once something is wrong the rest is only looked at, not read.
      guard mismatches.isEmpty else { continue }
      let owner = entry.aliasOf ?? name
      if let first = planned[ObjectIdentifier(variable)] {
        if first.owner != owner, try source.tensor(at: index) != first.value {
          mismatches.append(.tied(name, to: first.name))
        }
      } else {
        let value = try source.tensor(at: index)
        try variable.checkAssignable(value)
        planned[ObjectIdentifier(variable)] = (name, owner, value)
        assignments.append((variable, value))
      }
    }
    for index in 0..<source.count {
      let name = try source.entry(at: index).name
      if !known.contains(name) { mismatches.append(.unexpected(name)) }
    }
    guard mismatches.isEmpty else {
      throw WeightMismatchReport(mismatches: mismatches).error(for: name)
    }
    for (variable, value) in assignments { try variable.assign(value) }
  }

  /// Replaces the values of all weights, which are given by path.
  ///
  /// - Throws: as ``loadWeights(from:scope:)``.
  public func setWeights(_ tensors: [TensorName: Tensor]) throws(CairnError) {
    let sorted = tensors.sorted { $0.key < $1.key }
    try loadWeights(from: NamedTensors(sorted.map { ($0.key, $0.value) }))
  }
}
