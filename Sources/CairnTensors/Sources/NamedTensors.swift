// Named tensors in memory: the simplest source.

public import CairnSystem

/// Tensors by name, in the order of weights in which they were added.
public struct NamedTensors: Sendable {
  private struct Item: Sendable {
    var name: TensorName
    var tensor: Tensor
    var aliasOf: Int?
  }
  private var items: [Item] = []
  private var indices: [TensorName: Int] = [:]

  public var metadata = Metadata()
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
  /// - Throws: what reading the source throws; `overBudget` if the tensors take more bytes than
  ///   `budget`.
  public init(
    reading source: any TensorSource, budget: Int = .max
  ) throws(CairnError) {
    metadata = source.metadata
    configuration = source.configuration
    blobs = try source.blobs
    var left = budget
    let order = try source.indicesInWeightOrder()
    for index in order {
      let entry = try source.entry(at: index)
      guard entry.aliasOf == nil else { continue }
      guard entry.byteCount <= left else {
        throw CairnError(
          .overBudget, "the tensors take more memory than is allowed",
          at: .init(name: entry.name.string), expected: "at most \(budget) bytes in all",
          advice: "Allow more, or read the tensors one at a time")
      }
      left -= entry.byteCount
    }
    // An alias may stand before its owner in the order of weights, so owners are found by name.
    var positions: [TensorName: Int] = [:]
    for (position, index) in order.enumerated() {
      let entry = try source.entry(at: index)
      positions[entry.name] = position
      let tensor: Tensor
      if entry.aliasOf == nil {
        tensor = try source.tensor(at: index)
      } else {
        // Stands in until the owner is surely read.
        tensor = try Tensor(zeros: entry.dtype, shape: [0])
      }
      try append(Item(name: entry.name, tensor: tensor, aliasOf: nil))
    }
    for index in order {
      let entry = try source.entry(at: index)
      guard let owner = entry.aliasOf, let from = positions[owner], let to = positions[entry.name]
      else { continue }
      items[to].tensor = items[from].tensor
      items[to].aliasOf = from
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
    guard !blobs.contains(where: { $0.name == blob.name }) else {
      throw CairnError(
        .duplicateName, "two blobs have the same name", at: .init(name: blob.name.string))
    }
    blobs.append(blob)
    blobs.sort { $0.name < $1.name }
  }

  /// The tensor of that name, or nil.
  public subscript(name: TensorName) -> Tensor? { indices[name].map { items[$0].tensor } }

  /// The names, in the order of weights.
  public var names: [TensorName] { items.map(\.name) }
}

extension NamedTensors: TensorSource {
  public var count: Int { items.count }

  public func entry(at index: Int) throws(CairnError) -> TensorEntry {
    try checkIndex(index)
    let item = items[index]
    return TensorEntry(
      name: item.name, dtype: item.tensor.dtype, shape: item.tensor.shape,
      byteCount: item.tensor.byteCount, position: index,
      aliasOf: item.aliasOf.map { items[$0].name })
  }

  public func index(of name: TensorName) throws(CairnError) -> Int? { indices[name] }

  public func read(
    at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    try checkRange(of: entry(at: index), from: offset, count: bytes.count)
    let wanted = bytes.count
    items[index].tensor.withBytes { source in
      bytes.copy(source.extracting(offset..<offset + wanted))
    }
  }

  public func tensor(at index: Int) throws(CairnError) -> Tensor {
    try checkIndex(index)
    return items[index].tensor
  }

  public func liveIdentity(at index: Int) throws(CairnError) -> LiveIdentity? {
    try checkIndex(index)
    return LiveIdentity(storage: items[index].tensor.storageIdentity)
  }
}
