// Models in files of any format: save, load, weights alone.

public import CairnCheckpoints
import CairnContainer
import CairnForeign
import CairnJSON
public import CairnModels
public import CairnSystem
public import CairnTensors

extension Model {
  /// Saves the model: configuration, weights and all other state, ties, flags, as far as the format has a
  /// place for them.
  ///
  /// The file appears, or is replaced, when it is whole; until then, and after a failure, what was
  /// there stays. The same model gives the same bytes. A `.cairn` file holds everything, and so does a
  /// `.keras` file, as Keras 3 writes it: the state of seed generators, which Keras does not save, stands
  /// beside the weights where Keras does not look. A `.weights.h5` file is of the weights alone.
  ///
  /// - Parameters:
  ///   - path: The file, whose extension decides about the format unless that is named.
  ///   - format: The format.
  ///   - metadata: Key-values to go with it.
  ///   - losses: What may be left out of a format that has no place for it, such as the configuration.
  /// - Throws: `unknownFormat` for an extension of no format that is written; `cannotHold` for what would be
  ///   lost; what writing a file throws.
  public func save(
    to path: String, format: CheckpointFormat? = nil, metadata: Metadata = Metadata(),
    options: WriteOptions = WriteOptions(), accepting losses: AcceptedLosses = [],
    progress: ProgressHandler = { _ in }
  ) throws(CairnError) {
    try Self.save(
      ModelTensors(self, metadata: metadata), to: path, format: format, options: options,
      accepting: losses, progress: progress)
  }

  /// Saves what was taken of a model, as ``save(to:format:metadata:options:accepting:progress:)``.
  package static func save(
    _ tensors: ModelTensors, to path: String, format: CheckpointFormat?, options: WriteOptions,
    accepting losses: AcceptedLosses, progress: ProgressHandler
  ) throws(CairnError) {
    let target: CheckpointFormat
    if let format { target = format } else { target = try FormatRegistry.standard.forWriting(path) }
    var sink = try target.writer(
      to: path, options: options, accepting: losses.union(target.lossesOfModels))
    try sink.write(tensors, progress: progress)
  }

  /// Writes the model as the bytes of a file, as ``save(to:format:metadata:options:accepting:progress:)``.
  ///
  /// - Parameter sink: Where the bytes go: memory (``MemorySink``) or a place of one's own. It is committed
  ///   once all are there.
  public func save(
    to sink: any ByteSink, format: CheckpointFormat, metadata: Metadata = Metadata(),
    options: WriteOptions = WriteOptions(), accepting losses: AcceptedLosses = [],
    progress: ProgressHandler = { _ in }
  ) throws(CairnError) {
    try ModelTensors(self, metadata: metadata).write(
      to: sink, format: format, options: options,
      accepting: losses.union(format.lossesOfModels), progress: progress)
  }

  /// The model that a file holds, of any format that holds models: a `.cairn` file, Keras's `.keras`, a
  /// whole model in HDF5 of Keras 1, 2 or 3, or what was converted from one. The content decides.
  ///
  /// - Parameters:
  ///   - registry: The classes that the file's configuration may name. Nothing else in it is ever
  ///     looked up, and nothing is executed.
  ///   - budget: The bytes that the tensors may take; the source's ``TensorSource/defaultBudget`` without
  ///     one.
  ///   - limits: What the configuration may ask for. A file whose tensors have fewer elements than
  ///     the configuration asks for parameters is refused in any case, before memory is taken.
  /// - Throws: what opening the file throws; `noConfiguration` for a file of tensors without a
  ///   model; `overBudget`; what building the model and loading its state throw: `unknownLayerClass` and the
  ///   like for what Cairn does not have, `weightMismatch`.
  public static func load(
    from path: String, registry: LayerRegistry = .standard, budget: Int? = nil,
    limits: ModelLimits = ModelLimits(), options: ReadOptions = ReadOptions()
  ) throws(CairnError) -> Model {
    let file = try CheckpointFile.open(path, options: options)
    do throws(CairnError) {
      return try load(from: file.source, registry: registry, budget: budget, limits: limits)
    } catch {
      throw error.located(file: path)
    }
  }

  /// The model of an open source of tensors, as ``load(from:registry:budget:limits:options:)``.
  ///
  /// - Parameter configuration: What describes the model, if not what the source has: as Keras writes it by
  ///   itself (`config.json`, `to_json()`), or any Keras's file has it. The tensors are called as Keras calls
  ///   them, in `.weights.h5` or the weights alone of an older Keras, or by the model's own paths.
  public static func load(
    from source: any TensorSource, configuration: [UInt8]? = nil,
    registry: LayerRegistry = .standard, budget: Int? = nil, limits: ModelLimits = ModelLimits()
  ) throws(CairnError) -> Model {
    var isKeras = source is KerasFile || source is HDF5File
    if !isKeras { isKeras = try source.hasKerasNames }
    if isKeras {
      return try restored(
        fromKeras: source, configuration: configuration, registry: registry, budget: budget,
        limits: limits)
    }
    if let configuration {
      return try assembled(
        from: self.configuration(ofKeras: configuration), weights: source, registry: registry,
        budget: budget, limits: limits)
    }
    return try restored(from: source, registry: registry, budget: budget, limits: limits)
  }

  /// The model of tensors that are called by its own paths, and of their configuration.
  static func restored(
    from source: any TensorSource, registry: LayerRegistry, budget: Int?, limits: ModelLimits
  ) throws(CairnError) -> Model {
    guard let parsed = try source.parsedConfiguration()?.value else { throw noConfiguration }
    let limits = try limits.filled(by: source, budget: budget ?? source.defaultBudget)
    let model = try Model.make(
      configuration: parsed, registry: registry, initialization: .zeros, limits: limits)
    try model.restoreOptimizers(of: parsed, maximumParameters: limits.maximumParameters)
    try model.loadWeights(from: source, scope: .fullState)
    return model
  }

  static var noConfiguration: CairnError {
    CairnError(
      .noConfiguration, "the file holds tensors but no model",
      advice: "Build the model and call loadWeights(from:)")
  }

  /// Replaces the model's weights by those of a file of any format, by name; other state stays.
  ///
  /// The file may hold a whole model's state or its weights only.
  ///
  /// - Parameter loading: What says which tensor is for which variable, and what may be left open.
  /// - Throws: what opening the file throws; `weightMismatch`, whose cause lists everything that
  ///   does not fit. Then nothing has changed.
  @discardableResult
  public func loadWeights(
    from path: String, loading: LoadOptions = LoadOptions(), options: ReadOptions = ReadOptions()
  ) throws(CairnError) -> LoadReport {
    do throws(CairnError) {
      let source = try CheckpointFile.open(path, options: options).source
      var state: Set<TensorName> = []
      for place in places(.fullState) { state.insert(try place.name()) }
      for place in places(.weights) { state.remove(try place.name()) }
      var hidden = try optimizerNames(in: source)
      for index in 0..<source.count {
        let name = try source.entry(at: index).name
        if state.contains(try loading.mapping(name)) { hidden.insert(name) }
      }
      return try loadWeights(
        from: HidingSource(source, names: hidden), scope: .weights, options: loading)
    } catch {
      throw error.located(file: path)
    }
  }
}

extension CheckpointFormat {
  /// What whoever saves a model in the format wants to leave out: Keras's files of weights have no
  /// configuration.
  fileprivate var lossesOfModels: AcceptedLosses {
    name == CheckpointFormat.hdf5.name ? .configuration : []
  }
}

extension CairnError.Code {
  /// A checkpoint has tensors but no model's configuration.
  public static let noConfiguration = Self("noConfiguration")
}
