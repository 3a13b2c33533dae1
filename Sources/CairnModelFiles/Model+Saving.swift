// Models in files of any format: save, load, weights alone.

public import CairnCheckpoints
import CairnContainer
import CairnForeign
import CairnJSON
public import CairnModels
public import CairnSystem
public import CairnTensors

extension Model {
  /// Saves the model: configuration, weights and all other state, ties, flags, as far as the format
  /// can hold them.
  ///
  /// The file appears, or is replaced, when it is complete. Until then, and after a failure, an
  /// existing file stays as it was. The same model gives the same bytes. A `.cairn` file holds
  /// everything. So does a `.keras` file in the form of Keras 3: the state of seed generators,
  /// which Keras does not save, is stored beside the weights, where Keras does not look. A
  /// `.weights.h5` file holds only the weights.
  ///
  /// - Parameters:
  ///   - path: The file. Its extension decides the format unless `format` does.
  ///   - format: The format.
  ///   - metadata: Key-values to store with the model.
  ///   - losses: What may be left out if the format cannot hold it, such as the configuration.
  /// - Throws: `unknownFormat` for an extension that no writable format has; `cannotHold` for what
  ///   would be lost; the errors of writing a file.
  public func save(
    to path: String, format: CheckpointFormat? = nil, metadata: Metadata = Metadata(),
    options: WriteOptions = WriteOptions(), accepting losses: AcceptedLosses = [],
    progress: ProgressHandler = { _ in }
  ) throws(CairnError) {
    try Self.save(
      ModelTensors(self, metadata: metadata), to: path, format: format, options: options,
      accepting: losses, progress: progress)
  }

  /// Saves a snapshot of a model, as ``save(to:format:metadata:options:accepting:progress:)``.
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

  /// Writes the model as the bytes of a file, as
  /// ``save(to:format:metadata:options:accepting:progress:)``.
  ///
  /// - Parameter sink: Where the bytes go: memory (``MemorySink``) or a sink of your own. It is
  ///   committed when all bytes are there.
  public func save(
    to sink: any ByteSink, format: CheckpointFormat, metadata: Metadata = Metadata(),
    options: WriteOptions = WriteOptions(), accepting losses: AcceptedLosses = [],
    progress: ProgressHandler = { _ in }
  ) throws(CairnError) {
    try ModelTensors(self, metadata: metadata).write(
      to: sink, format: format, options: options,
      accepting: losses.union(format.lossesOfModels), progress: progress)
  }

  /// The model in a file of any format that holds models: a `.cairn` file, Keras's `.keras`, a
  /// whole model in HDF5 of Keras 1, 2 or 3, or a file that was converted from one. The content
  /// decides the format.
  ///
  /// - Parameters:
  ///   - registry: The classes that the file's configuration may name. Nothing else in it is ever
  ///     looked up, and nothing is executed.
  ///   - budget: The bytes that the tensors may take; by default as many as are plausible of the file,
  ///     and no more than the machine has.
  ///   - limits: What the configuration may ask for. In any case a file is refused, before memory
  ///     is taken, if its tensors have fewer elements than the configuration asks for parameters.
  /// - Throws: what opening the file throws; `noConfiguration` for a file of tensors without a
  ///   model; `overBudget`; the errors of building the model and loading its state:
  ///   `unknownLayerClass` and similar errors for what Cairn does not have, `weightMismatch`.
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
  /// - Parameter configuration: The description of the model, if not the source's own: as Keras
  ///   writes it on its own (`config.json`, `to_json()`), or as any Keras's file has it. The
  ///   tensors must have Keras's names, as in `.weights.h5` or in the weights of an older Keras, or
  ///   the model's own paths.
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

  /// The model of a configuration and tensors that have the model's own paths as names.
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

  /// Replaces the model's weights by those of a file of any format, by name. Other state stays.
  ///
  /// The file may hold a whole model's state or only its weights.
  ///
  /// - Parameter loading: Which tensor is for which variable, and which may be missing.
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
  /// The losses that are always accepted when a model is saved in the format: Keras's files of
  /// weights have no configuration.
  fileprivate var lossesOfModels: AcceptedLosses {
    name == CheckpointFormat.hdf5.name ? .configuration : []
  }
}

extension CairnError.Code {
  /// A checkpoint has tensors but no model's configuration.
  public static let noConfiguration = Self("noConfiguration")
}
