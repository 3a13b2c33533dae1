// The tensor: a value with one contiguous row-major block of bytes, shared until written.

public import CairnSystem

/// A multidimensional array of one element type.
///
/// A tensor is a value: assigning or passing it shares its storage until one of the two is written,
/// so writing to the one never shows in the other (as with TensorFlow's immutable `tf.Tensor`,
/// there is no way to see the sharing but by time and memory). The elements lie row-major and
/// contiguous, little-endian; elements of less than a byte are packed least significant bits first.
/// A tensor's own storage is aligned to at least 64 bytes; a slice, a tensor inside a mapped file
/// or inside a memory container lies where it lies.
///
/// Equality is by type, shape and bits: NaNs with equal payloads are equal, −0 and +0 are not.
public struct Tensor: Sendable {
  /// The element type.
  public let dtype: DType
  /// The lengths of the dimensions.
  public let shape: Shape
  private(set) var region: ByteRegion

  /// - Precondition: the region holds exactly what dtype and shape ask for.
  package init(dtype: DType, shape: Shape, region: ByteRegion) {
    self.dtype = dtype
    self.shape = shape
    self.region = region
  }

  /// The number of bytes of the elements.
  public var byteCount: Int { region.count }
  /// The number of elements.
  package var elementCount: Int { shape.elementCount }
  /// The number of dimensions.
  package var rank: Int { shape.rank }

  /// A tensor of the given type and shape whose bytes are all zero: the number 0, `false`, empty
  /// strings.
  ///
  /// - Throws: `outOfMemory`, `invalidShape` where the type cannot fill the shape.
  public init(zeros dtype: DType, shape: Shape) throws(CairnError) {
    let count = try Self.byteCount(of: dtype, shape)
    self.init(
      dtype: dtype, shape: shape,
      region: ByteRegion(try Storage(byteCount: count, zeroed: true), 0..<count))
  }

  /// A tensor of the given type and shape whose bytes `body` fills, all of them.
  ///
  /// - Throws: `countMismatch` if `byteCount` is not what type and shape take (it may come from a
  ///   source that is wrong about itself); `outOfMemory`, and what `body` throws.
  package init(
    dtype: DType, shape: Shape, byteCount: Int,
    filledBy body: (inout MutableSpan<UInt8>) throws(CairnError) -> Void
  ) throws(CairnError) {
    try Self.check(byteCount, of: dtype, shape)
    let storage = try Storage(byteCount: byteCount, zeroed: false)
    try storage.withMutableBytes(in: 0..<byteCount, body)
    self.init(dtype: dtype, shape: shape, region: ByteRegion(storage, 0..<byteCount))
  }

  /// A tensor of the given type and shape whose elements, according to a source, lie in `region`.
  ///
  /// - Throws: `countMismatch` if the region has another size; `invalidElement`.
  package init(dtype: DType, shape: Shape, in region: ByteRegion) throws(CairnError) {
    try Self.check(region.count, of: dtype, shape)
    self.init(dtype: dtype, shape: shape, region: region)
    try checkElements()
  }

  /// Checks that the bytes are elements of the type.
  ///
  /// - Throws: `invalidElement` with the index of the first that is none.
  package func checkElements() throws(CairnError) {
    try withBytes { (bytes) throws(CairnError) in
      try ElementRules.check(bytes, dtype: dtype, elementCount: elementCount)
    }
  }

  private static func check(
    _ byteCount: Int, of dtype: DType, _ shape: Shape
  ) throws(CairnError) {
    let count = try Self.byteCount(of: dtype, shape)
    guard dtype == .string ? byteCount >= count : byteCount == count else {
      throw CairnError(
        .countMismatch, "the bytes do not fill a \(dtype) tensor of shape \(shape)",
        expected: "\(count) bytes", found: "\(byteCount)")
    }
  }

  /// A tensor of the given type and shape with a copy of `bytes` as its elements.
  ///
  /// - Throws: `countMismatch` if the number of bytes does not fit; `invalidElement` for bytes that
  ///   the type does not allow (a bool of 2, unused bits set, descending string ends).
  public init(dtype: DType, shape: Shape, bytes: [UInt8]) throws(CairnError) {
    try self.init(dtype: dtype, shape: shape, copying: bytes.span)
  }

  /// The same with the bytes of a span, little-endian; ``withBytes(_:)`` gives a span of them back.
  ///
  /// - Throws: `countMismatch`, `invalidElement` as for an array.
  public init(dtype: DType, shape: Shape, bytes: RawSpan) throws(CairnError) {
    try self.init(dtype: dtype, shape: shape, copying: Span<UInt8>(_bytes: bytes))
  }

  private init(dtype: DType, shape: Shape, copying bytes: Span<UInt8>) throws(CairnError) {
    try self.init(dtype: dtype, shape: shape, byteCount: bytes.count) {
      (target) throws(CairnError) in
      try ElementRules.check(bytes, dtype: dtype, elementCount: shape.elementCount)
      target.copy(bytes)
    }
  }

