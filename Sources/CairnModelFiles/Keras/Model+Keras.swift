// Models out of Keras's files, and into them.

public import CairnCheckpoints
import CairnContainer
import CairnForeign
public import CairnJSON
public import CairnModels
public import CairnSystem
import CairnTensors

extension Model {
  /// The model of a file of Keras's: `.keras`, or a whole model in HDF5 of Keras 1, 2 or 3.
  ///
  /// Weights are found where Keras puts them, and so is the state of the optimizer of a `.keras` file, if
  /// it is one that Cairn has. What belongs to neither, such as an older file's optimizer, is read from
  /// the file as tensors (``CheckpointFile``) and is no part of the model. Nothing in the file is
  /// executed: classes come from `registry` alone.
  ///
  /// - Throws: what opening the file throws; `noModel` for weights without a configuration; what
  ///   ``make(configuration:registry:initialization:limits:)`` throws for a class or setting that Cairn
  ///   does not have, or that Keras 3 computes in another way; `weightMismatch`; `overBudget`.
  public static func load(
    keras path: String, registry: LayerRegistry = .standard, limits: ModelLimits = ModelLimits(),
    options: ReadOptions = ReadOptions()
  ) throws(CairnError) -> Model {
    let file = try CheckpointFile.open(path, options: options)
    do throws(CairnError) {
      return try restored(fromKeras: file.source, registry: registry, limits: limits)
    } catch {
      throw error.located(file: path)
    }
  }

  /// The model of tensors that are called as Keras calls them, or as a model does, and their
  /// configuration; as ``load(keras:registry:limits:options:)``.
  public static func restored(
    fromKeras source: any TensorSource, registry: LayerRegistry = .standard,
    limits: ModelLimits = ModelLimits()
  ) throws(CairnError) -> Model {
    guard let configuration = source.configuration else {
      throw CairnError(
        .noModel, "the file holds tensors but no model",
        advice: "Build the model and load the weights by name")
    }
    let limits = try KerasConfiguration.limits(filledBy: source, limits)
    var left = source.defaultBudget
    for entry in try source.entries() where entry.aliasOf == nil {
      guard entry.byteCount <= left else {
        throw CairnError(
          .overBudget, "the model's tensors take more memory than is allowed",
          at: .init(name: entry.name.string), expected: "at most \(source.defaultBudget) bytes")
      }
      left -= entry.byteCount
    }
    let model = try KerasConfiguration.model(
      configuration, of: source, registry: registry, limits: limits)
    try model.loadKerasWeights(from: source)
    try model.loadState(from: source)
    model.loadKerasOptimizer(from: source)
    return model
  }

  /// The model of a configuration that Keras wrote by itself (`config.json`, `to_json()`), or of any Keras's
  /// file, with weights that are called as Keras calls them: `.weights.h5`, in several files too, or the
  /// weights alone of an older Keras.
  ///
  /// - Throws: as ``restored(fromKeras:registry:limits:)``.
  public static func restored(
    fromKeras source: any TensorSource, configuration: [UInt8],
    registry: LayerRegistry = .standard, limits: ModelLimits = ModelLimits()
  ) throws(CairnError) -> Model {
    try restored(
      fromKeras: ConfiguredWeights(base: source, configuration: configuration), registry: registry,
      limits: limits)
  }

  /// A configuration of any Keras, from a file of any kind, as
  /// ``make(configuration:registry:initialization:limits:)`` takes it.
  ///
  /// - Throws: `invalidConfiguration`; `unsupportedConfiguration` for what an older Keras had and Cairn has not.
  public static func configuration(ofKeras text: [UInt8]) throws(CairnError) -> JSONValue {
    try KerasConfiguration.current(ConfigurationText.parse(text), version: nil).value
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

  /// Saves the model as Keras 3 does: `.keras` with the configuration, or `.weights.h5`, by the path's
  /// extension.
  ///
  /// The same model gives the same bytes. The state of seed generators, which Keras does not save, stands
  /// beside the weights where Keras does not look.
  ///
  /// - Throws: `unknownFormat` for another extension; `cannotHold`, and what writing a file throws.
  public func save(
    keras path: String, options: WriteOptions = WriteOptions()
  ) throws(CairnError) {
    let format = try FormatRegistry.standard.forWriting(path)
    guard format.name == CheckpointFormat.keras.name || format.name == CheckpointFormat.hdf5.name
    else {
      throw CairnError(
        .unknownFormat, "the extension is none of Keras's", at: .init(file: path),
        expected: ".keras or .weights.h5")
    }
    var sink = try format.writer(
      to: path, options: options, accepting: format.name == "hdf5" ? [.configuration] : [])
    try sink.write(ModelTensors(self))
  }
}

/// Weights with a configuration that stands elsewhere.
private struct ConfiguredWeights: TensorSource {
  let base: any TensorSource
  let configuration: [UInt8]?

  var count: Int { base.count }
  var metadata: Metadata { base.metadata }
  var plausibleByteCount: Int { base.plausibleByteCount }
  var opaqueItems: [OpaqueItem] { base.opaqueItems }

  func entry(at index: Int) throws(CairnError) -> TensorEntry { try base.entry(at: index) }
  func index(of name: TensorName) throws(CairnError) -> Int? { try base.index(of: name) }
  func tensor(at index: Int) throws(CairnError) -> Tensor { try base.tensor(at: index) }
  func memory(at index: Int) throws(CairnError) -> ByteRegion? { try base.memory(at: index) }
  func read(
    at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) { try base.read(at: index, from: offset, into: &bytes) }
}

extension CairnError.Code {
  /// A file of Keras's has tensors but no model's configuration.
  public static let noModel = Self("noModel")
}

extension TensorSource {
  /// Whether the tensors are called as in a whole model's file of Keras's, which a conversion to another
  /// format keeps, or there are none at all: ``Model/restored(fromKeras:registry:limits:)`` makes the model then.
  ///
  /// - Complexity: O(number of tensors).
  public var hasKerasNames: Bool {
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
