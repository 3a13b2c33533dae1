// A variable in its layer: its name there, and its role.

public import CairnTensors

/// A named place of a layer that holds a variable.
///
/// The place's name is fixed; which variable it holds can change, when two places come to share
/// one (``Layer/share(_:with:as:)``).
public struct LayerVariable: Sendable {
  /// What a variable is to its layer.
  public enum Role: Hashable, Sendable {
    /// A weight that an optimizer may change, unless the layer is frozen.
    case trainable
    /// A weight that no optimizer changes: moving statistics.
    case nonTrainable
    /// State that is not a weight: a seed generator's. It is not in `weights`, and not in
    /// `getWeights()`.
    case state
  }

  /// The name within the layer: `kernel`.
  public let name: String
  /// What the variable is to the layer; freezing the layer does not change it.
  public let role: Role
  /// The variable.
  public internal(set) var variable: Variable

  /// A place with the given name and role for `variable`.
  package init(_ variable: Variable, name: String, role: Role) {
    self.name = name
    self.role = role
    self.variable = variable
  }
}

/// Which of a model's variables are meant.
public enum StateScope: String, Hashable, Sendable, CaseIterable {
  /// The weights, as `getWeights()` gives them; Keras's `weights`.
  case weights
  /// Everything that a deep copy keeps: the weights, and state such as a seed generator's; Keras's
  /// `variables`.
  case fullState

  /// Whether variables of that role are meant.
  func includes(_ role: LayerVariable.Role) -> Bool { self == .fullState || role != .state }
}
