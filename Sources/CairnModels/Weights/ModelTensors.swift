// A model as a source of named tensors: what is saved, copied and compared.

public import CairnCheckpoints
public import CairnSystem
public import CairnTensors

/// The variables of a model as named tensors, as they are at one moment.
///
/// Names are paths (`digits/hidden/kernel`), in the order of weights. A variable in several places
/// is one tensor with aliases: the owner is the name that is lowest by bytes. Assignments after the
/// snapshot was taken don't show in it; taking it copies nothing.
///
/// ``live(_:scope:)`` gives the other kind: one that shows every assignment, for watching.
///
/// Positions count all names in the order of weights, aliases too; a variable's place in
/// `getWeights()` is that of its name with the lowest position.
public struct ModelTensors: VariableSource {
  private struct Item: Sendable {
    var name: TensorName
    var variable: Variable
    /// The value when the snapshot was taken; nil in a live source.
    var snapshot: Tensor?
    var aliasOf: TensorName?

    var value: Tensor { snapshot ?? variable.value }
  }
  private let items: [Item]
  private let indices: [TensorName: Int]

  /// The key-values that were given.
  package let metadata: Metadata
  /// The model's configuration in canonical form.
  package var configuration: [UInt8]? { written.text }
  private let written: ConfigurationText

  /// The variables of `model`.
  ///
  /// - Parameters:
  ///   - scope: The weights only, or all state.
  ///   - metadata: Key-values to go with them.
  /// - Throws: `invalidName` for a path longer than 1,024 bytes, `duplicateName` if two variables
  ///   have one path, `invalidConfiguration` if the configuration can't be written.
  public init(
    _ model: Model, scope: StateScope = .fullState, metadata: Metadata = Metadata()
  ) throws(CairnError) {
    try self.init(model, scope: scope, metadata: metadata, isLive: false)
  }

  /// The variables of `model` as they are whenever they are read, assignments made later included.
  /// Layers and ties are those of the moment of the call.
  ///
  /// - Throws: as ``init(_:scope:metadata:)``.
  public static func live(
    _ model: Model, scope: StateScope = .fullState
  ) throws(CairnError) -> ModelTensors {
    try ModelTensors(model, scope: scope, metadata: Metadata(), isLive: true)
  }

  private init(
    _ model: Model, scope: StateScope, metadata: Metadata, isLive: Bool
  ) throws(CairnError) {
    var items: [Item] = []
    var indices: [TensorName: Int] = [:]
    var owners: [ObjectIdentifier: TensorName] = [:]
    var values: [ObjectIdentifier: Tensor] = [:]
    for (name, variable) in try model.namedVariables(scope) {
      let identity = ObjectIdentifier(variable)
      // Read once: all places of a variable show one value.
      let value = values[identity] ?? variable.value
      values[identity] = value
      owners[identity] = min(owners[identity] ?? name, name)
      guard indices.updateValue(items.count, forKey: name) == nil else {
        throw CairnError(
          .duplicateName, "two variables of a model have one path", at: .init(name: name.string))
      }
      items.append(
        Item(name: name, variable: variable, snapshot: isLive ? nil : value))
    }
    for index in items.indices {
      let owner = owners[ObjectIdentifier(items[index].variable)]
      if owner != items[index].name { items[index].aliasOf = owner }
    }
    self.items = items
    self.indices = indices
    self.metadata = metadata
    written = try model.canonicalConfiguration(scope: scope)
  }

  /// Metadata and configuration.
  public var attachments: Attachments {
    Attachments(metadata: metadata, parsed: written)
  }

  /// The number of names, aliases included.
  public var count: Int { items.count }

  /// Name, type, shape and position of a variable.
  public func entry(at index: Int) throws(CairnError) -> TensorEntry {
    try checkIndex(index)
    let item = items[index]
    let value = item.value
    return TensorEntry(
      name: item.name, dtype: value.dtype, shape: value.shape, byteCount: value.byteCount,
      position: index, aliasOf: item.aliasOf)
  }

  /// The index of the variable of that path.
  public func index(of name: TensorName) throws(CairnError) -> Int? { indices[name] }

  /// Copies a part of a variable's bytes.
  public func read(
    at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    try checkRange(of: entry(at: index), from: offset, count: bytes.count)
    items[index].value.copyBytes(from: offset, into: &bytes)
  }

  /// A variable's value, without copying it.
  public func tensor(at index: Int) throws(CairnError) -> Tensor {
    try checkIndex(index)
    return items[index].value
  }

  /// The memory of a variable's value.
  public func memory(at index: Int) throws(CairnError) -> ByteRegion? {
    try checkIndex(index)
    return items[index].value.memory
  }

  /// The variable at `index`.
  package func variable(at index: Int) throws(CairnError) -> Variable? {
    try checkIndex(index)
    return items[index].variable
  }

  /// The variable object, and the storage of its value (in a snapshot: the value then).
  package func identity(at index: Int) throws(CairnError) -> LiveIdentity {
    try checkIndex(index)
    return LiveIdentity(
      variable: ObjectIdentifier(items[index].variable),
      storage: items[index].value.storageIdentity)
  }
}
