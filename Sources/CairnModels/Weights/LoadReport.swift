// What a load did.

public import CairnTensors

/// What became of every variable and of every tensor of a load that succeeded.
public struct LoadReport: Hashable, Sendable, CustomStringConvertible {
  /// A variable that has a new value.
  public struct Restored: Hashable, Sendable {
    /// The variable's path; of a variable in several places, the first.
    public let name: TensorName
    /// What the tensor is called in its source.
    public let source: TensorName
    /// The type that it has there, if that is another.
    public let castFrom: DType?
  }

  /// The variables that were loaded, in the order of weights.
  public let restored: [Restored]
  /// Variables that stayed as they were, in the order of weights. Empty unless
  /// ``LoadOptions/allowMissing``.
  public let missing: [TensorName]
  /// Tensors that no variable took, as their source calls them. Empty unless
  /// ``LoadOptions/allowUnused``.
  public let unused: [TensorName]

  /// One line.
  public var description: String {
    let casts = restored.count { $0.castFrom != nil }
    var text = "\(restored.count) restored"
    if casts > 0 { text += ", \(casts) of them converted" }
    if !missing.isEmpty { text += ", \(missing.count) missing" }
    if !unused.isEmpty { text += ", \(unused.count) unused" }
    return text
  }
}
