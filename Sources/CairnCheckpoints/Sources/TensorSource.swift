// The two protocols that everything speaks: a model, a container and every foreign format are
// sources of named tensors, and sinks for them, so converting, comparing and copying are written
// once.

public import CairnSystem
public import CairnTensors

/// What a source knows of one of its tensors before reading it.
public struct TensorEntry: Hashable, Sendable {
  /// The name, unique within the source.
  public var name: TensorName
  /// The element type.
  public var dtype: DType
  /// The shape.
  public var shape: Shape
  /// The bytes of the elements, uncompressed.
  public var byteCount: Int
  /// The place in the order of weights, as `getWeights()` gives them: 0 ..< count, each once.
  public var position: Int
  /// If this is another name for a tensor of the same source: that tensor's name.
  public var aliasOf: TensorName?

  /// An entry with the given parts.
  public init(
    name: TensorName, dtype: DType, shape: Shape, byteCount: Int, position: Int,
    aliasOf: TensorName? = nil
  ) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.byteCount = byteCount
    self.position = position
    self.aliasOf = aliasOf
  }
}

/// A collection of named tensors that can be read one at a time, in parts, from any thread.
///
/// Indices run from 0 in an order of the source's own; ``TensorEntry/position`` is the order of
/// weights.
public protocol TensorSource: Sendable {
  /// The number of tensors, aliases included.
  var count: Int { get }

  /// What is known of the tensor at `index`.
  ///
  /// - Throws: `noSuchTensor`, and what reading the description of it throws.
  func entry(at index: Int) throws(CairnError) -> TensorEntry

  /// The index of the tensor called `name`, or nil.
  func index(of name: TensorName) throws(CairnError) -> Int?

  /// Fills `bytes` with the tensor's elements from byte `offset` on.
  ///
  /// - Throws: `invalidArgument` for bytes outside the tensor, and what reading throws.
  func read(
    at index: Int, from offset: Int, into bytes: inout MutableSpan<UInt8>
  ) throws(CairnError)

  /// The whole tensor: in place where its bytes lie in memory, else read into storage of its own.
  func tensor(at index: Int) throws(CairnError) -> Tensor

  /// The memory that holds the tensor's elements, or nil if they would have to be read first.
  ///
  /// Whoever holds it sees the elements as they were at the call, whatever is assigned later.
  func memory(at index: Int) throws(CairnError) -> ByteRegion?

  /// The tensors at `indices`, read together, which is faster than one after the other.
  func tensors(at indices: [Int]) throws(CairnError) -> [Tensor]

  /// What the source carries beside its tensors: nothing unless it says otherwise.
  var attachments: Attachments { get }

  /// The most bytes that all tensors may come to, a tied tensor counted once for each of its names.
  /// Only sources that can claim far more bytes than they hold have a bound. More is not written
  /// out unless that is asked for.
  var plausibleByteCount: Int { get }

  /// The SHA-256 digest that is kept of the tensor's type, shape and bytes (FORMAT.md, section 15), 32
  /// bytes; nil where there is none. Whoever makes a digest of what is read must come to the same.
  ///
  /// - Throws: `noSuchTensor`, and what reading it throws.
  func keptDigest(at index: Int) throws(CairnError) -> [UInt8]?

  /// The digest that is kept of the whole content, 32 bytes; nil where there is none.
  var keptRootDigest: [UInt8]? { get }
}

extension TensorSource {
  /// Nothing.
  public var attachments: Attachments { Attachments() }
  /// No bound.
  public var plausibleByteCount: Int { .max }
  /// Not in memory.
  public func memory(at index: Int) throws(CairnError) -> ByteRegion? { nil }
  /// None.
  public func keptDigest(at index: Int) throws(CairnError) -> [UInt8]? { nil }
  /// None.
  public var keptRootDigest: [UInt8]? { nil }

  /// Searches all entries.
  ///
  /// - Complexity: O(count).
  public func index(of name: TensorName) throws(CairnError) -> Int? {
    for index in 0..<count where try entry(at: index).name == name { return index }
    return nil
  }

  /// The whole tensor, in place or read, if its bytes are elements of its type.
  ///
  /// - Throws: `countMismatch`, `invalidElement`, and what reading throws.
  /// - Complexity: O(bytes).
  public func tensor(at index: Int) throws(CairnError) -> Tensor { try wholeTensor(at: index) }

  /// ``tensor(at:)`` for a source that has no implementation of its own.
  package func wholeTensor(at index: Int) throws(CairnError) -> Tensor {
    let entry = try entry(at: index)
    if let region = try memory(at: index) {
      return try Tensor(dtype: entry.dtype, shape: entry.shape, in: region)
    }
    return try Tensor(dtype: entry.dtype, shape: entry.shape, byteCount: entry.byteCount) {
      (bytes) throws(CairnError) in
      try read(at: index, from: 0, into: &bytes)
      try ElementRules.check(
        bytes.span, dtype: entry.dtype, elementCount: entry.shape.elementCount)
    }
  }

  /// Reads the tensors one after the other.
  public func tensors(at indices: [Int]) throws(CairnError) -> [Tensor] {
    var tensors: [Tensor] = []
    tensors.reserveCapacity(indices.count)
    for index in indices { tensors.append(try tensor(at: index)) }
    return tensors
  }

