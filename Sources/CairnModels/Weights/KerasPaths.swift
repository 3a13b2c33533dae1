// Where Keras keeps a model's variables in its files. Keras 3 `saving/saving_lib.py` (`_save_state`,
// `_save_container_state`) for `.keras` and `.weights.h5`; `legacy/saving/legacy_h5_format.py` for whole
// models in HDF5.

package import CairnSystem
package import CairnTensors

/// A variable of a model, and the dataset in which Keras 3 keeps it.
package struct KerasPlace: Sendable {
  /// Where the variable is in the model.
  package let place: VariablePlace
  /// The path in `model.weights.h5`: `layers/dense/vars/0`. Nil for what Keras does not save: a further
  /// place of a layer that stands in several, and the state of seed generators and of recurrent layers.
  package let path: String?
}

/// A layer of a model, and the group in which Keras 3 keeps its variables.
package struct KerasGroup: Sendable {
  /// The path in `model.weights.h5`: `layers/dense/vars`.
  package let path: String
  /// The layer's name, which Keras notes beside the variables.
  package let layerName: String
}

extension Model {
  /// Where Keras 3 keeps the model's variables, in the order of ``Layer/places(_:)`` of the full state;
  /// and the groups that it makes for its layers.
  ///
  /// Keras names layers by their classes: `layers/dense_1` is the second `Dense`, whatever its name.
  package func kerasPlaces() -> (places: [KerasPlace], groups: [KerasGroup]) {
    var walk = KerasWalk()
    walk.visit(self, at: "")
    return (places(.fullState).map { walk.place($0) }, walk.groups)
  }

  /// The layers that have a vocabulary, each with the asset in which Keras 3 keeps it if its configuration
  /// does not.
  package func kerasVocabularies() -> [(layer: any VocabularyLayer, asset: String)] {
    var walk = KerasWalk()
    walk.visit(self, at: "")
    return walk.vocabularies
  }

  /// Where Keras 3 keeps the state of the model's optimizer: `optimizer/vars/0`, …, each with the name that
  /// the variable has among the model's (``ModelTensors``). None if there is no optimizer.
  ///
  /// - Throws: `invalidName`, `optimizerMismatch`, as ``ModelTensors/init(_:scope:metadata:)``.
  package func kerasOptimizerPlaces() throws(CairnError) -> [(
    name: TensorName, variable: Variable, path: String
  )] {
    guard let optimizer else { return [] }
    return try places(of: optimizer, path: [name]).enumerated().map { number, place in
      (place.name, place.variable, "optimizer/vars/\(number)")
    }
  }

  /// The layers of the outermost model with the variables that Keras's older files list for each: its
  /// trainable weights, then the others, whatever its sublayers.
  package func legacyKerasLayers() -> [(name: String, variables: [VariablePlace])] {
    sublayers.map { layer in
      let places = layer.places(.weights)
      var seen: Set<ObjectIdentifier> = []
      let once = places.filter { seen.insert(ObjectIdentifier($0.variable)).inserted }
      guard layer.trainable else { return (layer.name, once) }
      return (
        layer.name,
        once.filter { $0.variable.trainable } + once.filter { !$0.variable.trainable }
      )
    }
  }
}

/// Keras's walk over a model: every layer once, by its first place.
private struct KerasWalk {
  private(set) var groups: [KerasGroup] = []
  private(set) var vocabularies: [(layer: any VocabularyLayer, asset: String)] = []
  /// The groups of the layers that were visited.
  private var visited: [ObjectIdentifier: String] = [:]

  mutating func visit(_ layer: any Layer, at path: String) {
    guard visited[ObjectIdentifier(layer)] == nil else { return }
    let group = path.isEmpty ? "vars" : path + "/vars"
    visited[ObjectIdentifier(layer)] = group
    groups.append(KerasGroup(path: group, layerName: layer.name))
    if let layer = layer as? any VocabularyLayer {
      vocabularies.append((layer, "assets/\(path)/vocabulary.txt"))
    }
    for (name, sublayer) in zip(layer.sublayerNames, layer.sublayers) {
      if let name { visit(sublayer, at: path.isEmpty ? name : "\(path)/\(name)") }
    }
  }

  /// The dataset of a variable.
  func place(_ place: VariablePlace) -> KerasPlace {
    if place.layer is any VocabularyLayer, let group = visited[ObjectIdentifier(place.layer)],
      let name = place.path.last
    {
      return KerasPlace(place: place, path: "\(group)/\(name)")
    }
    var own = place.layer.state.variables.filter { $0.role != .state }
    // A quantised kernel is not trained, but it is still saved before the bias.
    if let bias = own.firstIndex(where: { $0.name == "bias" }),
      own.contains(where: { $0.name == "kernel_scale" })
    {
      let moved = own.remove(at: bias)
      own.insert(moved, at: min(1, own.count))
    }
    guard let group = visited[ObjectIdentifier(place.layer)],
      let number = own.firstIndex(where: { $0.name == place.path.last })
    else { return KerasPlace(place: place, path: nil) }
    return KerasPlace(place: place, path: "\(group)/\(number)")
  }
}
