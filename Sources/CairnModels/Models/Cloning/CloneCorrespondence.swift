// Which layers of a clone correspond to which of the original: this says where ties and flags go.

import CairnSystem
import CairnTensors

/// Pairs of a layer and its replacement, where that is a layer of the same class.
struct CloneCorrespondence {
  private var clones: [ObjectIdentifier: [any Layer]] = [:]
  private var pairs: [(original: any Layer, clone: any Layer)] = []

  /// Records the replacement of a layer, and those of the layers within it.
  mutating func add(_ original: any Layer, _ clone: any Layer) {
    guard type(of: original) == type(of: clone) else { return }
    let identity = ObjectIdentifier(original)
    guard !clones[identity, default: []].contains(where: { $0 === clone }) else { return }
    clones[identity, default: []].append(clone)
    pairs.append((original, clone))
    let (inner, cloned) = (original.sublayers, clone.sublayers)
    guard inner.count == cloned.count else { return }
    for (layer, other) in zip(inner, cloned) { add(layer, other) }
  }

  /// Builds the clones of built layers that no model has built.
  func build(in context: inout BuildContext) throws(CairnError) {
    for (original, clone) in pairs where !clone.isBuilt {
      if let shapes = original.inputShapes, !shapes.isEmpty {
        try clone.build(for: shapes, in: &context)
      }
    }
  }

  /// A variable's place in a layer.
  private struct Slot {
    var layer: any Layer
    var name: String
    var place: LayerVariable
  }

  private func slots(for place: VariablePlace) -> [Slot] {
    let name = place.path.last ?? ""
    return (clones[ObjectIdentifier(place.layer)] ?? []).compactMap { layer in
      layer.state.variables.first { $0.name == name }
        .map { Slot(layer: layer, name: name, place: $0) }
    }
  }

  /// Ties in the clone what is one variable in `model`, and gives single variables the flags that
  /// they have there.
  ///
  /// - Throws: `invalidArgument` where only a part of the places of a variable has a counterpart;
  ///   `shapeMismatch`, `dtypeMismatch` where they can't be one. Then nothing has changed.
  func transfer(from model: Model) throws(CairnError) {
    let places = model.firstPlaces()
    var changes: [(slot: Slot, variable: Variable)] = []
    var flags: [(Variable, Bool)] = []
    for group in Model.groups(of: places, ofAtLeast: 1) {
      let found = group.map { slots(for: $0) }
      guard let first = found.first(where: { !$0.isEmpty })?.first else { continue }
      if let lost = zip(group, found).first(where: { $1.isEmpty })?.0 {
        throw CairnError(
          .invalidArgument, "a variable that two layers share would come apart in the clone",
          at: .init(name: lost.path.joined(separator: "/")),
          advice: "Replace all of the layers that share it, or none")
      }
      for slot in found.joined() where slot.place.variable !== first.place.variable {
        try Model.check(slot.place, canBe: first.place, path: "\(slot.layer.name)/\(slot.name)")
        changes.append((slot, first.place.variable))
      }
      let own = group[0]
      let expected = own.role == .trainable && own.layer.trainable
      if own.variable.trainable != expected, own.variable !== first.place.variable {
        flags.append((first.place.variable, own.variable.trainable))
      }
    }
    for (slot, variable) in changes { slot.layer.state.replace(slot.name, by: variable) }
    for (variable, flag) in flags { variable.trainable = flag }
  }
}
