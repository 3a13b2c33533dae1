// Sources whose tensors lie in memory and may be assigned: tensors, models, optimizers.

package import CairnSystem
package import CairnTensors

/// What a live tensor is made of: independence is judged by it.
package struct LiveIdentity: Sendable {
  /// The variable object, if there is one.
  package var variable: ObjectIdentifier?
  /// The memory.
  package var storage: StorageIdentity

  /// The identity of a tensor in memory, perhaps a variable's.
  package init(variable: ObjectIdentifier? = nil, storage: StorageIdentity) {
    self.variable = variable
    self.storage = storage
  }
}

/// A source whose tensors lie in memory.
package protocol LiveSource: TensorSource {
  /// The variable or storage behind the tensor.
  ///
  /// - Throws: `noSuchTensor`.
  func identity(at index: Int) throws(CairnError) -> LiveIdentity
}

/// A source whose tensors are the values of variables, which can be assigned.
package protocol VariableSource: LiveSource {
  /// The variable behind the tensor at `index`, or nil if it is not a variable's value. Aliases
  /// have their owner's.
  ///
  /// - Throws: `noSuchTensor`.
  func variable(at index: Int) throws(CairnError) -> Variable?
}

extension TensorSource {
  /// The variable or storage behind the tensor, if it is a live one: a view of live tensors is live.
  package func liveIdentity(at index: Int) throws(CairnError) -> LiveIdentity? {
    if let live = self as? any LiveSource { return try live.identity(at: index) }
    guard let view = self as? any TensorView, let origin = try view.origin(of: index) else {
      return nil
    }
    return try origin.source.liveIdentity(at: origin.index)
  }
}
