// Models out of Keras's files.

public import CairnCheckpoints
import CairnContainer
import CairnForeign
package import CairnJSON
public import CairnModels
public import CairnSystem
import CairnTensors

extension Model {
  /// The model of tensors that are called as Keras calls them, or as a model does.
  ///
  /// Weights are found where Keras puts them, and so is the state of the optimizer of a `.keras` file, if
  /// it is one that Cairn has. What belongs to neither, such as an older file's optimizer, is read from
  /// the file as tensors (``CheckpointFile``) and is no part of the model.
  ///
  /// - Parameter configuration: Of any Keras; the source's own unless it is given.
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

  /// A configuration of any Keras, from a file of any kind, as
  /// ``make(configuration:registry:initialization:limits:)`` takes it.
  ///
  /// - Throws: `invalidConfiguration`; `unsupportedConfiguration` for what an older Keras had and Cairn has not.
  package static func configuration(ofKeras text: [UInt8]) throws(CairnError) -> JSONValue {
    try KerasConfiguration.current(ConfigurationText(parsing: text).value, version: nil).value
  }

  /// Takes over the state that is no weight, where the source has it: files of Cairn's do.
  private func loadState(from source: any TensorSource) throws(CairnError) {
    for place in kerasPlaces().places where place.place.role == .state {
      // What Keras saves of it too, the weights of a vocabulary, has Keras's name in its files.
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

  /// Takes over the vocabularies that stand beside the configuration.
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

  /// Takes over the state of the optimizer that the configuration tells of, if the source has it: all of
  /// it, or nothing, and then ``optimizerNote`` says why.
  ///
  /// What a model computes does not depend on it, and Keras too goes on without it where it does not fit:
  /// an optimizer that was never built, or was built for other weights than are trainable now.
  private func loadKerasOptimizer(from source: any TensorSource) {
    do throws(CairnError) {
      if optimizer == nil {
        guard try source.index(of: "optimizer/vars/0") != nil else { return }
        // Two variables, steps and rate, are all that an optimizer has before its first step.
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
      // Keras counts steps in 32 or 64 bits, as its backend does.
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

  /// Replaces the model's weights by those of a source that calls its tensors as Keras does
  /// (`layers/dense/vars/0`, or an older file's names), or by the model's own paths.
  ///
  /// Tensors that belong to no variable are passed over: the optimizer's are among them.
  ///
  /// - Throws: `weightMismatch`, whose cause lists every variable that has no tensor or one of another
  ///   type or shape. Then nothing has changed.
  public func loadKerasWeights(from source: any TensorSource) throws(CairnError) {
    let names = try KerasNames(self, source)
    var found: [TensorName: Tensor] = [:]
    for index in 0..<source.count {
      let entry = try source.entry(at: index)
      guard let place = names.places[entry.name]?.place, place.role != .state else { continue }
      var tensor = try source.tensor(at: index)
      // Counters are 32 or 64 bits wide, as Keras's backend has them, and so is what a policy calls
      // float64: JAX has 32 bits unless it is told otherwise. Keras's `assign` converts all; here nothing
      // may be lost.
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
    // One tensor for a variable that stands in several places.
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
  /// Whether the tensors are called as in a whole model's file of Keras's, which a conversion to another
  /// format keeps, or there are none at all: their model is made as Keras makes it.
  ///
  /// - Complexity: O(number of tensors).
  package var hasKerasNames: Bool {
    get throws(CairnError) {
      if !KerasNameLists(metadata).paths.isEmpty || count == 0 { return true }
      // A model of vocabularies has assets and need not have weights.
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
