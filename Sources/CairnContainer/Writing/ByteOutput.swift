// Where a container's bytes go: a file that appears when it is whole, or memory.

import CairnCheckpoints
import CairnSystem

/// Takes bytes one after the other.
protocol ByteOutput: AnyObject {
  /// The path, for messages.
  var path: String? { get }
  func append(_ bytes: Span<UInt8>) throws(CairnError)
  /// All bytes are there: make them last.
  func commit() throws(CairnError)
  /// There will be no more bytes: leave nothing of those that came.
  func discard()
}

/// A file that takes its target's place when it is committed.
///
/// What is written ends at multiples of ``block`` in the file: a file system takes runs of whole pages
/// sooner than such as begin within one. What is left over waits in a buffer, so that a header is not a
/// call to the system either.
final class FileOutput: ByteOutput {
  let path: String?
  private let file: AtomicFile
  private var buffer: [UInt8] = []
  private static let block = 64 << 10

  init(path: String, options: WriteOptions) throws(CairnError) {
    self.path = path
    file = try options.file(at: path)
  }

  func append(_ bytes: Span<UInt8>) throws(CairnError) {
    var start = 0
    if !buffer.isEmpty {
      start = min(bytes.count, Self.block - buffer.count)
      buffer += bytes.extracting(0..<start).array
      if buffer.count == Self.block { try flush() }
    }
    let whole = (bytes.count - start) / Self.block * Self.block
    if whole > 0 { try file.append(bytes.extracting(start..<start + whole)) }
    if start + whole < bytes.count { buffer += bytes.extracting((start + whole)...).array }
  }

  private func flush() throws(CairnError) {
    guard !buffer.isEmpty else { return }
    var full: [UInt8] = []
    swap(&full, &buffer)
    try file.append(full.span)
    full.removeAll(keepingCapacity: true)
    swap(&full, &buffer)
  }

  func commit() throws(CairnError) {
    try flush()
    try file.commit()
  }

  func discard() {
    buffer = []
    file.discard()
  }
}

/// A growing block of memory.
final class MemoryOutput: ByteOutput {
  var path: String? { nil }
  private var storage: Storage
  private var count = 0

  /// Room for `capacity` bytes; fresh pages cost nothing until they are written.
  init(capacity: Int) throws(CairnError) {
    storage = try Storage(byteCount: max(capacity, 4_096), zeroed: false)
  }

  func append(_ bytes: Span<UInt8>) throws(CairnError) {
    if bytes.count > storage.byteCount - count {
      let old = storage
      let (needed, overflow) = (count + bytes.count).addingReportingOverflow(old.byteCount)
      guard !overflow else {
        throw CairnError(.outOfMemory, "the container is larger than memory can be")
      }
      storage = try Storage(byteCount: needed, zeroed: false)
      old.withBytes(in: 0..<count) { source in
        storage.withMutableBytes(in: 0..<source.count) { $0.copy(source) }
      }
    }
    storage.withMutableBytes(in: count..<count + bytes.count) { $0.copy(bytes) }
    count += bytes.count
  }

  func commit() {}
  func discard() {}

  /// What has been written.
  var bytes: MemoryBytes { MemoryBytes(ByteRegion(storage, 0..<count)) }
}
