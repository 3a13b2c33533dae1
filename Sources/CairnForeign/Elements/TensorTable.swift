// What most readers of foreign formats come to: a list of tensors, each with the bytes of its elements.

import CairnCheckpoints
import CairnContainer
import CairnSystem
import CairnTensors

/// Tensors of a file, each with where its elements come from.
struct TensorTable: Sendable {
  /// One tensor.
  struct Item: Sendable {
    var name: TensorName
    var dtype: DType
    var shape: Shape
    var elements: any ElementBytes
    /// The place in the table of the tensor that this is another name for.
    var aliasOf: Int?
    var codec = "raw"
    /// The bytes that it takes in the file.
    var storedByteCount: Int
  }

  private(set) var items: [Item] = []
  private var indices: [TensorName: Int] = [:]
  /// For messages.
  let path: String?
  /// The places in the order of weights, by index; nil if that is the table's own.
  var positions: [Int]?

  init(path: String?) { self.path = path }

  /// Adds a tensor, whose bytes must be those that its type and shape take.
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

/// A checkpoint whose tensors stand in a table.
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
    // Field by field: every pass over a table would make a copy of each item otherwise.
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

  /// The whole tensor: a view where its bytes lie in memory as they are, else read.
  ///
  /// - Throws: `invalidElement` for bytes that its type does not allow, and what reading needs.
  package func tensor(at index: Int) throws(CairnError) -> Tensor {
    try checkIndex(index)
    do throws(CairnError) { return try wholeTensor(at: index) } catch {
      throw error.located(file: filePath, name: table.items[index].name.string)
    }
  }

  /// How every tensor is kept, by index.
  package func storages() throws(CairnError) -> [TensorStorage] {
    table.items.map {
      TensorStorage(codec: $0.codec, storedByteCount: $0.storedByteCount)
    }
  }

  /// What all tensors may come to: 64 times the files' size and 64 MiB. Compressed members, expanded
  /// views and second names may claim far more than the files hold.
  package var plausibleByteCount: Int { .plausible(ofFile: fileByteCount) }
}
