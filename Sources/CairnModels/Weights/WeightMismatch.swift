// What is wrong when tensors don't fit a model: all of it, not only the first.

import CairnSystem
public import CairnTensors

/// One way in which the tensors of a source don't fit a model.
public enum WeightMismatch: Hashable, Sendable, CustomStringConvertible {
  /// The model has a variable that the source has no tensor for.
  case missing(TensorName)
  /// The source has a tensor that the model has no variable for.
  case unexpected(TensorName)
  /// The element types differ.
  case dtype(TensorName, expected: DType, found: DType)
  /// The shapes differ.
  case shape(TensorName, expected: Shape, found: Shape)
  /// Two names are one variable in the model, but the source has different values for them.
  case tied(TensorName, to: TensorName)

  /// One line.
  public var description: String {
    switch self {
    case .missing(let name): "‘\(name)’ is missing"
    case .unexpected(let name): "‘\(name)’ is unexpected"
    case .dtype(let name, let expected, let found):
      "‘\(name)’ should be \(expected), is \(found)"
    case .shape(let name, let expected, let found):
      "‘\(name)’ should have the shape \(expected), has \(found)"
    case .tied(let name, let other):
      "‘\(name)’ and ‘\(other)’ are one variable, but have different values"
    }
  }
}

/// Every way in which the tensors of a source don't fit a model: the cause of a `weightMismatch`.
public struct WeightMismatchReport: Error, Hashable, Sendable, CustomStringConvertible {
  /// In the model's order of weights; unexpected names last, in the source's order.
  public let mismatches: [WeightMismatch]

  /// The first few, and how many there are.
  public var description: String {
    let shown = mismatches.prefix(5).map(\.description).joined(separator: "; ")
    let more = mismatches.count - 5
    return more > 0 ? "\(shown); and \(more) more" : shown
  }

  func error(for model: String) -> CairnError {
    CairnError(
      .weightMismatch, "the tensors do not fit the model", at: .init(name: model),
      found: description, cause: self)
  }
}
