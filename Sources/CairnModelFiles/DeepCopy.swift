// The deep copy: serialize, then deserialize, through the very format that files have. What it
// promises is on the page Documentation/Copies.md.

public import CairnCheckpoints
import CairnContainer
import CairnJSON
public import CairnModels
public import CairnSystem
import CairnTensors

extension WriteOptions {
  /// The fastest way through the serializer: nothing compressed, nothing digested. Checksums are
  /// made and checked all the same.
  public static var inMemory: WriteOptions {
    var options = WriteOptions()
    options.codec = .raw
    options.digests = false
    return options
  }
}

extension Layer where Self: Model {
  /// A model that is equal to this one in every bit and shares nothing with it.
  ///
  /// Kept are the configuration, names, order of weights, `trainable` flags, values of all
  /// variables, the state that is no weight (seeds of random layers), and ties: what was one
  /// variable in two places is one variable in the copy.
  ///
  /// - Throws: `outOfMemory`; `unknownLayerClass` for a class that `registry` lacks.
  /// - Complexity: O(bytes), with the serialized form held in memory meanwhile.
  public func deepCopy(
    registry: LayerRegistry = .standard, options: WriteOptions = .inMemory
  ) throws(CairnError) -> Self {
    try Self.deepCopy(of: ModelTensors(self), registry: registry, options: options)
  }

  /// A deep copy of what was taken of a model, as ``deepCopy(registry:options:)``.
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
    // Our own bytes, of a size that is known: zeros may take 1,000 times what they are coded in.
    try NamedTensors(reading: Container(Container.encode(self, options: options)), budget: .max)
  }
}
