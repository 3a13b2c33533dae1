// Frames, one after the other, into an output. FORMAT.md, section 5.

import CairnSystem

/// Puts frames behind each other and knows where it is.
final class FrameWriter {
  private let output: any ByteSink
  /// Where the next byte goes.
  private(set) var offset = 0
  private(set) var frameCount = 0
  private(set) var order = FrameOrderChecksum()

  init(_ output: any ByteSink) { self.output = output }

  func emit(_ bytes: [UInt8]) throws(CairnError) { try emit(bytes.span) }

  func emit(_ bytes: Span<UInt8>) throws(CairnError) {
    try output.append(bytes)
    offset += bytes.count
  }

  func emitPadding(after count: Int) throws(CairnError) {
    let zeros = padding(after: count, to: 64)
    if zeros > 0 { try emit([UInt8](repeating: 0, count: zeros)) }
  }

  func emitHeader(_ header: FrameHeader) throws(CairnError) {
    let bytes = header.bytes
    try emit(bytes)
    frameCount += 1
    order.add(bytes)
  }

  /// A whole frame.
  func write(_ header: FrameHeader, _ payload: [UInt8]) throws(CairnError) {
    try emitHeader(header)
    try emit(payload)
    try emitPadding(after: payload.count)
  }
}
