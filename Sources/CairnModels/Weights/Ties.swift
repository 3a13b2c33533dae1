// Variables that several layers share.

public import CairnSystem
public import CairnTensors

extension Layer {
  /// Makes this layer use a variable of another layer: from now on the two layers share it.
  ///
  /// The old value of this layer's variable is dropped. Copies of a model that holds both layers
  /// keep them tied.
  ///
  /// - Parameters:
  ///   - name: The variable's name in this layer: `kernel`.
  ///   - other: The layer that has the variable.
  ///   - otherName: Its name there, if it is another.
  /// - Throws: `notBuilt` if one of the layers is not; `noSuchTensor`; `dtypeMismatch`,
  ///   `shapeMismatch`; `invalidArgument` if one is a trainable weight and the other is not. Then
  ///   nothing has changed.
  public func share(
    _ name: String, with other: any Layer, as otherName: String? = nil
  ) throws(CairnError) {
    let own = try requirePlace(name)
    let shared = try other.requirePlace(otherName ?? name)
    try Self.check(own, canBe: shared, path: "\(self.name)/\(name)")
    state.replace(name, by: shared.variable)
  }

  private func requirePlace(_ name: String) throws(CairnError) -> LayerVariable {
    guard isBuilt else { throw state.notBuilt() }
    guard let place = state.variables.first(where: { $0.name == name }) else {
      throw CairnError(
        .noSuchTensor, "the layer has no variable of that name",
        at: .init(name: "\(self.name)/\(name)"))
    }
    return place
  }

  /// Checks that a place can hold the variable of another.
  static func check(
    _ place: LayerVariable, canBe shared: LayerVariable, path: String
  ) throws(CairnError) {
    let (own, other) = (place.variable, shared.variable)
    guard own.dtype == other.dtype else {
      throw CairnError(
        .dtypeMismatch, "variables of different element types cannot be one",
        at: .init(name: path), expected: "\(own.dtype)", found: "\(other.dtype)")
    }
    guard own.shape == other.shape else {
      throw CairnError(
        .shapeMismatch, "variables of different shapes cannot be one", at: .init(name: path),
        expected: "\(own.shape)", found: "\(other.shape)")
    }
    guard place.role == shared.role else {
      throw CairnError(
        .invalidArgument, "a trainable weight and one that is none cannot be one variable",
        at: .init(name: path))
    }
  }
}

extension Model {
  /// The places that share a variable, by name: of each such variable all places, in the order of
  /// weights. Empty if nothing is shared.
  ///
  /// - Throws: `invalidName` for a path longer than 1,024 bytes.
  public func ties(_ scope: StateScope = .fullState) throws(CairnError) -> [[TensorName]] {
    var ties: [[TensorName]] = []
    for group in Self.groups(of: places(scope)) {
      var names: [TensorName] = []
      for place in group { names.append(try place.name()) }
      ties.append(names)
    }
    return ties
  }

  /// Makes places share variables: in each group all take the variable of the first place.
  ///
  /// Groups may name places that are tied already. Ties that are not named stay.
  ///
  /// - Throws: `noSuchTensor`, `dtypeMismatch`, `shapeMismatch`, `invalidArgument`; then nothing
  ///   has changed.
  public func tie(_ groups: [[TensorName]]) throws(CairnError) {
    var paths: [TensorName: [String]] = [:]
    for place in places(.fullState) { paths[try place.name()] = place.path }
    var places: [[[String]]] = []
    for group in groups {
      var list: [[String]] = []
      for name in group {
        guard let path = paths[name] else { throw Self.noPlace(name.string) }
        list.append(path)
      }
      places.append(list)
    }
    try tie(places: places)
  }

  /// Makes the place called `name` share the variable of the place called `owner`.
  ///
  /// - Throws: as ``tie(_:)``.
  public func tie(_ name: TensorName, to owner: TensorName) throws(CairnError) {
    try tie([[owner, name]])
  }

  func tie(places groups: [[[String]]]) throws(CairnError) {
    var places: [[String]: VariablePlace] = [:]
    for place in self.places(.fullState) { places[place.path] = place }
    var changes: [(any Layer, String, Variable)] = []
    // A place that an earlier group changes already counts with the variable that it will hold.
    var planned: [Slot: Variable] = [:]
    for group in groups {
      var owner: LayerVariable?
      for path in group {
        guard let place = places[path], let name = path.last else {
          throw Self.noPlace(path.joined(separator: "/"))
        }
        let slot = Slot(layer: ObjectIdentifier(place.layer), name: name)
        let own = LayerVariable(planned[slot] ?? place.variable, name: name, role: place.role)
        guard let owner else {
          owner = own
          continue
        }
        try Self.check(own, canBe: owner, path: path.joined(separator: "/"))
        planned[slot] = owner.variable
        changes.append((place.layer, name, owner.variable))
      }
    }
    for (layer, name, variable) in changes { layer.state.replace(name, by: variable) }
  }

  private struct Slot: Hashable {
    var layer: ObjectIdentifier
    var name: String
  }

  private static func noPlace(_ name: String) -> CairnError {
    CairnError(
      .noSuchTensor, "the model has no variable of that name", at: .init(name: name),
      advice: "summary() and ModelTensors list the names")
  }
}
