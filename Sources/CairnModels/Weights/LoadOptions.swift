// How tensors are matched with variables, and what a load may leave open.

import CairnTensors

/// How weights are loaded; strictly, unless something else is asked for.
public struct LoadOptions: Hashable, Sendable {
  /// What says which tensor is for which variable.
  public enum Matching: String, Hashable, Sendable, CaseIterable {
    /// Their names: each variable takes the tensor whose name is its path.
    case names
    /// The ends of their names: a tensor goes to the variable whose path ends with its name, from a
    /// slash on. If there are several such paths, the one with the fewest parts in front is meant;
    /// if that is not one variable, it is an error.
    case endings
    /// Their places: the first variable in the order of weights takes the source's first tensor, and
    /// so on. Variables and tensors under several names count once.
    case order
  }

  /// What says which tensor is for which variable; names unless set.
  public var matching = Matching.names
  /// How the source's names become names in the model.
  public var mapping = NameMapping()
  /// Whether variables may stay as they are because the source has no tensor for them.
  public var allowMissing = false
  /// Whether the source may have tensors that no variable takes.
  public var allowUnused = false
  /// Whether floats may be converted to the variable's type, rounded to the nearest.
  public var allowCast = false
  /// Whether a tensor that has the name of one variable may go to another of the same shape,
  /// because that is where the order puts it.
  public var allowCrosswise = false

  /// Strict, by name.
  public init() {}
}
