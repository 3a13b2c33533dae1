// Sources whose tensors are variables: models, optimizers.

public import CairnSystem
public import CairnTensors

/// A source whose tensors are the values of variables, which can be assigned.
public protocol VariableSource: TensorSource {
  /// The variable behind the tensor at `index`, or nil if it is not a variable's value. Aliases
  /// have their owner's.
  ///
  /// - Throws: `noSuchTensor`.
  func variable(at index: Int) throws(CairnError) -> Variable?
}
