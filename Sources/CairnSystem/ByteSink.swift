// Where the bytes of a file go: onto the disk, into memory, or to a place of one's own.

/// Takes the bytes of one file, in order.
///
/// A conforming type is a class: an upload, a pipe, a buffer. If its place fails with an error of
/// its own, throw a `CairnError` with that error as the cause. See ``MemorySink`` for the one that
/// Cairn has.
public protocol ByteSink: AnyObject {
  /// Takes the next bytes. They are valid only during the call.
  func append(_ bytes: Span<UInt8>) throws(CairnError)
  /// All bytes have come: keep them for good. Called once, at the end.
  func commit() throws(CairnError)
  /// No more bytes will come, and the file is incomplete: nobody must take it for a whole one.
  /// Called instead of ``commit()``, or after it failed.
  func discard()
  /// What messages call it; nil if there is nothing to say.
  var path: String? { get }
}

extension ByteSink {
  /// Does nothing.
  public func commit() throws(CairnError) {}
  /// Does nothing.
  public func discard() {}
  /// None.
  public var path: String? { nil }
}

/// Gathers the bytes of a file in memory.
public final class MemorySink: ByteSink {
  private var storage: Storage
  /// Where the bytes lie. Nothing before its end is written again, because ``bytes`` may have given
  /// it out.
  private var content = 0..<0
  private let limit: Int

  /// An empty one.
  ///
  /// - Parameters:
  ///   - capacity: The bytes that there is room for at first: fresh pages cost nothing until they are written.
  ///   - limit: The most bytes that it takes; the machine's memory unless given.
  /// - Throws: `outOfMemory`.
  public init(capacity: Int = 0, limit: Int? = nil) throws(CairnError) {
    storage = try Storage(byteCount: max(capacity, 4_096), zeroed: false)
    self.limit = limit ?? physicalMemory()
  }

  /// Takes the next bytes.
  ///
  /// - Throws: `overBudget` beyond the limit; `outOfMemory`.
  public func append(_ bytes: Span<UInt8>) throws(CairnError) {
    let count = content.count.addingSaturated(bytes.count)
    guard count <= limit else {
      throw CairnError(
        .overBudget, "the file takes more memory than is allowed",
        expected: "at most \(limit) bytes", advice: "Write to a file")
    }
    if bytes.count > storage.byteCount - content.upperBound {
      let larger = try Storage(
        byteCount: count.addingSaturated(storage.byteCount), zeroed: false)
      storage.withBytes(in: content) { old in
        larger.withMutableBytes(in: 0..<old.count) { $0.copy(old) }
      }
      storage = larger
      content = 0..<content.count
    }
    let end = content.upperBound + bytes.count
    storage.withMutableBytes(in: content.upperBound..<end) { $0.copy(bytes) }
    content = content.lowerBound..<end
  }

  /// Forgets the bytes that came. What ``bytes`` gave out before stays as it was.
  public func discard() { content = content.upperBound..<content.upperBound }

  /// What has been written, without a copy. What is appended later does not show in it.
  public var bytes: MemoryBytes { MemoryBytes(ByteRegion(storage, content)) }
}
