// Models from Keras's files.

public import CairnCheckpoints
import CairnContainer
import CairnForeign
package import CairnJSON
public import CairnModels
public import CairnSystem
import CairnTensors

extension Model {
  /// The model of tensors that have Keras's names, or the names of a model's own paths.
  ///
  /// Weights are found where Keras puts them, and so is the state of the optimizer of a `.keras`
  /// file, if Cairn has that optimizer. Tensors that belong to neither, such as an older file's
  /// optimizer, are not part of the model; read them from the file as tensors (``CheckpointFile``).
  ///
  /// - Parameter configuration: Of any Keras; by default the source's own.
  package static func restored(
    fromKeras source: any TensorSource, configuration: [UInt8]? = nil,
    registry: LayerRegistry = .standard, budget: Int? = nil, limits: ModelLimits = ModelLimits()
  ) throws(CairnError) -> Model {
    var parsed: ConfigurationText?
    if let configuration {
      parsed = try ConfigurationText(parsing: configuration)
    } else {
      parsed = try source.parsedConfiguration()
    }
    guard let parsed else { throw noConfiguration }
    let limits = try limits.filled(by: source, budget: budget ?? source.defaultBudget)
    let model = try KerasConfiguration.model(
      parsed.value, of: source, registry: registry, limits: limits)
    try model.loadKerasWeights(from: source)
    try model.loadState(from: source)
    model.loadKerasOptimizer(from: source)
    return model
  }

  /// A configuration of any Keras, from a file of any kind, in the form that
  /// ``make(configuration:registry:initialization:limits:)`` takes.
  ///
  /// - Throws: `invalidConfiguration`; `unsupportedConfiguration` for what an older Keras had and
  ///   Cairn does not have.
  package static func configuration(ofKeras text: [UInt8]) throws(CairnError) -> JSONValue {
    try KerasConfiguration.current(ConfigurationText(parsing: text).value, version: nil).value
  }

  /// Loads the state that is not weights, if the source has it: Cairn's own files do.
  private func loadState(from source: any TensorSource) throws(CairnError) {
    for place in kerasPlaces().places where place.place.role == .state {
      // The weights of a vocabulary are state that Keras saves too; in its files they have Keras's
      // names.
      let isSaved = place.place.layer is any VocabularyLayer
      var names = [try place.place.name()]
      if isSaved, let path = place.path { names.append(try TensorName(path)) }
      for name in names {
        guard let index = try source.index(of: name) else { continue }
        let tensor = try source.tensor(at: index)
        if isSaved, tensor.dtype.isFloatingPoint, tensor.shape == place.place.variable.shape {
          try place.place.variable.assign(tensor.cast(to: place.place.variable.dtype))
        } else {
          try place.place.variable.assign(tensor)
        }
        break
      }
    }
    try loadVocabularies(from: source)
  }

  /// Loads the vocabularies that are stored beside the configuration.
  private func loadVocabularies(from source: any TensorSource) throws(CairnError) {
    let missing = kerasVocabularies().filter(\.layer.lacksVocabulary)
    guard !missing.isEmpty else { return }
    var assets: [ByteKey: [UInt8]] = [:]
    for blob in try source.blobs { assets[ByteKey(blob.name.utf8)] = blob.bytes }
    for (layer, asset) in missing where layer.lacksVocabulary {
      guard let bytes = assets[ByteKey(asset)] else { continue }
      do throws(CairnError) { try layer.setVocabulary(asset: bytes) } catch {
        throw error.located(name: asset)
      }
    }
  }

  /// Loads the state of the optimizer that the configuration names, if the source has it. It loads
  /// all of the state, or nothing; then ``optimizerNote`` says why.
  ///
  /// The results of a model do not depend on it. Keras too goes on without an optimizer's state
  /// that does not fit: the optimizer was never built, or was built for other weights than are
  /// trainable now.
  private func loadKerasOptimizer(from source: any TensorSource) {
    do throws(CairnError) {
      if optimizer == nil {
        guard try source.index(of: "optimizer/vars/0") != nil else { return }
        // Before its first step an optimizer has only two variables, the steps and the rate.
        try compileFromConfiguration(builds: source.index(of: "optimizer/vars/2") != nil)
      }
      try loadState(ofOptimizerFrom: source)
    } catch {
      dropOptimizer(
        because: "the optimizer's state is not taken over: \(error.message)"
          + (error.location.name.map { " (\($0.excerpt))" } ?? ""))
    }
  }

