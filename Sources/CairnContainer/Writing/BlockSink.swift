// Bytes in blocks that suit a file system.

import CairnSystem

/// Hands bytes on in runs that end at multiples of ``block``: a file system takes runs of whole
/// pages faster than runs that begin within a page. The rest waits in a buffer, so that a header is
/// not a call to the system either.
final class BlockSink: ByteSink {
  private let base: any ByteSink
  private var buffer: [UInt8] = []
  private static let block = 64 << 10

  init(_ base: any ByteSink) { self.base = base }

  var path: String? { base.path }

  func append(_ bytes: Span<UInt8>) throws(CairnError) {
    var start = 0
    if !buffer.isEmpty {
      start = min(bytes.count, Self.block - buffer.count)
      buffer += bytes.extracting(0..<start).array
      if buffer.count == Self.block { try flush() }
    }
    let whole = (bytes.count - start) / Self.block * Self.block
    if whole > 0 { try base.append(bytes.extracting(start..<start + whole)) }
    if start + whole < bytes.count { buffer += bytes.extracting((start + whole)...).array }
  }

  private func flush() throws(CairnError) {
    guard !buffer.isEmpty else { return }
    var full: [UInt8] = []
    swap(&full, &buffer)
    try base.append(full.span)
    full.removeAll(keepingCapacity: true)
    swap(&full, &buffer)
  }

  func commit() throws(CairnError) {
    try flush()
    try base.commit()
  }

  func discard() {
    buffer = []
    base.discard()
  }
}
