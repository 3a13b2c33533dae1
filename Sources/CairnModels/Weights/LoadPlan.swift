// Which tensor of a source goes to which variable, and what does not fit: worked out before
// anything is read.

import CairnCheckpoints
import CairnSystem
import CairnTensors

/// The plan of a load.
struct LoadPlan {
  struct Load {
    /// The variable's path.
    var name: TensorName
    var tensor: SourceTensor
    var variable: Variable
    var castFrom: DType?
  }
  /// A further name of a variable, for which the source has a tensor of its own.
  struct Tie {
    var name: TensorName
    var tensor: SourceTensor
    /// The load of the variable's first name.
    var load: Int
  }
  /// A tensor of the source: its name there, and its name in the model.
  struct SourceTensor {
    var index: Int
    var entry: TensorEntry
    var mapped: TensorName
    /// The name of the tensor whose bytes it has.
    var owner: TensorName { entry.aliasOf ?? entry.name }
  }

  typealias NamedVariable = (name: TensorName, variable: Variable)

  private(set) var loads: [Load] = []
  private(set) var ties: [Tie] = []
  private(set) var missing: [TensorName] = []
  private(set) var unused: [TensorName] = []
  private(set) var mismatches: [WeightMismatch] = []
  private var numbers: [ObjectIdentifier: Int] = [:]
  private let options: LoadOptions

  init(
    _ places: [NamedVariable], from source: any TensorSource, options: LoadOptions
  ) throws(CairnError) {
    self.options = options
    var tensors: [SourceTensor] = []
    for index in 0..<source.count {
      let entry = try source.entry(at: index)
      tensors.append(
        SourceTensor(index: index, entry: entry, mapped: try options.mapping(entry.name)))
    }
    switch options.matching {
    case .names: match(places, byNameWith: tensors)
    case .endings:
      find(in: PathEndings(places), &tensors)
      match(places, byNameWith: tensors)
    case .order:
      try match(places, inOrderWith: source.indicesInWeightOrder().map { tensors[$0] })
    }
    if !options.allowMissing { mismatches += missing.map { .missing($0) } }
    if !options.allowUnused { mismatches += unused.map { .unexpected($0) } }
  }

  // MARK: By name

  private mutating func match(
    _ places: [NamedVariable], byNameWith tensors: [SourceTensor]
  ) {
    var named: [TensorName: SourceTensor] = [:]
    for tensor in tensors {
      if let other = named.updateValue(tensor, forKey: tensor.mapped) {
        mismatches.append(
          .ambiguous(other.entry.name, tensor.entry.name, bothBecome: tensor.mapped))
      }
    }
    var taken: Set<TensorName> = []
    var absent: [(TensorName, ObjectIdentifier)] = []
    for place in places {
      let name = place.name
      guard let tensor = named[name] else {
        absent.append((name, ObjectIdentifier(place.variable)))
        continue
      }
      taken.insert(name)
      add(name, place.variable, tensor)
    }
    // If tensors may be missing, a variable that was found under another of its names is not
    // missing.
    missing = absent.filter { !options.allowMissing || numbers[$0.1] == nil }.map(\.0)
    unused = tensors.filter { !taken.contains($0.mapped) }.map(\.entry.name)
  }

  /// Gives tensors the paths that end with their names.
  private mutating func find(
    in endings: PathEndings, _ tensors: inout [SourceTensor]
  ) {
    var undecided: Set<Int> = []
    for index in tensors.indices {
      switch endings.meaning(of: tensors[index].mapped) {
      case .path(let path): tensors[index].mapped = path
      case .nothing: break
      case .undecided(let paths):
        undecided.insert(index)
        mismatches.append(.undecided(tensors[index].entry.name, between: paths))
      }
    }
    tensors = tensors.indices.filter { !undecided.contains($0) }.map { tensors[$0] }
  }

  // MARK: In order

  private mutating func match(
    _ places: [NamedVariable], inOrderWith tensors: [SourceTensor]
  ) {
    var owners: Set<TensorName> = []
    let tensors = tensors.filter { owners.insert($0.owner).inserted }
    var seen: Set<ObjectIdentifier> = []
    let distinct = places.filter { seen.insert(ObjectIdentifier($0.variable)).inserted }
    let known = NamedVariables(places)
    for (place, tensor) in zip(distinct, tensors) {
      let name = place.name
      if !options.allowCrosswise, known.isCrossed(tensor.mapped, into: place.variable) {
        mismatches.append(.crossed(tensor.entry.name, into: name))
      } else {
        add(name, place.variable, tensor)
      }
    }
    for place in distinct.dropFirst(tensors.count) { missing.append(place.name) }
    unused = tensors.dropFirst(distinct.count).map(\.entry.name)
  }

  /// The model's variables by their paths, with and without the outermost model's name. That name
  /// says little: another program gives its model another name.
  private struct NamedVariables {
    private var variables: [[UInt8]: Variable] = [:]

    init(_ places: [NamedVariable]) {
      for place in places {
        let path = Array(place.name.string.utf8)
        variables[path] = place.variable
        variables[Self.withoutModel(path)] = place.variable
      }
    }

    private static func withoutModel(_ path: [UInt8]) -> [UInt8] {
      path.firstIndex(of: UInt8(ascii: "/")).map { Array(path[($0 + 1)...]) } ?? path
    }

    /// Whether a tensor's name is that of another variable, which could take it as well.
    func isCrossed(_ name: TensorName, into variable: Variable) -> Bool {
      let path = Array(name.string.utf8)
      guard let meant = variables[path] ?? variables[Self.withoutModel(path)] else { return false }
      return meant !== variable && meant.shape == variable.shape
    }
  }

  // MARK: Both

  private mutating func add(_ name: TensorName, _ variable: Variable, _ tensor: SourceTensor) {
    let entry = tensor.entry
    let mayCast = options.allowCast && entry.dtype.isPlainFloat && variable.dtype.isPlainFloat
    guard entry.dtype == variable.dtype || mayCast else {
      mismatches.append(.dtype(name, expected: variable.dtype, found: entry.dtype))
      return
    }
    guard entry.shape == variable.shape else {
      mismatches.append(.shape(name, expected: variable.shape, found: entry.shape))
      return
    }
    let identity = ObjectIdentifier(variable)
    guard let load = numbers[identity] else {
      numbers[identity] = loads.count
      let castFrom = entry.dtype == variable.dtype ? nil : entry.dtype
      loads.append(Load(name: name, tensor: tensor, variable: variable, castFrom: castFrom))
      return
    }
    if loads[load].tensor.owner != tensor.owner {
      ties.append(Tie(name: name, tensor: tensor, load: load))
    }
  }

  /// What the load does, if all of it is done.
  var report: LoadReport {
    LoadReport(
      restored: loads.map {
        .init(name: $0.name, source: $0.tensor.entry.name, castFrom: $0.castFrom)
      }, missing: missing, unused: unused)
  }
}
