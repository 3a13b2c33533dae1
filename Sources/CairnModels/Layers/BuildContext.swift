// How variables are made: drawn from a seed, or left at zero because values will follow; and how
// many there may be.

public import CairnSystem
public import CairnTensors

/// What the variables of a model that is being built begin with.
public enum Initialization: Hashable, Sendable {
  /// Each from its layer's initializer, drawn from that seed.
  case seeded(UInt64)
  /// All zero, whatever the initializers say: values will be loaded.
  case zeros
  /// Weights are zero because they will be copied; state that is not a weight is drawn from that
  /// seed.
  case copied(UInt64)
}

/// The context in which layers are built: the source of initial values, and the number of
/// parameters that may still be made.
public struct BuildContext: Sendable {
  var seeds: SeededGenerator
  let isZero: Bool
  private let limit: Int
  private var parametersLeft: Int

  /// A context for at most that many parameters.
  package init(_ initialization: Initialization, maximumParameters: Int = .max) {
    switch initialization {
    case .seeded(let seed):
      seeds = SeededGenerator(seed: seed)
      isZero = false
    case .zeros:
      seeds = SeededGenerator(seed: 0)
      isZero = true
    case .copied(let seed):
      seeds = SeededGenerator(seed: seed)
      isZero = true
    }
    limit = maximumParameters
    parametersLeft = maximumParameters
  }

  /// A context of its own for what is built later: drawn from a seed, without limits.
  mutating func successor() -> BuildContext {
    BuildContext(.seeded(isZero ? .random(in: .min ... .max) : nextSeed()))
  }

  /// The seed of the next random thing.
  package mutating func nextSeed() -> UInt64 { seeds.next() }

  /// A variable with initial values.
  ///
  /// - Throws: `overBudget` if there would be more parameters than allowed, before memory is taken;
  ///   `invalidShape`, `outOfMemory`.
  public mutating func makeVariable(
    _ name: String, dimensions: [Int], initializer: Initializer, role: LayerVariable.Role,
    dtype: DType
  ) throws(CairnError) -> LayerVariable {
    let shape = try Shape(dimensions)
    guard shape.elementCount <= parametersLeft else {
      throw CairnError(
        .overBudget, "the model has more parameters than are allowed", at: .init(name: name),
        expected: "at most \(limit)", found: "a variable of shape \(shape)",
        advice: "Raise ModelLimits.maximumParameters if the model is to be trusted; a file's model "
          + "has no more of them than the file has elements")
    }
    parametersLeft -= shape.elementCount
    // A seed is drawn for every variable, needed or not: one layer's initializer then has no
    // influence on the next layer's values.
    let seed = nextSeed()
    let isTrainable = role == .trainable
    let variable: Variable
    if isZero {
      let value = try DeferredTensor(zeros: dtype, shape: shape)
      variable = Variable(value, name: name, trainable: isTrainable)
    } else if let value = try initializer.deferred(shape: shape, dtype: dtype, seed: seed) {
      variable = Variable(value, name: name, trainable: isTrainable)
    } else {
      let value = try initializer.values(shape: shape, dtype: dtype, seed: seed)
      variable = Variable(value, name: name, trainable: isTrainable)
    }
    return LayerVariable(variable, name: name, role: role)
  }

  /// Trainable weights, in that order, without those that are nil.
  ///
  /// - Throws: as ``makeVariable(_:dimensions:initializer:role:dtype:)``.
  package mutating func makeWeights(
    _ weights: [(name: String, dimensions: [Int], initializer: Initializer)?], dtype: DType
  ) throws(CairnError) -> [LayerVariable] {
    var variables: [LayerVariable] = []
    for case let weight? in weights {
      variables.append(
        try makeVariable(
          weight.name, dimensions: weight.dimensions, initializer: weight.initializer,
          role: .trainable, dtype: dtype))
    }
    return variables
  }
}
