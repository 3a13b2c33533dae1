// What a model's inputs and outputs are called.

package import CairnTensors

extension Model {
  /// The names of the inputs, in order: those of the input layers. Empty while a ``Sequential`` model
  /// does not know its input.
  public var inputNames: [String] {
    if let graph = self as? Functional { return graph.inputs.map(\.node.layer.name) }
    return sublayers.first is InputLayer ? [sublayers[0].name] : []
  }

  /// The types of the inputs, in the order of ``inputNames``.
  package var inputDTypes: [DType] {
    if let graph = self as? Functional { return graph.inputs.map(\.dtype) }
    return (sublayers.first as? InputLayer).map { [$0.dtype] } ?? []
  }

  /// The names of the outputs, in order: those of the layers that give them, with `_1`, `_2` … where
  /// a layer gives several.
  public var outputNames: [String] {
    guard let graph = self as? Functional else { return layers.last.map { [$0.name] } ?? [] }
    var taken = LayerNames()
    return graph.outputs.map { output in
      let name = taken.unique(output.node.layer.name)
      _ = taken.insert(name)
      return name
    }
  }
}
