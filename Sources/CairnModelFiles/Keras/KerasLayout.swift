// Which dataset of Keras each tensor of a source becomes, whatever the source calls it.

import CairnCheckpoints
import CairnForeign
import CairnModels
import CairnSystem
import CairnTensors

/// The datasets that a source's tensors become.
struct KerasLayout {
  private(set) var datasets: [HDF5WrittenDataset] = []
  private var paths: Set<ByteKey> = []

  /// The group for tensors that Keras has no place for.
  static let remainder = "cairn"

  /// Finds the paths of all tensors.
  ///
  /// Tensors whose names are such paths keep them. A model's tensors are found by its
  /// configuration. For other sources the names are used as paths.
  ///
  /// - Parameter needsModel: Whether the file is a model's.
  init(of source: any TensorSource, needsModel: Bool) throws(CairnError) {
    let order = try source.indicesInWeightOrder()
    let entries = try source.entries()
    let named = try Self.paths(of: source, entries, needsModel: needsModel)
    var numbers: [TensorName: Int] = [:]
    var ends: [Int] = []
    for index in order where entries[index].aliasOf == nil {
      let entry = entries[index]
      let path = named[entry.name] ?? entry.name.string
      guard paths.insert(ByteKey(path)).inserted else {
        throw CairnError(
          .cannotHold, "two tensors would be one dataset of Keras's", at: .init(name: path),
          advice: "Write a .cairn file, or rename one of them first")
      }
      numbers[entry.name] = datasets.count
      ends.append(entry.position)
      var dataset = HDF5WrittenDataset(
        path: path, dtype: entry.dtype, shape: entry.shape, byteCount: entry.byteCount,
        index: index)
      if !path.utf8.elementsEqual(entry.name.string.utf8) {
        dataset.attributes.append((HDF5File.nameKey, .string(entry.name.string)))
      }
      if entry.dtype == .bfloat16 { dataset.attributes.append(("dtype", .string("bfloat16"))) }
      datasets.append(dataset)
    }
    var aliases: [Int: (names: [String], positions: [Int64])] = [:]
    for index in order {
      guard let owner = entries[index].aliasOf else { continue }
      guard let number = numbers[owner] else { throw source.noSuchTensor(owner) }
      aliases[number, default: ([], [])].names.append(entries[index].name.string)
      aliases[number, default: ([], [])].positions.append(Int64(entries[index].position))
    }
    for (number, alias) in aliases.sorted(by: { $0.key < $1.key }) {
      datasets[number].attributes.append((HDF5File.aliasKey, .strings(alias.names)))
      datasets[number].attributes.append((HDF5File.aliasPositionKey, .ints(alias.positions)))
    }
    // Links are in the order of a walk over the groups, which may differ from the order of weights.
    if !aliases.isEmpty || Self.walkOrder(datasets) != Array(datasets.indices) {
      for number in datasets.indices {
        datasets[number].attributes.append((HDF5File.positionKey, .int(Int64(ends[number]))))
      }
    }
  }

  /// Whether what is at a path can have attributes: it must be a dataset, or a group, which is made
  /// if there is none.
  func canHoldAttributes(_ path: String) -> Bool {
    guard !path.isEmpty, let parts = try? HDF5Plan.components(of: path) else { return false }
    if paths.contains(ByteKey(path)) { return true }
    // A dataset cannot contain anything.
    var folder: [UInt8] = []
    for part in parts.dropLast() {
      if !folder.isEmpty { folder.append(UInt8(ascii: "/")) }
      folder += part.bytes
      if paths.contains(ByteKey(folder)) { return false }
    }
    return true
  }

  /// The datasets in the order in which a walk over the groups meets them. Groups come in the order
  /// in which they are made.
  private static func walkOrder(_ datasets: [HDF5WrittenDataset]) -> [Int] {
    var ranks: [ByteKey: Int] = [:]
    var keys: [[Int]] = []
    for dataset in datasets {
      var prefix: [UInt8] = []
      var key: [Int] = []
      for part in ByteKey(dataset.path).split(at: "/") {
        prefix += [UInt8(ascii: "/")] + part.bytes
        let folder = ByteKey(prefix)
        if ranks[folder] == nil { ranks[folder] = ranks.count }
        key.append(ranks[folder] ?? 0)
      }
      keys.append(key)
    }
    return datasets.indices.sorted { keys[$0].lexicographicallyPrecedes(keys[$1]) }
  }

