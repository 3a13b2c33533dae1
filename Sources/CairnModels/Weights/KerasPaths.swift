// Where Keras keeps a model's variables in its files. Keras 3 `saving/saving_lib.py` (`_save_state`,
// `_save_container_state`) for `.keras` and `.weights.h5`; `legacy/saving/legacy_h5_format.py` for whole
// models in HDF5.

public import CairnSystem
public import CairnTensors

/// A variable of a model, and the dataset in which Keras 3 keeps it.
public struct KerasPlace: Sendable {
  /// Where the variable is in the model.
  public let place: VariablePlace
  /// The path in `model.weights.h5`: `layers/dense/vars/0`. Nil for what Keras does not save: a further
  /// place of a layer that stands in several, and the state of seed generators and of recurrent layers.
  public let path: String?
}

/// A layer of a model, and the group in which Keras 3 keeps its variables.
public struct KerasGroup: Sendable {
  /// The path in `model.weights.h5`: `layers/dense/vars`.
  public let path: String
  /// The layer's name, which Keras notes beside the variables.
  public let layerName: String
}

extension Model {
  /// Where Keras 3 keeps the model's variables, in the order of ``Layer/places(_:)`` of the full state;
  /// and the groups that it makes for its layers.
  ///
  /// Keras names layers by their classes: `layers/dense_1` is the second `Dense`, whatever its name.
  public func kerasPlaces() -> (places: [KerasPlace], groups: [KerasGroup]) {
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
  public func kerasOptimizerPlaces() throws(CairnError) -> [(
    name: TensorName, variable: Variable, path: String
  )] {
    guard let optimizer else { return [] }
    return try places(of: optimizer, path: [name]).enumerated().map { number, place in
      (place.name, place.variable, "optimizer/vars/\(number)")
    }
  }

  /// The layers of the outermost model with the variables that Keras's older files list for each: its
  /// trainable weights, then the others, whatever its sublayers.
  public func legacyKerasLayers() -> [(name: String, variables: [VariablePlace])] {
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
    for (name, sublayer) in Self.children(of: layer) {
      visit(sublayer, at: path.isEmpty ? name : "\(path)/\(name)")
    }
  }

  /// The layers within a layer, by the names under which Keras finds them.
  private static func children(of layer: any Layer) -> [(String, any Layer)] {
    if layer is Model {
      var names = LayerNames()
      return layer.sublayers.compactMap { sublayer in
        guard !(sublayer is TensorOperation), !(layer is Sequential && sublayer is InputLayer)
        else {
          return nil
        }
        // The class is exported under another name than it has.
        let kind =
          sublayer is GroupedQueryAttention
          ? "GroupedQueryAttention" : sublayer.configurationClass.className
        let name = names.unique(LayerName.automatic(for: kind))
        _ = names.insert(name)
        return ("layers/" + name, sublayer)
      }
    }
    let sublayers = layer.sublayers
    switch layer {
    case is Bidirectional: return Array(zip(["forward_layer", "backward_layer"], sublayers))
    case is TimeDistributed: return Array(zip(["layer"], sublayers))
    case is TextVectorization: return Array(zip(["_lookup_layer"], sublayers))
    case is StackedCells:
      var names = LayerNames()
      return sublayers.map { cell in
        let name = names.unique(LayerName.automatic(for: cell.configurationClass.className))
        _ = names.insert(name)
        return ("cells/" + name, cell)
      }
    case is MultiHeadAttention: return sublayers.map { (projection($0.name), $0) }
    case is GroupedQueryAttention: return sublayers.map { ("_" + projection($0.name), $0) }
    default: return Array(zip(["cell"], sublayers))
    }
  }

  private static func projection(_ name: String) -> String {
    name == "attention_output" ? "output_dense" : name + "_dense"
  }

  /// The dataset of a variable.
  func place(_ place: VariablePlace) -> KerasPlace {
    if place.layer is any VocabularyLayer, let group = visited[ObjectIdentifier(place.layer)],
      let name = place.path.last
    {
      return KerasPlace(place: place, path: "\(group)/\(name)")
    }
    var own = place.layer.state.variables.filter { $0.role != .state }
    // A quantised kernel is not trained, and saved ahead of the bias all the same.
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
