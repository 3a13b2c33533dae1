// Weights as lists: which there are, reading and replacing them. Keras `layers/layer.py`.

public import CairnSystem
public import CairnTensors

extension Layer {
  /// The weights, each once, in Keras's order: layer by layer, for each layer the trainable ones
  /// first, then the others. Freezing a layer does not change the order.
  public var weights: [Variable] { distinct(.weights) }

  /// The weights and all other state, each variable once; Keras's `variables`.
  public var variables: [Variable] { distinct(.fullState) }

  /// The weights that an optimizer may change; none if the layer is frozen.
  public var trainableWeights: [Variable] {
    trainable ? weights.filter(\.trainable) : []
  }

  /// The other weights; all if the layer is frozen.
  public var nonTrainableWeights: [Variable] {
    trainable ? weights.filter { !$0.trainable } : weights
  }

  private func distinct(_ scope: StateScope) -> [Variable] {
    var seen: Set<ObjectIdentifier> = []
    return places(scope).map(\.variable).filter { seen.insert(ObjectIdentifier($0)).inserted }
  }

  /// The number of elements of all weights.
  public var parameterCount: Int { weights.reduce(0) { $0 + $1.shape.elementCount } }

  /// The values of the weights, in the order of ``weights``.
  ///
  /// - Complexity: O(number of weights): storage is shared until written.
  public func getWeights() -> [Tensor] { weights.map(\.value) }

  /// Replaces the values of all weights, which are given in the order of ``weights``.
  ///
  /// All or nothing, unlike Keras's: number, element types and shapes are checked first, and
  /// nothing is ever cast.
  ///
  /// - Throws: `countMismatch`; `dtypeMismatch` or `shapeMismatch` with the path and index of the
  ///   first weight that does not fit. Then nothing has changed.
  public func setWeights(_ tensors: [Tensor]) throws(CairnError) {
    var seen: Set<ObjectIdentifier> = []
    let places = places(.weights).filter {
      seen.insert(ObjectIdentifier($0.variable)).inserted
    }
    guard places.count == tensors.count else {
      throw CairnError(
        .countMismatch, "the layer has another number of weights than are given",
        at: .init(name: name), expected: "\(places.count) weights", found: "\(tensors.count)",
        advice: isBuilt ? nil : "The layer is not built: call build(inputShape:) first")
    }
    for (index, (place, tensor)) in zip(places, tensors).enumerated() {
      do throws(CairnError) {
        try place.variable.checkAssignable(tensor)
      } catch {
        var error = error
        error.location = .init(name: place.path.joined(separator: "/"), index: index)
        throw error
      }
    }
    for (place, tensor) in zip(places, tensors) { try place.variable.assign(tensor) }
  }
}