  private func loadState(ofOptimizerFrom source: any TensorSource) throws(CairnError) {
    var values: [(variable: Variable, tensor: Tensor)] = []
    let places = try kerasOptimizerPlaces()
    for place in places {
      let names = [place.name, try TensorName(place.path)]
      var found: Tensor?
      for name in names where found == nil {
        if let index = try source.index(of: name) { found = try source.tensor(at: index) }
      }
      guard var tensor = found, tensor.shape == place.variable.shape else {
        throw CairnError(
          .weightMismatch, "a variable of the optimizer is not in the file, or of another shape",
          at: .init(name: place.name.string), expected: "\(place.variable.shape)",
          found: found.map { "\($0.shape)" } ?? "nothing")
      }
      // Keras counts steps in 32 or 64 bits, depending on its backend.
      if tensor.dtype.isInteger, place.variable.dtype.isInteger {
        tensor = try tensor.cast(to: place.variable.dtype)
      }
      try place.variable.checkAssignable(tensor)
      values.append((place.variable, tensor))
    }
    if try source.index(of: TensorName("optimizer/vars/\(places.count)")) != nil {
      throw CairnError(
        .weightMismatch,
        "the file has variables of the optimizer for more weights than are trainable",
        expected: "\(places.count) variables")
    }
    for (variable, tensor) in values { try variable.assign(tensor) }
  }

  /// Replaces the model's weights by those of a source whose tensors have Keras's names
  /// (`layers/dense/vars/0`, or an older file's names) or the model's own paths.
  ///
  /// Tensors that belong to no variable are ignored, such as those of the optimizer.
  ///
  /// - Throws: `weightMismatch`, whose cause lists every variable that has no tensor or one of
  ///   another type or shape. Then nothing has changed.
  public func loadKerasWeights(from source: any TensorSource) throws(CairnError) {
    let names = try KerasNames(self, source)
    var found: [TensorName: Tensor] = [:]
    for index in 0..<source.count {
      let entry = try source.entry(at: index)
      guard let place = names.places[entry.name]?.place, place.role != .state else { continue }
      var tensor = try source.tensor(at: index)
      // Counters have 32 or 64 bits, depending on Keras's backend. So has what a policy calls
      // float64: JAX uses 32 bits unless it is told otherwise. Keras's `assign` converts
      // everything; here nothing may be lost.
      let own = place.variable.dtype
      if tensor.dtype != own,
        tensor.dtype.isInteger && own.isInteger
          || tensor.dtype.isFloatingPoint && own.isFloatingPoint
      {
        let narrowed = try tensor.cast(to: place.variable.dtype)
        if try narrowed.cast(to: tensor.dtype) == tensor { tensor = narrowed }
      }
      found[try place.name()] = tensor
    }
    // A variable that is in several places has one tensor.
    var owners: [ObjectIdentifier: Tensor] = [:]
    for place in places(.weights) {
      if let tensor = found[try place.name()] { owners[ObjectIdentifier(place.variable)] = tensor }
    }
    var tensors = NamedTensors()
    for place in places(.weights) {
      guard let tensor = owners[ObjectIdentifier(place.variable)] else { continue }
      try tensors.add(tensor, named: place.name())
    }
    try loadWeights(from: tensors, scope: .weights)
  }
}

extension TensorSource {
  /// Whether the tensors have the names of a Keras file of a whole model, which a conversion to
  /// another format keeps, or there are no tensors. The model is then made as Keras makes it.
  ///
  /// - Complexity: O(number of tensors).
  package var hasKerasNames: Bool {
    get throws(CairnError) {
      if !KerasNameLists(metadata).paths.isEmpty || count == 0 { return true }
      // A model with vocabularies has assets, and may have no weights.
      if configuration != nil {
        for blob in try blobEntries where blob.name.utf8.starts(with: "assets/".utf8) {
          return true
        }
      }
      for index in 0..<count {
        // Keras 3: `layers/dense/vars/0`.
        let parts = ByteKey(try entry(at: index).name.utf8).split(at: "/").suffix(2)
        if parts.count == 2, parts.first == "vars",
          parts.last == "idf_weights"
            || parts.last?.bytes.allSatisfy({ (0x30...0x39).contains($0) }) == true
        {
          return true
        }
      }
      return false
    }
  }
}
