// Where the bytes of a file go: onto the disk, into memory, or to a place of one's own.

/// Takes the bytes of one file, in order.
///
/// What conforms is a class: an upload, a pipe, a buffer. An error of one's own place is thrown as the cause of
/// a `CairnError`. See ``MemorySink`` for the one there is.
public protocol ByteSink: AnyObject {
  /// Takes the next bytes. They are gone when the call returns.
  func append(_ bytes: Span<UInt8>) throws(CairnError)
  /// All bytes are there: make them last. Called once, in the end.
  func commit() throws(CairnError)
  /// There will be no more bytes, and those that came are not all: let nobody take them for a file. Called
  /// instead of ``commit()``, or after it failed.
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
  /// Where the bytes lie. Nothing below its end is written again: ``bytes`` may have given it out.
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

  /// Forgets what came; of what was taken of it before, everything stays.
  public func discard() { content = content.upperBound..<content.upperBound }

  /// What has been written, without a copy. What is appended later does not show in it.
  public var bytes: MemoryBytes { MemoryBytes(ByteRegion(storage, content)) }
}
