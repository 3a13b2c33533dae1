// What is wrong when tensors don't fit a model: all of it, not only the first.

package import CairnSystem
public import CairnTensors

/// One way in which the tensors of a source don't fit a model.
public enum WeightMismatch: Hashable, Sendable, CustomStringConvertible {
  /// The model has a variable that the source has no tensor for; by order, there is none at that
  /// place.
  case missing(TensorName)
  /// The source has a tensor that the model has no variable for.
  case unexpected(TensorName)
  /// The element types differ.
  case dtype(TensorName, expected: DType, found: DType)
  /// The shapes differ.
  case shape(TensorName, expected: Shape, found: Shape)
  /// Two names are one variable in the model, but the source has different values for them.
  case tied(TensorName, to: TensorName)
  /// By order a tensor would go to one variable, but it has the name of another of the same shape.
  case crossed(TensorName, into: TensorName)
  /// A tensor's name is the end of several variables' paths.
  case undecided(TensorName, between: [TensorName])
  /// Two names mean one variable.
  case ambiguous(TensorName, TensorName, bothBecome: TensorName)

  fileprivate var isCrossed: Bool { if case .crossed = self { true } else { false } }

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
    case .crossed(let name, let variable):
      "‘\(name)’ would be loaded into ‘\(variable)’, but is the name of another variable"
    case .undecided(let name, let paths):
      "‘\(name)’ could be "
        + paths.prefix(4).map { "‘\($0)’" }.joined(separator: " or ")
    case .ambiguous(let name, let other, let mapped):
      "‘\(name)’ and ‘\(other)’ both become ‘\(mapped)’"
    }
  }
}

/// Every way in which the tensors of a source don't fit a model: the cause of a `weightMismatch`.
public struct WeightMismatchReport: Error, Hashable, Sendable, CustomStringConvertible {
  /// In the model's order of weights; unexpected names last, in the source's order.
  public let mismatches: [WeightMismatch]

  package init(mismatches: [WeightMismatch]) { self.mismatches = mismatches }

  /// The first few, and how many there are.
  public var description: String {
    let shown = mismatches.prefix(5).map(\.description).joined(separator: "; ")
    let more = mismatches.count - 5
    return more > 0 ? "\(shown); and \(more) more" : shown
  }

  /// The paths of variables that the source has no tensor for.
  package var missing: [TensorName] {
    mismatches.compactMap { if case .missing(let name) = $0 { name } else { nil } }
  }
  /// The names of tensors that the model has no variable for.
  package var unexpected: [TensorName] {
    mismatches.compactMap { if case .unexpected(let name) = $0 { name } else { nil } }
  }

  /// The error that has this report as its cause.
  package func error(for model: String) -> CairnError {
    CairnError(
      .weightMismatch, "the tensors do not fit the model", at: .init(name: model),
      found: description,
      advice: mismatches.contains(where: \.isCrossed)
        ? "Load by name, or allow it with allowCrosswise if the names mean nothing" : nil,
      cause: self)
  }
}
