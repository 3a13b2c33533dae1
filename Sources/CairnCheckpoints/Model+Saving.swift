// Models in files: save, load, weights alone. One `.cairn` file holds the configuration and all
// state.

public import CairnFormat
import CairnJSON
public import CairnModels
public import CairnSystem
public import CairnTensors

extension Model {
  /// Saves the model: configuration, weights and all other state, ties, flags.
  ///
  /// The file appears, or is replaced, when it is whole; until then, and after a failure, what was
  /// there stays.
  ///
  /// - Parameters:
  ///   - path: The file; by convention its name ends in `.cairn`.
  ///   - metadata: Key-values to go with it.
  /// - Throws: what ``Container/write(_:to:options:progress:)`` throws.
  @discardableResult
  public func save(
    to path: String, metadata: Metadata = Metadata(), options: WriteOptions = WriteOptions(),
    progress: ProgressHandler = { (_) throws(CairnError) in }
  ) throws(CairnError) -> WriteSummary {
    try Container.write(
      ModelTensors(self, metadata: metadata), to: path, options: options, progress: progress)
  }

  /// The model that a file holds.
  ///
  /// - Parameters:
  ///   - registry: The classes that the file's configuration may name. Nothing else in it is ever
  ///     looked up, and nothing is executed.
  ///   - budget: The bytes that the tensors may take; ``Container/defaultBudget`` without one.
  ///   - limits: What the configuration may ask for.
  /// - Throws: what opening a container throws; `noConfiguration` for a file of tensors without a
  ///   model; `overBudget`; what building the model and loading its state throw.
  public static func load(
    from path: String, registry: LayerRegistry = .standard, budget: Int? = nil,
    limits: ModelLimits = ModelLimits(), options: ReadOptions = ReadOptions()
  ) throws(CairnError) -> Model {
    do throws(CairnError) {
      return try restored(
        from: Container(path: path, options: options), registry: registry, budget: budget,
        limits: limits)
    } catch {
      throw error.located(file: path)
    }
  }

  /// The model that an open container holds, as ``load(from:registry:budget:limits:options:)``.
  public static func restored(
    from container: Container, registry: LayerRegistry = .standard, budget: Int? = nil,
    limits: ModelLimits = ModelLimits()
  ) throws(CairnError) -> Model {
    guard let configuration = container.configuration else {
      throw CairnError(
        .noConfiguration, "the file holds tensors but no model",
        advice: "Build the model and call loadWeights(from:)")
    }
    let budget = budget ?? container.defaultBudget
    guard container.logicalByteCount <= budget else {
      throw CairnError(
        .overBudget, "the model's tensors take more memory than is allowed",
        expected: "at most \(budget) bytes", found: "\(container.logicalByteCount)",
        advice: "Allow more with the parameter budget")
    }
    let model = try Model.make(
      configuration: Model.parse(configuration: configuration), registry: registry,
      initialization: .zeros, limits: limits)
    try model.loadWeights(from: container, scope: .fullState)
    return model
  }

  /// Replaces the model's weights by those of a `.cairn` file, by name; other state stays.
  ///
  /// The file may hold a whole model's state or its weights only. For files of other formats open
  /// them with `CheckpointFile` and give their source to ``Layer/loadWeights(from:scope:)``.
  ///
  /// - Throws: what opening a container throws; `weightMismatch`, whose cause lists everything that
  ///   does not fit. Then nothing has changed.
  public func loadWeights(
    from path: String, options: ReadOptions = ReadOptions()
  ) throws(CairnError) {
    do throws(CairnError) {
      let container = try Container(path: path, options: options)
      var state: Set<TensorName> = []
      for place in places(.fullState) { state.insert(try place.name()) }
      for place in places(.weights) { state.remove(try place.name()) }
      try loadWeights(from: HidingSource(container, names: state), scope: .weights)
    } catch {
      throw error.located(file: path)
    }
  }
}

extension CairnError.Code {
  /// A checkpoint has tensors but no model's configuration.
  public static let noConfiguration = Self("noConfiguration")
}
