// Named tensors in memory: the simplest source.

public import CairnSystem
public import CairnTensors

/// Tensors by name, in the order of weights in which they were added.
public struct NamedTensors: Sendable {
  private struct Item: Sendable {
    var name: TensorName
    var tensor: Tensor
    var aliasOf: Int?
  }
  private var items: [Item] = []
  private var indices: [TensorName: Int] = [:]

  /// Key-values about the whole.
  public var metadata = Metadata()
  /// The model's configuration: UTF-8 JSON, if there is one.
  public var configuration: [UInt8]?
  /// Further bytes, ascending by name.
  public private(set) var blobs: [Blob] = []

  /// No tensors.
  public init() {}

  /// The given tensors, in that order.
  ///
  /// - Throws: `duplicateName`.
  public init(_ tensors: [(TensorName, Tensor)]) throws(CairnError) {
    for (name, tensor) in tensors { try add(tensor, named: name) }
  }

  /// Everything that `source` has, read into memory; aliases stay aliases.
  ///
  /// - Parameter budget: the bytes that the tensors may take; without one those that are plausible of the
  ///   source, and no more than the machine has.
  /// - Throws: what reading the source throws; `overBudget` if the tensors take more bytes than
  ///   `budget`; `noSuchTensor` if an alias names no tensor that is none itself; `duplicateName`.
  /// - Complexity: O(bytes).
  public init(
    reading source: any TensorSource, budget: Int? = nil
  ) throws(CairnError) {
    do throws(CairnError) { try read(source, budget: budget) } catch { throw source.located(error) }
  }

  private mutating func read(
    _ source: any TensorSource, budget: Int?
  ) throws(CairnError) {
    let budget = budget ?? source.defaultBudget
    let attachments = source.attachments
    metadata = attachments.metadata
    configuration = attachments.configuration
    for blob in try attachments.blobs.contents() { try addBlob(blob) }
    var order: [(index: Int, entry: TensorEntry)] = []
    for index in 0..<source.count { order.append((index, try source.entry(at: index))) }
    order.sort { $0.entry.position < $1.entry.position }
    var left = budget
    for (_, entry) in order where entry.aliasOf == nil {
      guard entry.byteCount <= left else {
        throw CairnError(
          .overBudget, "the tensors take more memory than is allowed",
          at: .init(name: entry.name.string), expected: "at most \(budget) bytes in all",
          advice: "Allow more, or read the tensors one at a time")
      }
      left -= max(0, entry.byteCount)
    }
    // An alias may stand before its owner in the order of weights: owners are read first.
    let owning = order.indices.filter { order[$0].entry.aliasOf == nil }
    let tensors = try source.tensors(at: owning.map { order[$0].index })
    var owners: [TensorName: (position: Int, tensor: Tensor)] = [:]
    for (position, tensor) in zip(owning, tensors) {
      owners[order[position].entry.name] = (position, tensor)
    }
    for (_, entry) in order {
      guard let owner = owners[entry.aliasOf ?? entry.name] else {
        throw CairnError(
          .noSuchTensor, "an alias names a tensor that is not there, or is an alias itself",
          at: .init(name: entry.name.string), found: entry.aliasOf?.string)
      }
      try append(
        Item(
          name: entry.name, tensor: owner.tensor,
          aliasOf: entry.aliasOf == nil ? nil : owner.position))
    }
  }

  private mutating func append(_ item: Item) throws(CairnError) {
    guard indices[item.name] == nil else {
      throw CairnError(
        .duplicateName, "two tensors have the same name", at: .init(name: item.name.string))
    }
    indices[item.name] = items.count
    items.append(item)
  }

  /// Adds a tensor at the end of the order of weights.
  ///
  /// - Throws: `duplicateName`.
  public mutating func add(_ tensor: Tensor, named name: TensorName) throws(CairnError) {
    try append(Item(name: name, tensor: tensor, aliasOf: nil))
  }

  /// Adds a second name for a tensor that is there already, at the end of the order of weights.
  ///
  /// - Throws: `duplicateName`; `noSuchTensor` if `owner` is not there.
  public mutating func addAlias(
    _ name: TensorName, of owner: TensorName
  ) throws(CairnError) {
    guard let index = indices[owner] else { throw noSuchTensor(owner) }
    // An alias of an alias is one of its owner: aliases have depth 1.
    let root = items[index].aliasOf ?? index
    try append(Item(name: name, tensor: items[root].tensor, aliasOf: root))
  }

  /// Adds a blob.
  ///
  /// - Throws: `duplicateName`.
  public mutating func addBlob(_ blob: Blob) throws(CairnError) {
    var place = 0
    var high = blobs.count
    while place < high {
      let middle = (place + high) / 2
      if blobs[middle].name < blob.name { place = middle + 1 } else { high = middle }
    }
    guard place == blobs.count || blobs[place].name != blob.name else {
      throw CairnError(
        .duplicateName, "two blobs have the same name", at: .init(name: blob.name.string))
    }
    blobs.insert(blob, at: place)
  }

  /// The tensor of that name, or nil.
  public subscript(name: TensorName) -> Tensor? { indices[name].map { items[$0].tensor } }

  /// The names, in the order of weights.
  public var names: [TensorName] { items.map(\.name) }
}

extension NamedTensors: LiveSource {
  /// The number of tensors, aliases included.
  public var count: Int { items.count }

  /// What is known of the tensor at `index`.
  ///
  /// - Throws: `noSuchTensor`.
  public func entry(at index: Int) throws(CairnError) -> TensorEntry {
    try checkIndex(index)
    let item = items[index]
    return TensorEntry(
      name: item.name, dtype: item.tensor.dtype, shape: item.tensor.shape,
      byteCount: item.tensor.byteCount, position: index,
      aliasOf: item.aliasOf.map { items[$0].name })
  }

  /// Metadata, configuration and blobs.
  public var attachments: Attachments {
    Attachments(metadata: metadata, configuration: configuration, blobs: Blobs(blobs))
  }

  /// The index of the tensor called `name`, or nil.
  ///
  /// - Complexity: O(1).
  public func index(of name: TensorName) throws(CairnError) -> Int? { indices[name] }

  /// Fills `bytes` with the tensor's elements from byte `offset` on.
  ///
  /// - Throws: `noSuchTensor`; `invalidArgument` for bytes outside the tensor.
  public func read(
    at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    try checkRange(of: entry(at: index), from: offset, count: bytes.count)
    items[index].tensor.copyBytes(from: offset, into: &bytes)
  }

  /// The tensor, sharing its storage.
  ///
  /// - Throws: `noSuchTensor`.
  public func tensor(at index: Int) throws(CairnError) -> Tensor {
    try checkIndex(index)
    return items[index].tensor
  }

  /// The tensor's own memory.
  ///
  /// - Throws: `noSuchTensor`.
  public func memory(at index: Int) throws(CairnError) -> ByteRegion? {
    try checkIndex(index)
    return items[index].tensor.memory
  }

  /// The memory behind the tensor.
  ///
  /// - Throws: `noSuchTensor`.
  package func identity(at index: Int) throws(CairnError) -> LiveIdentity {
    try checkIndex(index)
    return LiveIdentity(storage: items[index].tensor.storageIdentity)
  }
}
