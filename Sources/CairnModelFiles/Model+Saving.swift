// Models in files: save, load, weights alone. One `.cairn` file holds the configuration and all
// state.

public import CairnCheckpoints
public import CairnContainer
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
  ///   - limits: What the configuration may ask for. A file whose tensors have fewer elements than
  ///     the configuration asks for parameters is refused in any case, before memory is taken.
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
    var limits = limits
    limits.maximumParameters = min(
      limits.maximumParameters,
      try mostParameters(filledBy: container, budget: budget ?? container.defaultBudget))
    let parsed = try Model.parse(configuration: configuration)
    let model = try Model.make(
      configuration: parsed, registry: registry, initialization: .zeros, limits: limits)
    try model.restoreOptimizers(of: parsed, maximumParameters: limits.maximumParameters)
    try model.loadWeights(from: container, scope: .fullState)
    return model
  }

  /// The parameters that are made for a file of fewer tensors too, so that the error can name the
  /// tensors that are missing: 8 MiB in float64.
  static let parametersOfAnyFile = 1 << 20

  /// The most parameters that the tensors of `container` can fill, which take at most `budget` bytes.
  ///
  /// A configuration of 500 bytes can ask for terabytes, and the commit record can say anything: only
  /// the tensors' blocks show what the file has.
  private static func mostParameters(
    filledBy container: Container, budget: Int
  ) throws(CairnError) -> Int {
    var (owned, tied) = (0, 0)
    var left = budget
    for index in 0..<container.count {
      let entry = try container.entry(at: index)
      // An element of less than a byte is no parameter.
      let count = min(entry.shape.elementCount, entry.byteCount)
      guard entry.aliasOf == nil else {
        // Layers that share a variable have one each before they do.
        let (sum, overflow) = tied.addingReportingOverflow(count)
        tied = overflow ? budget : min(sum, budget)
        continue
      }
      // Before the blocks are read: a thousand tensors can claim the same ones.
      guard entry.byteCount <= left else {
        throw CairnError(
          .overBudget, "the model's tensors take more memory than is allowed",
          at: .init(name: entry.name.string), expected: "at most \(budget) bytes in all",
          advice: "Allow more with the parameter budget")
      }
      left -= entry.byteCount
      _ = try container.storage(at: index)
      // Their bytes are within the budget, so the sum is an Int.
      owned += count
    }
    let (sum, overflow) = owned.addingReportingOverflow(tied)
    return overflow ? .max : max(sum, parametersOfAnyFile)
  }

  /// Replaces the model's weights by those of a `.cairn` file, by name; other state stays.
  ///
  /// The file may hold a whole model's state or its weights only. For files of other formats open
  /// them with `CheckpointFile` and give their source to ``Layer/loadWeights(from:scope:options:)``.
  ///
  /// - Parameter loading: What says which tensor is for which variable, and what may be left open.
  /// - Throws: what opening a container throws; `weightMismatch`, whose cause lists everything that
  ///   does not fit. Then nothing has changed.
  @discardableResult
  public func loadWeights(
    from path: String, loading: LoadOptions = LoadOptions(), options: ReadOptions = ReadOptions()
  ) throws(CairnError) -> LoadReport {
    do throws(CairnError) {
      let container = try Container(path: path, options: options)
      var state: Set<TensorName> = []
      for place in places(.fullState) { state.insert(try place.name()) }
      for place in places(.weights) { state.remove(try place.name()) }
      var hidden = try optimizerNames(in: container)
      for index in 0..<container.count {
        let name = try container.entry(at: index).name
        if state.contains(try loading.mapping(name)) { hidden.insert(name) }
      }
      return try loadWeights(
        from: HidingSource(container, names: hidden), scope: .weights, options: loading)
    } catch {
      throw error.located(file: path)
    }
  }
}

extension CairnError.Code {
  /// A checkpoint has tensors but no model's configuration.
  public static let noConfiguration = Self("noConfiguration")
}
