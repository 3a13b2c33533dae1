// What most readers of foreign formats build: a list of tensors, each with the bytes of its
// elements.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors

/// The tensors of a file, each with the source of its elements.
struct TensorTable: Sendable {
  /// One tensor.
  struct Item: Sendable {
    var name: TensorName
    var dtype: DType
    var shape: Shape
    var elements: any ElementBytes
    /// If this is a second name of a tensor: that tensor's place in the table.
    var aliasOf: Int?
    var codec = "raw"
    /// The bytes that it takes in the file.
    var storedByteCount: Int
  }

  private(set) var items: [Item] = []
  private var indices: [TensorName: Int] = [:]
  /// For messages.
  let path: String?
  /// Each tensor's place in the order of weights, by index; nil if that is the order of the table.
  var positions: [Int]?

  /// - Parameter count: About how many tensors there will be.
  init(path: String?, count: Int = 0) {
    self.path = path
    items.reserveCapacity(count)
    indices.reserveCapacity(count)
  }

  /// Adds a tensor. It must have as many bytes as its type and shape take.
  ///
  /// - Throws: `duplicateName`, `invalidShape`, `sizeMismatch`.
  mutating func add(_ item: Item) throws(CairnError) {
    guard indices[item.name] == nil else {
      throw CairnError(
        .duplicateName, "two tensors have the same name",
        at: .init(file: path, name: item.name.string))
    }
    if item.dtype != .string {
      guard let expected = item.dtype.byteCount(elements: item.shape.elementCount) else {
        throw CairnError(
          .invalidShape, "the shape \(item.shape) is none that a \(item.dtype) tensor can have",
          at: .init(file: path, name: item.name.string))
      }
      guard expected == item.elements.count else {
        throw CairnError(
          .sizeMismatch, "the bytes do not fill a \(item.dtype) tensor of shape \(item.shape)",
          at: .init(file: path, name: item.name.string), expected: "\(expected) bytes",
          found: "\(item.elements.count)")
      }
    }
    indices[item.name] = items.count
    items.append(item)
  }

  func index(of name: TensorName) -> Int? { indices[name] }
}

/// A checkpoint whose tensors are in a table.
protocol TableSource: CheckpointSource, FileBacked {
  var table: TensorTable { get }
}

extension TableSource {
  /// The table's file.
  package var filePath: String? { table.path }

  /// The number of tensors, aliases included.
  package var count: Int { table.items.count }

  /// What is known of the tensor at `index`.
  package func entry(at index: Int) throws(CairnError) -> TensorEntry {
    try checkIndex(index)
    // Field by field: otherwise every pass over a table would copy each item.
    return TensorEntry(
      name: table.items[index].name, dtype: table.items[index].dtype,
      shape: table.items[index].shape, byteCount: table.items[index].elements.count,
      position: table.positions?[index] ?? index,
      aliasOf: table.items[index].aliasOf.map { table.items[$0].name })
  }

  /// The index of the tensor called `name`, or nil.
  ///
  /// - Complexity: O(1).
  package func index(of name: TensorName) throws(CairnError) -> Int? { table.index(of: name) }

  /// Fills `bytes` with the tensor's elements from byte `offset` on.
  package func read(
    at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError) {
    try checkIndex(index)
    let item = table.items[index]
    try checkRange(of: entry(at: index), from: offset, count: bytes.count)
    do throws(CairnError) {
      try item.elements.read(from: offset, into: &bytes)
    } catch {
      throw error.located(file: filePath, name: item.name.string)
    }
  }

  /// The memory that holds the tensor's elements as they are, if there is any.
  package func memory(at index: Int) throws(CairnError) -> ByteRegion? {
    try checkIndex(index)
    let item = table.items[index]
    do throws(CairnError) { return try item.elements.memory() } catch {
      throw error.located(file: filePath, name: item.name.string)
    }
  }

  /// The whole tensor: a view if its bytes are in memory as they are, otherwise read.
  ///
  /// - Throws: `invalidElement` for bytes that its type does not allow, and the errors of reading.
  package func tensor(at index: Int) throws(CairnError) -> Tensor {
    try checkIndex(index)
    do throws(CairnError) { return try wholeTensor(at: index) } catch {
      throw error.located(file: filePath, name: table.items[index].name.string)
    }
  }

  /// How each tensor is stored, by index.
  package func storages() throws(CairnError) -> [TensorStorage] {
    table.items.map {
      TensorStorage(codec: $0.codec, storedByteCount: $0.storedByteCount)
    }
  }

  /// The most bytes that all tensors may have: 64 times the size of the files, and 64 MiB.
  /// Compressed members, expanded views and second names may claim far more than the files hold.
  package var plausibleByteCount: Int { .plausible(ofFile: fileByteCount) }
}