  /// The bytes of tensors that may be read into memory at once, unless the caller says otherwise: those
  /// that are plausible, and no more than the machine has; no bound where none is known.
  package var defaultBudget: Int {
    plausibleByteCount == .max ? .max : min(physicalMemory(), plausibleByteCount)
  }

  /// Key-values about the whole.
  public var metadata: Metadata { attachments.metadata }
  /// The model's configuration: UTF-8 JSON, if there is one.
  public var configuration: [UInt8]? { attachments.configuration }
  /// The model's configuration with what it says.
  package func parsedConfiguration() throws(CairnError) -> ConfigurationText? {
    try attachments.parsedConfiguration()
  }
  /// Further bytes, ascending by name.
  public var blobs: [Blob] { get throws(CairnError) { try attachments.blobs.contents() } }
  /// Names and sizes of the blobs, ascending by name, without reading them.
  package var blobEntries: [BlobEntry] {
    get throws(CairnError) { try attachments.blobs.entries() }
  }
  /// What is there and is not read, in the source's own order.
  package var opaqueItems: [OpaqueItem] { attachments.opaqueItems }
  /// What was understood but will not stay as it was when the tensors are copied: one sentence
  /// each.
  package var remarks: [String] { attachments.remarks }

  /// The tensor called `name`.
  ///
  /// - Throws: `noSuchTensor`, and what ``tensor(at:)`` throws.
  public func tensor(named name: TensorName) throws(CairnError) -> Tensor {
    guard let index = try index(of: name) else { throw noSuchTensor(name) }
    return try tensor(at: index)
  }

  /// The part of a tensor whose index along dimension 0 is in `range`, without reading the rest.
  ///
  /// - Throws: `invalidArgument`, `noConversion` as ``Tensor/slice(_:)``; what reading throws.
  public func tensor(at index: Int, slice range: Range<Int>) throws(CairnError) -> Tensor {
    let entry = try entry(at: index)
    let part = try locating { () throws(CairnError) in
      try Tensor.bytes(
        ofSlice: range, dtype: entry.dtype, shape: entry.shape, byteCount: entry.byteCount)
    }
    return try Tensor(
      dtype: entry.dtype, shape: entry.shape.withOutermost(range.count), byteCount: part.count
    ) { (bytes) throws(CairnError) in
      try read(at: index, from: part.lowerBound, into: &bytes)
    }
  }

  /// The part of the tensor called `name` whose index along dimension 0 is in `range`, without reading
  /// the rest.
  ///
  /// - Throws: `noSuchTensor`, and what ``tensor(at:slice:)`` throws.
  public func tensor(
    named name: TensorName, slice range: Range<Int>
  ) throws(CairnError) -> Tensor {
    guard let index = try index(of: name) else { throw noSuchTensor(name) }
    return try tensor(at: index, slice: range)
  }

  /// All entries, in the source's own order.
  ///
  /// - Complexity: O(count).
  public func entries() throws(CairnError) -> [TensorEntry] {
    var entries: [TensorEntry] = []
    entries.reserveCapacity(count)
    for index in 0..<count { entries.append(try entry(at: index)) }
    return entries
  }

  /// All indices in the order of weights.
  ///
  /// - Complexity: O(count log count).
  public func indicesInWeightOrder() throws(CairnError) -> [Int] {
    let positions = try entries().map(\.position)
    return positions.indices.sorted { positions[$0] < positions[$1] }
  }

  /// The error for a name that the source does not have.
  package func noSuchTensor(_ name: TensorName) -> CairnError {
    located(
      CairnError(
        .noSuchTensor, "there is no tensor of that name", at: .init(name: name.string),
        advice: "Look at the names that there are", remedies: [.listNames]))
  }

  /// Checks that an index is one of the source's.
  ///
  /// - Throws: `noSuchTensor`.
  package func checkIndex(_ index: Int) throws(CairnError) {
    guard (0..<count).contains(index) else {
      throw located(
        CairnError(
          .noSuchTensor, "there is no tensor of that index", at: .init(index: index),
          expected: "0..<\(count)"))
    }
  }

  /// Checks that `count` bytes from `offset` on are within an entry.
  ///
  /// - Throws: `invalidArgument`.
  package func checkRange(
    of entry: TensorEntry, from offset: Int, count: Int
  ) throws(CairnError) {
    guard offset >= 0, offset <= entry.byteCount, count <= entry.byteCount - offset else {
      throw located(
        CairnError(
          .invalidArgument, "bytes outside the tensor were asked for",
          at: .init(name: entry.name.string), expected: "within 0..<\(entry.byteCount)",
          found: "\(count) bytes from \(offset)"))
    }
  }
}

/// Something that takes all tensors of a source and keeps them: a file format, a model.
public protocol TensorSink {
  /// Takes everything that `source` has.
  ///
  /// All or nothing: on an error the sink's target is as it was.
  ///
  /// - Returns: The bytes of all files that were written.
  /// - Throws: what reading the source or writing the target throws; an error that names it where
  ///   the target cannot hold something of the source.
  @discardableResult
  mutating func write(
    _ source: any TensorSource, progress: ProgressHandler
  ) throws(CairnError) -> Int
}

extension TensorSink {
  /// Takes everything that `source` has, without reporting progress.
  @discardableResult
  public mutating func write(_ source: any TensorSource) throws(CairnError) -> Int {
    try write(source, progress: { (_) throws(CairnError) in })
  }
}