  /// The paths for tensors whose names are not paths.
  private static func paths(
    of source: any TensorSource, _ entries: [TensorEntry], needsModel: Bool
  ) throws(CairnError) -> [TensorName: String] {
    // `vars/0`, `layers/dense/vars/0`.
    func isPath(_ name: TensorName) -> Bool {
      ByteKey(name.utf8).split(at: "/").dropLast().last == "vars"
    }
    guard source.configuration != nil else { return [:] }
    let havePaths = entries.contains { isPath($0.name) }
    if havePaths {
      // Paths of an older Keras are not where Keras 3 looks.
      guard needsModel, let value = try? source.parsedConfiguration()?.value,
        KerasConfiguration.isLegacy(value, of: source)
      else { return [:] }
    }
    let model: Model
    do throws(CairnError) {
      guard let value = try source.parsedConfiguration()?.value else { return [:] }
      model = try KerasConfiguration.model(
        value, of: source, limits: ModelLimits().filled(by: source, budget: .max))
    } catch {
      guard needsModel else { return [:] }
      throw error
    }
    let names = try KerasNames(model, source)
    var paths: [TensorName: String] = [:]
    for (number, entry) in entries.enumerated() {
      paths[entry.name] =
        names.path(of: entry.name)
        ?? (havePaths ? entry.name.string : "\(remainder)/\(number)")
    }
    return paths
  }
}

/// The names that a source may use for a model's variables: Cairn's paths, or the names in Keras's
/// older files.
struct KerasNames {
  /// For each tensor name, the variable's place and the path of Keras 3.
  private(set) var places: [TensorName: KerasPlace] = [:]
  /// For each tensor name, the path of an optimizer's variable.
  private var optimizer: [TensorName: String] = [:]

  init(_ model: Model, _ source: any TensorSource) throws(CairnError) {
    let all = model.kerasPlaces().places
    var byVariable: [ObjectIdentifier: KerasPlace] = [:]
    for place in all {
      places[try place.place.name()] = place
      if let path = place.path { places[try TensorName(path)] = place }
      let identity = ObjectIdentifier(place.place.variable)
      if byVariable[identity]?.path == nil { byVariable[identity] = place }
    }
    for place in try model.kerasOptimizerPlaces() { optimizer[place.name] = place.path }
    let version = KerasConfiguration.version(of: source)
    for place in all {
      guard let path = place.path else { continue }
      for older in Self.olderPaths(path, version) {
        let name = try TensorName(older)
        if places[name] == nil { places[name] = place }
      }
    }
    let layers = Dictionary(
      model.legacyKerasLayers().map { (ByteKey($0.name), $0.variables) },
      uniquingKeysWith: { first, _ in first })
    let lists = KerasNameLists(source.metadata)
    for (layer, paths) in lists.layers {
      let known = layers[ByteKey(layer)] ?? layers[ByteKey(LegacyKerasModel.name(layer))]
      guard let variables = known, variables.count == paths.count else { continue }
      for (path, variable) in zip(paths, variables) {
        guard let name = try? TensorName(path) else { continue }
        places[name] = byVariable[ObjectIdentifier(variable.variable)]
      }
    }
  }

  /// The names that Keras 2.12 to 2.15 and the first Keras 3 used for a path.
  ///
  /// The layers within an attention layer had their private names. Before 2.15 a model's layers
  /// were in its `_layer_checkpoint_dependencies`. Before 2.14 layers were counted twice there, so
  /// that the second layer of a class is `dense_2`.
  private static func olderPaths(_ path: String, _ version: KerasVersion?) -> [String] {
    let parts = ByteKey(path).split(at: "/").map { (part: ByteKey) -> String in
      ["query_dense", "key_dense", "value_dense", "output_dense"].contains(part)
        ? "_" + part.text : part.text
    }
    var paths = [parts.joined(separator: "/")]
    if let version, version < KerasVersion(2, 15) {
      var older = parts
      for place in parts.indices where parts[place].isSpelt(as: "layers") {
        older[place] = "_layer_checkpoint_dependencies"
        guard version < KerasVersion(2, 14), place + 1 < parts.count else { continue }
        older[place + 1] = countedTwice(parts[place + 1])
      }
      paths.append(older.joined(separator: "/"))
    }
    return paths.filter { !$0.isSpelt(as: path) }
  }

  /// `dense_4` for `dense_2`.
  private static func countedTwice(_ name: String) -> String {
    let pieces = ByteKey(name).split(at: "_")
    guard let last = pieces.last, pieces.count > 1, let number = Int(last.text),
      let first = last.bytes.first, first != UInt8(ascii: "+")
    else { return name }
    guard let twice = number.multiplied(by: 2) else { return name }
    return pieces.dropLast().map(\.text).joined(separator: "_") + "_\(twice)"
  }

  /// The path of Keras 3 for a tensor name.
  func path(of name: TensorName) -> String? {
    places[name]?.path ?? optimizer[name]
  }
}
