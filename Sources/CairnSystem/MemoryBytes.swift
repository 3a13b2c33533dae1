// Bytes in memory as a source like any other.

/// Bytes in memory.
public struct MemoryBytes: ByteSource {
  private let region: ByteRegion

  /// A copy of `bytes`.
  ///
  /// - Throws: `outOfMemory`.
  public init(_ bytes: [UInt8]) throws(CairnError) {
    let storage = try Storage(byteCount: bytes.count, zeroed: false)
    storage.withMutableBytes(in: 0..<bytes.count) { target in target.copy(bytes.span) }
    self.init(ByteRegion(storage, 0..<bytes.count))
  }

  package init(_ region: ByteRegion) { self.region = region }

  /// The number of bytes.
  public var count: Int { region.count }
  /// None.
  public var path: String? { nil }
  /// All of them.
  public var memory: ByteRegion? { region }

  /// Fills `bytes` from `offset` on.
  ///
  /// - Throws: `changedWhileReading` if the bytes end before `bytes` is full.
  public func read(at offset: Int, into bytes: inout MutableSpan<UInt8>) throws(CairnError) {
    try region.read(at: offset, into: &bytes, path: nil)
  }
}

extension MemoryBytes {
  /// A copy of all bytes.
  public var array: [UInt8] { region.storage.withBytes(in: region.range) { $0.array } }
}
