// Where a model's variables are: the walk that everything else builds on.

package import CairnSystem
package import CairnTensors

/// A variable of a model, and where it is.
///
/// A variable that several places hold has one of these for each place.
package struct VariablePlace: Sendable {
  /// The names from the outermost model inwards: `["digits", "hidden", "kernel"]`.
  package let path: [String]
  /// The layer whose variable it is.
  package let layer: any Layer
  /// What the variable is to its layer.
  package let role: LayerVariable.Role
  /// The variable.
  package let variable: Variable

  /// The path with slashes, as Keras's `path`: `digits/hidden/kernel`.
  ///
  /// - Throws: `invalidName` for a path longer than 1,024 bytes.
  package func name() throws(CairnError) -> TensorName {
    try TensorName(path.joined(separator: "/"))
  }
}

extension Layer {
  /// Where the variables are, in Keras's order: a layer's trainable weights, its other weights, its
  /// other state, then its sublayers one by one.
  ///
  /// The order depends on neither values nor `trainable` flags. A layer that stands in two places
  /// is listed in both.
  package func places(_ scope: StateScope) -> [VariablePlace] {
    var places: [VariablePlace] = []
    walk([name]) { layer, path in
      for place in layer.state.variables where scope.includes(place.role) {
        places.append(
          VariablePlace(
            path: path + [place.name], layer: layer, role: place.role, variable: place.variable))
      }
      return true
    }
    return places
  }

  /// All places of variables; of each layer only the first place.
  func firstPlaces() -> [VariablePlace] {
    var seen: Set<ObjectIdentifier> = []
    var counted: Set<[String]> = []
    walk([name]) { layer, path in
      guard seen.insert(ObjectIdentifier(layer)).inserted else { return false }
      counted.insert(path)
      return true
    }
    return places(.fullState).filter { counted.contains(Array($0.path.dropLast())) }
  }

  /// For each layer that stands in several places: its places, in the order of the walk. Layers
  /// within such a layer are not listed separately.
  func sharedLayers() -> [[[String]]] {
    var order: [ObjectIdentifier] = []
    var paths: [ObjectIdentifier: [[String]]] = [:]
    walk([name]) { layer, path in
      let identity = ObjectIdentifier(layer)
      if paths[identity] == nil { order.append(identity) }
      paths[identity, default: []].append(path)
      return paths[identity]?.count == 1
    }
    return order.compactMap { identity in
      guard let places = paths[identity], places.count > 1 else { return nil }
      return places
    }
  }

  /// Visits this layer and those within it, before their sublayers; not into a layer for which
  /// `visit` returns false.
  func walk(_ path: [String], _ visit: (any Layer, [String]) -> Bool) {
    guard visit(self, path) else { return }
    for layer in sublayers { layer.walk(path + [layer.name], visit) }
  }

  /// All layers within this one, at any depth, each once.
  func allSublayers() -> [any Layer] {
    var seen: Set<ObjectIdentifier> = []
    var layers: [any Layer] = []
    walk([name]) { layer, _ in
      guard seen.insert(ObjectIdentifier(layer)).inserted else { return false }
      if layer !== self { layers.append(layer) }
      return true
    }
    return layers
  }

  /// Places grouped by their variable, in the order of the walk. Smaller groups than asked for are
  /// left out.
  static func groups(
    of places: [VariablePlace], ofAtLeast smallest: Int = 2
  ) -> [[VariablePlace]] {
    var indices: [ObjectIdentifier: Int] = [:]
    var groups: [[VariablePlace]] = []
    for place in places {
      let identity = ObjectIdentifier(place.variable)
      if let index = indices[identity] {
        groups[index].append(place)
      } else {
        indices[identity] = groups.count
        groups.append([place])
      }
    }
    return groups.filter { $0.count >= smallest }
  }
}
