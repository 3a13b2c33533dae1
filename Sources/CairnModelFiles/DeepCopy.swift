// The deep copy: serialize, then deserialize, through the same format that files have. The page
// Documentation/Copies.md says what it promises.

public import CairnCheckpoints
import CairnContainer
import CairnJSON
public import CairnModels
public import CairnSystem
import CairnTensors

extension WriteOptions {
  /// The fastest way through the serializer: no compression and no digests. Checksums are still
  /// made and checked.
  public static var inMemory: WriteOptions {
    var options = WriteOptions()
    options.codec = .raw
    options.digests = false
    return options
  }
}

extension Layer where Self: Model {
  /// A model that is equal to this one in every bit and shares no memory with it.
  ///
  /// It keeps the configuration, names, order of weights, `trainable` flags, values of all
  /// variables, the state besides the weights (seeds of random layers), and ties: a variable that
  /// is in two places is one variable in the copy too.
  ///
  /// - Throws: `outOfMemory`; `unknownLayerClass` for a class that `registry` lacks.
  /// - Complexity: O(bytes). The serialized form is held in memory meanwhile.
  public func deepCopy(
    registry: LayerRegistry = .standard, options: WriteOptions = .inMemory
  ) throws(CairnError) -> Self {
    try Self.deepCopy(of: ModelTensors(self), registry: registry, options: options)
  }

  /// A deep copy of a snapshot of a model, as ``deepCopy(registry:options:)``.
  package static func deepCopy(
    of tensors: ModelTensors, registry: LayerRegistry, options: WriteOptions
  ) throws(CairnError) -> Self {
    let bytes = try Container.encode(tensors, options: options)
    let copy = try Model.restored(
      from: Container(bytes), registry: registry, budget: .max, limits: .trusted)
    guard let copy = copy as? Self else {
      throw CairnError(
        .invalidConfiguration, "the registry makes another class of the model's configuration",
        at: .init(name: copy.name), expected: "\(Self.self)", found: "\(type(of: copy))")
    }
    return copy
  }
}

extension NamedTensors {
  /// Tensors that are equal to these in every bit and share no storage with them; metadata,
  /// configuration, blobs, order and ties are kept.
  ///
  /// - Throws: `outOfMemory`.
  public func deepCopy(options: WriteOptions = .inMemory) throws(CairnError) -> NamedTensors {
    // These are Cairn's own bytes of a known size. Zeros may decode to 1,000 times their coded
    // size.
    try NamedTensors(reading: Container(Container.encode(self, options: options)), budget: .max)
  }
}