  /// The bytes that a tensor of that type and shape takes; for strings, those of empty ones.
  static func byteCount(of dtype: DType, _ shape: Shape) throws(CairnError) -> Int {
    if dtype == .string {
      if let bytes = shape.elementCount.multiplied(by: 8) { return bytes }
    } else if let bytes = dtype.byteCount(elements: shape.elementCount) {
      return bytes
    }
    throw CairnError(
      .invalidShape, "the shape \(shape) is none that a \(dtype) tensor can have")
  }
}

// MARK: - Bytes

extension Tensor {
  /// Runs `body` on the elements' bytes. The span must not leave the closure.
  ///
  /// - Complexity: O(1), no copy.
  public func withBytes<R: ~Copyable, E: Error>(
    _ body: (Span<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    try region.storage.withBytes(in: region.range, body)
  }

  /// The bytes as an array: a copy.
  public var bytes: [UInt8] { withBytes { $0.array } }

  /// Fills `target` with the elements' bytes from `offset` on.
  ///
  /// - Precondition: so many bytes are there.
  package func copyBytes(from offset: Int, into target: inout MutableSpan<UInt8>) {
    let end = offset + target.count
    withBytes { target.copy($0.extracting(offset..<end)) }
  }

  /// The memory that holds the elements; they stay as they are for as long as it is held.
  package var memory: ByteRegion { region }

  /// Runs `body` on the elements' bytes, for writing, once the storage is this tensor's own.
  ///
  /// The caller must keep the rules that the type sets for its bytes, so this stays in the package.
  ///
  /// - Complexity: O(1) if the storage is not shared, else a copy of the bytes.
  package mutating func withMutableBytes<R: ~Copyable>(
    _ body: (inout MutableSpan<UInt8>) throws(CairnError) -> R
  ) throws(CairnError) -> R {
    try makeUnique()
    return try region.storage.withMutableBytes(in: region.range, body)
  }

  /// Whether the elements can be written where they are: nothing else refers to them.
  package mutating func isUnique() -> Bool {
    region.isUniquelyReferenced() && region.storage.isWritable
  }

  private mutating func makeUnique() throws(CairnError) {
    if isUnique() { return }
    region = try ownCopy()
  }

  private func ownCopy() throws(CairnError) -> ByteRegion {
    let storage = try Storage(byteCount: byteCount, zeroed: false)
    withBytes { source in
      storage.withMutableBytes(in: 0..<source.count) { target in target.copy(source) }
    }
    return ByteRegion(storage, 0..<byteCount)
  }

  /// A tensor with the same type, shape and bits, and storage of its own.
  ///
  /// The counterpart of `tf.constant(t.numpy(), dtype=t.dtype)`.
  ///
  /// - Throws: `outOfMemory`.
  /// - Complexity: O(bytes).
  public func copied() throws(CairnError) -> Tensor {
    Tensor(dtype: dtype, shape: shape, region: try ownCopy())
  }

  /// A distinct handle of the same value; storage is shared until one of the two is written.
  ///
  /// The counterpart of `tf.identity(t)`. Since a tensor is a value, this is what assignment does.
  public func identity() -> Tensor { self }

  /// Which bytes of memory the elements lie in.
  package var storageIdentity: StorageIdentity {
    StorageIdentity(
      owner: ObjectIdentifier(region.storage),
      addresses: region.storage.address + UInt(region.range.lowerBound)..<region.storage.address
        + UInt(region.range.upperBound),
      isWritable: region.storage.isWritable)
  }
}

/// Which memory a tensor's elements lie in. Whether two copies are independent is judged by this.
///
/// It does not keep the memory alive: compare identities of tensors that are alive.
package struct StorageIdentity: Hashable, Sendable {
  /// The block of memory.
  package let owner: ObjectIdentifier
  /// The addresses of the tensor's bytes.
  package let addresses: Range<UInt>
  /// Whether the block can be written at all (a mapped file cannot).
  package let isWritable: Bool

  package init(owner: ObjectIdentifier, addresses: Range<UInt>, isWritable: Bool) {
    self.owner = owner
    self.addresses = addresses
    self.isWritable = isWritable
  }

  /// Whether the two have a byte in common. Empty tensors have none.
  package func overlaps(_ other: StorageIdentity) -> Bool { addresses.overlaps(other.addresses) }
}

// MARK: - Equality

extension Tensor: Hashable {
  /// Whether type, shape and every bit are the same.
  ///
  /// - Complexity: O(bytes), O(1) where both share one storage.
  public static func == (left: Tensor, right: Tensor) -> Bool {
    guard left.dtype == right.dtype, left.shape == right.shape,
      left.byteCount == right.byteCount
    else { return false }
    if left.storageIdentity == right.storageIdentity { return true }
    return left.withBytes { a in right.withBytes { b in a.isEqual(to: b) } }
  }

  /// Hashes type, shape and every byte.
  ///
  /// - Complexity: O(bytes).
  public func hash(into hasher: inout Hasher) {
    hasher.combine(dtype)
    hasher.combine(shape)
    withBytes { $0.hash(into: &hasher) }
  }
}
